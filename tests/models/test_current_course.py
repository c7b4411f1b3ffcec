"""A membrane behind a decaying current: the closed form against steps, the prediction against every tick."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from eventsim.engine.crossing import Decay
from eventsim.engine.layout import NEVER
from eventsim.models import current_course
from eventsim.models.cuba_lif import exponential_current
from eventsim.models.current_course import Coupling, DrivenCourse
from eventsim.models.input_gated import InputGated

HORIZON = 600
# Where the search decides by less than this, rounding decides.
MARGIN = 1e-12


# The parts have no Python wrapper.
@njit(nogil=True)
def after(course, k):
    return current_course.driven_after(course, k)


@njit(nogil=True)
def first(course, start):
    return current_course.first_crossing_driven(course, start)


@njit(nogil=True)
def earliest(course):
    return current_course.earliest_driven(course)


@njit(nogil=True)
def first_by_trial(course, start):
    for k in range(start, HORIZON):
        if current_course.driven_after(course, k) > course.theta:
            return k
    return NEVER


@njit(nogil=True)
def least_margin(course):
    least = math.inf
    for k in range(1, HORIZON):
        least = min(least, abs(current_course.driven_after(course, k) - course.theta))
    return least


@njit(nogil=True)
def stepped(course, k):
    v, i = course.v, course.i
    for _ in range(k):
        v = course.alpha.factor * v + course.drive + course.coupling.first * i
        i *= course.sigma.factor
    return v


def of_rows(rows, v, drive, i, theta):
    rows = [float(row[0]) for row in rows]
    return DrivenCourse(v, drive, Decay(*rows[:3]), i, Decay(*rows[3:6]), Coupling(*rows[6:10]), theta)


def cuba(tau_mem, tau_syn, v=0.0, drive=0.0, i=0.0, theta=1.0):
    """Return the course of a CubaLIF whose time constants are in ticks."""
    return of_rows(exponential_current(np.array([tau_mem]), np.array([tau_syn]), 1), v, drive, i, theta)


def gated(tau, gate_bias, v, drive, i, theta):
    """Return the course of an InputGated cell at rest, `drive` being its candidate."""
    model = InputGated(tau, 1.0, gate_bias=gate_bias).broadcast(2)
    return of_rows(model.kernel_parameters(1)[:, :1], v, drive, i, theta)


half = 1 / math.log(2)
taus = st.one_of(st.sampled_from([1e-4, half, half / 2]), st.floats(0.1, 1000))
pairs = st.one_of(
    st.tuples(taus, st.one_of(taus, st.just(math.inf))),
    st.tuples(taus, st.sampled_from([1.0, 1 + 1e-13, 1 - 1e-9, 1 + 1e-6, 1.01])).map(
        lambda p: (p[0], p[0] * p[1])
    ),
)
state = {
    "v": st.floats(-5, 5),
    "drive": st.one_of(st.just(0.0), st.floats(-1, 1), st.floats(-0.01, 0.01)),
    "i": st.one_of(st.just(0.0), st.floats(-5, 5), st.floats(-200, 200)),
    "theta": st.floats(-1, 2),
}
courses = st.one_of(
    st.builds(lambda pair, **rest: cuba(*pair, **rest), pairs, **state),
    st.builds(
        gated,
        st.one_of(taus, st.just(math.inf)),
        st.one_of(st.sampled_from([0.0, 800.0, -800.0]), st.floats(-6, 6)),
        **{**state, "drive": st.floats(0, 1)},
    ),
)


@given(courses, st.integers(1, 40))
@example(cuba(20.0, 5.0, i=6.5), 1)  # a hump
@example(cuba(20.0, 20.0, i=2.8), 1)  # the alpha function
@example(cuba(20.0, 5.0, v=0.9, i=-3.0, drive=0.06), 1)  # a valley, then to rest above the threshold
@example(cuba(5.0, 20.0, v=-3.0, i=2.0), 1)
def test_the_first_crossing_is_the_first(course, start):
    found, tried = first(course, start), first_by_trial(course, start)
    if found != tried and not (tried == NEVER and found >= HORIZON):
        assert least_margin(course) < MARGIN


@given(pairs, st.floats(0.5, 20), st.floats(-2, 0.5), st.floats(-0.02, 0.0))
def test_a_hump_one_tick_wide_is_found(pair, i, v, drive):
    shape = cuba(*pair, v, drive, i)
    d = [after(shape, k) for k in range(1, HORIZON)]
    second, top = sorted(d)[-2:]
    if top - second < 1e-9 or d.index(top) == 0:
        return
    course = shape._replace(theta=(top + second) / 2)
    assert first(course, 1) == first_by_trial(course, 1) == d.index(top) + 1


@given(courses)
def test_the_earliest_crossing_is_never_late(course):
    bound, found = earliest(course), first_by_trial(course, 1)
    assert bound >= 1
    if bound > found:
        assert least_margin(course) < MARGIN


@given(courses, st.integers(1, 300))
@example(cuba(1e-4, 1.0000000000001e-4), 2)  # nothing is left after a tick
@example(gated(1e-4, -800.0, 0.0, 0.0, 0.0, 0.0), 2)
def test_the_closed_form_is_the_recurrence(course, k):
    assert after(course, k) == pytest.approx(stepped(course, k), rel=1e-9, abs=1e-9)


@given(pairs, st.floats(0.1, 10))
def test_a_current_whose_peak_stays_below_is_never_looked_at(pair, i):
    shape = cuba(*pair, i=i)
    top = max(after(shape, k) for k in range(1, HORIZON))
    assert earliest(shape._replace(theta=i * shape.coupling.peak * (1 + 1e-12))) == NEVER
    assert i * shape.coupling.peak >= top * (1 - 1e-12)


def precise(tau_mem, tau_syn, tick, k):
    """Return the membrane that a current of 1 leaves after k ticks, to fifty digits."""
    with localcontext() as context:
        context.prec = 50
        mem, syn, t = Decimal(tau_mem), Decimal(tau_syn), Decimal(tick) * k
        if mem == syn:
            return float(t / mem * (-t / mem).exp())
        return float(syn / (mem - syn) * ((-t / mem).exp() - (-t / syn).exp()))


@pytest.mark.parametrize("tau_syn_ns", [5e6, 19.9e6, 20e6 * (1 + 1e-9), 20e6, 100e6])
@pytest.mark.parametrize("k", [1, 2, 7, 1_000, 10**6, 20 * 10**6, 3 * 10**8])
def test_a_grid_of_one_nanosecond_loses_no_digits(tau_syn_ns, k):
    rows = exponential_current(np.array([20e6]), np.array([tau_syn_ns]), 1)
    course = of_rows(rows, v=0.0, drive=0.0, i=1.0, theta=1.0)
    assert after(course, k) == pytest.approx(precise(20e6, tau_syn_ns, 1, k), rel=1e-12)


def test_decays_of_powers_of_two_are_exact():
    course = cuba(half, half / 2, v=3.0, i=8.0)
    assert [after(course, k) for k in (1, 2, 3)] == [1.5 + 2.0, 0.75 + 1.5, 0.375 + 0.875]
