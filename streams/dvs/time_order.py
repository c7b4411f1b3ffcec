"""Times of a recording or a camera made to run forwards, with every intervention counted."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

REBASE_NS = 100_000_000
"""A longer step back is a clock that began anew; a shorter one is an event delivered late."""

MAX_SILENCE_NS = 3_600_000_000_000
"""A longer step forward without any event is taken for damage: it would be filled with empty blocks."""

_LATEST, _OFFSET, _STARTED, _LATE, _LARGEST, _RESETS = range(6)


@dataclass(frozen=True, slots=True)
class OrderCounts:
    """What was changed so that time never runs backwards.

    late_events : events stamped before an earlier one of the stream; each took the earlier one's time.
    clock_resets : steps back of more than 100 ms (of a camera also steps far ahead): from there on all times
    are moved so that time goes on.
    largest_step_back_ns : the largest of both.
    """

    late_events: int = 0
    clock_resets: int = 0
    largest_step_back_ns: int = 0


class TimeOrder:
    """Lets the times of one stream run forwards without changing the order of its events.

    >>> order = TimeOrder()
    >>> order.push(np.array([5, 9, 7, 10]))[0]
    array([ 5,  9,  9, 10])
    >>> order.counts
    OrderCounts(late_events=1, clock_resets=0, largest_step_back_ns=2)
    """

    def __init__(self, rebase_ns: int = REBASE_NS, max_silence_ns: int = MAX_SILENCE_NS) -> None:
        self._rebase_ns = rebase_ns
        self._max_silence_ns = max_silence_ns
        self._state = np.zeros(6, np.int64)

    @property
    def counts(self) -> OrderCounts:
        """What has been changed so far."""
        state = self._state
        return OrderCounts(int(state[_LATE]), int(state[_RESETS]), int(state[_LARGEST]))

    @property
    def started(self) -> bool:
        """Whether any time has been taken."""
        return bool(self._state[_STARTED])

    @property
    def latest_ns(self) -> int:
        """Time of the latest event after correction."""
        return int(self._state[_LATEST])

    def advance(self, time_ns: int) -> None:
        """Take the clock's word that it is `time_ns`, if that lies ahead and within the silence allowed."""
        state = self._state
        moved = time_ns + int(state[_OFFSET])
        if not state[_STARTED] or 0 < moved - int(state[_LATEST]) <= self._max_silence_ns:
            state[_LATEST], state[_STARTED] = moved, 1

    def rebase(self, time_ns: int) -> None:
        """Let `time_ns` be the latest time: the clock has jumped forwards."""
        self._state[_OFFSET] = self._state[_LATEST] - time_ns
        self._state[_RESETS] += 1

    def push(self, time_ns: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
        """Return the corrected times, and how many are good: fewer than given at an impossible silence."""
        out = np.empty_like(time_ns)
        good = _forwards(time_ns, out, self._state, self._rebase_ns, self._max_silence_ns)
        return out, int(good)


@njit(cache=True, nogil=True)
def _forwards(
    time: NDArray[np.int64], out: NDArray[np.int64], state: NDArray[np.int64], rebase: int, max_silence: int
) -> int:
    """Write corrected times to `out`; return the index of the first time after too long a silence, else n."""
    latest, offset = state[_LATEST], state[_OFFSET]
    n = time.size
    for i in range(time.size):
        t = time[i] + offset
        if state[_STARTED] == 0:
            state[_STARTED] = 1
        elif t < latest:
            step = latest - t
            state[_LARGEST] = max(state[_LARGEST], step)
            if step > rebase:
                offset += step
                state[_RESETS] += 1
            else:
                state[_LATE] += 1
            t = latest
        elif t - latest > max_silence:
            n = i
            break
        latest = t
        out[i] = t
    state[_LATEST], state[_OFFSET] = latest, offset
    return n
