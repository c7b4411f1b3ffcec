"""The engine against the dense reference, on random networks."""

import numpy as np
import pytest
from dense_reference import DenseReference
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from networks import N_TICKS, TICK_NS, cases

from eventsim.session import Session

END_NS = N_TICKS * TICK_NS
MARGIN = 1e-9


def run_both(net, events):
    session = Session(net, record=net.populations, count_updates=True)
    reference = DenseReference(net)
    for name, e in events.items():
        session.push(name, e)
        reference.push(name, e)
    session.advance(END_NS)
    reference.advance(END_NS)
    return session, reference


def spikes(session, name):
    e = session.read(name)
    return list(zip(e.time_ns.tolist(), e.address.tolist(), e.value.tolist(), strict=True))


def assert_same_work(session, reference):
    counters = session.counters
    assert counters.input_events == reference.input_events
    assert counters.synaptic_events_by_projection == tuple(reference.synaptic_events)
    assert counters.synaptic_events == sum(reference.synaptic_events)
    assert counters.spikes == {name: reference.spikes(name) for name in counters.spikes}
    assert counters.neuron_updates == reference.neuron_updates


@settings(max_examples=300)
@given(cases(exact=True))
def test_integer_networks_agree_bit_for_bit(case):
    net, events = case
    session, reference = run_both(net, events)
    for name in net.populations:
        assert spikes(session, name) == reference.read(name)
        assert np.array_equal(session.membrane(name), reference.membrane(name))
    assert_same_work(session, reference)


@settings(max_examples=300)
@given(cases(exact=False))
def test_float_networks_emit_the_same_spikes_outside_the_margin(case):
    net, events = case
    session, reference = run_both(net, events)
    if reference.margin < MARGIN:
        event("a membrane within the margin of its threshold")
    assume(reference.margin >= MARGIN)
    for name in net.populations:
        got, wanted = spikes(session, name), reference.read(name)
        assert [s[:2] for s in got] == [s[:2] for s in wanted]
        assert [s[2] for s in got] == pytest.approx([s[2] for s in wanted], rel=1e-6, abs=1e-9)
        assert session.membrane(name) == pytest.approx(reference.membrane(name), rel=1e-9, abs=1e-9)
    assert_same_work(session, reference)


@given(cases(exact=True), st.integers(0, N_TICKS))
def test_membrane_at_any_time_is_that_of_the_last_whole_tick(case, tick):
    net, events = case
    session, reference = Session(net), DenseReference(net)
    for name, e in events.items():
        session.push(name, e)
        reference.push(name, e)
    session.advance(tick * TICK_NS)
    reference.advance(tick * TICK_NS)
    for name in net.populations:
        assert np.array_equal(session.membrane(name), reference.membrane(name))
