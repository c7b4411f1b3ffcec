"""Random numbers inside kernels: xoshiro256++, uniform, exponential and Poisson variates."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from eventsim.engine.jit import part
from eventsim.engine.layout import Words

_S11, _S17, _S23, _S41, _S45, _S19 = (np.uint64(k) for k in (11, 17, 23, 41, 45, 19))
_TO_UNIT: Final = 2.0**-53


@part
def next_word(state: Words) -> np.uint64:
    """Return the next 64 random bits; `state` is uint64[4], not all zero.

    Source: Blackman & Vigna 2021, Scrambled linear pseudorandom number generators, xoshiro256++.
    """
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    mixed = s0 + s3
    result = ((mixed << _S23) | (mixed >> _S41)) + s0
    shifted = s1 << _S17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = (s3 << _S45) | (s3 >> _S19)
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
    return np.uint64(result)


@part
def uniform(state: Words) -> float:
    """Return a number in (0, 1), never 0 and never 1."""
    return (np.float64(np.int64(next_word(state) >> _S11)) + 0.5) * _TO_UNIT


@part
def exponential(state: Words) -> float:
    """Return an exponential variate of mean 1."""
    return -math.log(uniform(state))


@part
def below(state: Words, n: int) -> int:
    """Return a whole number in 0..n-1, each equally likely (to 2^-53 n)."""
    return int(np.float64(np.int64(next_word(state) >> _S11)) * _TO_UNIT * n)


@part
def poisson(state: Words, mean: float) -> int:
    """Return a Poisson variate of a mean of at least 10.

    Source: Hörmann 1993, The transformed rejection method for generating Poisson random variables, PTRS.
    """
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = uniform(state) - 0.5
        v = uniform(state)
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= v_r:
            return int(k)
        if k < 0 or (us < 0.013 and v > us):
            continue
        if math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b) <= (
            -mean + k * math.log(mean) - math.lgamma(k + 1.0)
        ):
            return int(k)
