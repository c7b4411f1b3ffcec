"""A piece of the stream of an event camera, and what every such source offers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import EventError
from eventsim.events import Events
from streams.event_block import EventBlock

MAX_SENSOR_SIDE = 65_536
MAX_ADDRESSES = 2**31 - 1


@dataclass(frozen=True, slots=True, eq=False)
class DvsBlock:
    """All events of one event camera from `start_ns` up to, not including, `end_ns`, in order of time.

    time_ns : int64[n], ns.
    x, y : uint16[n], column from the left and row from the top.
    on : bool[n], True where the light grew.
    width, height : pixels of the sensor.
    start_ns, end_ns : the next block of the stream starts at `end_ns`.

    Raises EventError when the arrays do not fit each other, the sensor, or the time of the block.

    >>> block = DvsBlock(np.array([7]), np.array([2], np.uint16), np.array([1], np.uint16), np.array([True]),
    ...                  width=4, height=3, start_ns=0, end_ns=10)
    >>> block.to_event_block().events.address
    array([18], dtype=int32)
    """

    time_ns: NDArray[np.int64]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    on: NDArray[np.bool_]
    width: int
    height: int
    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        arrays = (self.time_ns, self.x, self.y, self.on)
        kinds = [str(a.dtype) for a in arrays]
        if kinds != ["int64", "uint16", "uint16", "bool"]:
            raise EventError(
                f"camera events want time_ns int64, x and y uint16, on bool; got {', '.join(kinds)}"
            )
        if any(a.shape != (self.time_ns.size,) for a in arrays):
            raise EventError(f"camera event arrays differ in shape: {tuple(a.shape for a in arrays)}")
        if not (0 < self.width <= MAX_SENSOR_SIDE and 0 < self.height <= MAX_SENSOR_SIDE):
            raise EventError(f"a sensor of {self.width} x {self.height} pixels is not allowed")
        if self.end_ns < self.start_ns:
            raise EventError(f"a block cannot end at {self.end_ns} ns before it starts at {self.start_ns} ns")
        if self.time_ns.size:
            self._check_content()

    def _check_content(self) -> None:
        times = self.time_ns
        if times[0] < self.start_ns or times[-1] >= self.end_ns or (times[1:] < times[:-1]).any():
            raise EventError(
                "the events of a block must be in order of time and within "
                f"{self.start_ns}..{self.end_ns - 1} ns; got {times.min()}..{times.max()}"
            )
        x, y = int(self.x.max()), int(self.y.max())
        if x >= self.width or y >= self.height:
            raise EventError(f"pixel x {x}, y {y} lies outside the sensor of {self.width} x {self.height}")

    def __len__(self) -> int:
        return int(self.time_ns.size)

    @property
    def n_addresses(self) -> int:
        """Number of addresses: one per polarity and pixel."""
        return 2 * self.width * self.height

    def to_event_block(self) -> EventBlock:
        """Return the same events by address, row-major over (polarity, y, x); polarity 0 is off, 1 is on.

        This is the order of a convolution's input of shape (2, height, width).

        Raises EventError where the sensor has more pixels than there are addresses.
        """
        if self.n_addresses > MAX_ADDRESSES:
            raise EventError(
                f"a sensor of {self.width} x {self.height} pixels needs {self.n_addresses} addresses, "
                f"at most {MAX_ADDRESSES} are allowed"
            )
        plane = self.on.astype(np.int32) * self.height + self.y
        address = (plane * self.width + self.x).astype(np.int32)
        events = Events(self.time_ns, address, np.ones(len(self), np.float32))
        return EventBlock(events, self.start_ns, self.end_ns, self.n_addresses)


class DvsSource(Protocol):
    """Yields the blocks of one event camera, in order and without gaps."""

    @property
    def width(self) -> int:
        """Columns of the sensor."""
        ...

    @property
    def height(self) -> int:
        """Rows of the sensor."""
        ...

    def __iter__(self) -> Iterator[DvsBlock]:
        """Yield the blocks; ends when the stream does."""
        ...
