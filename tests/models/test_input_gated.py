"""Input-gated neurons against the published equations, step by step."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import NetworkError
from eventsim.events import Events
from eventsim.models import InputGated
from eventsim.network import Network
from eventsim.projections import Dense, OneToOne
from eventsim.session import Session

MS = 1_000_000
N_STEPS = 30


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Layer:
    """A layer of n cells with recurrent weights (v2) and sparse input, and what the equations say of it."""

    def __init__(self, seed, n=6, n_in=4):
        rng = np.random.default_rng(seed)
        self.w_ci, self.w_fi = rng.normal(0, 1, (2, n_in, n))
        self.w_cr, self.w_fr = rng.normal(0, 0.3, (2, n, n))
        self.a, self.theta, self.bits = rng.uniform(0.3, 0.99, n), rng.uniform(0.2, 1.5, n), 3
        self.b_f, self.b_c = rng.normal(0, 1, n), rng.normal(0, 0.3, n)
        self.x = rng.integers(0, 4, (N_STEPS, n_in)) * (rng.random((N_STEPS, n_in)) < 0.15)

    def dense(self):
        """Return V, I and Y at every step, and the least distance of V to a multiple of the threshold."""
        n = self.a.size
        v, i, y, margin, out = np.zeros(n), np.zeros(n), np.zeros(n), math.inf, []
        for x in self.x:
            f = sigmoid(self.b_f + x @ self.w_fi + y @ self.w_fr)
            c = np.maximum(self.b_c + x @ self.w_ci + y @ self.w_cr, 0)
            i = f * i + (1 - f) * c
            v = self.a * v + i - self.theta * y
            steps = v / self.theta
            margin = min(margin, np.abs(steps - np.maximum(np.round(steps), 1)).min())
            y = np.where(steps > 1, np.minimum(np.floor(steps), 2**self.bits - 1), 0)
            out.append((v, i, y))
        return *(np.array(column) for column in zip(*out, strict=True)), margin

    def by_events(self):
        net, n = Network(MS), self.a.size
        net.add_input("x", self.x.shape[1])
        model = InputGated(-MS / np.log(self.a), self.theta, self.bits, self.b_f, self.b_c)
        net.add_population("y", 2 * n, model)
        net.connect("x", "y", InputGated.synapses(self.w_ci, self.w_fi))
        recurrent = InputGated.synapses(self.w_cr, self.w_fr, from_gated=True)
        net.connect("y", "y", recurrent, delay_ns=MS)
        session = Session(net, record=["y"], probe={"y": np.arange(N_STEPS) * MS})
        t, a = np.nonzero(self.x)
        session.push("x", Events.of(t * MS, a, self.x[t, a]))
        session.advance(N_STEPS * MS)
        states, spikes = session.read_probe("y")[1], session.read("y")
        y = np.zeros((N_STEPS, n))
        y[spikes.time_ns // MS, spikes.address] = spikes.value
        return states[:, :n], states[:, n:], y, session


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 1))
def test_a_recurrent_layer_does_what_the_equations_say(seed):
    layer = Layer(seed)
    v, i, y, margin = layer.dense()
    if margin < 1e-9:
        return
    got_v, got_i, got_y, session = layer.by_events()
    assert np.array_equal(got_y, y)
    assert got_v == pytest.approx(v, rel=1e-9, abs=1e-9)
    assert got_i == pytest.approx(i, rel=1e-9, abs=1e-9)
    assert session.counters.spikes == {"y": int((y > 0).sum())}


def test_a_layer_that_rests_costs_nothing():
    net = Network(MS)
    net.add_population("y", 6, InputGated(20 * MS, 1.0, candidate_bias=0.01))
    session = Session(net, record=["y"])
    session.advance(10**6 * MS)
    assert session.counters.neuron_updates == {"y": 0}
    rest = 0.01 / (1 - math.exp(-1 / 20))
    assert session.membrane("y") == pytest.approx([rest] * 3 + [0.01] * 3, rel=1e-9)


def test_a_candidate_that_lasts_makes_it_fire_by_itself_when_the_equations_say():
    net = Network(MS)
    net.add_population("y", 2, InputGated(20 * MS, 1.0, bits=1, gate_bias=3.0, candidate_bias=0.09))
    session = Session(net)
    session.advance(200 * MS)
    f, a = sigmoid(3.0), math.exp(-1 / 20)
    v = i = y = 0.0
    fired = []
    for step in range(200):
        i = f * i + (1 - f) * 0.09
        v = a * v + i - y
        y = float(v > 1)
        fired += [step] * int(y)
    assert (session.read("y").time_ns // MS).tolist() == fired
    assert len(fired) > 3
    # Two updates for each spike, itself and its late reset, and nothing in between.
    assert session.counters.neuron_updates == {"y": 2 * len(fired)}


def test_an_open_gate_keeps_and_a_closed_one_replaces():
    net = Network(MS)
    net.add_input("candidate", 1)
    net.add_input("gate", 1)
    net.add_population("y", 2, InputGated(math.inf, 1e6, gate_bias=np.array([800.0])))
    net.connect("candidate", "y", Dense([[1.0, 0.0]]))
    net.connect("gate", "y", Dense([[0.0, 1.0]]))
    session = Session(net)
    session.push("candidate", Events.of([0, 1 * MS, 5 * MS], 0, [2.0, 3.0, 7.0]))
    session.push("gate", Events.of([1 * MS, 9 * MS], 0, [-1600.0, -1600.0]))
    # F is 1 but at ticks 1 and 9, where it is 0: I becomes the candidate there, and lasts.
    seen = []
    for t in range(1, 12):
        session.advance(t * MS)
        seen.append(session.membrane("y")[1])
    assert seen == [0, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0]
    assert session.membrane("y")[0] == 8 * 3


def test_the_output_is_the_membrane_in_thresholds_up_to_its_bits():
    net = Network(MS)
    net.add_input("x", 4)
    net.add_population("y", 8, InputGated(20 * MS, 0.5, bits=2, gate_bias=-800.0))
    net.connect("x", "y", InputGated.synapses(np.eye(4), np.zeros((4, 4))))
    session = Session(net)
    session.push("x", Events.of([0, 0, 0, 0], [0, 1, 2, 3], [0.5, 0.75, 1.25, 99.0]))
    session.advance(1 * MS)
    got = session.read("y")
    assert (got.address.tolist(), got.value.tolist()) == ([1, 2, 3], [1.0, 2.0, 3.0])
    # The residual stays, one tick late.
    session.advance(2 * MS)
    alpha = math.exp(-1 / 20)
    assert session.membrane("y")[1:3] == pytest.approx([0.75 * alpha - 0.5, 1.25 * alpha - 1.0])


def test_the_helper_puts_gates_behind_candidates():
    c, f = np.arange(6.0).reshape(2, 3), 10 + np.arange(6.0).reshape(2, 3)
    made = InputGated.synapses(c, f)
    assert made.shape == (2, 6)
    assert np.array_equal(made.weights, np.hstack([c, f]))
    twice = InputGated.synapses(c.astype(np.float32), f.astype(np.float32), from_gated=True)
    assert twice.shape == (4, 6)
    assert twice.weights.dtype == np.float32
    assert not twice.weights[2:].any()
    with pytest.raises(NetworkError, match=r"one shape \[n_pre, n\], got \(2, 3\) and \(3, 2\)"):
        InputGated.synapses(c, f.T)


def test_parameters_are_per_cell():
    net = Network(MS)
    net.add_population("y", 6, InputGated(20 * MS, np.array([1.0, 2.0, 3.0])))
    assert net.populations["y"].model.threshold.tolist() == [1.0, 2.0, 3.0] * 2
    net.connect("y", "y", OneToOne(1.0), delay_ns=MS)


@pytest.mark.parametrize(
    ("size", "model", "message"),
    [
        (3, InputGated(1.0), "the size of a population must be even, got 3"),
        (2, InputGated(0.0), "tau_ns must be positive"),
        (2, InputGated(1.0, 0.0), "threshold must be positive and finite"),
        (2, InputGated(1.0, bits=0), "bits must be a whole number from 1 to 24, got 0"),
        (2, InputGated(1.0, bits=25), "bits must be a whole number from 1 to 24, got 25"),
        (2, InputGated(1.0, gate_bias=math.inf), "gate_bias must be finite"),
        (6, InputGated(np.ones(4)), "tau_ns must be one number or 6 of them, got shape (4,)"),
    ],
)
def test_what_is_not_allowed_is_refused(size, model, message):
    with pytest.raises(NetworkError) as caught:
        Network(1).add_population("x", size, model)
    assert message in str(caught.value)
