"""Spikes known beforehand, events handed over one by one, and what is recorded and counted of either."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import N_TICKS, TICK_NS, cases, seeds

from eventsim.errors import CausalityError, EventError, EventSimError, GridError, NetworkError
from eventsim.events import Events
from eventsim.models import LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Csr, Dense, OneToOne
from eventsim.session import Session

END_NS = N_TICKS * TICK_NS
any_case = st.booleans().flatmap(lambda exact: cases(exact=exact))


def outcome(session, names):
    seen = {name: session.read(name) for name in names}
    membranes = {name: session.membrane(name).tobytes() for name in names if name in session.network.order}
    bits = {n: (e.time_ns.tobytes(), e.address.tobytes(), e.value.tobytes()) for n, e in seen.items()}
    return bits, membranes, session.counters


def as_sources(net, events):
    """Return the same network with its inputs as sources of spikes."""
    other = Network(net.tick_ns)
    for name, size in net.inputs.items():
        other.add_spikes(name, size, events[name])
    for name, source in net.sources.items():
        other.add_spikes(name, source.size, source.events)
    for p in net.populations.values():
        other.add_population(p.name, p.size, p.model)
    for projection in net.projections:
        other.connect(projection.pre, projection.post, projection.synapses, projection.delay_ns)
    return other


@settings(max_examples=60)
@given(any_case, st.lists(st.integers(0, END_NS), max_size=6))
def test_a_source_of_spikes_does_what_an_input_does(case, cuts):
    net, events = case
    pushed = Session(net, record=[*net.inputs, *net.sources, *net.populations])
    for name, e in events.items():
        pushed.push(name, e)
    pushed.advance(END_NS)
    inside = Session(as_sources(net, events), record=[*net.inputs, *net.sources, *net.populations])
    for cut in [*sorted(cuts), END_NS]:
        inside.advance(cut)
    names = [*net.inputs, *net.sources, *net.populations]
    assert outcome(inside, names) == outcome(pushed, names)
    # And again after a reset, which drops what was there and takes the spikes anew.
    inside.reset()
    inside.advance(END_NS)
    pushed.reset()
    for name, e in events.items():
        pushed.push(name, e)
    pushed.advance(END_NS)
    assert outcome(inside, names) == outcome(pushed, names)


def told(events, size=3, tick_ns=TICK_NS):
    net = Network(tick_ns)
    net.add_spikes("told", size, events)
    net.add_population("out", size, LeakyIntegrator(math.inf))
    net.connect("told", "out", OneToOne(1.0), 2 * tick_ns)
    return net


def test_spikes_before_the_start_are_left_out():
    net = told(Events.of(np.array([-5, 0, 1, 9, 2]) * TICK_NS, [0, 1, 2, 0, 1], [1, 2, 3, 4, 5]))
    session = Session(net, record=["told"], start_ns=TICK_NS)
    session.advance(20 * TICK_NS)
    assert session.read("told").value.tolist() == [3, 5, 4]
    assert session.membrane("out").tolist() == [4, 5, 3]
    assert session.counters.input_events == 3
    session.reset(-10 * TICK_NS)
    session.advance(0)
    assert session.membrane("out").tolist() == [1, 0, 0]
    session.advance(20 * TICK_NS)
    assert session.membrane("out").tolist() == [5, 7, 3]


def test_more_spikes_than_a_buffer_holds():
    n = 10_000
    events = Events.of(np.arange(n)[::-1] * TICK_NS, np.arange(n) % 3)
    session = Session(told(events), record=["told"])
    session.advance((n + 5) * TICK_NS)
    assert np.array_equal(session.read("told").time_ns, np.arange(n) * TICK_NS)
    assert session.membrane("out").sum() == n


def test_nothing_can_be_pushed_to_a_source():
    session = Session(told(Events.of([0], [0])))
    for push in (
        lambda: session.push("told", Events.of([0], [0])),
        lambda: session.push_event("told", 0, 0),
        lambda: session.push("told", Events.empty()),
    ):
        with pytest.raises(EventError, match="'told' is no input; inputs are none"):
            push()


@pytest.mark.parametrize(
    ("events", "error", "message"),
    [
        (Events.of([0, TICK_NS + 1], [0, 0]), GridError, "event 1 at 1000001 ns is off the grid"),
        (Events.of([0, 0], [0, 3]), NetworkError, r"addresses must be in 0\.\.2, got 0\.\.3"),
        (
            Events(np.zeros(1, np.int64), np.array([-1], np.int32), np.ones(1, np.float32)),
            NetworkError,
            "addresses must be",
        ),
        (
            Events(np.zeros(1, np.int64), np.zeros(1, np.int32), np.array([np.nan], np.float32)),
            NetworkError,
            "values must be finite",
        ),
    ],
)
def test_spikes_that_do_not_fit_are_refused(events, error, message):
    net = Network(TICK_NS)
    with pytest.raises(error, match=f"source 'told': .*{message}") as caught:
        net.add_spikes("told", 3, events)
    assert "\n" not in str(caught.value)
    assert not net.sources


@settings(max_examples=60)
@given(any_case, seeds)
def test_events_one_by_one_do_what_they_do_together(case, seed):
    net, events = case
    together, alone = (Session(net, record=[*net.inputs, *net.populations]) for _ in range(2))
    rng = np.random.default_rng(seed)
    single = [
        (name, int(t), int(a), float(v))
        for name, e in events.items()
        for t, a, v in zip(e.time_ns, e.address, e.value, strict=True)
    ]
    for k in rng.permutation(len(single)):
        alone.push_event(*single[k])
    for name, e in events.items():
        together.push(name, e)
    # Some more while running, at the clock itself.
    for tick in (3, 3, 9):
        for session in (together, alone):
            session.advance(tick * TICK_NS)
        for name in net.inputs:
            together.push(name, Events.of([tick * TICK_NS], [0]))
            alone.push_event(name, tick * TICK_NS, 0)
    names = [*net.inputs, *net.populations]
    for session in (together, alone):
        session.advance(END_NS)
    assert outcome(alone, names) == outcome(together, names)


def test_more_single_events_than_a_buffer_holds_in_any_order():
    net = Network(1)
    net.add_input("in", 2)
    net.add_population("out", 2, LeakyIntegrator(math.inf))
    net.connect("in", "out", OneToOne(1.0))
    session = Session(net)
    for k in range(3000):
        session.push_event("in", k, k % 2)
    for k in range(300):
        session.push_event("in", 2999 - k, 0)
    session.advance(3000)
    assert session.membrane("out").tolist() == [1800, 1500]


REFUSED = [
    ((3 * TICK_NS, 0), CausalityError, "event 0 at 3000000 ns is earlier than the clock, 5000000 ns"),
    ((5 * TICK_NS + 1, 0), GridError, "5000001 ns is off the grid of 1000000 ns"),
    ((5 * TICK_NS, 3), EventError, r"address 3 of event 0 is not in 0\.\.2"),
    ((5 * TICK_NS, -1), EventError, r"address -1 of event 0 is not in 0\.\.2"),
    ((5 * TICK_NS, 2**31), EventError, "address 2147483648"),
    ((5 * TICK_NS, 0, math.nan), EventError, "not finite"),
    ((5 * TICK_NS, 0, math.inf), EventError, "not finite"),
    ((5 * TICK_NS, 0, 1e39), EventError, "not finite"),
    ((5e6, 0), EventError, "a whole time in ns"),
    ((None, 0), EventError, "a whole time in ns"),
    (("5000000", 0), EventError, "a whole time in ns"),
    ((2**64, 0), EventError, "time 18446744073709551616 ns"),
    ((5 * TICK_NS, 0.0), EventError, "a whole address"),
    ((5 * TICK_NS, 2**64), EventError, "address 18446744073709551616"),
    ((5 * TICK_NS, 0, "high"), EventError, "and a number"),
    ((5 * TICK_NS, 0, None), EventError, "and a number"),
    ((5 * TICK_NS, 0, 1j), EventError, "and a number"),
    ((5 * TICK_NS, 0, "2.5"), EventError, "and a number"),
    ((5 * TICK_NS, 0, b"2.5"), EventError, "and a number"),
]


@pytest.mark.parametrize(("event", "error", "message"), REFUSED, ids=lambda x: str(x)[:30])
def test_an_event_that_is_refused_changes_nothing(event, error, message):
    net = Network(TICK_NS)
    net.add_input("in", 3)
    net.add_population("out", 3, LIF(30e6, threshold=1.5))
    net.connect("in", "out", Dense(np.ones((3, 3))), TICK_NS)
    session = Session(net, record=["in"])
    session.advance(5 * TICK_NS)
    session.push_event("in", 6 * TICK_NS, 2, 1.25)
    before = session.save()
    with pytest.raises(error, match=message) as caught:
        session.push_event("in", *event)
    assert "\n" not in str(caught.value)
    assert session.save() == before
    for name in ("out", "nothing", None, ["in"]):
        with pytest.raises(EventSimError):
            session.push_event(name, 6 * TICK_NS, 0)
        with pytest.raises(EventSimError):
            session.push(name, Events.of([6 * TICK_NS], [0]))
    session.push_event("in", 6 * TICK_NS, 1)
    session.advance(10 * TICK_NS)
    assert session.read("in").address.tolist() == [1, 2]


@pytest.mark.parametrize("time_ns", [2**62, -(2**62), 2**63 - 1])
def test_a_single_event_out_of_time_is_refused(time_ns):
    net = Network(1)
    net.add_input("in", 1)
    session = Session(net)
    with pytest.raises(EventError):
        session.push_event("in", time_ns, 0)
    assert session.counters.input_events == 0


def test_whole_numbers_of_numpy_are_taken():
    net = Network(TICK_NS)
    net.add_input("in", 1)
    net.add_population("out", 1, LeakyIntegrator(math.inf))
    net.connect("in", "out", OneToOne(1.0))
    session = Session(net)
    session.push_event("in", np.int64(TICK_NS), np.uint8(0), np.float32(0.5))
    session.push_event("in", np.int64(TICK_NS), np.int32(0), np.float64(2.5))
    session.advance(2 * TICK_NS)
    assert session.membrane("out").tolist() == [3.0]


@settings(max_examples=60)
@given(any_case)
def test_what_came_in_is_recorded_by_tick_and_address(case):
    net, events = case
    session = Session(net, record=[*net.inputs, *net.sources])
    for name, e in events.items():
        session.push(name, e)
    session.advance(END_NS)
    given_events = {**events, **{name: s.events for name, s in net.sources.items()}}
    for name, e in given_events.items():
        want = e.select(np.lexsort((e.value, e.address, e.time_ns)))
        assert session.read(name).equals(want.select(want.time_ns >= 0))
        assert len(session.read(name)) == 0


@settings(max_examples=60)
@given(any_case)
def test_counting_updates_changes_nothing_but_the_counts(case):
    net, events = case
    found = []
    for count in (False, True):
        session = Session(net, record=net.populations, count_updates=count)
        for name, e in events.items():
            session.push(name, e)
        session.advance(END_NS)
        bits, membranes, counters = outcome(session, net.populations)
        found.append((bits, membranes, counters.spikes, counters.synaptic_events_by_projection))
        for name, updates in counters.neuron_updates.items():
            row = session.network.populations[session.network.order.index(name)]
            assert (updates is None) == (not count and _is_direct(row))
    assert found[0] == found[1]


def _is_direct(row):
    from eventsim.engine.layout import DIRECT

    return bool(row[DIRECT])


def test_updates_are_counted_once_per_neuron_and_tick():
    net = Network(TICK_NS)
    net.add_input("in", 2)
    net.add_poisson("silent", 4, 0.0)
    net.add_population("x", 4, LIF(math.inf, threshold=2.5))
    net.connect("in", "x", Csr([0, 3, 4], [0, 0, 1, 3], [1.0, 1.0, 1.0, 7.0]))
    net.connect("in", "x", Csr([0, 1, 2], [0, 2], [1.0, 1.0]), TICK_NS)
    net.connect("silent", "x", OneToOne(1.0))
    session = Session(net, count_updates=True)
    # Tick 0: address 0 twice: neurons 0, 1. Tick 1: neuron 0 by delay. Tick 4: neuron 3, which fires at 4
    # and, by what is left, at 5; neuron 2 at 5.
    session.push("in", Events.of([0, 0, 4 * TICK_NS], [0, 0, 1]))
    session.advance(4 * TICK_NS)
    assert session.counters.neuron_updates == {"x": 3}
    assert session.counters.spikes == {"x": 2}
    session.advance(20 * TICK_NS)
    assert session.counters.neuron_updates == {"x": 3 + 1 + 2}
    assert session.counters.spikes == {"x": 2 + 2}
    assert session.counters.source_events == {"silent": 0}
