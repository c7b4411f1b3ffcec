"""A recording of an event camera as a stream of blocks, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import ParameterError, SourceError
from streams.closed_at_exit import ClosedAtExit
from streams.dvs.as_events import LATEST_TIME_NS, DvsEvents
from streams.dvs.block_cutter import BlockCutter, block_length_ns
from streams.dvs.packet import Decoder, Packet
from streams.dvs.statistics import DvsStatistics
from streams.dvs.time_order import TimeOrder
from streams.dvs_block import MAX_SENSOR_SIDE, DvsBlock

TimeOrigin = Literal["first", "file"]


class DvsFile(ClosedAtExit):
    """Yields the events of one file in blocks of `block_ms`, whatever chunks its decoder reads.

    decoder : reads the format. width, height : of the sensor; None takes them from the file, and where it
    does not say from the largest pixel in it, found by reading it once before.
    time_origin : "first" puts the first event at 0 ns, "file" keeps the file's times.

    Times never run backwards in what is given out; where the file's do, `statistics` counts what was done.
    Raises SourceError with path and place: unreadable, damaged, a pixel outside the sensor, no events. What
    lies before the damage is given out first.
    """

    def __init__(
        self,
        path: str | Path,
        decoder: Decoder,
        *,
        block_ms: float = 10.0,
        width: int | None = None,
        height: int | None = None,
        time_origin: TimeOrigin = "first",
    ) -> None:
        if time_origin not in ("first", "file"):
            raise ParameterError(f"time_origin must be 'first' or 'file', not {time_origin!r}")
        self.path = Path(path)
        self.name = str(path)
        self.statistics = DvsStatistics()
        self.origin_ns: int | None = None
        self._decoder = decoder
        self._block_ns = block_length_ns(block_ms)
        self._time_origin = time_origin
        self._width, self._height = self._sensor(width, height)

    @property
    def width(self) -> int:
        """Columns of the sensor."""
        return self._width

    @property
    def height(self) -> int:
        """Rows of the sensor."""
        return self._height

    def __iter__(self) -> Iterator[DvsBlock]:
        """Yield the file from its start; each iteration reads it afresh."""
        order = TimeOrder()
        cutter = BlockCutter(self._width, self._height, self._block_ns)
        self.origin_ns, self.statistics, count = None, DvsStatistics(), 0
        try:
            for packet in self._decoder.packets():
                good, problem = self._trusted(packet, order)
                count += len(good)
                self.statistics = DvsStatistics(count, order.counts, dict(self._decoder.notes))
                yield from cutter.push(good)
                if problem:
                    raise SourceError(f"{self.path}: event {count} at {packet.where(len(good))}: {problem}")
        except SourceError:
            yield from cutter.finish()
            raise
        self.statistics = DvsStatistics(count, order.counts, dict(self._decoder.notes))
        if count == 0:
            raise SourceError(f"{self.path}: holds no events")
        yield from cutter.finish()

    def _trusted(self, packet: Packet, order: TimeOrder) -> tuple[DvsEvents, str | None]:
        """Return the events before the first impossible one, and what is wrong with that one."""
        n, problem = packet.time.size, None
        x, y = packet.x, packet.y
        if n and (x.min() < 0 or y.min() < 0 or x.max() >= self._width or y.max() >= self._height):
            outside = (x < 0) | (y < 0) | (x >= self._width) | (y >= self._height)
            n = int(np.argmax(outside))
            problem = (
                f"pixel x {x[n]}, y {y[n]} lies outside the sensor of {self._width} x {self._height} pixels"
            )
        n, problem = self._within_range(packet.time, n, problem)
        if n and self.origin_ns is None:
            first = int(packet.time[0]) * self._decoder.time_unit_ns
            self.origin_ns = first if self._time_origin == "first" else 0
        time_ns = packet.time[:n] * self._decoder.time_unit_ns - (self.origin_ns or 0)
        before_ns = order.latest_ns
        ordered, n_good = order.push(time_ns)
        if n_good < n:
            before_ns = int(ordered[n_good - 1]) if n_good else before_ns
            problem = f"time jumps from {before_ns / 1e9:g} s to {time_ns[n_good] / 1e9:g} s (damaged?)"
            n = n_good
        return DvsEvents(
            ordered[:n], x[:n].astype(np.uint16), y[:n].astype(np.uint16), packet.on[:n]
        ), problem

    def _within_range(self, time: NDArray[np.int64], n: int, problem: str | None) -> tuple[int, str | None]:
        limit = LATEST_TIME_NS // self._decoder.time_unit_ns
        if n and (time[:n].min() < -limit or time[:n].max() > limit):
            n = int(np.argmax((time[:n] < -limit) | (time[:n] > limit)))
            problem = f"time {time[n]} is beyond what a recording can hold"
        return n, problem

    def _sensor(self, width: int | None, height: int | None) -> tuple[int, int]:
        for name, side in (("width", width), ("height", height)):
            if side is not None and not 0 < side <= MAX_SENSOR_SIDE:
                raise ParameterError(f"{name} must lie in 1 to {MAX_SENSOR_SIDE}, not {side}")
        if width is None or height is None:
            found = self._decoder.sensor or self._largest_pixel()
            width, height = width or found[0], height or found[1]
        if not (0 < width <= MAX_SENSOR_SIDE and 0 < height <= MAX_SENSOR_SIDE):
            raise SourceError(f"{self.path}: a sensor of {width} x {height} pixels is not possible")
        return width, height

    def _largest_pixel(self) -> tuple[int, int]:
        width = height = 0
        try:
            for packet in self._decoder.packets():
                if packet.time.size:
                    width = max(width, int(packet.x.max()) + 1)
                    height = max(height, int(packet.y.max()) + 1)
        except SourceError:
            # Reading says it again, after giving out what lies before the damage.
            if not (width and height):
                raise
        if width == 0 or height == 0:
            raise SourceError(f"{self.path}: holds no events")
        return min(width, MAX_SENSOR_SIDE), min(height, MAX_SENSOR_SIDE)
