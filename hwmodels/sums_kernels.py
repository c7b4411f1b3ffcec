"""Compiled timing without any order: what each unit has to do in a tick, added up spike by spike.

A message then takes the same time whenever it is sent, so no message needs a place of its own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from hwmodels.ideal_kernels import Entries, Sent, bucket_of

Ints = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def sum_ticks(
    sent: Sent, indptr: Ints, entries: Entries, out_ps: Ints, unit_ps: Ints, served_ps: Ints, work: Ints
) -> None:
    """Write work[k], ps: the most that a neuron unit or a synapse unit does in each tick.

    out_ps : int64[2], what a spike and each of its messages take. unit_ps : int64[n_ticks, n_cores], what the
    neurons take besides; what spikes take is added. served_ps : int64[n_cores], room to work in.
    """
    at = out = 0
    for tick in range(work.shape[0]):
        served_ps[:] = 0
        while out < sent.outer.shape[0] and sent.outer[out] == tick:
            for e in range(indptr[sent.outer_row[out]], indptr[sent.outer_row[out] + 1]):
                served_ps[entries.core[e]] += entries.service[e]
            out += 1
        while at < sent.row.shape[0] and sent.row[at] == tick:
            start, stop = indptr[sent.slot[at]], indptr[sent.slot[at] + 1]
            unit_ps[tick, sent.core[at]] += out_ps[0] + (stop - start) * out_ps[1]
            for e in range(start, stop):
                served_ps[entries.core[e]] += entries.service[e]
            at += 1
        most = np.int64(0)
        for core in range(served_ps.shape[0]):
            most = max(most, max(served_ps[core], unit_ps[tick, core]))
        work[tick] = most


@njit(cache=True, nogil=True)
def sum_latencies(indptr: Ints, often: Ints, entries: Entries, latency: Ints, histogram: Ints) -> None:
    """Add the latencies of all messages, each row sent so `often`: sum and largest, and buckets."""
    for row in range(often.shape[0]):
        if often[row] == 0:
            continue
        for e in range(indptr[row], indptr[row + 1]):
            each = int(entries.flight[e]) + int(entries.service[e])
            latency[0] += often[row] * each
            latency[1] = max(latency[1], each)
            histogram[bucket_of(each)] += often[row]
