"""Cases with an answer on paper."""

import math

import numpy as np
import pytest

from eventsim.events import Events
from eventsim.models import ALIF, LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Dense
from eventsim.session import Session

MS = 1_000_000


def alone(model, n=1, tick_ns=MS):
    net = Network(tick_ns)
    net.add_population("x", n, model)
    return Session(net)


@pytest.mark.parametrize("bias", [0.06, 0.1, 0.5])
def test_lif_under_constant_drive_fires_at_the_closed_form_interval(bias):
    tau, theta = 20.0, 1.0
    session = alone(LIF(tau_ns=tau * MS, threshold=theta, bias=bias, reset="hard"))
    session.advance(2000 * MS)
    alpha = math.exp(-1 / tau)
    rest = bias / (1 - alpha)
    # v(k) = rest (1 - alpha^k) > theta
    interval = math.floor(math.log(1 - theta / rest) / math.log(alpha)) + 1
    times = session.read("x").time_ns // MS
    # The first tick is number 0 and already receives the bias once.
    assert times[0] == interval - 1
    assert set(np.diff(times)) == {interval}
    assert len(times) == 2000 // interval


def test_bias_below_the_threshold_of_rest_never_fires_and_costs_nothing():
    alpha = math.exp(-1 / 20)
    session = alone(LIF(tau_ns=20 * MS, threshold=1.0, bias=0.999 * (1 - alpha)))
    session.advance(10**9 * MS)
    assert len(session.read("x")) == 0
    assert session.counters.neuron_updates == {"x": 0}


def test_refractory_time_adds_to_the_interval():
    session = alone(LIF(tau_ns=math.inf, threshold=2.5, bias=1.0, reset="hard", refractory_ns=4 * MS))
    session.advance(100 * MS)
    assert set(np.diff(session.read("x").time_ns)) == {7 * MS}


def test_alif_without_adaptation_resets_one_tick_late():
    # Perfect integrator: 1, 2, 3 (spike), 4 - 2.5 = 1.5, 2.5 (not above), 3.5 (spike), 2.0, 3.0 (spike) ...
    model = ALIF(math.inf, math.inf, base_threshold=2.5, beta=0.0, bias=1.0, normalised=False)
    session = alone(model)
    session.advance(8 * MS)
    assert (session.read("x").time_ns // MS).tolist() == [2, 5, 7]


def test_adaptation_that_falls_faster_than_the_membrane_lets_a_neuron_fire_by_itself():
    net = Network(MS)
    net.add_input("in", 1)
    net.add_population("x", 1, ALIF(200 * MS, 5 * MS, 0.5, 2.0, initial_adaptation=1.0, normalised=False))
    net.connect("in", "x", Dense([[1.0]]))
    session = Session(net)
    session.push("in", Events.of([0], [0]))
    session.advance(100 * MS)
    fired = session.read("x").time_ns // MS
    # exp(-k / 200) > 0.5 + 2 exp(-(k + 1) / 5): the event raises u to 1 at tick 0, a falls from tick -1 on.
    alone_k = next(k for k in range(100) if math.exp(-k / 200) > 0.5 + 2 * math.exp(-(k + 1) / 5))
    assert fired[0] == alone_k > 0


def test_time_without_events_costs_nothing_and_changes_no_bit():
    net = Network(1)  # 1 ns
    net.add_input("in", 1)
    net.add_population("x", 1, LeakyIntegrator(tau_ns=1e15))
    net.connect("in", "x", Dense([[0.1]]), delay_ns=10**12)
    whole, pieces = Session(net), Session(net)
    for session in (whole, pieces):
        session.push("in", Events.of([0, 3 * 10**17], [0, 0]))
    for t in range(1, 100):
        pieces.advance(t * 10**13)
    for session in (whole, pieces):
        session.advance(4 * 10**17)
    got, wanted = pieces.read("x"), whole.read("x")
    assert got.equals(wanted)
    assert got.time_ns.tolist() == [10**12, 3 * 10**17 + 10**12]
    assert got.value[1] == pytest.approx(0.1 * math.exp(-300) + 0.1)


def test_weights_of_single_precision_are_summed_in_double():
    net = Network(MS)
    net.add_input("in", 2)
    net.add_population("x", 1, LeakyIntegrator(tau_ns=math.inf))
    w = np.array([[1.0], [1e-9]], np.float32)
    net.connect("in", "x", Dense(w))
    session = Session(net)
    session.push("in", Events.of([0, 0], [0, 1], [1.0, 0.1]))
    session.advance(MS)
    assert session.membrane("x")[0] == 1.0 + float(w[1, 0]) * float(np.float32(0.1)) != 1.0
