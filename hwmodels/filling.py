"""Neurons in their order onto cores in theirs, each core as full as it gets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from hwmodels.chip_schema import Limits
from hwmodels.network_load import NetworkLoad

Ints = npt.NDArray[np.int64]

# What can close a core, in the order of the limits the kernel takes.
REASONS = ("neurons", "axons in", "axons out", "synapses", "bits of synapse memory", "synaptic events")
NO_LIMIT = np.iinfo(np.int64).max
# Axons out depend on where the destinations sit: so often is the filling tried again with those found.
OUT_PASSES = 8


@dataclass(frozen=True, eq=False)
class Filling:
    """Where a filling got: all neurons placed if `failed` is the number of neurons.

    `failed` is the first neuron that found no core, `reason` what closed the core before it.
    """

    core_of: npt.NDArray[np.int32]
    failed: int
    reason: str

    @property
    def complete(self) -> bool:
        """Return whether every neuron found a core."""
        return self.failed == self.core_of.size


def fill(load: NetworkLoad, limits: Limits, n_cores: int, work: Ints | None = None, most: int = 0) -> Filling:
    """Return the placement of neurons in their order, a new core being opened when the last is full.

    With `work` (int64[n_neurons]) no core takes more than `most` of it. No other placement in this order
    takes fewer cores, as long as axons out do not bind. Those are known only once all neurons are placed: the
    filling is repeated with the number found before, and if that leads nowhere, with each population starting
    on a core of its own.
    """
    caps = core_limits(limits, most if work is not None else NO_LIMIT)
    works = np.zeros(load.n_neurons, np.int64) if work is None else work
    fresh = np.zeros(load.n_neurons, np.bool_)
    found = _passes(load, limits, caps, n_cores, works, fresh)
    if found.complete or limits.axons_out_per_core is None:
        return found
    fresh[list(load.first.values())] = True
    second = _passes(load, limits, caps, n_cores, works, fresh)
    return second if second.complete else found


def _passes(
    load: NetworkLoad, limits: Limits, caps: Ints, n_cores: int, work: Ints, fresh: npt.NDArray[np.bool_]
) -> Filling:
    """Fill, count axons out, and fill again with those, until they stay within the limit or never can."""
    out = np.zeros(load.n_neurons, np.int64)
    limit, worst = limits.axons_out_per_core, 0
    for _ in range(OUT_PASSES):
        core_of = np.full(load.n_neurons, -1, np.int32)
        rows = np.ones_like(out), np.zeros_like(out), out, load.synapses, load.memory_bits, work
        axons = np.stack([np.full(max(load.n_sources, 1), -1), np.zeros(max(load.n_sources, 1), np.int64)])
        failed, reason = _fill(
            load.indptr, load.sources, np.stack(rows), caps, n_cores, axons, fresh, core_of
        )
        if failed < load.n_neurons or limit is None:
            return Filling(core_of, int(failed), REASONS[int(reason)])
        out = axons[1, load.first_neuron_as_source : load.n_sources].copy()
        per_core = np.zeros(n_cores, np.int64)
        np.add.at(per_core, core_of, out)
        if int(per_core.max(initial=0)) <= limit:
            return Filling(core_of, int(failed), REASONS[int(reason)])
        worst = int(np.argmax(core_of == int(np.argmax(per_core))))
        if int(out.max(initial=0)) > limit:
            break
    return Filling(core_of, worst, REASONS[2])


def balance(load: NetworkLoad, limits: Limits, n_cores: int, work: Ints) -> Filling:
    """Return the filling in order whose busiest core has the least `work`, found by bisection.

    It is the least of all placements in this order, as long as axons out do not bind.
    """
    low, high = int(work.max(initial=0)), int(work.sum())
    best = fill(load, limits, n_cores, work, high)
    while best.complete and low < high:
        middle = (low + high) // 2
        tried = fill(load, limits, n_cores, work, middle)
        if tried.complete:
            best, high = tried, middle
        else:
            low = middle + 1
    return best


def core_limits(limits: Limits, most_work: int = NO_LIMIT) -> Ints:
    """Return the limits of a core in the order of `REASONS`, int64[6]."""
    held = (
        limits.neurons_per_core,
        limits.axons_in_per_core,
        limits.axons_out_per_core,
        limits.synapses_per_core,
        limits.synapse_memory_bits_per_core,
        most_work,
    )
    return np.array([NO_LIMIT if limit is None else limit for limit in held], np.int64)


@njit(cache=True, nogil=True)
def _fill(indptr, sources, demands, caps, n_cores, axons, fresh, core_of):  # type: ignore[no-untyped-def]
    """Fill cores; return (first neuron without a core, what closed the core before it).

    `axons` holds for each source the last core it has an axon into, and how many it has: neurons come core by
    core, so that the last core is enough to tell a new axon from one that is there. `fresh` marks neurons
    that start a core.
    """
    held = np.zeros(6, np.int64)
    core, reason = 0, 0
    for j in range(core_of.size):
        for attempt in range(2):
            new = 0
            for k in range(indptr[j], indptr[j + 1]):
                if axons[0, sources[k]] != core:
                    new += 1
            # Where a core of its own is asked for, one that holds any neuron counts as full.
            full = 0 if fresh[j] and held[0] > 0 else -1
            for r in range(6):
                more = new if r == 1 else demands[r, j]
                if full < 0 and held[r] > caps[r] - more:
                    full = r
            if full < 0:
                break
            reason = full
            if attempt == 1 or core + 1 >= n_cores:
                return j, reason
            core += 1
            held[:] = 0
        for k in range(indptr[j], indptr[j + 1]):
            if axons[0, sources[k]] != core:
                axons[0, sources[k]] = core
                axons[1, sources[k]] += 1
        for r in range(6):
            held[r] += new if r == 1 else demands[r, j]
        core_of[j] = core
    return core_of.size, reason
