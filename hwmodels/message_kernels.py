"""Compiled counting of synapses by destination core."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]

NO_REACH = np.iinfo(np.int64).max
"""Of a core that no synapse of the row is on."""


@njit(cache=True, nogil=True)
def add_synapses(indptr: Ints, targets: Indices, core_of: Indices, form: int, counts: Indices) -> None:
    """Add the synapses of some rows to counts[row, core, form].

    indptr : int64[n + 1], a part of that of the projection. targets : int32[n_synapses]. core_of :
    int32[n_post].
    """
    for row in range(indptr.shape[0] - 1):
        for s in range(indptr[row], indptr[row + 1]):
            counts[row, core_of[targets[s]], form] += 1


@njit(cache=True, nogil=True)
def lower_reach(indptr: Ints, targets: Indices, core_of: Indices, steps: Ints, reach: Ints) -> None:
    """Lower reach[row, core] to the steps of the synapses of some rows.

    steps : int64[1] or int64[n_synapses], after how many steps a synapse takes effect; else as above.
    """
    one = steps.shape[0] == 1
    for row in range(indptr.shape[0] - 1):
        for s in range(indptr[row], indptr[row + 1]):
            core = core_of[targets[s]]
            step = steps[0] if one else steps[s]
            if step < reach[row, core]:
                reach[row, core] = step


@njit(cache=True, nogil=True)
def write_messages(rows: Ints, indptr: Ints, counts: Indices, to_core: Indices, to_events: Indices) -> None:
    """Write core and synapses by form of the messages of some rows to their places, ordered by core.

    indptr : int64, the entries of each row of the table. counts : of these rows.
    """
    for k in range(rows.shape[0]):
        e = indptr[rows[k]]
        for core in range(counts.shape[1]):
            if counts[k, core].any():
                to_core[e], to_events[e] = core, counts[k, core]
                e += 1


@njit(cache=True, nogil=True)
def write_reach(rows: Ints, indptr: Ints, reach: Ints, to_reach: Ints) -> None:
    """Write the reach of the messages of some rows to their places; reach : of these rows, by core."""
    for k in range(rows.shape[0]):
        e = indptr[rows[k]]
        for core in range(reach.shape[1]):
            if reach[k, core] < NO_REACH:
                to_reach[e] = reach[k, core]
                e += 1
