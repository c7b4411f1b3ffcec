"""Random connectivity: sparse synapses drawn in compiled loops, in no more memory than they take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventsim.errors import NetworkError
from eventsim.projections import Csr

if TYPE_CHECKING:
    Ints = npt.NDArray[np.int64]
    Indices = npt.NDArray[np.int32]

_MOST_NEURONS = 2**31 - 1


def fixed_out_degree(n_pre: int, n_post: int, degree: int, weight: float = 1.0, seed: int = 0) -> Csr:
    """Return synapses by which every source reaches `degree` destinations drawn at random, with repeats.

    Parameters
    ----------
    n_pre : int
        Number of sources.
    n_post : int
        Number of destinations.
    degree : int
        Synapses per source.
    weight : float
        Weight of every synapse; they are float32.
    seed : int
        Whole number, not negative: the same seed gives the same synapses.

    Raises
    ------
    NetworkError
        if a number is not whole or not allowed.

    >>> synapses = fixed_out_degree(1000, 500, 20, weight=0.1, seed=1)
    >>> synapses.n_synapses, int(synapses.indices.max()) < 500
    (20000, True)
    """
    from eventsim.engine.connecting import draw_destinations

    n_pre, n_post, degree = _sizes(n_pre, n_post, degree)
    indices = np.empty(n_pre * degree, np.int32)
    draw_destinations(_words(seed), n_post, indices)
    return Csr(np.arange(n_pre + 1, dtype=np.int64) * degree, indices, _weights(weight, indices.size), n_post)


def fixed_in_degree(n_pre: int, n_post: int, degree: int, weight: float = 1.0, seed: int = 0) -> Csr:
    """Return synapses by which every destination gets `degree` sources drawn at random, with repeats.

    Parameters and errors are those of `fixed_out_degree`. The draw is made twice, first to count and then to
    place, so that nothing but the synapses themselves is held.

    >>> synapses = fixed_in_degree(1000, 500, 20, seed=1)
    >>> bool((np.bincount(synapses.indices, minlength=500) == 20).all())
    True
    """
    from eventsim.engine.connecting import count_sources, place_sources

    n_pre, n_post, degree = _sizes(n_pre, n_post, degree)
    indptr = np.zeros(n_pre + 1, np.int64)
    count_sources(_words(seed), n_post * degree, n_pre, indptr)
    np.cumsum(indptr, out=indptr)
    indices = np.empty(n_post * degree, np.int32)
    place_sources(_words(seed), n_post, degree, indptr[:-1].copy(), indices)
    return Csr(indptr, indices, _weights(weight, indices.size), n_post)


def fixed_probability(n_pre: int, n_post: int, probability: float, weight: float = 1.0, seed: int = 0) -> Csr:
    """Return synapses of which each possible one exists with `probability`, independently.

    Parameters and errors are those of `fixed_out_degree`; `probability` lies in 0..1. Time and memory follow
    the synapses drawn, not the possible ones: the gaps between them are drawn.

    >>> synapses = fixed_probability(1000, 1000, 0.01, seed=1)
    >>> 9_500 < synapses.n_synapses < 10_500
    True
    """
    from eventsim.engine.connecting import count_gaps, place_gaps

    n_pre, n_post, _ = _sizes(n_pre, n_post, 0)
    if not isinstance(probability, int | float) or not 0.0 <= probability <= 1.0:
        raise NetworkError(f"probability must lie in 0..1, got {probability!r}")
    rate = math.inf if probability == 1.0 else -math.log1p(-probability)
    indptr = np.zeros(n_pre + 1, np.int64)
    if rate > 0.0:
        count_gaps(_words(seed), n_post, rate, indptr)
    np.cumsum(indptr, out=indptr)
    indices = np.empty(int(indptr[-1]), np.int32)
    if rate > 0.0:
        place_gaps(_words(seed), n_post, rate, indices)
    return Csr(indptr, indices, _weights(weight, indices.size), n_post)


def _sizes(n_pre: int, n_post: int, degree: int) -> tuple[int, int, int]:
    for name, value, least in (("n_pre", n_pre, 1), ("n_post", n_post, 1), ("degree", degree, 0)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not least <= value <= _MOST_NEURONS:
            raise NetworkError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return int(n_pre), int(n_post), int(degree)


def _words(seed: int) -> npt.NDArray[np.uint64]:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise NetworkError(f"seed must be a whole number, not negative, got {seed!r}")
    words: npt.NDArray[np.uint64] = (
        np.random.SeedSequence(int(seed)).generate_state(4, np.uint64).astype(np.uint64)
    )
    return words


def _weights(weight: float, n: int) -> npt.NDArray[np.float32]:
    try:
        return np.full(n, weight, np.float32)
    except (TypeError, ValueError):
        raise NetworkError(f"weight must be one number, got {weight!r}") from None
