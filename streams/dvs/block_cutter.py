"""Events in order of time, cut into blocks of equal length."""

from collections.abc import Iterator

import numpy as np

from eventsim.errors import ParameterError
from streams.dvs.as_events import DvsEvents
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
        self._pending: list[DvsEvents] = []

    def start(self, time_ns: int) -> None:
        """Let the first block be the one that holds `time_ns`, whenever the first event comes."""
        self._next_ns = self._floor(time_ns)

    def push(self, events: DvsEvents) -> Iterator[DvsBlock]:
        """Take events (in order, none before an earlier call's) and yield the blocks they complete."""
        if not len(events):
            return
        if self._next_ns is None:
            self._next_ns = self._floor(int(events.time_ns[0]))
        self._pending.append(events)
        yield from self.advance(int(events.time_ns[-1]))

    def advance(self, now_ns: int) -> Iterator[DvsBlock]:
        """Yield all blocks that end by `now_ns`: the caller knows that no earlier event will come."""
        if self._next_ns is None or self._floor(now_ns) <= self._next_ns:
            return
        events, first = self._joined(), 0
        while self._next_ns + self._block_ns <= now_ns:
            end_ns = self._next_ns + self._block_ns
            last = first + int(np.searchsorted(events.time_ns[first:], end_ns))
            yield self._block(_part(events, slice(first, last)), self._next_ns)
            self._next_ns, first = end_ns, last
        rest = _part(events, slice(first, None))
        # Copied, or a few events would hold on to all they came with.
        self._pending = [DvsEvents(rest.time_ns.copy(), rest.x.copy(), rest.y.copy(), rest.on.copy())]

    def finish(self, now_ns: int | None = None) -> Iterator[DvsBlock]:
        """Yield the last block, of full length, where events wait for it or it began before `now_ns`."""
        waiting = any(map(len, self._pending))
        if self._next_ns is not None and (waiting or (now_ns is not None and now_ns > self._next_ns)):
            yield self._block(self._joined(), self._next_ns)
            self._next_ns, self._pending = self._next_ns + self._block_ns, []

    def _block(self, events: DvsEvents, start_ns: int) -> DvsBlock:
        end_ns = start_ns + self._block_ns
        return DvsBlock(
            events.time_ns, events.x, events.y, events.on, self._width, self._height, start_ns, end_ns
        )

    def _floor(self, time_ns: int) -> int:
        return time_ns // self._block_ns * self._block_ns

    def _joined(self) -> DvsEvents:
        if len(self._pending) == 1:
            return self._pending[0]
        if not self._pending:
            return DvsEvents.none()
        return DvsEvents(
            np.concatenate([part.time_ns for part in self._pending]),
            np.concatenate([part.x for part in self._pending]),
            np.concatenate([part.y for part in self._pending]),
            np.concatenate([part.on for part in self._pending]),
        )


def _part(events: DvsEvents, part: slice) -> DvsEvents:
    return DvsEvents(events.time_ns[part], events.x[part], events.y[part], events.on[part])
