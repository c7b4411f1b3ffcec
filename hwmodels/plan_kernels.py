"""Compiled laying out of what the units of each core do: groups of work and the messages in them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]


class UnitTimes(NamedTuple):
    """Times of a neuron unit's operations, ps."""

    access: int
    update: int
    spike_out: int
    message_out: int


class Spikes(NamedTuple):
    """Spikes of neurons, sorted by group: group, slot, position on the core, updates up to it."""

    group: Ints
    slot: Indices
    place: Ints
    upto: Ints


@njit(cache=True, nogil=True)
def lay_out(
    spikes: Spikes,
    totals: tuple[Ints, Ints],
    indptr: Ints,
    times: UnitTimes,
    pointer: Ints,
    message: tuple[Indices, Ints],
    tail: Ints,
) -> None:
    """Write the messages of each group of neurons' work, the work before each, and the work after the last.

    totals : int64[n_groups] twice: neurons a group goes over, neurons it updates. indptr : the table's.
    pointer : int64[n_groups + 1], which message each group begins with; pointer[0] is given. message : the
    entry of the table and the time since the message before (or the begin of the group), ps.
    tail : int64[n_groups], ps.
    """
    over, updated = totals
    entry, gap = message
    at, k = pointer[0], 0
    for group in range(tail.shape[0]):
        gone = passed = done = 0
        wait = 0
        while k < spikes.group.shape[0] and spikes.group[k] == group:
            gone = spikes.place[k] + 1
            wait += (gone - passed) * times.access + (spikes.upto[k] - done) * times.update
            wait += times.spike_out
            passed, done = gone, spikes.upto[k]
            slot = spikes.slot[k]
            for e in range(indptr[slot], indptr[slot + 1]):
                entry[at] = e
                gap[at] = wait + times.message_out
                wait = 0
                at += 1
            k += 1
        tail[group] = wait + (over[group] - passed) * times.access + (updated[group] - done) * times.update
        pointer[group + 1] = at


@njit(cache=True, nogil=True)
def lay_out_outer(group: Ints, row: Ints, indptr: Ints, pointer: Ints, entry: Indices) -> None:
    """Write the messages of events from outside, sorted by group, and which one each group begins with."""
    at = k = 0
    pointer[0] = 0
    for g in range(pointer.shape[0] - 1):
        while k < group.shape[0] and group[k] == g:
            for e in range(indptr[row[k]], indptr[row[k] + 1]):
                entry[at] = e
                at += 1
            k += 1
        pointer[g + 1] = at
