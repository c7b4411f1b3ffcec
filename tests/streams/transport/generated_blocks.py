"""Blocks of every kind drawn by hypothesis, and what it means that two are the same bit for bit."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eventsim.events import Events
from streams.audio_block import AudioBlock
from streams.decision_block import DecisionBlock, StreamedDecision
from streams.description import Block
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
TIMES = st.integers(-(2**61), 2**61)
ORIGINS = st.none() | st.integers(0, 2**61)
PRINTABLE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=20)


@st.composite
def audio_blocks(draw: st.DrawFn) -> AudioBlock:
    samples = draw(hnp.arrays(np.float32, st.integers(0, 50), elements=FINITE))
    rate_hz = draw(st.integers(1, 200_000))
    return AudioBlock(samples, draw(st.integers(-(2**40), 2**40)), rate_hz, draw(ORIGINS))


def times_within(draw: st.DrawFn, n: int, start_ns: int, length_ns: int) -> np.ndarray:
    offsets = draw(hnp.arrays(np.int64, n, elements=st.integers(0, max(0, length_ns - 1))))
    return np.sort(offsets) + start_ns


@st.composite
def event_blocks(draw: st.DrawFn) -> EventBlock:
    start_ns, length_ns = draw(TIMES), draw(st.integers(0, 10**9))
    n = draw(st.integers(0, 50)) if length_ns else 0
    n_addresses = draw(st.integers(1, 2**31 - 1))
    events = Events(
        times_within(draw, n, start_ns, length_ns),
        draw(hnp.arrays(np.int32, n, elements=st.integers(0, n_addresses - 1))),
        draw(hnp.arrays(np.float32, n, elements=FINITE)),
    )
    return EventBlock(events, start_ns, start_ns + length_ns, n_addresses, draw(ORIGINS))


@st.composite
def dvs_blocks(draw: st.DrawFn) -> DvsBlock:
    start_ns, length_ns = draw(TIMES), draw(st.integers(0, 10**9))
    n = draw(st.integers(0, 50)) if length_ns else 0
    width, height = draw(st.integers(1, 65_536)), draw(st.integers(1, 65_536))
    return DvsBlock(
        times_within(draw, n, start_ns, length_ns),
        draw(hnp.arrays(np.uint16, n, elements=st.integers(0, width - 1))),
        draw(hnp.arrays(np.uint16, n, elements=st.integers(0, height - 1))),
        draw(hnp.arrays(np.bool_, n)),
        width,
        height,
        start_ns,
        start_ns + length_ns,
    )


DECISIONS = st.builds(
    StreamedDecision,
    label=st.integers(0, 2**53 - 1),
    name=PRINTABLE,
    keyword=st.booleans(),
    start_ns=TIMES,
    decided_ns=TIMES,
    confidence=st.floats(0, 1),
    rank=st.lists(PRINTABLE, max_size=5).map(tuple),
    early=st.booleans(),
)


@st.composite
def decision_blocks(draw: st.DrawFn) -> DecisionBlock:
    start_ns = draw(TIMES)
    decisions = tuple(draw(st.lists(DECISIONS, max_size=4)))
    return DecisionBlock(decisions, start_ns, start_ns + draw(st.integers(0, 10**9)))


BLOCKS = audio_blocks() | event_blocks() | dvs_blocks() | decision_blocks()


def bits(block: Block) -> tuple[object, ...]:
    """Return all of a block as bytes and numbers that can be compared."""
    match block:
        case AudioBlock():
            return (block.samples.tobytes(), block.start_sample, block.rate_hz, block.captured_ns)
        case EventBlock():
            arrays = (block.events.time_ns, block.events.address, block.events.value)
            return (
                *(a.tobytes() for a in arrays),
                block.start_ns,
                block.end_ns,
                block.n_addresses,
                block.captured_ns,
            )
        case DvsBlock():
            arrays = (block.time_ns, block.x, block.y, block.on)
            size = (block.width, block.height)
            return (*(a.tobytes() for a in arrays), size, block.start_ns, block.end_ns)
        case DecisionBlock():
            return (block.decisions, block.start_ns, block.end_ns)


def sound(start: int, n: int, rate_hz: int = 16_000) -> AudioBlock:
    """Return a block whose samples tell their own index."""
    index = np.arange(start, start + n) % 32_768
    return AudioBlock((index / 32_768).astype(np.float32), start, rate_hz)


def sound_stream(sizes: Sequence[int]) -> list[AudioBlock]:
    """Return blocks of these sizes, one after the other."""
    starts = np.cumsum([0, *sizes])
    return [sound(int(start), size) for start, size in zip(starts, sizes, strict=False)]


def camera_block(start_ns: int, n: int, seed: int = 0) -> DvsBlock:
    """Return a millisecond of n events on a sensor of 64 x 48 pixels."""
    rng = np.random.default_rng(seed + start_ns)
    times = np.sort(rng.integers(start_ns, start_ns + 1_000_000, n))
    x, y = rng.integers(0, 64, n).astype(np.uint16), rng.integers(0, 48, n).astype(np.uint16)
    return DvsBlock(times, x, y, rng.random(n) < 0.5, 64, 48, start_ns, start_ns + 1_000_000)
