"""The check of sound that every encoder makes before it changes its state."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import EventError


def checked_samples(samples: Any, seen: int) -> NDArray[np.float32]:
    """Return `samples` as float32[n].

    Raises EventError when they are not one-dimensional, or naming the index, counted from `seen` on, of the
    first that is not finite.
    """
    checked: NDArray[np.float32] = np.asarray(samples, np.float32)
    if checked.ndim != 1:
        raise EventError(f"samples must be one-dimensional (mono), not of shape {checked.shape}")
    finite = np.isfinite(checked)
    if not finite.all():
        raise EventError(f"sample {seen + int(np.flatnonzero(~finite)[0])} is not finite")
    return checked
