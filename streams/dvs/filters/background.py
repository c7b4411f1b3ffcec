"""Background activity: events that no neighbour confirms.

Source: Delbruck 2008, "Frame-free dynamic digital vision": an event passes when one of its eight neighbours
had an event within a window of time before it; every event, passing or not, supports its neighbours.
"""

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
class Background:
    """Drops events without an event of a neighbouring pixel in the `window_ns` before them."""

    window_ns: int

    def __post_init__(self) -> None:
        if not 0 < self.window_ns <= 10**12:
            raise ParameterError(f"background: window_ns must lie in 1 to 10**12, not {self.window_ns}")

    @property
    def text(self) -> str:
        """The filter as text."""
        return f"background:{duration_text(self.window_ns)}"

    def start(self, width: int, height: int) -> "RunningBackground":
        """Return the filter ready for a sensor's stream."""
        return RunningBackground(self.window_ns, width, height)


class RunningBackground:
    """The filter at work: when each pixel was last supported by a neighbour."""

    def __init__(self, window_ns: int, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._window_ns = window_ns
        # A margin of one pixel on each side spares the kernel the question whether there is a neighbour.
        self._supported_ns = np.full((height + 2, width + 2), _NEVER, np.int64)

    def push(self, block: DvsBlock) -> DvsBlock:
        """Return the events that a neighbour confirms."""
        keep = np.empty(len(block), np.bool_)
        _confirmed(block.time_ns, block.x, block.y, self._window_ns, self._supported_ns, keep)
        return kept(block, keep)


@njit(cache=True, nogil=True)
def _confirmed(
    time: NDArray[np.int64],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    window: int,
    supported: NDArray[np.int64],
    keep: NDArray[np.bool_],
) -> None:
    for i in range(time.size):
        row, column = np.int64(y[i]) + 1, np.int64(x[i]) + 1
        own = supported[row, column]
        keep[i] = time[i] - own <= window
        for r in range(row - 1, row + 2):
            for c in range(column - 1, column + 2):
                supported[r, c] = time[i]
        supported[row, column] = own  # a pixel does not confirm itself
