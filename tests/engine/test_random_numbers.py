"""Random numbers of the kernels: the bits against the published algorithm, the variates in distribution."""

import math

import numpy as np
import pytest
from distributions import KS_LIMIT, Z_LIMIT, chi_square_z, kolmogorov_smirnov, normal_z, poisson_probability
from hypothesis import given
from hypothesis import strategies as st
from numba import config, njit

from eventsim.engine import random_numbers
from eventsim.engine.random_numbers import Generator, load_generator, store_generator

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # interpreted uint64

INTERPRETED = bool(config.DISABLE_JIT)
MASK = 2**64 - 1
N = 4_000 if INTERPRETED else 400_000


# The parts have no Python wrapper.
@njit(nogil=True)
def words(g, out):
    for k in range(out.shape[0]):
        out[k], g = random_numbers.next_word(g)
    return g


@njit(nogil=True)
def uniforms(g, out):
    for k in range(out.shape[0]):
        out[k], g = random_numbers.uniform(g)


@njit(nogil=True)
def exponentials(g, out):
    for k in range(out.shape[0]):
        out[k], g = random_numbers.exponential(g)


@njit(nogil=True)
def poissons(g, mean, out):
    for k in range(out.shape[0]):
        out[k], g = random_numbers.poisson(g, mean)


@njit(nogil=True)
def belows(g, n, out):
    for k in range(out.shape[0]):
        out[k], g = random_numbers.below(g, n)


@njit(nogil=True)
def moved(state, a, b):
    store_generator(state, b, load_generator(state, a))


def generator(seed):
    return Generator(*np.random.SeedSequence(seed).generate_state(4, np.uint64))


def slow_words(state, n):
    """Yield xoshiro256++ as Blackman & Vigna 2021 define it, in integers of Python."""
    s = list(state)

    def rotl(x, k):
        return ((x << k) | (x >> (64 - k))) & MASK

    for _ in range(n):
        yield (rotl((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)


states = st.lists(
    st.one_of(st.integers(0, MASK), st.sampled_from([0, 1, MASK, 2**63])), min_size=4, max_size=4
)


@given(states)
def test_the_words_are_xoshiro256_plus_plus(state):
    out = np.empty(50, np.uint64)
    words(Generator(*(np.uint64(s) for s in state)), out)
    assert out.tolist() == list(slow_words(state, 50))


def test_the_words_from_1_2_3_4_are_the_published_ones():
    """The first outputs for this state are those of the authors' code, as other libraries test them too."""
    out = np.empty(4, np.uint64)
    words(Generator(*(np.uint64(s) for s in (1, 2, 3, 4))), out)
    assert out.tolist() == [41943041, 58720359, 3588806011781223, 3591011842654386]


def test_a_generator_is_kept_whole():
    state = np.arange(1, 13, dtype=np.uint64)
    moved(state, 0, 2)
    assert state.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4]


def test_uniforms_are_even_and_open():
    out = np.empty(N)
    uniforms(generator(11), out)
    assert 0 < out.min() < out.max() < 1
    assert kolmogorov_smirnov(out, lambda x: x) < KS_LIMIT
    # Serial: no pair of neighbours prefers any of 20 x 20 squares.
    pairs = (out[0::2] * 20).astype(int) * 20 + (out[1::2] * 20).astype(int)
    assert chi_square_z(np.bincount(pairs, minlength=400), np.full(400, N / 800)) < Z_LIMIT


def test_a_uniform_of_all_zeros_is_not_0():
    out = np.empty(1)
    uniforms(Generator(*(np.uint64(s) for s in (0, 0, 0, 0))), out)
    assert out[0] > 0


def test_a_uniform_of_all_ones_is_not_1():
    out = np.empty(1)
    uniforms(Generator(*(np.uint64(s) for s in (0, 0, 0, MASK))), out)
    assert out[0] < 1


def test_exponentials_have_mean_and_variance_1_and_the_right_distribution():
    out = np.empty(N)
    exponentials(generator(3), out)
    assert out.min() >= 0
    assert kolmogorov_smirnov(out, lambda x: -np.expm1(-x)) < KS_LIMIT
    assert max(normal_z(out, 1, 1)) < 5


@njit(nogil=True)
def exponentials_beyond(g, start, n, out):
    count = 0
    for _ in range(n):
        x, g = random_numbers.exponential(g)
        if x > start and count < out.shape[0]:
            out[count] = x - start
            count += 1
    return count


@pytest.mark.compiled
@pytest.mark.parametrize("start", [random_numbers._TAIL, 5.0])
def test_the_tail_of_exponentials_is_exponential(start):
    """Beyond the last layer of the ziggurat, 7.697, is one in 2200: it takes many to see the tail's form."""
    n = 40_000_000
    expected = n * math.exp(-start)
    out = np.empty(int(2 * expected))
    beyond = out[: exponentials_beyond(generator(5), start, n, out)]
    assert abs(beyond.size - expected) < 5 * math.sqrt(expected)
    assert kolmogorov_smirnov(beyond, lambda x: -np.expm1(-x)) < KS_LIMIT
    assert max(normal_z(beyond, 1, 1)) < 5


def test_the_layers_of_the_ziggurat_have_one_area():
    """The last of them closes the curve: only the right tail and area do that together."""
    width, density, area = random_numbers._WIDTH, random_numbers._DENSITY, random_numbers._AREA
    tail = random_numbers._TAIL
    assert width[1:] * (density[:-1] - density[1:]) == pytest.approx(area, rel=1e-9)
    assert density[0] == 1
    assert width[0] * math.exp(-tail) == pytest.approx(area)
    assert (tail + 1) * math.exp(-tail) == pytest.approx(area)
    # A layer lies wholly under the curve as far as the layer above it is wide.
    assert random_numbers._WITHIN[2:] * width[2:] == pytest.approx(width[1:-1])
    assert random_numbers._WITHIN[0] * width[0] == pytest.approx(tail)


@pytest.mark.parametrize("mean", [10.0, 12.0, 50.0, 850.0, 123456.0])
def test_poisson_numbers_follow_the_probabilities(mean):
    out = np.empty(N, np.int64)
    poissons(generator([7, int(mean)]), mean, out)
    assert out.min() >= 0
    assert max(normal_z(out, mean, mean)) < 5
    spread = 9 * math.sqrt(mean)
    low, high = max(0, int(mean - spread)), int(mean + spread) + 30
    assert low <= out.min() <= out.max() <= high
    expected = N * poisson_probability(np.arange(low, high + 1), mean)
    counts = np.bincount(out - low, minlength=high - low + 1)
    assert chi_square_z(counts, expected * (N / expected.sum())) < Z_LIMIT


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100, 1000])
def test_numbers_below_n_are_even(n):
    out = np.empty(N, np.int64)
    belows(generator([9, n]), n, out)
    assert out.min() >= 0
    assert out.max() < n
    if n > 1:
        assert chi_square_z(np.bincount(out, minlength=n), np.full(n, N / n)) < Z_LIMIT


def test_the_greatest_word_is_below_n():
    out = np.empty(1, np.int64)
    for n in (1, 3, 2**31 - 1):
        belows(Generator(*(np.uint64(s) for s in (0, 0, 0, MASK))), n, out)
        assert out[0] == n - 1


def test_these_tests_find_what_is_off_by_a_little():
    """A mean of 1 % more, or a bin of a few per cent more, fails at this number of samples."""
    rng = np.random.default_rng(1)
    n = 400_000
    assert kolmogorov_smirnov(rng.exponential(1.02, n), lambda x: -np.expm1(-x)) > KS_LIMIT
    assert kolmogorov_smirnov(rng.exponential(1.0, n), lambda x: -np.expm1(-x)) < KS_LIMIT
    bins = np.full(100, n / 100)
    fair = np.bincount(rng.integers(0, 100, n), minlength=100)
    assert chi_square_z(fair, bins) < Z_LIMIT
    unfair = np.where(rng.random(n) < 0.002, 5, rng.integers(0, 100, n))
    assert chi_square_z(np.bincount(unfair, minlength=100), bins) > Z_LIMIT
