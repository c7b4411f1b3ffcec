"""Channels made one, of samples that are numbers."""

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import SourceError


def mono_of(frames: NDArray[np.float32] | NDArray[np.float64], start: int, name: str) -> NDArray[np.float32]:
    """Return the mean of the channels, float32[n].

    frames : float32 or float64[n, channels]. start : number of samples before them. name : of the source.

    Raises SourceError, naming source and sample, where one is not finite.
    """
    finite = np.isfinite(frames).all(axis=1)
    if not finite.all():
        index = int(np.flatnonzero(~finite)[0])
        value = frames[index][~np.isfinite(frames[index])][0]
        raise SourceError(f"{name}: sample {start + index} is {value}, not a finite number")
    # The mean in double precision: two channels near the largest float32 must not add up to infinity.
    mono: NDArray[np.float32] = frames.mean(axis=1, dtype=np.float64).astype(np.float32)
    return mono
