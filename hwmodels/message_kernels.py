"""Compiled counting of synapses by destination core."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True, nogil=True)
def add_synapses(
    indptr: npt.NDArray[np.int64],
    cores: npt.NDArray[np.int32],
    steps: npt.NDArray[np.int64],
    form: int,
    counts: npt.NDArray[np.int32],
    reach: npt.NDArray[np.int64],
) -> None:
    """Add the synapses of some rows to counts[row, core, form], and lower reach[row, core] to their steps.

    indptr : int64[n + 1], a part of that of the projection. cores : int32[n_synapses], core of each target.
    steps : int64[1] or int64[n_synapses], after how many steps a synapse takes effect.
    """
    one = steps.shape[0] == 1
    for row in range(indptr.shape[0] - 1):
        for s in range(indptr[row], indptr[row + 1]):
            core = cores[s]
            counts[row, core, form] += 1
            step = steps[0] if one else steps[s]
            if step < reach[row, core]:
                reach[row, core] = step
