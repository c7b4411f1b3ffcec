"""A piece of a stream of events, and what every source of events offers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from eventsim.errors import EventError
from eventsim.events import Events


@dataclass(frozen=True, slots=True, eq=False)
class EventBlock:
    """All events of one stream from `start_ns` up to, not including, `end_ns`, in order of time.

    events : addresses 0..n_addresses - 1.
    start_ns, end_ns : the next block of the stream starts at `end_ns`: a simulator may advance to it.
    n_addresses : number of addresses of the stream, with or without events.
    captured_ns : wall clock (`time.time_ns`) at which the last of the sound or light behind it was captured;
    None where nobody knows.

    Raises EventError when an event lies outside the block, or the events are not in order of time.

    >>> EventBlock(Events.of([5, 7], [0, 3]), start_ns=5, end_ns=10, n_addresses=4).end_ns
    10
    """

    events: Events
    start_ns: int
    end_ns: int
    n_addresses: int
    captured_ns: int | None = None

    def __post_init__(self) -> None:
        if self.end_ns < self.start_ns:
            raise EventError(f"a block cannot end at {self.end_ns} ns before it starts at {self.start_ns} ns")
        times, addresses = self.events.time_ns, self.events.address
        if not times.size:
            return
        if times[0] < self.start_ns or times[-1] >= self.end_ns or (times[1:] < times[:-1]).any():
            raise EventError(
                "the events of a block must be in order of time and within "
                f"{self.start_ns}..{self.end_ns - 1} ns; got {times.min()}..{times.max()}"
            )
        if addresses.min() < 0 or addresses.max() >= self.n_addresses:
            raise EventError(
                f"addresses must lie in 0..{self.n_addresses - 1}, got {addresses.min()}..{addresses.max()}"
            )


class EventSource(Protocol):
    """Yields the blocks of one stream of events, in order and without gaps."""

    @property
    def n_addresses(self) -> int:
        """Number of addresses of every block."""
        ...

    def __iter__(self) -> Iterator[EventBlock]:
        """Yield the blocks; ends when the stream does."""
        ...
