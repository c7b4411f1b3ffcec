"""What comes over the wire as sources: without gaps, whatever was lost, and the same for every cut."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsim.errors import SourceError
from streams import wire
from streams.audio_block import AudioBlock
from streams.description import Block
from streams.dvs_block import DvsBlock
from streams.intake import Intake
from streams.received import Received
from streams.remote_source import RemoteAudio, RemoteDvs, RemoteEvents
from streams.wire import Frames, Place
from streams.wire_payload import item_count
from tests.streams.transport.generated_blocks import camera_block, sound, sound_stream

SESSION = "0123456789abcdef"


class Wire:
    """Messages in memory in place of a Subscriber."""

    def __init__(self, frames: Sequence[Frames]) -> None:
        self._frames, self.intake, self.closed = frames, Intake(), False

    def __iter__(self) -> Iterator[Received]:
        for frames in self._frames:
            received = self.intake.take(frames, 0)
            if received is not None:
                yield received

    def close(self) -> None:
        self.closed = True


def sent(blocks: Sequence[Block], stream: str = "s", session: str = SESSION) -> list[Frames]:
    place, frames = Place(stream, session), []
    for block in blocks:
        frames.append(wire.encode(block, place))
        place = Place(stream, session, place.sequence + 1, place.items_before + item_count(block))
    return frames


SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=15)


@given(SIZES, st.data())
def test_lost_sound_is_silence_in_the_right_place(sizes: list[int], data: st.DataObject) -> None:
    frames = sent(sound_stream(sizes))
    arrived = sorted(data.draw(st.sets(st.integers(0, len(sizes) - 1), min_size=1)))
    source = RemoteAudio(Wire([frames[i] for i in arrived]), from_zero=False)
    blocks = list(source)
    starts = np.cumsum([0, *sizes])
    expected = sound(0, int(starts[-1])).samples
    for i in set(range(len(sizes))) - set(arrived):
        expected[starts[i] : starts[i + 1]] = 0
    begin, end = starts[arrived[0]], starts[arrived[-1] + 1]
    assert blocks[0].start_sample == begin
    assert all(a.end_sample == b.start_sample for a, b in pairwise(blocks))
    np.testing.assert_array_equal(np.concatenate([b.samples for b in blocks]), expected[begin:end])
    kept = sum(sizes[i] for i in arrived)
    assert source.continuity.filled == end - begin - kept
    assert source.continuity.jumps == 0


def events_of(source: RemoteEvents | RemoteDvs) -> tuple[list[np.ndarray], list[tuple[int, int]]]:
    arrays, spans = [], []
    for block in source:
        spans.append((block.start_ns, block.end_ns))
        if isinstance(block, DvsBlock):
            arrays.append(np.stack([block.time_ns, block.x, block.y, block.on]))
        else:
            arrays.append(np.stack([block.events.time_ns, block.events.address, block.events.value]))
    return np.concatenate(arrays, axis=1).tolist(), spans


@given(st.lists(st.integers(0, 1_000_000), max_size=8), st.booleans())
def test_any_cut_into_messages_gives_the_same_events(cuts: list[int], as_events: bool) -> None:
    whole = camera_block(0, 200)
    edges = [0, *sorted(cuts), 1_000_000]
    parts = []
    for start_ns, end_ns in pairwise(edges):
        chosen = (whole.time_ns >= start_ns) & (whole.time_ns < end_ns)
        arrays = (whole.time_ns[chosen], whole.x[chosen], whole.y[chosen], whole.on[chosen])
        parts.append(DvsBlock(*arrays, 64, 48, start_ns, end_ns))
    kind = RemoteEvents if as_events else RemoteDvs
    blocks = [part.to_event_block() for part in parts] if as_events else parts
    once = [whole.to_event_block()] if as_events else [whole]
    assert events_of(kind(Wire(sent(blocks))))[0] == events_of(kind(Wire(sent(once))))[0]


@given(st.sets(st.integers(0, 9), min_size=1), st.booleans())
def test_a_lost_stretch_of_events_is_empty_and_counted(arrived: set[int], as_events: bool) -> None:
    blocks = [camera_block(i * 1_000_000, 20) for i in range(10)]
    chosen = sorted(arrived)
    frames = sent([b.to_event_block() for b in blocks] if as_events else blocks)
    source = (RemoteEvents if as_events else RemoteDvs)(Wire([frames[i] for i in chosen]))
    events, spans = events_of(source)
    shift = chosen[0] * 1_000_000
    expected = np.concatenate([blocks[i].time_ns for i in chosen]) - shift
    assert events[0] == expected.tolist()
    assert spans[0][0] == 0
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert spans[-1][1] == (chosen[-1] + 1) * 1_000_000 - shift
    assert source.continuity.filled == (chosen[-1] - chosen[0] + 1 - len(chosen)) * 1_000_000


def test_joined_late_time_begins_at_zero_or_as_the_publisher_counts() -> None:
    frames = sent(sound_stream([10, 10, 10]))[1:]
    assert [b.start_sample for b in RemoteAudio(Wire(frames))] == [0, 10]
    assert [b.start_sample for b in RemoteAudio(Wire(frames), from_zero=False)] == [10, 20]
    late = [camera_block(5_000_000, 3)]
    assert next(iter(RemoteDvs(Wire(sent(late))))).start_ns == 0
    assert next(iter(RemoteDvs(Wire(sent(late)), from_zero=False))).start_ns == 5_000_000


def test_after_a_restart_of_the_publisher_time_goes_on() -> None:
    frames = [*sent(sound_stream([10, 10])), *sent(sound_stream([10, 10]), session="f" * 16)]
    source = RemoteAudio(Wire(frames))
    assert [b.start_sample for b in source] == [0, 10, 20, 30]
    assert source.continuity.jumps == 1
    assert source.continuity.filled == 0
    camera = sent([camera_block(0, 5), camera_block(1_000_000, 5)])
    camera += sent([camera_block(0, 5)], session="f" * 16)
    assert [b.start_ns for b in RemoteDvs(Wire(camera))] == [0, 1_000_000, 2_000_000]


def test_a_gap_over_a_minute_is_closed_not_filled() -> None:
    frames = sent([sound(0, 10), sound(61 * 16_000, 10), sound(2**40, 10)])
    source = RemoteAudio(Wire(frames))
    assert [(b.start_sample, b.samples.size) for b in source] == [(0, 10), (10, 10), (20, 10)]
    assert source.continuity.jumps == 2


def test_a_gap_is_filled_in_blocks_of_a_second_at_most() -> None:
    source = RemoteAudio(Wire(sent([sound(0, 10), sound(40_010, 10)])))
    assert [b.samples.size for b in source] == [10, 16_000, 16_000, 8_000, 10]
    assert (source.continuity.filled, source.continuity.gaps) == (40_000, 1)


def test_what_the_source_is_is_known_at_once_and_origins_are_passed_on() -> None:
    block = AudioBlock(np.zeros(4, np.float32), 0, 44_100, 77)
    source = RemoteAudio(Wire(sent([block])))
    assert source.rate_hz == 44_100
    assert [(b.captured_ns, source.origin_ns) for b in source] == [(77, 77)]
    camera = RemoteDvs(Wire(sent([camera_block(0, 2)])))
    assert (camera.width, camera.height) == (64, 48)
    assert RemoteEvents(Wire(sent([camera_block(0, 2).to_event_block()]))).n_addresses == 64 * 48 * 2


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([], "ended before its first block"),
        (sent([camera_block(0, 2)]), "is dvs of 64 x 48 pixels, not audio"),
        ([*sent([sound(0, 2)]), *sent([sound(0, 2)], "t")], "two streams"),
        (
            [*sent([sound(0, 2)]), *sent([sound(0, 2, 8000)], session="f" * 16)],
            "was audio at 16000 Hz and now",
        ),
    ],
)
def test_a_stream_that_is_no_such_source_is_refused(frames: list[Frames], words: str) -> None:
    source = Wire(frames)
    with pytest.raises(SourceError, match=words):
        list(RemoteAudio(source))
    if not frames:
        assert source.closed


def test_closing_the_source_closes_the_stream() -> None:
    source = Wire(sent([sound(0, 2)]))
    with RemoteAudio(source) as audio:
        assert len(list(audio)) == 1
    assert source.closed
