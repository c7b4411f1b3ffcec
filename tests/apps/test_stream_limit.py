"""The beginning of a stream is exactly as long as asked, whatever it is made of and however it is cut."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apps.stream_limit import limited
from eventsim.events import Events
from streams.audio_block import AudioBlock
from streams.decision_block import DecisionBlock, StreamedDecision
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock

BORDERS = st.lists(st.integers(1, 999), max_size=8, unique=True).map(sorted)


def spans(borders: list[int]) -> list[tuple[int, int]]:
    edges = [0, *borders, 1000]
    return list(pairwise(edges))


@given(borders=BORDERS, length=st.integers(1, 1200))
def test_sound(borders: list[int], length: int) -> None:
    sound = np.arange(1000, dtype=np.float32)
    blocks = [AudioBlock(sound[a:b], a, 1000) for a, b in spans(borders)]
    kept = list(limited(blocks, length / 1000))
    assert np.array_equal(np.concatenate([block.samples for block in kept]), sound[:length])
    assert all(block.samples.size for block in kept)


@given(borders=BORDERS, length=st.integers(1, 1200), seed=st.integers(0, 9))
def test_events_camera_events_and_decisions(borders: list[int], length: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, 1000, 60))
    ones = np.ones(60, np.uint16)

    def decision(time: int) -> StreamedDecision:
        return StreamedDecision(0, "x", True, 0, time, 0.5, ("x",), True)

    def parts(a: int, b: int) -> tuple[EventBlock, DvsBlock, DecisionBlock]:
        inside = (times >= a) & (times < b)
        n = int(inside.sum())
        events = Events(times[inside], np.zeros(n, np.int32), np.ones(n, np.float32))
        camera = DvsBlock(times[inside], ones[:n], ones[:n], ones[:n] > 0, 4, 4, a, b)
        told = tuple(decision(int(time)) for time in times[inside])
        return EventBlock(events, a, b, 1), camera, DecisionBlock(told, a, b)

    expected = times[times < length].tolist()
    columns = zip(*[parts(a, b) for a, b in spans(borders)], strict=True)
    for blocks in columns:
        kept = list(limited(blocks, length / 1e9))
        found: list[int] = []
        for block in kept:
            match block:
                case EventBlock():
                    found += block.events.time_ns.tolist()
                case DvsBlock():
                    found += block.time_ns.tolist()
                case DecisionBlock():
                    found += [one.decided_ns for one in block.decisions]
        assert found == expected
        assert kept[-1].end_ns == min(length, 1000)


def test_without_a_limit_nothing_is_changed() -> None:
    blocks = [AudioBlock(np.zeros(5, np.float32), 0, 1000)]
    (kept,) = limited(blocks, None)
    assert kept is blocks[0]
