"""Tests of distributions that need no statistics package; a fair sample fails one in a million times."""

import math

import numpy as np


def kolmogorov_smirnov(sample, cumulative):
    """Return sqrt(n) D, n large, where D is the largest distance to a continuous `cumulative` function.

    Source: Smirnov 1948; P(sqrt(n) D > x) is about 2 exp(-2 x^2).
    """
    ordered = np.sort(sample)
    n = ordered.size
    wanted = cumulative(ordered)
    above, below = np.arange(1, n + 1) / n - wanted, wanted - np.arange(n) / n
    return math.sqrt(n) * max(above.max(), below.max())


KS_LIMIT = math.sqrt(math.log(2 / 1e-6) / 2)


def chi_square_z(counts, expected):
    """Return how many standard deviations chi-square is off; neighbouring bins are joined up to 10 expected.

    Source: Wilson & Hilferty 1931, the cube root of chi-square is nearly normal.
    """
    counts, expected = np.asarray(counts, float), np.asarray(expected, float)
    assert counts.sum() == np.round(expected.sum(), 3)
    starts, so_far = [0], 0.0
    for k in range(expected.size):
        so_far += expected[k]
        if so_far >= 10 and expected[k + 1 :].sum() >= 10:
            starts.append(k + 1)
            so_far = 0.0
    counts, expected = np.add.reduceat(counts, starts), np.add.reduceat(expected, starts)
    free = counts.size - 1
    assert free > 0
    chi_square = ((counts - expected) ** 2 / expected).sum()
    spread = 2 / (9 * free)
    return ((chi_square / free) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)


Z_LIMIT = 4.76
"""One in a million of a normal variate lies above it."""


def poisson_probability(k, mean):
    """Return the probability of each k."""
    return np.array([math.exp(-mean + i * math.log(mean) - math.lgamma(i + 1)) for i in np.atleast_1d(k)])


def normal_z(sample, mean, variance):
    """Return how far mean and variance of a sample are off, in standard errors of a near-normal variate."""
    n, fourth = sample.size, ((sample - sample.mean()) ** 4).mean()
    of_mean = (sample.mean() - mean) / math.sqrt(variance / n)
    of_variance = (sample.var() - variance) / math.sqrt((fourth - variance**2) / n)
    return abs(of_mean), abs(of_variance)
