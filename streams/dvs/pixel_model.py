"""The pixels of an event camera, seeing frames: an event at each change of log brightness by a threshold.

Source: Rebecq, Gehrig and Scaramuzza 2018, "ESIM: an open event camera simulator", equation 1 and section 3
(events where the linearly interpolated log brightness crosses a threshold, with the time of the crossing);
Hu, Liu and Delbruck 2021, "v2e" (threshold mismatch, refractory time, dark pixels); Lichtsteiner,
Posch and Delbruck 2008, "A 128x128 120 dB 15 us latency asynchronous temporal contrast vision sensor" (in its
refractory time a pixel is held in reset: it compares with the brightness at the end of that time).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import ParameterError, SourceError
from streams.dvs.as_events import DvsEvents
from streams.dvs.lin_log import level_of
from streams.dvs.pixel_kernel import frame_events, most_events, order_of
from streams.dvs.time_order import MAX_SILENCE_NS

_SMALLEST_THRESHOLD = 0.01
"""Drawn thresholds below are raised to it, as in v2e: a pixel without one would never stop firing."""


@dataclass(frozen=True, slots=True)
class PixelConfig:
    """What the pixels are like.

    on_threshold, off_threshold : change of ln(brightness) that makes an event; 0.2 is 22 % of light.
    mismatch : standard deviation of the pixels' own thresholds, drawn from a normal distribution.
    refractory_ns : time after an event in which the pixel sees nothing. seed : of the drawing.

    The defaults are v2e's (0.2, 0.2, 0.03) and its 0.5 ms.
    """

    on_threshold: float = 0.2
    off_threshold: float = 0.2
    mismatch: float = 0.03
    refractory_ns: int = 500_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("on_threshold", "off_threshold"):
            value = getattr(self, name)
            if not _SMALLEST_THRESHOLD <= value <= 10.0:
                raise ParameterError(f"{name} must lie in {_SMALLEST_THRESHOLD} to 10, not {value}")
        if not 0.0 <= self.mismatch <= 1.0:
            raise ParameterError(f"mismatch must lie in 0 to 1, not {self.mismatch}")
        if not 0 <= self.refractory_ns <= 10**10:
            raise ParameterError(f"refractory_ns must lie in 0 to 10**10, not {self.refractory_ns}")


class PixelArray:
    """Turns the frames of one camera into events, one frame after the other.

    width, height : pixels of every frame.
    """

    def __init__(self, width: int, height: int, config: PixelConfig | None = None) -> None:
        self.config = config or PixelConfig()
        self.width, self.height = width, height
        rng = np.random.default_rng(self.config.seed)
        self._thresholds = (
            self._drawn(rng, self.config.on_threshold),
            self._drawn(rng, self.config.off_threshold),
        )
        self._time_ns: int | None = None
        self._level = np.empty(0, np.float64)
        self._reference = np.empty(0, np.float64)
        self._release_ns = np.full(width * height, np.iinfo(np.int64).min)

    def see(self, frame: NDArray[Any], time_ns: int) -> DvsEvents:
        """Return the events from the last frame's time up to `time_ns`; none for the first frame.

        frame : uint8[height, width] 0..255, or floating point 0..1.

        Raises SourceError when the frame is of another size, no brightness, or not later than the last one.
        """
        if np.shape(frame) != (self.height, self.width):
            raise SourceError(
                f"a frame of shape {np.shape(frame)} among frames of {(self.height, self.width)}"
            )
        level = level_of(frame).ravel()
        before, before_ns = self._level, self._time_ns
        if before_ns is not None and not before_ns < time_ns <= before_ns + MAX_SILENCE_NS:
            raise SourceError(
                f"a frame at {time_ns} ns after one at {before_ns} ns: frames must follow within an hour"
            )
        self._level, self._time_ns = level, time_ns
        if before_ns is None:
            self._reference = level.copy()
            return DvsEvents.none()
        refractory_ns = self.config.refractory_ns
        per_pixel = (time_ns - before_ns) / refractory_ns if refractory_ns else np.inf
        room = int(most_events(before, level, *self._thresholds, per_pixel))
        time, pixel, on = np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room, np.bool_)
        n = frame_events(
            before,
            level,
            self._reference,
            self._release_ns,
            self._thresholds,
            refractory_ns,
            (before_ns, time_ns),
            time,
            pixel,
            on,
        )
        return _sorted(time[:n], pixel[:n], on[:n], before_ns, self.width)

    def _drawn(self, rng: np.random.Generator, mean: float) -> NDArray[np.float64]:
        drawn = mean + self.config.mismatch * rng.standard_normal(self.width * self.height)
        thresholds: NDArray[np.float64] = np.maximum(drawn, _SMALLEST_THRESHOLD)
        return thresholds


def _sorted(
    time: NDArray[np.int64], pixel: NDArray[np.int32], on: NDArray[np.bool_], start_ns: int, width: int
) -> DvsEvents:
    """Return events in order of time; at one time, row by row."""
    order = order_of(time, start_ns)
    pixel = pixel[order]
    return DvsEvents(
        time[order], (pixel % width).astype(np.uint16), (pixel // width).astype(np.uint16), on[order]
    )
