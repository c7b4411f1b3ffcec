"""Sigma-delta neurons against the dense lpRNN whose changes they send."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import NetworkError
from eventsim.events import Events
from eventsim.models import SigmaDelta
from eventsim.network import Network
from eventsim.projections import Dense
from eventsim.session import Session

MS = 1_000_000
N_STEPS = 40
ACTIVATIONS = {"relu": lambda z: np.maximum(z, 0), "identity": lambda z: z, "tanh": np.tanh}


class Task:
    """A random lpRNN and its input; rows of U add up to at most 0.8, so that errors cannot grow."""

    def __init__(self, seed, activation, n=12, n_in=5, quiet_steps=0):
        rng = np.random.default_rng(seed)
        self.f, self.activation = ACTIVATIONS[activation], activation
        self.w, self.b = rng.normal(0, 0.7, (n_in, n)), rng.normal(0, 0.5, n)
        u = rng.normal(0, 1, (n, n))
        self.u = 0.8 * u / np.abs(u).sum(axis=0)
        self.r = rng.uniform(0.1, 1.0, n)  # retention ratios as drawn in the published code
        # The input changes now and then, as values of events must.
        deltas = rng.normal(0, 1, (N_STEPS, n_in)) * (rng.random((N_STEPS, n_in)) < 0.2)
        self.deltas = np.pad(deltas.astype(np.float32).astype(np.float64), [(0, quiet_steps), (0, 0)])

    def dense(self):
        """Return float64[steps, n]: y_t = r y_{t-1} + (1 - r) f(W x_t + U y_{t-1} + b)."""
        y, out = np.zeros(self.b.shape), []
        for x in np.cumsum(self.deltas, axis=0):
            y = self.r * y + (1 - self.r) * self.f(x @ self.w + y @ self.u + self.b)
            out.append(y)
        return np.array(out)

    def by_events(self, threshold, largest_step=math.inf):
        """Return the activations at every step, the spikes, and the session."""
        net, n = Network(MS), self.b.size
        net.add_input("x", self.w.shape[0])
        tau = -MS / np.log(self.r)
        model = SigmaDelta(tau, threshold, self.b, self.activation, largest_step=largest_step)
        net.add_population("y", n, model)
        net.connect("x", "y", Dense(self.w))
        net.connect("y", "y", Dense(self.u), delay_ns=MS)
        times = np.arange(len(self.deltas)) * MS
        session = Session(net, record=["y"], probe={"y": times})
        t, a = np.nonzero(self.deltas)
        session.push("x", Events.of(t * MS, a, self.deltas[t, a]))
        session.advance(len(times) * MS)
        return session.read_probe("y")[1], session.read("y"), session


@settings(max_examples=200)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from(list(ACTIVATIONS)), st.sampled_from([0.3, 0.03, 1e-3, 1e-6])
)
def test_the_error_stays_within_what_the_threshold_allows(seed, activation, threshold):
    task = Task(seed, activation)
    y, _, _ = task.by_events(threshold)
    # Each neuron is off by at most e, its value at receivers by threshold more: e <= 0.8 (e + threshold).
    bound = 0.8 * threshold / (1 - 0.8)
    assert np.abs(y - task.dense()).max() <= bound + 1e-5  # values travel in float32


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_vanishing_threshold_gives_the_lprnn(activation):
    task = Task(1, activation)
    worst = [np.abs(task.by_events(threshold)[0] - task.dense()).max() for threshold in (0.1, 1e-3, 1e-5)]
    assert worst[0] > 10 * worst[1] > 100 * worst[2]
    assert worst[2] < 1e-4
    assert np.abs(task.dense()).max() > 0.5


def test_a_higher_threshold_sends_fewer_events_and_costs_fewer_operations():
    task = Task(2, "relu")
    runs = [task.by_events(threshold) for threshold in (1e-4, 1e-2, 0.1, 0.5)]
    spikes = [len(spikes) for _, spikes, _ in runs]
    operations = [session.counters.synaptic_events for _, _, session in runs]
    assert spikes == sorted(set(spikes), reverse=True)
    assert operations == sorted(set(operations), reverse=True)
    assert 0 < spikes[-1] < spikes[0] / 10


@pytest.mark.parametrize("largest_step", [1, 2, math.inf])
def test_what_was_sent_adds_up_to_the_activation(largest_step):
    task = Task(3, "tanh", quiet_steps=80)
    threshold = 0.05
    y, spikes, _ = task.by_events(threshold, largest_step)
    steps = np.abs(spikes.value) / threshold
    assert np.allclose(steps, np.round(steps), atol=1e-5)
    assert np.round(steps).max() <= largest_step
    assert (spikes.value < 0).any()
    sent = np.zeros(y.shape)
    np.add.at(sent, (spikes.time_ns // MS, spikes.address), spikes.value.astype(np.float64))
    error = np.abs(y - np.cumsum(sent, axis=0))
    # Unit spikes may lag behind a fast change, but catch up: an error feedback loses nothing.
    assert error[-1].max() <= threshold + 1e-6
    if largest_step == math.inf:
        assert error.max() <= threshold + 1e-6


def test_one_neuron_approaches_its_goal_and_fires_where_the_closed_form_says():
    net = Network(MS)
    net.add_input("x", 1)
    net.add_population("y", 1, SigmaDelta(20 * MS, 0.25))
    net.connect("x", "y", Dense([[1.0]]))
    session = Session(net)
    session.push_event("x", 0, 0)
    session.advance(1000 * MS)
    got = session.read("y")
    # y after the tick number k is 1 - exp(-(k + 1) / 20); 1.0 itself is never exceeded.
    crossed = [math.floor(-20 * math.log(1 - level)) for level in (0.25, 0.5, 0.75)]
    assert (got.time_ns // MS).tolist() == crossed
    assert got.value.tolist() == [0.25, 0.25, 0.25]
    assert session.counters.neuron_updates == {"y": 4}  # the input and three spikes
    session.push_event("x", 1000 * MS, 0, -1.0)
    session.advance(2000 * MS)
    # Back towards 0: below 0.5 and below 0.25; then 0.25 is left at the receivers, which is not too much.
    assert session.read("y").value.tolist() == [-0.25, -0.25]


def test_a_ceiling_clips():
    net = Network(MS)
    net.add_input("x", 1)
    net.add_population("y", 1, SigmaDelta(2 * MS, 0.5, ceiling=6.0))
    net.connect("x", "y", Dense([[100.0]]))
    session = Session(net)
    session.push_event("x", 0, 0)
    session.advance(100 * MS)
    assert session.membrane("y")[0] == pytest.approx(6.0, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (SigmaDelta(0.0), "tau_ns must be positive"),
        (SigmaDelta(1.0, 0.0), "threshold must be positive and finite, got 0"),
        (SigmaDelta(1.0, activation="step"), 'activation must be one of "relu", "identity", "tanh", got'),
        (SigmaDelta(1.0, activation="tanh", ceiling=1.0), "ceiling must be left out where activation is not"),
        (SigmaDelta(1.0, ceiling=0.0), "ceiling must be positive"),
        (SigmaDelta(1.0, largest_step=0.5), "largest_step must be a whole number, at least 1"),
        (SigmaDelta(1.0, bias=math.inf), "bias must be finite"),
    ],
)
def test_what_is_not_allowed_is_refused(model, message):
    with pytest.raises(NetworkError) as caught:
        Network(1).add_population("x", 1, model)
    assert message in str(caught.value)
