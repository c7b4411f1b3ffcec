"""Arrays of weights and indices as networks hold them: checked, contiguous, read-only."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from eventsim.errors import NetworkError

Weights = npt.NDArray[np.float32] | npt.NDArray[np.float64]
_Scalar = TypeVar("_Scalar", bound=np.generic)


def frozen(array: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
    """Return a contiguous view that cannot be written to."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def as_array(data: npt.ArrayLike, what: str) -> npt.NDArray[Any]:
    """Return `data` as an array; raises NetworkError, naming `what`, where it is ragged or no numbers."""
    try:
        return np.asarray(data)
    except (ValueError, TypeError, OverflowError):
        raise NetworkError(f"{what} must be an array of numbers, all rows of one length") from None


def real_array(data: npt.ArrayLike, what: str, ndim: int) -> Weights:
    """Return `data` as float32 or float64 of `ndim` dimensions.

    Raises NetworkError, naming `what`, where it is not that or not finite.
    """
    array = as_array(data, what)
    if array.ndim != ndim:
        raise NetworkError(f"{what} must have {ndim} dimension{'s' * (ndim > 1)}, got shape {array.shape}")
    if array.dtype.kind in "iub":
        array = array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
    if array.dtype not in (np.float32, np.float64):
        raise NetworkError(f"{what} must be float32, float64 or integers, got {array.dtype}")
    if not np.isfinite(array).all():
        raise NetworkError(f"{what} must be finite")
    return frozen(array)
