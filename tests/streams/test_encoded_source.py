"""A source of sound behind an encoder: blocks without gaps, the same events for any cut, counted."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.events import Events
from streams.audio_block import AudioBlock
from streams.encoded_source import EncodedSource
from streams.encoders import ENCODERS, new_encoder
from streams.encoders.event_rate import EventRate
from streams.event_block import EventBlock

NS_PER_S = 1_000_000_000
OPTIONS = {"n_bands": 3, "low_hz": 200, "high_hz": 3_000}


class Pieces:
    """A source that yields given pieces, each captured one second after the other."""

    def __init__(self, pieces: list[np.ndarray], rate_hz: int, start: int = 0) -> None:
        self.rate_hz = rate_hz
        self._pieces, self._start = pieces, start

    def __iter__(self) -> Iterator[AudioBlock]:
        start = self._start
        for second, piece in enumerate(self._pieces):
            yield AudioBlock(piece, start, self.rate_hz, second * NS_PER_S)
            start += piece.size


def sound(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal(count) * np.repeat(10.0 ** rng.uniform(-3, 0, count // 200 + 1), 200)[:count]
    ).astype(np.float32)


@pytest.mark.parametrize("name", ENCODERS)
@settings(max_examples=10)
@given(seed=st.integers(0, 100), cuts=st.lists(st.integers(0, 900), max_size=6))
def test_any_cut_gives_the_same_events_in_blocks_without_gaps(name: str, seed: int, cuts: list[int]) -> None:
    samples = sound(seed, 900)
    source = EncodedSource(
        Pieces(np.split(samples, sorted(cuts)), 8_000, start=80_000), new_encoder(name, 8_000, OPTIONS)
    )
    blocks = list(source)
    alone = new_encoder(name, 8_000, OPTIONS)
    alone.reset(10 * NS_PER_S)
    events = Events.concatenate([block.events for block in blocks])
    assert events.equals(alone.push(samples))
    assert blocks[0].start_ns == 10 * NS_PER_S
    assert blocks[-1].end_ns == alone.horizon_ns
    assert all(a.end_ns == b.start_ns for a, b in itertools.pairwise(blocks))
    assert [block.captured_ns for block in blocks] == [k * NS_PER_S for k in range(len(blocks))]
    assert {block.n_addresses for block in blocks} == {source.n_addresses}
    assert source.rate.events == len(events)
    assert source.rate.per_second == pytest.approx(len(events) / source.rate.seconds)


def test_another_rate_is_resampled() -> None:
    samples = np.tile(sound(1, 2_400), 4)
    source = EncodedSource(
        Pieces([samples[:5_000], samples[5_000:]], 48_000), new_encoder("lif", 8_000, OPTIONS)
    )
    blocks = list(source)
    assert blocks[-1].end_ns == pytest.approx(9_600 / 48_000 * NS_PER_S, abs=NS_PER_S / 8_000 + 1_000)
    assert [block.captured_ns for block in blocks] == [0, NS_PER_S, NS_PER_S]
    assert source.rate.events > 0


def test_a_second_iteration_starts_afresh() -> None:
    source = EncodedSource(Pieces([sound(2, 800)], 8_000), new_encoder("lif", 8_000, OPTIONS))
    first, second = list(source), list(source)
    assert first[0].events.equals(second[0].events)
    assert source.rate.events == len(second[0].events)


def test_the_rate_of_the_last_second_forgets_what_is_older() -> None:
    rate = EventRate()
    assert (rate.per_second, rate.last_second, rate.seconds) == (0.0, 0.0, 0.0)
    counts = [5] * 10 + [1] * 10
    for tenth, count in enumerate(counts):
        start_ns = tenth * NS_PER_S // 10
        rate.count(EventBlock(Events.of([start_ns] * count, 0), start_ns, start_ns + NS_PER_S // 10, 1))
        if tenth == 9:
            assert rate.last_second == pytest.approx(50.0)
    assert rate.last_second == pytest.approx(10.0)
    assert (rate.events, rate.per_second, rate.seconds) == (60, pytest.approx(30.0), 2.0)


def test_an_empty_block_counts_no_time() -> None:
    rate = EventRate()
    rate.count(EventBlock(Events.empty(), 7, 7, 1))
    assert (rate.per_second, rate.last_second) == (0.0, 0.0)
