"""A membrane driven by a decaying current: closed forms between events, first tick above the threshold.

Left alone, each tick takes ``v <- alpha v + drive + first i`` and then ``i <- sigma i``. After k ticks
``v(k) = alpha^k v + drive (1 - alpha^k) / (1 - alpha) + i W(k)`` with
``W(k) = first (alpha^k - sigma^k) / (alpha - sigma)``, or ``first k alpha^(k - 1)`` where the two are equal.
The step from k to k + 1 is ``P alpha^k + Q sigma^k``, which changes sign at most once: the membrane rises and
falls at most once each. With p = drive - (1 - alpha) v and q = first i, the step is 0 at
``k = -ln(1 - (alpha - sigma) (1 + p / q) / (1 - sigma)) / ln(alpha / sigma)``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eventsim.engine.crossing import Decay, membrane_after, power
from eventsim.engine.jit import part
from eventsim.engine.layout import NEVER, Floats
from eventsim.models.model import FloatArray

_LONG = 1 << 50  # ticks: a threshold not crossed by then is not crossed
_NEAR = 0.5  # below it, alpha^k - sigma^k would lose digits


class Coupling(NamedTuple):
    """How a current raises the membrane: W(1), W over the difference of powers, ln(alpha / sigma), sup W."""

    first: float
    far: float
    spread: float
    peak: float


class DrivenCourse(NamedTuple):
    """What a neuron with a current does when left alone."""

    v: float
    drive: float
    alpha: Decay
    i: float
    sigma: Decay
    coupling: Coupling
    theta: float


@part
def charge_after(alpha: Decay, sigma: Decay, coupling: Coupling, k: int) -> float:
    """Return W(k), the membrane that a current of 1 leaves after k >= 1 ticks."""
    if k == 1:
        return coupling.first
    if coupling.spread == 0.0:
        return coupling.first * k * power(sigma, k - 1)
    reach = k * coupling.spread
    if -_NEAR < reach < _NEAR:
        return coupling.far * power(sigma, k) * math.expm1(reach)
    return coupling.far * (power(alpha, k) - power(sigma, k))


@part
def driven_after(course: DrivenCourse, k: int) -> float:
    """Return the membrane after k >= 1 ticks without events."""
    alone = membrane_after(course.v, course.drive, course.alpha, k)
    return alone + course.i * charge_after(course.alpha, course.sigma, course.coupling, k)


@part
def earliest_driven(course: DrivenCourse) -> int:
    """Return a number of ticks before which the threshold is certainly not crossed, or NEVER; cheaply.

    The bias brings the membrane no higher than to rest, and the current adds no more than its peak. Neither
    adds more in any tick than it would in the first.
    """
    gap = course.theta - course.v
    if gap < 0.0:
        return 1
    leak, current = course.alpha.loss, max(course.i, 0.0)
    most = current * course.coupling.peak if current > 0.0 else 0.0
    if leak > 0.0:
        if max(course.v, course.drive / leak) + most <= course.theta:
            return NEVER
    elif course.drive <= 0.0 and course.v + most <= course.theta:
        return NEVER
    rate = max(course.drive - leak * course.v, 0.0) + course.coupling.first * current
    if rate <= 0.0:
        return NEVER
    # The slack covers rounding; the caller looks again at that tick, so an early answer costs only time.
    return int(min(gap / rate * (1.0 - 1e-9), 1e15)) + 1


@part
def first_crossing_driven(course: DrivenCourse, start: int) -> int:
    """Return the first k >= start (>= 1) at which the membrane is above the threshold, or NEVER."""
    if driven_after(course, start) > course.theta:
        return start
    p = course.drive - course.alpha.loss * course.v
    q = course.coupling.first * course.i
    turn = _turn(course, p, q)
    if turn <= 0.0:
        rises = p + q > 0.0 or (p + q == 0.0 and p * course.sigma.loss > 0.0)
        return _on_the_way_up(course, start) if rises else NEVER
    if p + q <= 0.0:  # a valley, then the way up
        return _on_the_way_up(course, max(start, int(min(turn, 1e15))))
    # A hump, whose top is next to the turn.
    top = int(min(turn, 1e15)) + 1
    for k in range(max(top - 1, start + 1), max(top, start) + 2):
        if driven_after(course, k) > course.theta:
            return _bisect(course, start, k)
    return NEVER


@part
def _turn(course: DrivenCourse, p: float, q: float) -> float:
    """Return the k, no whole number, at which the membrane turns, or a negative number where it does not."""
    spread, kept, loss = course.coupling.spread, course.sigma.factor, course.sigma.loss
    if q == 0.0 or loss == 0.0:
        return -1.0
    if spread == 0.0:
        return kept / loss * (1.0 + p / q)
    ratio = -(course.alpha.factor - kept if abs(spread) >= _NEAR else kept * math.expm1(spread)) / loss
    ratio *= 1.0 + p / q
    if ratio <= -1.0:
        return -1.0
    return -math.log1p(ratio) / spread


@part
def _on_the_way_up(course: DrivenCourse, low: int) -> int:
    """Return the first crossing after `low`, from where the membrane only rises."""
    if driven_after(course, low) > course.theta:
        return low  # by rounding at the bottom of a valley
    lasting = course.drive
    if course.sigma.loss == 0.0:
        lasting += course.coupling.first * course.i
    if lasting <= course.alpha.loss * course.theta and (course.alpha.loss > 0.0 or lasting < 0.0):
        return NEVER
    step = 1
    while not driven_after(course, low + step) > course.theta:
        if step > _LONG:
            return NEVER
        low += step
        step *= 2
    return _bisect(course, low, low + step)


@part
def _bisect(course: DrivenCourse, low: int, high: int) -> int:
    """Return the first k in (low, high] above the threshold, where it is not above at low and is at high."""
    while high - low > 1:
        middle = low + (high - low) // 2
        if driven_after(course, middle) > course.theta:
            high = middle
        else:
            low = middle
    return high


# The first rows of the parameters of a model with such a course: two decays and their coupling.
ALPHA, ALPHA_LOG, ALPHA_LOSS, SIGMA, SIGMA_LOG, SIGMA_LOSS, FIRST, FAR, SPREAD, PEAK = range(10)
N_COURSE_ROWS = 10


@part
def decay_at(rows: Floats, row: int, n: int, i: int) -> Decay:
    """Return the decay of neuron i whose three rows begin at `row`."""
    return Decay(rows[row * n + i], rows[(row + 1) * n + i], rows[(row + 2) * n + i])


@part
def coupling_at(rows: Floats, n: int, i: int) -> Coupling:
    """Return the coupling of neuron i."""
    return Coupling(rows[FIRST * n + i], rows[FAR * n + i], rows[SPREAD * n + i], rows[PEAK * n + i])


Rows = tuple[FloatArray, FloatArray, FloatArray]
"""A decay per neuron: its factor, base-2 logarithm and loss."""


def spread_of(alpha: Rows, sigma: Rows) -> FloatArray:
    """Return ln(alpha / sigma); infinite where sigma is 0."""
    return np.asarray((alpha[1] - sigma[1]) * math.log(2.0))


def course_rows(alpha: Rows, sigma: Rows, first: FloatArray, far: FloatArray) -> list[FloatArray]:
    """Return the rows ALPHA to PEAK, given W(1) and W over the difference of powers (where they differ)."""
    spread = spread_of(alpha, sigma)
    with np.errstate(all="ignore"):
        # Of time constants nearly equal, the spread itself has few digits: W must take back what it gives.
        near = np.where(first == 0, 0.0, first / (sigma[0] * np.expm1(spread)))
    far = np.where((np.abs(spread) < _NEAR) & (spread != 0), near, far)
    return [*alpha, *sigma, first, far, spread, _peak(alpha, sigma, first, far, spread)]


def _peak(alpha: Rows, sigma: Rows, first: FloatArray, far: FloatArray, spread: FloatArray) -> FloatArray:
    """Return a bound on W, a billionth above its maximum over real k."""
    slow, fast = (-decay[1] * math.log(2.0) for decay in (alpha, sigma))
    with np.errstate(all="ignore"):
        apart = np.abs(spread) > 1e-6 * slow
        k = np.where(apart, np.log(fast / slow) / np.where(apart, spread, 1.0), 1.0 / slow)
        near = first / sigma[0] * k * np.exp(-slow * k)
        # Far from k spread = 0 the difference of powers keeps its digits; near it both forms do.
        maximum = np.where(apart, far * (np.exp(-slow * k) - np.exp(-fast * k)), near * (1 + 1e-6))
        # Without a leak W only rises; with sigma = 0 it only falls.
        maximum = np.where(alpha[2] == 0.0, first / sigma[2], maximum)
        maximum = np.where(sigma[2] == 0.0, first / alpha[2], maximum)
        maximum = np.where(np.isfinite(fast), maximum, first)
        return np.where(np.isnan(maximum), np.inf, maximum * (1 + 1e-9))
