"""Downsampling: fewer pixels, and as many events as wanted.

Source: Gruel, Martinet, Serrano-Gotarredona and Linares-Barranco 2022, "Event data downscaling for embedded
computer vision": pixels are joined, and what they say is integrated until it makes an event.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eventsim.errors import ParameterError
from streams.dvs.filters.filter import moved
from streams.dvs_block import DvsBlock


@dataclass(frozen=True, slots=True)
class Downsample:
    """Joins `factor` x `factor` pixels to one, which gives an event when on less off events reach `events`.

    After its event the joined pixel counts from 0 again; with `events` 1 every event passes.
    """

    factor: int
    events: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.factor <= 65_536 or not 1 <= self.events <= 10**9:
            raise ParameterError(f"{self.text}: factor and events must be at least 1")

    @property
    def text(self) -> str:
        """The filter as text."""
        return f"downsample:{self.factor}" + (f",{self.events}" if self.events > 1 else "")

    def start(self, width: int, height: int) -> "RunningDownsample":
        """Return the filter ready for a sensor's stream."""
        return RunningDownsample(self, -(-width // self.factor), -(-height // self.factor))


class RunningDownsample:
    """The filter at work: the sum each joined pixel has reached."""

    def __init__(self, settings: Downsample, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._settings = settings
        self._sum = np.zeros((height, width), np.int64)

    def push(self, block: DvsBlock) -> DvsBlock:
        """Return the joined pixels' events."""
        factor = np.uint32(self._settings.factor)
        x, y = (block.x // factor).astype(np.uint16), (block.y // factor).astype(np.uint16)
        keep = np.ones(len(block), np.bool_)
        if self._settings.events > 1:
            _summed(x, y, block.on, self._settings.events, self._sum, keep)
        return moved(block, keep, x, y, self.width, self.height)


@njit(cache=True, nogil=True)
def _summed(
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    on: NDArray[np.bool_],
    events: int,
    total: NDArray[np.int64],
    keep: NDArray[np.bool_],
) -> None:
    for i in range(x.size):
        total[y[i], x[i]] += 1 if on[i] else -1
        keep[i] = abs(total[y[i], x[i]]) >= events
        if keep[i]:
            total[y[i], x[i]] = 0
