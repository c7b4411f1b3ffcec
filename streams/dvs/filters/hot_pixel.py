"""Hot pixels: pixels that fire all the time, whatever they see."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eventsim.errors import ParameterError
from streams.dvs.filters.duration import duration_text
from streams.dvs.filters.filter import kept
from streams.dvs_block import DvsBlock

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class HotPixel:
    """Drops the events of pixels that fire faster than `rate_hz`, judged by what they did before.

    Time is divided into windows of `window_ns`. Within a window a pixel's events pass until their number
    reaches rate times window; a pixel that reached it is muted through the next window as well, and as long
    as it goes on so. A pixel that was only busy for a while thus comes back.
    """

    rate_hz: float = 200.0
    window_ns: int = NS_PER_S

    def __post_init__(self) -> None:
        if not 0 < self.window_ns <= 10**12:
            raise ParameterError(f"hot-pixel: window_ns must lie in 1 to 10**12, not {self.window_ns}")
        if not 0.0 < self.rate_hz <= 1e9 or self.limit < 1:
            raise ParameterError(
                f"hot-pixel: a rate of {self.rate_hz:g} Hz is less than one event in a window, or over 1 GHz"
            )

    @property
    def limit(self) -> int:
        """Events in a window from which on a pixel is hot."""
        return int(self.rate_hz * self.window_ns / NS_PER_S)

    @property
    def text(self) -> str:
        """The filter as text."""
        return f"hot-pixel:{self.rate_hz:g},{duration_text(self.window_ns)}"

    def start(self, width: int, height: int) -> "RunningHotPixel":
        """Return the filter ready for a sensor's stream."""
        return RunningHotPixel(self, width, height)


class RunningHotPixel:
    """The filter at work: each pixel's count in its latest window, and if it was hot in the one before."""

    def __init__(self, settings: HotPixel, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._settings = settings
        self._window = np.full((height, width), -(2**62), np.int64)
        self._count = np.zeros((height, width), np.int64)
        self._hot = np.zeros((height, width), np.bool_)

    def push(self, block: DvsBlock) -> DvsBlock:
        """Return the events of pixels that are not hot."""
        keep = np.empty(len(block), np.bool_)
        _not_hot(
            block.time_ns // self._settings.window_ns,
            block.x,
            block.y,
            self._settings.limit,
            (self._window, self._count, self._hot),
            keep,
        )
        return kept(block, keep)


@njit(cache=True, nogil=True)
def _not_hot(
    now: NDArray[np.int64],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    limit: int,
    state: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]],
    keep: NDArray[np.bool_],
) -> None:
    """Decide for each event in window `now`; state: latest window, events in it, hot in the one before."""
    window, count, hot = state
    for i in range(now.size):
        r, c = y[i], x[i]
        if window[r, c] != now[i]:
            hot[r, c] = window[r, c] == now[i] - 1 and count[r, c] >= limit
            window[r, c] = now[i]
            count[r, c] = 0
        keep[i] = not hot[r, c] and count[r, c] < limit
        count[r, c] += 1
