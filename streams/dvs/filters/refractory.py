"""Refractory time: after an event a pixel is deaf for a while."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eventsim.errors import ParameterError
from streams.dvs.filters.duration import duration_text
from streams.dvs.filters.filter import kept
from streams.dvs_block import DvsBlock

_NEVER = -(2**62)


@dataclass(frozen=True, slots=True)
class Refractory:
    """Drops events less than `period_ns` after the last that passed of their pixel, of any polarity."""

    period_ns: int

    def __post_init__(self) -> None:
        if not 0 < self.period_ns <= 10**12:
            raise ParameterError(f"refractory: period_ns must lie in 1 to 10**12, not {self.period_ns}")

    @property
    def text(self) -> str:
        """The filter as text."""
        return f"refractory:{duration_text(self.period_ns)}"

    def start(self, width: int, height: int) -> "RunningRefractory":
        """Return the filter ready for a sensor's stream."""
        return RunningRefractory(self.period_ns, width, height)


class RunningRefractory:
    """The filter at work: the time of the last event of every pixel that passed."""

    def __init__(self, period_ns: int, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._period_ns = period_ns
        self._last_ns = np.full((height, width), _NEVER, np.int64)

    def push(self, block: DvsBlock) -> DvsBlock:
        """Return the events of rested pixels."""
        keep = np.empty(len(block), np.bool_)
        _rested(block.time_ns, block.x, block.y, self._period_ns, self._last_ns, keep)
        return kept(block, keep)


@njit(cache=True, nogil=True)
def _rested(
    time: NDArray[np.int64],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    period: int,
    last: NDArray[np.int64],
    keep: NDArray[np.bool_],
) -> None:
    for i in range(time.size):
        keep[i] = time[i] - last[y[i], x[i]] >= period
        if keep[i]:
            last[y[i], x[i]] = time[i]
