"""When a neuron left alone crosses its threshold: closed forms between events, and the first tick above it.

Left alone for k ticks, every neuron here follows
``u(k) = alpha^k u + drive (1 - alpha^k) / (1 - alpha)`` (``u + k drive`` where alpha is 1) and
``theta(k) = base + beta rho^k a``. Their difference D is a constant (or a line) and two exponentials, so it
rises and falls at most once each: its step from k to k + 1 is ``P alpha^k + Q rho^k`` with
``P = drive - (1 - alpha) u`` and ``Q = beta a (1 - rho)``, which changes sign at most once.
With alpha <= rho, beta a >= 0 and drive <= (1 - alpha) base it never becomes positive:
D(k) <= (rest - base) (1 - rho^k).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eventsim.engine.jit import inlined, part
from eventsim.engine.layout import NEVER

_LONG = 1 << 50  # ticks: a threshold not crossed by then is not crossed


class Decay(NamedTuple):
    """The factor by which a leaky quantity decays per tick, its base-2 logarithm, and 1 minus it.

    On a fine grid the factor itself is too close to 1 to be raised to a power: at 1 ns and 20 ms, a second
    would lose seven digits. The logarithm keeps them; and it is whole where the factor is a power of two, so
    that such a decay is exact.
    """

    factor: float
    log2: float
    loss: float


class Course(NamedTuple):
    """What a neuron does when left alone."""

    u: float
    drive: float
    alpha: Decay
    base: float
    beta: float
    a: float
    rho: Decay


@inlined
def power(decay: Decay, k: int) -> float:
    """Return what is left after k ticks; exactly the factor for k = 1, the commonest case."""
    if k == 1:
        return decay.factor
    return np.exp2(k * decay.log2)  # type: ignore[no-any-return]


@inlined
def membrane_after(u: float, drive: float, alpha: Decay, k: int) -> float:
    """Return the membrane after k >= 1 ticks without events."""
    if k == 1:
        return alpha.factor * u + drive
    if alpha.loss == 0.0:
        return u + k * drive
    p = np.exp2(k * alpha.log2)
    if drive == 0.0:
        return p * u  # type: ignore[no-any-return]
    return p * u + drive * ((1.0 - p) / alpha.loss)  # type: ignore[no-any-return]


@inlined
def above(course: Course, k: int) -> bool:
    """Return whether the membrane is above the threshold after k >= 1 ticks, computed as an update does."""
    theta = course.base + course.beta * (power(course.rho, k) * course.a)
    return membrane_after(course.u, course.drive, course.alpha, k) > theta


@inlined
def earliest_crossing(course: Course) -> int:
    """Return a number of ticks before which the threshold is certainly not crossed, or NEVER; cheaply.

    The membrane rises at most by its first step each tick, the threshold falls at most by its first.
    """
    fall = course.beta * course.a
    gap = course.base + fall - course.u
    if gap < 0.0:
        return 1
    leak = course.alpha.loss
    held = course.drive <= leak * (course.base if fall > 0.0 else course.base + fall)
    if held and (fall <= 0.0 or course.alpha.log2 <= course.rho.log2):
        # Resting below a threshold that falls no faster than the membrane.
        return NEVER
    rate = max(course.drive - leak * course.u, 0.0) + max(course.rho.loss * fall, 0.0)
    if rate <= 0.0:
        return NEVER
    # The slack covers rounding; the caller looks again at that tick, so an early answer costs only time.
    return int(min(gap / rate * (1.0 - 1e-9), 1e15)) + 1


@part
def first_crossing(course: Course, start: int) -> int:
    """Return the first k >= start (>= 1) at which the membrane is above the threshold, or NEVER."""
    if above(course, start):
        return start
    alpha, rho = course.alpha.log2, course.rho.log2
    fall = course.beta * course.a
    # From k = 1 on, a factor of 0 has nothing left to give.
    p = course.drive - course.alpha.loss * course.u if course.alpha.factor > 0.0 else 0.0
    q = course.rho.loss * fall if course.rho.factor > 0.0 else 0.0
    if p <= 0.0 and q <= 0.0:
        return NEVER
    if p >= 0.0 and q >= 0.0:
        return _on_the_way_up(course, start)
    if alpha == rho:
        return _on_the_way_up(course, start) if p + q > 0.0 else NEVER
    turn = math.log2(-q / p) / (alpha - rho)
    if (p > 0.0) == (alpha > rho):
        # What rises lasts longer: a valley, then the way up.
        return _on_the_way_up(course, max(start, int(min(max(turn, 0.0), 1e15))))
    # What rises fades first: a hump, whose top is next to the turn.
    top = int(min(max(turn, 0.0), 1e15)) + 1
    for k in range(max(top - 1, start + 1), top + 2):
        if k > start and above(course, k):
            return _bisect(course, start, k)
    return NEVER


@part
def _on_the_way_up(course: Course, low: int) -> int:
    """Return the first crossing after `low`, from where the difference only rises."""
    if above(course, low):
        return low  # by rounding at the bottom of a valley
    # Where does it end? At drive / (1 - alpha) over what is left of the threshold.
    resting = course.base + (course.beta * course.a if course.rho.loss == 0.0 else 0.0)
    if course.alpha.loss == 0.0:
        if course.drive < 0.0 or (course.drive == 0.0 and course.u <= resting):
            return NEVER
    elif course.drive <= course.alpha.loss * resting:
        return NEVER
    step = 1
    while not above(course, low + step):
        if step > _LONG:
            return NEVER
        low += step
        step *= 2
    return _bisect(course, low, low + step)


@part
def _bisect(course: Course, low: int, high: int) -> int:
    """Return the first k in (low, high] above the threshold, where it is not above at low and is at high."""
    while high - low > 1:
        middle = low + (high - low) // 2
        if above(course, middle):
            high = middle
        else:
            low = middle
    return high
