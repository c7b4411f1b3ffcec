"""Which core goes where on the mesh, so that messages travel few hops."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwmodels.chip_schema import Chip
from hwmodels.network_load import NetworkLoad, distinct

Ints = npt.NDArray[np.int64]

# Above so many places a swap of each with each takes minutes; the start by strongest link remains.
MAX_PLACES = 512
MAX_SWEEPS = 50
# So many places are offered for each core in use, the nearest to where inputs enter.
PLACES_PER_CORE = 4


def core_traffic(load: NetworkLoad, core_of: npt.NDArray[np.int32], fired: Ints, n_cores: int) -> Ints:
    """Return the messages from core to core, int64[n_cores + 1, n_cores]; the last row is the inputs'.

    A source that fires sends one message to each core it reaches. `fired` is int64[n_sources].
    """
    reached = np.repeat(core_of.astype(np.int64), load.fan_in())
    pairs = distinct(load.sources.astype(np.int64) * n_cores + reached)
    source, core = pairs // n_cores, pairs % n_cores
    neuron = source - load.first_neuron_as_source
    origin = np.where(neuron < 0, n_cores, core_of[np.maximum(neuron, 0)]) if core_of.size else neuron
    traffic = np.zeros((n_cores + 1, n_cores), np.int64)
    np.add.at(traffic, (origin, core), fired[source])
    return traffic


def places_near_the_entry(chip: Chip, used: int, n_cores: int) -> Ints:
    """Return cores to choose from, ascending: those in use, 0 to used - 1, and the nearest to core 0."""
    offered = min(n_cores, max(used, min(MAX_PLACES, PLACES_PER_CORE * used)))
    nearest = np.argsort(distances(chip, np.zeros(1, np.int64), np.arange(n_cores))[0], kind="stable")
    return np.union1d(np.arange(used), nearest[:offered])


def distances(chip: Chip, cores: Ints, to: Ints) -> Ints:
    """Return the hops between cores by XY routing, int64[cores.size, to.size]."""
    tiles_y, per_tile = chip.limits.tiles_y, chip.limits.cores_per_tile
    (x0, y0), (x1, y1) = (divmod(c // per_tile, tiles_y) for c in (cores, to))
    hops: Ints = np.abs(x0[:, None] - x1[None, :]) + np.abs(y0[:, None] - y1[None, :])
    return hops


def total_hops(traffic: Ints, hops: Ints, place: Ints) -> int:
    """Return the hops of all messages when core c sits at `place[c]`; inputs enter at core 0."""
    n = place.size
    between = int((traffic[:n, :n] * hops[np.ix_(place, place)]).sum())
    return between + int((traffic[n, :n] * hops[0, place]).sum())


def arrange(traffic: Ints, hops: Ints) -> Ints:
    """Return where each core goes, int64[n_cores]: never more hops than leaving each where it is.

    Two starts, as it is and by strongest link, are improved by the best swap for each core in turn until
    none helps. All ties go to the lower number, so that the same traffic gives the same places.
    """
    n = hops.shape[0]
    starts = [np.arange(n), _by_strongest_link(traffic, hops)]
    found = [_swapped(traffic, hops, place) if n <= MAX_PLACES else place for place in starts]
    return min(found, key=lambda place: total_hops(traffic, hops, place))


def _by_strongest_link(traffic: Ints, hops: Ints) -> Ints:
    """Return places by taking the core most tied to those placed, to the free place that costs it least."""
    n = hops.shape[0]
    both = traffic[:n] + traffic[:n].T
    place, free = np.full(n, -1), np.ones(n, bool)
    tie = traffic[n].astype(np.int64).copy()
    cost_at = np.outer(traffic[n], hops[0])
    left = np.ones(n, bool)
    for _ in range(n):
        core = int(np.argmax(np.where(left, tie, -1)))
        spot = int(np.argmin(np.where(free, cost_at[core], np.iinfo(np.int64).max)))
        place[core], free[spot], left[core] = spot, False, False
        tie += both[core]
        talking = np.flatnonzero(both[core])
        cost_at[talking] += np.outer(both[core, talking], hops[spot])
    return place


def _swapped(traffic: Ints, hops: Ints, place: Ints) -> Ints:
    n = place.size
    both = traffic[:n] + traffic[:n].T
    np.fill_diagonal(both, 0)
    entry = traffic[n]
    place = place.copy()
    busy = np.flatnonzero(both.any(axis=1) | (entry > 0))
    at = hops[np.ix_(place, place)]
    for _ in range(MAX_SWEEPS):
        improved = False
        for a in busy.tolist():
            gain = _gains(both, entry, at, hops[0, place], a)
            b = int(np.argmin(gain))
            if gain[b] < 0:
                place[[a, b]] = place[[b, a]]
                at[[a, b]] = at[[b, a]]
                at[:, [a, b]] = at[:, [b, a]]
                improved = True
        if not improved:
            break
    return place


def _gains(both: Ints, entry: Ints, at: Ints, from_entry: Ints, a: int) -> Ints:
    """Return the change of total hops if core a swapped places with each other core.

    `at` are the hops between cores where they are, `from_entry` those from where inputs enter.
    """
    # Row b: what the messages of a and of b would take with the two exchanged, less what they take now.
    moved = at @ both[a] - at[a] @ both[a]
    back = both @ at[a] - (both * at).sum(axis=1)
    # The messages between a and b themselves keep their length, yet both sums shorten them by it.
    kept = 2 * both[a] * at[a]
    inputs = (entry[a] - entry) * (from_entry - from_entry[a])
    gain: Ints = moved + back + kept + inputs
    gain[a] = 0
    return gain
