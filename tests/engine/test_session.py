"""A session used in any order against the dense reference, and what it refuses."""

import numpy as np
import pytest
from dense_reference import DenseReference
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from networks import TICK_NS, networks

from eventsim.errors import CausalityError, EventError, GridError, ParameterError
from eventsim.events import Events
from eventsim.models import LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Dense
from eventsim.session import Session


class SessionMachine(RuleBasedStateMachine):
    """Push, advance, read, reset in any order; integer networks, so all must be equal in bits."""

    @initialize(net=networks(exact=True))
    def start(self, net):
        self.net = net
        self.session = Session(net, record=net.populations, count_updates=True)
        self.reference = DenseReference(net)
        self.steps = 0

    @rule(data=st.data(), seed=st.integers(0, 2**32 - 1), n=st.integers(0, 6))
    def push(self, data, seed, n):
        name = data.draw(st.sampled_from(sorted(self.net.inputs)))
        rng = np.random.default_rng(seed)
        ticks = -(-self.session.clock_ns // TICK_NS) + rng.integers(0, 6, n)
        events = Events.of(ticks * TICK_NS, rng.integers(0, self.net.inputs[name], n), rng.integers(-2, 4, n))
        self.session.push(name, events)
        self.reference.push(name, events)

    @rule(step_ns=st.sampled_from([0, 1, TICK_NS // 2, TICK_NS, 3 * TICK_NS]))
    def advance(self, step_ns):
        if self.steps + step_ns > 24 * TICK_NS:
            return  # beyond it, quarters of quarters no longer fit float64
        self.steps += step_ns
        self.session.advance(self.session.clock_ns + step_ns)
        self.reference.advance(self.session.clock_ns)

    @rule(data=st.data())
    def read(self, data):
        name = data.draw(st.sampled_from(sorted(self.net.populations)))
        got = self.session.read(name)
        assert list(zip(got.time_ns, got.address, got.value, strict=True)) == self.reference.read(name)

    @rule(tick=st.integers(-3, 3))
    def reset(self, tick):
        self.session.reset(tick * TICK_NS)
        self.reference = DenseReference(self.net, tick * TICK_NS)
        self.steps = 0

    @invariant()
    def same_state(self):
        if not hasattr(self, "session"):
            return
        for name in self.net.populations:
            assert np.array_equal(self.session.membrane(name), self.reference.membrane(name))
        counters = self.session.counters
        assert counters.neuron_updates == self.reference.neuron_updates
        assert counters.synaptic_events == sum(self.reference.synaptic_events)
        assert counters.input_events == self.reference.input_events


SessionMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestSession = SessionMachine.TestCase


def small():
    net = Network(TICK_NS)
    net.add_input("in", 2)
    net.add_population("hidden", 2, LIF(tau_ns=1e7))
    net.add_population("out", 1, LeakyIntegrator(tau_ns=1e7))
    net.connect("in", "hidden", Dense(np.full((2, 2), 1.5)))
    net.connect("hidden", "out", Dense(np.ones((2, 1))), TICK_NS)
    return net


def test_only_outputs_and_what_was_asked_for_are_recorded():
    session = Session(small())
    with pytest.raises(ParameterError, match=r"'hidden' is not recorded; recorded are out"):
        session.read("hidden")
    assert len(session.read("out")) == 0
    with pytest.raises(ParameterError, match="cannot record 'nothing'; there are in, hidden, out"):
        Session(small(), record=["nothing"])
    with pytest.raises(ParameterError, match="no population"):
        session.membrane("in")


def test_populations_are_read_apart():
    session = Session(small(), record=["hidden"])
    session.push("in", Events.of([0, 2 * TICK_NS], [0, 1]))
    session.advance(10 * TICK_NS)
    assert (session.read("hidden").time_ns // TICK_NS).tolist() == [0, 0, 2, 2]
    assert (session.read("out").time_ns // TICK_NS).tolist() == [1, 3]
    assert len(session.read("hidden")) == len(session.read("out")) == 0


@pytest.mark.parametrize("until", [1.5, "1", None, True, 2**63])
def test_times_that_are_no_whole_ns_are_refused(until):
    session = Session(small())
    with pytest.raises(ParameterError):
        session.advance(until)
    assert session.clock_ns == 0


def test_errors_name_both_times_and_the_event():
    session = Session(small(), start_ns=5 * TICK_NS)
    with pytest.raises(CausalityError, match=r"event 1 at 4000000 ns is earlier than the clock, 5000000 ns"):
        session.push("in", Events.of([6 * TICK_NS, 4 * TICK_NS], [0, 0]))
    with pytest.raises(CausalityError, match=r"advance to 3 ns: the clock is at 5000000 ns"):
        session.advance(3)
    with pytest.raises(GridError, match=r"5000001 ns is off the grid of 1000000 ns"):
        session.push("in", Events.of([5 * TICK_NS + 1], [0]))
    with pytest.raises(EventError, match=r"address 2 of event 0 is not in 0\.\.1"):
        session.push("in", Events.of([5 * TICK_NS], [2]))
    with pytest.raises(EventError, match=r"'hidden' is no input; inputs are in"):
        session.push("hidden", Events.empty())
    with pytest.raises(GridError, match="start_ns"):
        session.reset(1)


def test_a_network_without_populations_or_inputs_runs():
    session = Session(Network(TICK_NS))
    session.advance(10**15)
    assert session.counters.neuron_updates == {}
