"""Events in memory as a source of blocks."""

from collections.abc import Iterator
from typing import Any

from eventsim.errors import EventError
from streams.closed_at_exit import ClosedAtExit
from streams.dvs.as_events import as_events
from streams.dvs.block_cutter import BlockCutter, block_length_ns
from streams.dvs.statistics import DvsStatistics
from streams.dvs_block import DvsBlock


class EventsSource(ClosedAtExit):
    """Yields events that are already in memory, in blocks of `block_ms`.

    events : anything `as_events` takes; width, height : of the sensor.

    Raises EventError when a pixel lies outside the sensor, or as `as_events`.
    """

    def __init__(
        self, events: Any, width: int, height: int, block_ms: float = 10.0, time_unit_ns: int = 1_000
    ) -> None:
        self._events = as_events(events, time_unit_ns)
        self.width, self.height = width, height
        self.name = f"{len(self._events)} events in memory"
        self.statistics = DvsStatistics(len(self._events))
        self._block_ns = block_length_ns(block_ms)
        if len(self._events):
            x, y = int(self._events.x.max()), int(self._events.y.max())
            if x >= width or y >= height:
                raise EventError(f"pixel x {x}, y {y} lies outside the sensor of {width} x {height}")

    def __iter__(self) -> Iterator[DvsBlock]:
        """Yield the blocks from the one that holds the first event to the one that holds the last."""
        cutter = BlockCutter(self.width, self.height, self._block_ns)
        yield from cutter.push(self._events)
        yield from cutter.finish()
