"""However a stream was cut, and whatever came between its messages: the same events, the same decisions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.kws_remote import fitted_stream
from apps.kws_report import Summary
from apps.kws_run import KwsRun
from apps.spotter import KeywordSpotter, SpotEvent, Work
from eventsim.bundle import Bundle
from streams.audio_block import AudioBlock
from streams.description import Block, Description, describe
from streams.encoded_source import EncodedSource
from streams.intake import Intake, IntakeStatistics
from streams.received import Received
from streams.wire import Frames, Place, encode, encode_description_message, encode_end, encode_heartbeat
from streams.wire_payload import item_count

Babble = Callable[[float, int], np.ndarray]
RATE_HZ = 16_000
SESSION = "0123456789abcdef"

CUTS = st.lists(st.integers(0, 10**6), max_size=12)
MIXES = st.lists(st.sampled_from(["heartbeat", "again", "first again", "describe", "foreign"]), max_size=12)


@dataclass
class Sound:
    """Samples cut at some places."""

    blocks: list[AudioBlock]
    rate_hz: int = RATE_HZ

    def __iter__(self) -> Iterator[AudioBlock]:
        return iter(self.blocks)


@dataclass
class Wire:
    """Messages that come in, as a subscriber hands them on."""

    frames: list[Frames]
    intake: Intake = field(default_factory=lambda: Intake("s"))

    def __iter__(self) -> Iterator[Received]:
        for frames in self.frames:
            received = self.intake.take(frames, received_ns=0)
            if received is not None:
                yield received

    @property
    def descriptions(self) -> dict[str, Description]:
        return self.intake.descriptions

    @property
    def statistics(self) -> IntakeStatistics:
        return self.intake.statistics

    def close(self) -> None:
        pass


@dataclass
class Told:
    """A report that keeps what it is told."""

    said: list[SpotEvent] = field(default_factory=list)

    def outcomes(self, outcomes: list[SpotEvent]) -> None:
        self.said += outcomes

    def notice(self, text: str) -> None:
        raise AssertionError(text)

    def stream(self, name: str, live: bool, transcript: object) -> None:
        pass

    def end_of_stream(self, heard_s: float) -> None:
        pass

    def summary(self, summary: Summary) -> None:
        pass


def cut(sound: np.ndarray, cuts: list[int]) -> Sound:
    """Return the sound in blocks, some of them possibly empty."""
    edges = [0, *sorted(each % (sound.size + 1) for each in cuts), sound.size]
    return Sound([AudioBlock(sound[a:b], a, RATE_HZ) for a, b in pairwise(edges)])


def messages(blocks: list[Block], description: Description, mix: list[str]) -> list[Frames]:
    """Return the messages of a stream with others between them: each entry of `mix` after one more block."""
    place = Place("s", SESSION)
    frames = [encode_description_message(description, place)]
    sent: list[Frames] = []
    for index, block in enumerate(blocks):
        sent.append(encode(block, place))
        frames.append(sent[-1])
        place = Place("s", SESSION, place.sequence + 1, place.items_before + item_count(block))
        match mix[index] if index < len(mix) else "":
            case "heartbeat":
                frames.append(encode_heartbeat(place))
            case "again":
                frames.append(sent[-1])
            case "first again":
                frames.append(sent[0])
            case "describe":
                frames.append(encode_description_message(description, place))
            case "foreign":
                frames.append(encode(block, Place("other", SESSION)))
    return [*frames, encode_end(place)]


def heard(spotter: KeywordSpotter, frames: list[Frames]) -> tuple[list[SpotEvent], Work, IntakeStatistics]:
    """Return what a spotter says of a stream of messages, the work it did, and what came."""
    wire, told = Wire(frames), Told()
    KwsRun(spotter, told).follow(fitted_stream(wire, "test", spotter), live=False)
    return told.said, spotter.work, wire.statistics


@pytest.fixture(scope="module")
def spotter(bundle: Bundle) -> KeywordSpotter:
    return KeywordSpotter(bundle)


@pytest.mark.compiled
@settings(max_examples=20)
@given(seed=st.integers(0, 20), n_ticks=st.integers(20, 200), cuts=CUTS, mix=MIXES, rest=st.integers(0, 159))
def test_any_cut_and_any_mix_of_messages_gives_the_same(
    spotter: KeywordSpotter,
    make_babble: Babble,
    seed: int,
    n_ticks: int,
    cuts: list[int],
    mix: list[str],
    rest: int,
) -> None:
    sound = make_babble(n_ticks / 100, seed)
    sound = np.concatenate((sound, np.zeros(rest, np.float32)))
    spotter.reset()
    expected = spotter.push(sound) + spotter.finish()
    work = spotter.work

    blocks = cut(sound, cuts).blocks
    said, done, counts = heard(spotter, messages(list(blocks), describe(blocks[0]), mix))
    assert said == expected
    assert done == work
    assert counts.lost_messages == 0
    used = mix[: len(blocks)]
    assert counts.duplicates == used.count("again") + used.count("first again")
    assert counts.foreign == used.count("foreign")

    # The same as events: encoded at the sender, however the sound was cut there.
    events = list(EncodedSource(cut(sound, cuts), spotter.model.new_encoder()))
    encoder = {"encoder": spotter.encoder_description}
    told, done, _ = heard(spotter, messages(list(events), describe(events[0], encoder), mix))
    if rest == 0:
        assert told == expected
    # The end of the sound is told to a tick: what only the end forced may be stamped that much earlier.
    assert [one for one in told if getattr(one, "early", False)] == [
        one for one in expected if getattr(one, "early", False)
    ]
    assert (done.input_events, done.windows) == (work.input_events, work.windows)


def test_a_listener_that_joins_events_late_hears_what_follows(
    spotter: KeywordSpotter, make_babble: Babble
) -> None:
    sound = make_babble(4.0, 7)
    events = list(EncodedSource(cut(sound, list(range(0, sound.size, 160))), spotter.model.new_encoder()))
    encoder = {"encoder": spotter.encoder_description}
    frames = messages(list(events), describe(events[0], encoder), [*[""] * 99, "describe"])
    said, work, counts = heard(spotter, frames[101:])
    assert counts.missed_messages == 100
    assert work.samples == pytest.approx(3 * RATE_HZ, abs=2 * 160)
    assert said
