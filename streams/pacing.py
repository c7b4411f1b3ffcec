"""Replay in real time, at a factor of it, or as fast as possible: a block is due when it would end live."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from eventsim.errors import ParameterError
from streams.audio_block import NS_PER_S, AudioBlock, AudioSource
from streams.description import Block
from streams.dvs_block import DvsBlock, DvsSource
from streams.event_block import EventBlock, EventSource
from streams.received import Received

T = TypeVar("T", bound=Block | Received)


def pace(
    stream: Iterable[T],
    speed: float | None = 1.0,
    *,
    clock_ns: Callable[[], int] = time.monotonic_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[T]:
    """Yield the blocks, each as soon as a live source could have: when its last sample or event is past.

    Every block is due at a time counted from the first one, so that delays do not add up; after one the
    replay catches up. The clock is monotonic: the wall clock may jump. Where the stream's own time jumps back
    (a restart) it is paced anew from there.

    stream : blocks, or what was received or recorded.
    speed : 1 real time, 2 twice as fast; None as fast as possible.

    Raises ParameterError where the speed is not above 0.

    >>> import numpy as np
    >>> now, slept = [0], []
    >>> def sleep(s: float) -> None:
    ...     slept.append(s)
    ...     now[0] += round(s * 1e9)
    >>> blocks = [AudioBlock(np.zeros(160, np.float32), i * 160, 16_000) for i in range(3)]
    >>> [b.start_sample for b in pace(blocks, 0.5, clock_ns=lambda: now[0], sleep=sleep)], slept
    ([0, 160, 320], [0.02, 0.02, 0.02])
    """
    if speed is not None and not 1e-6 <= speed <= 1e6:
        raise ParameterError(f"speed must lie in 1e-6..1e6, got {speed}")
    return iter(stream) if speed is None else _paced(stream, speed, clock_ns, sleep)


def _paced(
    stream: Iterable[T], speed: float, clock_ns: Callable[[], int], sleep: Callable[[float], None]
) -> Iterator[T]:
    anchor_ns = first_ns = last_ns = 0
    begun = False
    for item in stream:
        start_ns, end_ns = _span_ns(item)
        if not begun or start_ns < last_ns or (isinstance(item, Received) and item.restarted):
            anchor_ns, first_ns, begun = clock_ns(), start_ns, True
        last_ns = end_ns
        due_ns = anchor_ns + round((end_ns - first_ns) / speed)
        while (left_ns := due_ns - clock_ns()) > 0:
            sleep(left_ns / NS_PER_S)
        yield item


def _span_ns(item: Block | Received) -> tuple[int, int]:
    block = item.block if isinstance(item, Received) else item
    if isinstance(block, AudioBlock):
        return block.start_ns, block.end_sample * NS_PER_S // block.rate_hz
    return block.start_ns, block.end_ns


class PacedAudio:
    """A source of sound at the pace of `speed`; see `pace`."""

    def __init__(self, source: AudioSource, speed: float | None = 1.0) -> None:
        self._source, self._speed = source, speed
        pace((), speed)

    @property
    def rate_hz(self) -> int:
        """Samples per second of every block, in the time of the sound."""
        return self._source.rate_hz

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield the blocks when they are due."""
        return pace(self._source, self._speed)


class PacedEvents:
    """A source of events at the pace of `speed`; see `pace`."""

    def __init__(self, source: EventSource, speed: float | None = 1.0) -> None:
        self._source, self._speed = source, speed
        pace((), speed)

    @property
    def n_addresses(self) -> int:
        """Number of addresses of every block."""
        return self._source.n_addresses

    def __iter__(self) -> Iterator[EventBlock]:
        """Yield the blocks when they are due."""
        return pace(self._source, self._speed)


class PacedDvs:
    """An event camera's recording at the pace of `speed`; see `pace`."""

    def __init__(self, source: DvsSource, speed: float | None = 1.0) -> None:
        self._source, self._speed = source, speed
        pace((), speed)

    @property
    def width(self) -> int:
        """Columns of the sensor."""
        return self._source.width

    @property
    def height(self) -> int:
        """Rows of the sensor."""
        return self._source.height

    def __iter__(self) -> Iterator[DvsBlock]:
        """Yield the blocks when they are due."""
        return pace(self._source, self._speed)
