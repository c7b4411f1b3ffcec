"""The prediction of spontaneous firing against trying every tick."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from eventsim.engine import crossing
from eventsim.engine.crossing import Course, Decay
from eventsim.engine.layout import NEVER
from eventsim.models.model import decay_rows

HORIZON = 600


# The parts have no Python wrapper.
@njit(nogil=True)
def first(course, start):
    return crossing.first_crossing(course, start)


@njit(nogil=True)
def earliest(course):
    return crossing.earliest_crossing(course)


@njit(nogil=True)
def first_by_trial(course, start):
    for k in range(start, HORIZON):
        if crossing.above(course, k):
            return k
    return NEVER


@njit(nogil=True)
def least_margin(course):
    least = math.inf
    for k in range(1, HORIZON):
        u = crossing.membrane_after(course.u, course.drive, course.alpha, k)
        theta = course.base + course.beta * (crossing.power(course.rho, k) * course.a)
        least = min(least, abs(u - theta))
    return least


@njit(nogil=True)
def stepped(u, drive, alpha, k):
    for _ in range(k):
        u = alpha.factor * u + drive
    return u


def per_tick(tau):
    """Return the decay of a time constant of `tau` ticks, as models make it."""
    return Decay(*(float(x[0]) for x in decay_rows(np.array([tau]), 1)))


half = 1 / math.log(2)
decays = st.one_of(st.sampled_from([1e-4, half, half / 2, math.inf]), st.floats(0.1, 1000)).map(per_tick)
courses = st.builds(
    Course,
    u=st.floats(-5, 5),
    drive=st.one_of(st.just(0.0), st.floats(-1, 1), st.floats(-0.01, 0.01)),
    alpha=decays,
    base=st.floats(-1, 2),
    beta=st.floats(-2, 3),
    a=st.floats(0, 4),
    rho=decays,
)
# Where the search decides by less than this, rounding decides.
MARGIN = 1e-12


@given(courses, st.integers(1, 40))
@example(
    Course(u=2.0, drive=0.0, alpha=per_tick(20), base=0.01, beta=1.8, a=1.5, rho=per_tick(1.5)), 1
)  # a hump
@example(
    Course(u=0.0, drive=0.05, alpha=per_tick(20), base=0.9, beta=1.0, a=2.0, rho=per_tick(100)), 1
)  # to rest above
def test_the_first_crossing_is_the_first(course, start):
    found, tried = first(course, start), first_by_trial(course, start)
    if found != tried and not (tried == NEVER and found >= HORIZON):
        assert least_margin(course) < MARGIN


@given(
    st.floats(0.5, 5),
    st.floats(2, 60),
    st.floats(0.02, 0.9),
    st.floats(1, 3),
    st.floats(-0.02, 0.0),
)
def test_a_hump_one_tick_wide_is_found(u, tau_mem, ratio, height, drive):
    # The threshold falls faster than the membrane and starts above it; base leaves only the top above.
    shape = Course(u, drive, per_tick(tau_mem), 0.0, 1.0, height * u, per_tick(tau_mem * ratio))
    d = [difference(shape, k) for k in range(1, HORIZON)]
    second, top = sorted(d)[-2:]
    if top - second < 1e-9 or d.index(top) == 0:
        return
    course = shape._replace(base=(top + second) / 2)
    assert first(course, 1) == first_by_trial(course, 1) == d.index(top) + 1


@njit(nogil=True)
def difference(course, k):
    u = crossing.membrane_after(course.u, course.drive, course.alpha, k)
    return u - course.beta * (crossing.power(course.rho, k) * course.a)


@given(courses)
def test_the_earliest_crossing_is_never_late(course):
    # Called only for a neuron that is at rest below its threshold, or was just reset.
    bound, found = earliest(course), first_by_trial(course, 1)
    assert bound >= 1
    if bound > found:
        assert least_margin(course) < MARGIN


@given(st.floats(-5, 5), st.floats(-1, 1), decays, st.integers(1, 300))
def test_the_closed_form_is_the_recurrence(u, drive, alpha, k):
    got = njit_membrane(u, drive, alpha, k)
    assert got == pytest.approx(stepped(u, drive, alpha, k), rel=1e-9, abs=1e-9)


@njit(nogil=True)
def njit_membrane(u, drive, alpha, k):
    return crossing.membrane_after(u, drive, alpha, k)


def test_a_neuron_that_only_decays_is_never_looked_at():
    resting = Course(u=0.5, drive=0.0, alpha=per_tick(9.5), base=1.0, beta=1.8, a=0.3, rho=per_tick(100))
    assert earliest(resting) == NEVER
    assert first(resting, 1) == NEVER
