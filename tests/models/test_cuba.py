"""The current-based neurons: cases with an answer on paper."""

import math
from dataclasses import replace

import numpy as np
import pytest

from eventsim.errors import NetworkError
from eventsim.events import Events
from eventsim.models import CubaLI, CubaLIF
from eventsim.network import Network
from eventsim.projections import Csr
from eventsim.session import Session

MS = 1_000_000


@pytest.fixture(params=["alike", "unlike"])
def with_input(request):
    """Return a maker of sessions; the second neuron, unlike, keeps the population from its faster form."""

    def make(model, times_ms=(0,), weight=1.0, tick_ns=MS):
        if request.param == "unlike":
            model = replace(model, input_gain=model.input_gain * np.array([1.0, 2.0]))
        net = Network(tick_ns)
        net.add_input("in", 1)
        net.add_population("x", 2, model)
        net.connect("in", "x", Csr([0, 1], [0], [weight]))
        session = Session(net, count_updates=True)
        session.push("in", Events.of(np.array(times_ms) * MS, 0))
        return session

    return make


def membrane_at(session, ms):
    session.advance(ms * MS + 1)
    return session.membrane("x")[0]


@pytest.mark.parametrize("model", [CubaLIF, CubaLI])
@pytest.mark.parametrize("tick_ns", [MS, 1_000, 10])
def test_the_potential_of_one_spike_is_that_of_rotter_and_diesmann(with_input, model, tick_ns):
    session = with_input(model(20 * MS, 5 * MS), weight=0.8, tick_ns=tick_ns)
    for t in (0, 1, 2, 9, 50, 400):
        exact = 0.8 * 5 / (20 - 5) * (math.exp(-t / 20) - math.exp(-t / 5))
        assert membrane_at(session, t) == pytest.approx(exact, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("model", [CubaLIF, CubaLI])
def test_equal_time_constants_give_the_alpha_function(with_input, model):
    session = with_input(model(10 * MS, 10 * MS), weight=2.0)
    for t in (1, 5, 10, 33):
        assert membrane_at(session, t) == pytest.approx(2.0 * t / 10 * math.exp(-t / 10), rel=1e-12)


def test_a_current_that_stays_takes_the_membrane_to_it(with_input):
    session = with_input(CubaLI(20 * MS, math.inf, input_gain=3.0))
    assert membrane_at(session, 7) == pytest.approx(3 * (1 - math.exp(-7 / 20)), rel=1e-12)


@pytest.mark.parametrize("weight", [2.6, 4.0, 30.0])
def test_a_spike_comes_at_the_first_tick_above_the_threshold_and_costs_two_updates(with_input, weight):
    session = with_input(CubaLIF(20 * MS, 5 * MS, 0.4, reset="hard", refractory_ns=100 * MS), weight=weight)
    session.advance(60 * MS)
    potential = [weight / 3 * (math.exp(-t / 20) - math.exp(-t / 5)) for t in range(60)]
    assert max(potential) > 0.4
    assert session.read("x").time_ns.tolist() == [next(t for t in range(60) if potential[t] > 0.4) * MS]
    assert session.counters.neuron_updates == {"x": 2}  # the input and the spike, nothing in between


def test_a_potential_that_stays_below_the_threshold_costs_one_update(with_input):
    session = with_input(CubaLIF(20 * MS, 5 * MS, threshold=0.4), weight=2.5)  # peak 0.3937
    session.advance(1000 * MS)
    assert len(session.read("x")) == 0
    assert session.counters.neuron_updates == {"x": 1}


def test_while_the_membrane_is_held_the_current_decays_and_collects(with_input):
    model = CubaLIF(20 * MS, 5 * MS, 0.3, reset="hard", reset_potential=-0.1, refractory_ns=6 * MS)
    session = with_input(model, times_ms=(0, 4), weight=4.0)
    session.advance(3 * MS)
    assert session.read("x").time_ns.tolist() == [2 * MS]
    for t in range(3, 9):
        assert membrane_at(session, t) == -0.1
    current = 4 * math.exp(-8 / 5) + 4 * math.exp(-4 / 5)
    moved = -0.1 * math.exp(-1 / 20) + current / 3 * (math.exp(-1 / 20) - math.exp(-1 / 5))
    assert membrane_at(session, 9) == pytest.approx(moved, rel=1e-12)


@pytest.mark.parametrize(
    ("reset", "after"), [("soft", lambda v: v - 0.4), ("hard", lambda v: 0.05), ("none", lambda v: v)]
)
def test_reset_acts_on_the_membrane_alone(with_input, reset, after):
    session = with_input(CubaLIF(20 * MS, 5 * MS, 0.4, reset=reset, reset_potential=0.05), weight=3.0)
    session.advance(100 * MS)
    first = session.read("x").time_ns[0] // MS
    session.reset()
    session.push_event("in", 0, 0)
    v = math.exp(-first / 20) - math.exp(-first / 5)
    assert membrane_at(session, int(first)) == pytest.approx(after(v), rel=1e-12)
    i = 3 * math.exp(-first / 5)
    moved = after(v) * math.exp(-1 / 20) + i / 3 * (math.exp(-1 / 20) - math.exp(-1 / 5))
    session.advance((int(first) + 1) * MS + 1)
    if reset == "none":
        assert session.membrane("x")[0] == pytest.approx(moved, rel=1e-12)
    else:
        assert moved < 0.4
        assert session.membrane("x")[0] == pytest.approx(moved, rel=1e-12)


def test_a_bias_alone_makes_it_fire():
    net = Network(MS)
    net.add_population("x", 2, CubaLIF(20 * MS, 5 * MS, 1.0, bias=np.array([0.06, 0.04]), reset="hard"))
    session = Session(net)
    session.advance(300 * MS)
    alpha = math.exp(-1 / 20)
    interval = math.floor(math.log(1 - (1 - alpha) / 0.06) / math.log(alpha)) + 1
    fired = session.read("x")
    assert fired.address.tolist() == [0] * (300 // interval)
    assert set(np.diff(fired.time_ns).tolist()) == {interval * MS}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (CubaLIF(0.0, 1.0), "tau_mem_ns must be positive and finite, got 0 at neuron 0"),
        (CubaLIF(math.inf, 1.0), "tau_mem_ns must be positive and finite, got inf"),
        (CubaLIF(1.0, -1.0), "tau_syn_ns must be positive"),
        (CubaLIF(1.0, 1.0, reset="late"), 'reset must be "soft", "hard" or "none", got \'late\''),
        (CubaLIF(1.0, 1.0, refractory_ns=0.5), "refractory_ns must be a whole number of ns"),
        (CubaLIF(1.0, 1.0, refractory_ns=3), "refractory_ns must be a multiple of the tick"),
        (CubaLIF(1.0, 1.0, input_gain=math.inf), "input_gain must be finite"),
        (CubaLI(math.inf, 1.0), "cuba_li: tau_mem_ns must be positive and finite"),
        (CubaLI(1.0, 1.0, bias=math.inf), "bias must be finite"),
    ],
)
def test_what_is_not_allowed_is_refused(model, message):
    with pytest.raises(NetworkError) as caught:
        Network(2).add_population("x", 1, model)
    assert message in str(caught.value)
