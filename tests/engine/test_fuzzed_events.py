"""Event arrays of any kind end in a result or in the package's own error of one line, and never in a half."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventsim.errors import EventError, EventSimError
from eventsim.events import MAX_TIME_NS, Events
from eventsim.models import LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Csr, Dense
from eventsim.session import Session

TYPES = (
    *(
        f"{order}{kind}"
        for order in "<>"
        for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
    ),
    *("f2", "g", "?", "c16", "U3", "S4", "O", "M8[ns]", "m8[ns]", "V4"),
)
SPECIAL = (
    *(
        0,
        1,
        -1,
        2,
        3,
        1000,
        10**6,
        10**9,
        -(10**9),
        2**31 - 1,
        2**31,
        2**32,
        2**53,
        2**62 - 1,
        2**62,
        -(2**62),
    ),
    *(2**63 - 1, 2**63, 2**64 - 1, -(2**63), 2**70, 0.5, 1e39, -1e39, 1e300, math.nan, math.inf, -math.inf),
    *(True, None, "x", "3", b"y", 1j, [], [1, 2]),
)
STRUCTURED = np.zeros(3, [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("p", "?")])

numbers = st.one_of(st.sampled_from(SPECIAL), st.integers(-3, 5), st.integers(-(2**65), 2**65), st.floats())
lists = st.recursive(st.lists(numbers, max_size=6), lambda inner: st.lists(inner, max_size=3), max_leaves=8)


@st.composite
def arrays(draw):
    """Return an array of any type, shape, order of memory; or what numpy must make one of."""
    data = draw(lists)
    if draw(st.integers(0, 3)) == 0:
        return draw(
            st.one_of(st.just(data), numbers, st.just(STRUCTURED), st.just(np.ma.masked_all(3, "i8")))
        )
    try:
        with np.errstate(all="ignore"):
            array = np.array(data, dtype=draw(st.sampled_from(TYPES)))
    except (ValueError, TypeError, OverflowError):
        return data
    return draw(
        st.sampled_from([array, array[::-1] if array.ndim else array, np.repeat(array, 2)[::2], array.T])
    )


@st.composite
def nearly_good(draw):
    """Return three arrays of one length, most of which are good."""
    n = draw(st.integers(0, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    good = [
        rng.integers(0, 9, n) * draw(st.sampled_from([1000, 1000, 1000, 1])),
        rng.integers(0, draw(st.sampled_from([3, 3, 4])), n),
        rng.normal(size=n).astype(draw(st.sampled_from(["f4", "f8"]))),
    ]
    types = [
        draw(st.sampled_from(kinds)) for kinds in (["<i8", ">i8", "u8", "i4"], ["i4", "u1", "<i8", ">u2"])
    ]
    good[0], good[1] = good[0].astype(types[0]), good[1].astype(types[1])
    if draw(st.booleans()):
        k = draw(st.integers(0, 2))
        good[k] = draw(st.one_of(arrays(), st.just(good[k][:-1]), st.just(-good[k])))
    return good


triples = st.one_of(nearly_good(), st.tuples(arrays(), arrays(), st.one_of(st.none(), arrays())))
NET = Network(1000)
NET.add_input("in", 3)
NET.add_population("x", 4, LIF(5000.0, threshold=0.7))
NET.add_population("out", 2, LeakyIntegrator(9000.0))
NET.connect("in", "x", Csr([0, 2, 3, 4], [0, 1, 2, 3], [0.9, 0.3, 1.2, 0.5]))
NET.connect("x", "out", Dense(np.ones((4, 2))), 2000)


def attempt(act):
    """Return what came of it, and the package's own error or None; any other error goes on."""
    try:
        return act(), None
    except EventSimError as error:
        return None, error


def run(events):
    """Push into a session at 3 us in which something waits; return whether it took the events."""
    session = Session(NET, record=["in", "x"])
    session.push("in", Events.of([0, 5000], [0, 1]))
    session.advance(3000)
    before = session.save()
    _, error = attempt(lambda: session.push("in", events))
    if error:
        assert "\n" not in str(error)
        assert session.save() == before
        return False
    session.advance(20_000)
    seen = session.read("in")
    assert (np.diff(seen.time_ns) >= 0).all()
    soon = events.select(events.time_ns < 20_000)
    wanted = [(0, 0, 1.0), (5000, 1, 1.0), *zip(*columns(soon), strict=True)]
    assert sorted(zip(*columns(seen), strict=True)) == sorted(wanted)
    assert np.isfinite(session.membrane("out")).all()
    return True


def columns(events):
    return events.time_ns.tolist(), events.address.tolist(), events.value.tolist()


def acceptable(events):
    return bool(
        ((events.time_ns >= 3000) & (events.time_ns % 1000 == 0)).all()
        and ((events.address >= 0) & (events.address < 3)).all()
        and np.isfinite(events.value).all()
    )


def check_of(time_ns, address, value):
    events, error = attempt(lambda: Events.of(time_ns, address, value))
    if error:
        assert isinstance(error, EventError)
        assert "\n" not in str(error)
        return None
    assert (events.time_ns.dtype, events.address.dtype, events.value.dtype) == (
        np.int64,
        np.int32,
        np.float32,
    )
    assert events.time_ns.shape == events.address.shape == events.value.shape == (len(events),)
    assert (np.abs(events.time_ns) < MAX_TIME_NS).all()
    assert (events.address >= 0).all()
    assert np.isfinite(events.value).all()
    # Converted, never wrapped: the numbers are those given.
    for given_data, held in ((time_ns, events.time_ns), (address, events.address)):
        exact = [int(x) for x in np.atleast_1d(np.asarray(given_data)).tolist()]
        assert held.tolist() == (exact * len(events) if len(exact) == 1 else exact)
    return events


def fuzz(max_examples):
    @settings(max_examples=max_examples, suppress_health_check=list(HealthCheck))
    @given(triples)
    def check(triple):
        events = check_of(*triple)
        if events is not None:
            assert run(events) == acceptable(events)

    return check


def test_any_arrays_end_in_events_or_in_an_error():
    fuzz(200)()


@pytest.mark.slow
def test_any_arrays_end_in_events_or_in_an_error_many_times():
    fuzz(10_000)()


def raw(time_ns, address, value):
    return Events(np.asarray(time_ns, np.int64), np.asarray(address, np.int32), np.asarray(value, np.float32))


raw_events = st.lists(
    st.tuples(
        st.one_of(st.integers(3, 9).map(lambda k: k * 1000), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.integers(0, 2), st.integers(0, 2), st.integers(-(2**31), 2**31 - 1)),
        st.one_of(st.floats(-2, 2, width=32), st.sampled_from([math.nan, math.inf, 3e38, -3e38, 1e-45])),
    ),
    max_size=6,
).map(lambda rows: raw(*(zip(*rows, strict=True) if rows else ([], [], []))))


@settings(max_examples=200)
@given(raw_events, st.sampled_from([1, 2, -1]))
def test_events_made_without_checks_are_checked_when_pushed(events, step):
    """The constructor takes any numbers, and arrays in any order of memory: a push must not trust them."""
    events = events.select(slice(None, None, step))
    assert run(events) == acceptable(events)


GOOD = (np.zeros(2, np.int64), np.zeros(2, np.int32), np.ones(2, np.float32))


@settings(max_examples=100)
@given(arrays(), st.integers(0, 2))
def test_the_constructor_takes_its_three_types_alone(data, place):
    array = np.asarray(data) if isinstance(data, np.ndarray) else np.zeros((2, 2))
    if array.dtype == GOOD[place].dtype and array.shape == (2,):
        return
    with pytest.raises(EventError):
        Events(*GOOD[:place], array, *GOOD[place + 1 :])


@pytest.mark.parametrize("tick_ns", [0, -5])
def test_a_grid_must_be_positive(tick_ns):
    with pytest.raises(EventError, match="must be positive"):
        Events.of([1], [1]).on_grid(tick_ns)
