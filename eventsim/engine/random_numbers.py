"""Random numbers inside kernels: xoshiro256++, uniform, exponential and Poisson variates.

A generator is passed and returned by value, so that a loop keeps it in processor registers.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from eventsim.engine.jit import inlined, part
from eventsim.engine.layout import Words

_S11, _S12, _S17, _S23, _S41, _S45, _S19 = (np.uint64(k) for k in (11, 12, 17, 23, 41, 45, 19))
_LAYER: Final = np.uint64(255)
_TO_UNIT: Final = 2.0**-53


class Generator(NamedTuple):
    """The 256 bits of a generator's state."""

    s0: np.uint64
    s1: np.uint64
    s2: np.uint64
    s3: np.uint64


@inlined
def load_generator(words: Words, k: int) -> Generator:
    """Return generator k."""
    return Generator(words[4 * k], words[4 * k + 1], words[4 * k + 2], words[4 * k + 3])


@inlined
def store_generator(words: Words, k: int, g: Generator) -> None:
    """Keep generator k."""
    words[4 * k], words[4 * k + 1], words[4 * k + 2], words[4 * k + 3] = g.s0, g.s1, g.s2, g.s3


@inlined
def next_word(g: Generator) -> tuple[np.uint64, Generator]:
    """Return the next 64 random bits.

    Source: Blackman & Vigna 2021, Scrambled linear pseudorandom number generators, xoshiro256++.
    """
    mixed = g.s0 + g.s3
    word = ((mixed << _S23) | (mixed >> _S41)) + g.s0
    s2, s3 = g.s2 ^ g.s0, g.s3 ^ g.s1
    return word, Generator(g.s0 ^ s3, g.s1 ^ s2, s2 ^ (g.s1 << _S17), (s3 << _S45) | (s3 >> _S19))


@inlined
def _fraction(word: np.uint64) -> float:
    """Return the upper 53 bits of a word as a number in [0, 1)."""
    return np.float64(np.int64(word >> _S11)) * _TO_UNIT


@inlined
def uniform(g: Generator) -> tuple[float, Generator]:
    """Return a number in (0, 1), never 0 and never 1."""
    word, g = next_word(g)
    # 52 bits: the middle of the last of 2^53 intervals would round to 1.
    return (np.float64(np.int64(word >> _S12)) + 0.5) * (2.0 * _TO_UNIT), g


@inlined
def below(g: Generator, n: int) -> tuple[int, Generator]:
    """Return a whole number in 0..n-1, each equally likely (to 2^-53 n)."""
    word, g = next_word(g)
    return int(_fraction(word) * n), g


_LAYERS: Final = 256
_TAIL: Final = 7.69711747013104972
_AREA: Final = 3.949659822581572e-3


def _layers() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return per layer: the fraction that lies wholly under the curve, the width, the density at its edge."""
    edge = np.zeros(_LAYERS + 1)
    edge[_LAYERS - 1] = _TAIL
    for k in range(_LAYERS - 2, 0, -1):
        edge[k] = -math.log(_AREA / edge[k + 1] + math.exp(-edge[k + 1]))
    width = edge[:_LAYERS].copy()
    width[0] = _AREA / math.exp(-_TAIL)
    within = np.empty(_LAYERS)
    within[0] = _TAIL / width[0]
    within[1:] = edge[: _LAYERS - 1] / edge[1:_LAYERS]
    return within, width, np.exp(-edge[:_LAYERS])


_WITHIN, _WIDTH, _DENSITY = _layers()


@inlined
def exponential(g: Generator) -> tuple[float, Generator]:
    """Return an exponential variate of mean 1; one word and no logarithm in 98.9 % of cases.

    Source: Marsaglia & Tsang 2000, The ziggurat method for generating random variables, with 256 layers. The
    layer is taken from bits that the position in it does not use.
    """
    while True:
        word, g = next_word(g)
        layer, x = word & _LAYER, _fraction(word)
        if x < _WITHIN[layer]:
            return x * _WIDTH[layer], g
        u, g = uniform(g)
        if layer == np.uint64(0):
            return _TAIL - math.log(u), g
        x *= _WIDTH[layer]
        upper = _DENSITY[layer - np.uint64(1)]
        if _DENSITY[layer] + u * (upper - _DENSITY[layer]) < math.exp(-x):
            return x, g


@part
def poisson(g: Generator, mean: float) -> tuple[int, Generator]:
    """Return a Poisson variate of a mean of at least 10.

    Source: Hörmann 1993, The transformed rejection method for generating Poisson random variables, PTRS.
    """
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u, g = uniform(g)
        v, g = uniform(g)
        u -= 0.5
        us = 0.5 - abs(u)
        k = math.floor((2.0 * a / us + b) * u + mean + 0.43)
        if us >= 0.07 and v <= v_r:
            return int(k), g
        if k < 0 or (us < 0.013 and v > us):
            continue
        if math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b) <= (
            -mean + k * math.log(mean) - math.lgamma(k + 1.0)
        ):
            return int(k), g
