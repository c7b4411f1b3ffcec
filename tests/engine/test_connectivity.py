"""Random connectivity: degrees, evenness, seeds, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim import fixed_in_degree, fixed_out_degree, fixed_probability
from eventsim.errors import NetworkError

sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32)


def sources_of(synapses):
    return np.repeat(np.arange(synapses.n_pre), np.diff(synapses.indptr))


def assert_even(counts):
    """Fail where counts that should be alike differ by more than chance: six sigma of chi square."""
    expected = counts.mean()
    chi_square, n = ((counts - expected) ** 2 / expected).sum(), counts.size
    assert abs(chi_square - n) < 6 * np.sqrt(2 * n)


@settings(max_examples=50)
@given(sizes, sizes, st.integers(0, 20), seeds)
def test_out_degree_is_fixed(n_pre, n_post, degree, seed):
    synapses = fixed_out_degree(n_pre, n_post, degree, weight=0.5, seed=seed)
    assert (np.diff(synapses.indptr) == degree).all()
    assert (synapses.n_pre, synapses.n_post) == (n_pre, n_post)
    assert (synapses.weights == 0.5).all()
    again = fixed_out_degree(n_pre, n_post, degree, weight=0.5, seed=seed)
    assert np.array_equal(synapses.indices, again.indices)


@settings(max_examples=50)
@given(sizes, sizes, st.integers(0, 20), seeds)
def test_in_degree_is_fixed_and_rows_ascend(n_pre, n_post, degree, seed):
    synapses = fixed_in_degree(n_pre, n_post, degree, seed=seed)
    assert (np.bincount(synapses.indices, minlength=n_post) == degree).all()
    assert synapses.n_synapses == n_post * degree
    for s in range(n_pre):
        row = synapses.indices[synapses.indptr[s] : synapses.indptr[s + 1]]
        assert (np.diff(row) >= 0).all()


@settings(max_examples=50)
@given(sizes, sizes, st.floats(0, 1), seeds)
def test_with_a_probability_no_pair_is_connected_twice(n_pre, n_post, probability, seed):
    synapses = fixed_probability(n_pre, n_post, probability, seed=seed)
    pairs = sources_of(synapses) * n_post + synapses.indices
    assert (np.diff(pairs) > 0).all()
    if probability in (0.0, 1.0):
        assert synapses.n_synapses == probability * n_pre * n_post


def test_all_ends_are_equally_likely():
    out, into = fixed_out_degree(200, 300, 300, seed=1), fixed_in_degree(200, 300, 200, seed=1)
    assert_even(np.bincount(out.indices, minlength=300))
    assert_even(np.diff(into.indptr))
    chance = fixed_probability(200, 300, 0.3, seed=1)
    assert_even(np.bincount(chance.indices, minlength=300) / 0.7)
    assert abs(chance.n_synapses - 18_000) < 6 * np.sqrt(18_000 * 0.7)


def test_seeds_differ():
    first, second = (fixed_out_degree(10, 1000, 100, seed=seed) for seed in (1, 2))
    assert not np.array_equal(first.indices, second.indices)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: fixed_out_degree(0, 1, 1), "n_pre must be a whole number of at least 1, got 0"),
        (lambda: fixed_out_degree(1, 2.5, 1), "n_post must be a whole number"),
        (lambda: fixed_in_degree(1, 1, -1), "degree must be a whole number of at least 0"),
        (lambda: fixed_in_degree(1, 1, True), "degree must be a whole number"),
        (lambda: fixed_probability(1, 1, 1.5), "probability must lie in 0..1, got 1.5"),
        (lambda: fixed_probability(1, 1, float("nan")), "probability must lie in 0..1"),
        (lambda: fixed_probability(1, 1, "x"), "probability must lie in 0..1"),
        (lambda: fixed_out_degree(1, 1, 1, seed=-1), "seed must be a whole number"),
        (lambda: fixed_out_degree(1, 1, 1, weight="x"), "weight must be one number"),
        (lambda: fixed_out_degree(1, 1, 1, weight=float("nan")), "must be finite"),
    ],
)
def test_what_is_refused(make, said):
    with pytest.raises(NetworkError, match=said):
        make()
