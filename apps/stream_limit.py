"""The beginning of a stream: exactly so many seconds of it, whatever it is made of."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from streams.audio_block import NS_PER_S, AudioBlock
from streams.decision_block import DecisionBlock
from streams.description import Block
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock


def limited(blocks: Iterable[Block], seconds: float | None) -> Iterator[Block]:
    """Yield the blocks up to exactly `seconds` of stream time after the start of the first; None yields all.

    >>> import numpy as np
    >>> blocks = (AudioBlock(np.zeros(400, np.float32), start, 1_000) for start in range(0, 4_000, 400))
    >>> [block.samples.size for block in limited(blocks, 1.0)]
    [400, 400, 200]
    """
    if seconds is None:
        yield from blocks
        return
    end: int | None = None
    for block in blocks:
        start, stop, per_s = _span(block)
        if end is None:
            end = start + round(seconds * per_s)
        if start < end:
            yield block if stop <= end else _until(block, end)
        if stop >= end:
            return


def _span(block: Block) -> tuple[int, int, int]:
    """Return start, end and units per second: samples for sound, ns for everything else."""
    if isinstance(block, AudioBlock):
        return block.start_sample, block.end_sample, block.rate_hz
    return block.start_ns, block.end_ns, NS_PER_S


def _until(block: Block, end: int) -> Block:
    match block:
        case AudioBlock():
            return replace(block, samples=block.samples[: end - block.start_sample])
        case EventBlock():
            return replace(block, events=block.events.select(block.events.time_ns < end), end_ns=end)
        case DvsBlock():
            n = int(block.time_ns.searchsorted(end))
            return replace(
                block, time_ns=block.time_ns[:n], x=block.x[:n], y=block.y[:n], on=block.on[:n], end_ns=end
            )
        case DecisionBlock():
            kept = tuple(decision for decision in block.decisions if decision.decided_ns < end)
            return replace(block, decisions=kept, end_ns=end)
