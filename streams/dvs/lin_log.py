"""Brightness as a pixel of an event camera sees it: logarithmic, and linear where it is dark.

Source: Hu, Liu and Delbruck 2021, "v2e: From video frames to realistic DVS events": below 20 of 255 grey
levels the logarithm would turn the steps of quantisation into events, so the curve is a straight line there.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import SourceError

LINEAR_BELOW = 20.0
"""Grey level, of 255, where the line meets the logarithm."""


def lin_log(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ln(grey), and grey * ln(20) / 20 below 20; float64 of the same shape.

    >>> lin_log(np.array([0.0, 10.0, 20.0, 200.0])).round(3)
    array([0.   , 1.498, 2.996, 5.298])
    """
    dark = grey * (np.log(LINEAR_BELOW) / LINEAR_BELOW)
    level: NDArray[np.float64] = np.where(grey < LINEAR_BELOW, dark, np.log(np.maximum(grey, LINEAR_BELOW)))
    return level


_OF_BYTE = lin_log(np.arange(256, dtype=np.float64))


def level_of(frame: NDArray[Any]) -> NDArray[np.float64]:
    """Return the log brightness, float64[height, width], of a grey frame: uint8 0..255, or floats 0..1.

    Raises SourceError when the frame has another type or shape, or a value that is no brightness.
    """
    frame = np.asarray(frame)
    if frame.ndim != 2 or 0 in frame.shape:
        raise SourceError(f"a frame must be of shape (height, width), grey; got {frame.shape}")
    if frame.dtype == np.uint8:
        level: NDArray[np.float64] = _OF_BYTE[frame]
        return level
    if frame.dtype.kind != "f":
        raise SourceError(f"a frame must be uint8 (0..255) or floating point (0..1), not {frame.dtype}")
    if not (frame >= 0.0).all() or not np.isfinite(frame).all():
        y, x = np.argwhere(~((frame >= 0.0) & np.isfinite(frame)))[0]
        raise SourceError(f"pixel x {x}, y {y} of a frame is {frame[y, x]}, no brightness (0..1)")
    return lin_log(frame.astype(np.float64) * 255.0)
