"""Events as a decoder found them in a file, before their times and pixels are trusted."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """Some consecutive events of a file, in the file's own order.

    time : int64[n] in the decoder's unit; x, y : int32[n]; on : bool[n].
    where : returns the place of event i in the file, such as "byte 1024" or "line 7", for messages.
    """

    time: NDArray[np.int64]
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    on: NDArray[np.bool_]
    where: Callable[[int], str]


class Room(NamedTuple):
    """Arrays a kernel writes events to; `place` is where each stood, in the kernel's own unit."""

    time: NDArray[np.int64]
    x: NDArray[np.int32]
    y: NDArray[np.int32]
    on: NDArray[np.bool_]
    place: NDArray[np.int64]

    def packet(self, n: int, where: Callable[[int], str]) -> Packet:
        """Return the first `n` events, which `where` finds in the file again."""
        return Packet(self.time[:n], self.x[:n], self.y[:n], self.on[:n], where)


def room_for(n: int) -> Room:
    """Return arrays for `n` events, of unknown content."""
    return Room(
        np.empty(n, np.int64),
        np.empty(n, np.int32),
        np.empty(n, np.int32),
        np.empty(n, np.bool_),
        np.empty(n, np.int64),
    )


class Decoder(Protocol):
    """Reads one file of one format; `packets` may be called again and starts afresh.

    sensor : width and height where the file or the format says them.
    time_unit_ns : length of the decoder's unit of time.
    notes : things met that are no errors, such as words of unknown type, with their number; `packets` resets
    them.
    """

    @property
    def sensor(self) -> tuple[int, int] | None:
        """Width and height of the sensor where the file or its format tells them."""
        ...

    @property
    def time_unit_ns(self) -> int:
        """Length of one unit of `Packet.time` in ns."""
        ...

    @property
    def notes(self) -> Counter[str]:
        """What was met and is no error, with its number."""
        ...

    def packets(self) -> Iterator[Packet]:
        """Yield the file's events from its start; raises SourceError with the place where it is damaged."""
        ...
