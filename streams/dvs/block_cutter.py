"""Events in order of time, cut into blocks of equal length."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import ParameterError
from streams.dvs_block import DvsBlock

NS_PER_MS = 1_000_000


def block_length_ns(block_ms: float) -> int:
    """Return a block's length in ns; raises ParameterError outside 1 us to 1 h."""
    if not 1e-3 <= block_ms <= 3_600_000:
        raise ParameterError(f"block_ms must lie in 0.001 to 3600000, not {block_ms}")
    return round(block_ms * NS_PER_MS)


class BlockCutter:
    """Collects events and gives out every block that no later event can belong to.

    Blocks lie on the multiples of `block_ns`; the first holds the first event. Empty ones are given out too.
    """

    def __init__(self, width: int, height: int, block_ns: int) -> None:
        self._width, self._height, self._block_ns = width, height, block_ns
        self._next_ns: int | None = None
        self._pending: list[DvsArrays] = []

    def start(self, time_ns: int) -> None:
        """Let the first block be the one that holds `time_ns`, whenever the first event comes."""
        self._next_ns = self._floor(time_ns)

    def push(
        self,
        time_ns: NDArray[np.int64],
        x: NDArray[np.uint16],
        y: NDArray[np.uint16],
        on: NDArray[np.bool_],
    ) -> Iterator[DvsBlock]:
        """Take events (times in order, none before an earlier call's) and yield the blocks they complete."""
        if not time_ns.size:
            return
        if self._next_ns is None:
            self._next_ns = self._floor(int(time_ns[0]))
        self._pending.append((time_ns, x, y, on))
        yield from self.advance(int(time_ns[-1]))

    def advance(self, now_ns: int) -> Iterator[DvsBlock]:
        """Yield all blocks that end by `now_ns`: the caller knows that no earlier event will come."""
        if self._next_ns is None or self._floor(now_ns) <= self._next_ns:
            return
        time_ns, x, y, on = self._joined()
        first = 0
        while self._next_ns + self._block_ns <= now_ns:
            end_ns = self._next_ns + self._block_ns
            last = first + int(np.searchsorted(time_ns[first:], end_ns)) if first < time_ns.size else first
            part = slice(first, last)
            yield DvsBlock(
                time_ns[part], x[part], y[part], on[part], self._width, self._height, self._next_ns, end_ns
            )
            self._next_ns, first = end_ns, last
        self._pending = [(time_ns[first:].copy(), x[first:].copy(), y[first:].copy(), on[first:].copy())]

    def finish(self, now_ns: int | None = None) -> Iterator[DvsBlock]:
        """Yield the last block, of full length, where events wait for it or it began before `now_ns`."""
        waiting = any(part[0].size for part in self._pending)
        if self._next_ns is not None and (waiting or (now_ns is not None and now_ns > self._next_ns)):
            end_ns = self._next_ns + self._block_ns
            time_ns, x, y, on = self._joined()
            yield DvsBlock(time_ns, x, y, on, self._width, self._height, self._next_ns, end_ns)
            self._next_ns, self._pending = end_ns, []

    def _floor(self, time_ns: int) -> int:
        return time_ns // self._block_ns * self._block_ns

    def _joined(self) -> "DvsArrays":
        if len(self._pending) == 1:
            return self._pending[0]
        if not self._pending:
            return (
                np.empty(0, np.int64),
                np.empty(0, np.uint16),
                np.empty(0, np.uint16),
                np.empty(0, np.bool_),
            )
        time_ns, x, y, on = zip(*self._pending, strict=True)
        return np.concatenate(time_ns), np.concatenate(x), np.concatenate(y), np.concatenate(on)


DvsArrays = tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.bool_]]
