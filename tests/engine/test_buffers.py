"""Buffers that fill, compact, grow and are rebuilt must not show."""

import math

import numpy as np
import pytest
from dense_reference import DenseReference

from eventsim.events import Events
from eventsim.models import ALIF, LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Csr, Dense
from eventsim.session import Session

MS = 1_000_000


def relay(n, delays, tick_ns=MS):
    """Return input -> n relays -> one counter per delay."""
    net = Network(tick_ns)
    net.add_input("in", n)
    net.add_population("relay", n, LIF(tau_ns=tick_ns / 50, threshold=0.5, reset="hard"))
    one_to_one = Csr(np.arange(n + 1), np.arange(n), np.ones(n, np.float32))
    net.connect("in", "relay", one_to_one)
    for k, delay in enumerate(delays):
        net.add_population(f"counter{k}", n, LeakyIntegrator(tau_ns=math.inf))
        net.connect("relay", f"counter{k}", one_to_one, delay)
    return net


def test_many_spikes_under_long_and_short_delays_arrive_each_once():
    n, ticks = 300, 200
    delays = [0, 3 * MS, 90 * MS]
    net = relay(n, delays)
    rng = np.random.default_rng(1)
    hit = rng.random((ticks, n)) < 0.5
    tick, address = np.nonzero(hit)
    session = Session(net)
    session.push("in", Events.of(tick * MS, address))
    session.advance((ticks + 100) * MS)
    for k, delay in enumerate(delays):
        assert np.array_equal(session.membrane(f"counter{k}"), hit.sum(axis=0))
        arrivals = session.read(f"counter{k}")
        assert np.array_equal(arrivals.time_ns, tick * MS + delay)
        assert np.array_equal(arrivals.address, address)


@pytest.mark.compiled
def test_spikes_flow_for_long_without_the_buffers_growing():
    net = relay(50, [0, 5 * MS])
    session = Session(net)
    sizes = []
    for block in range(40):
        ticks = np.repeat(np.arange(100), 50) + 100 * block
        session.push("in", Events.of(ticks * MS, np.tile(np.arange(50), 100)))
        session.advance(100 * (block + 1) * MS)
        for k in range(2):
            session.read(f"counter{k}")
        names = ("spike_address", "packets", "input_tick", "record_tick")
        sizes.append([session._state.field(name).size for name in names])
    assert session.counters.spikes["relay"] == 40 * 100 * 50
    assert sizes[-1] == sizes[1]


def test_predictions_beyond_the_heap_are_rebuilt_from_the_truth():
    # Every input makes every neuron's prediction new, one after another, so that stale entries pile up.
    n = 20
    net = Network(MS)
    net.add_input("in", 1)
    bias = np.sqrt(np.linspace(0.000121, 0.000144, n))
    net.add_population("x", n, LIF(tau_ns=math.inf, threshold=10.0, bias=bias, reset="soft"))
    net.add_population("y", n, ALIF(100 * MS, 90 * MS, 0.2, 1.8, bias=bias * 40))
    net.connect("in", "x", Csr([0, n], np.arange(n), np.sqrt(np.linspace(0.04, 0.06, n))))
    net.connect("in", "y", Csr([0, n], np.arange(n), np.sqrt(np.linspace(0.04, 0.06, n))))
    ticks = np.arange(3, 1500, 7)
    events = Events.of(ticks * MS, np.zeros(ticks.size, np.int32))
    session, reference = Session(net), DenseReference(net)
    session.push("in", events)
    reference.push("in", events)
    session.advance(2000 * MS)
    reference.advance(2000 * MS)
    assert reference.margin > 1e-9
    for name in ("x", "y"):
        got = session.read(name)
        assert len(got) > 30
        assert list(zip(got.time_ns, got.address, strict=True)) == [s[:2] for s in reference.read(name)]


@pytest.mark.compiled
def test_many_delay_classes_and_packets():
    net = Network(MS)
    net.add_input("in", 3)
    net.add_population("x", 4, LeakyIntegrator(tau_ns=math.inf))
    rng = np.random.default_rng(3)
    indptr, indices = np.array([0, 200, 400, 600]), rng.integers(0, 4, 600)
    net.connect("in", "x", Csr(indptr, indices, rng.integers(1, 5, 600)), rng.permutation(600) * MS)
    ticks = rng.integers(0, 3000, 2000)
    events = Events.of(ticks * MS, rng.integers(0, 3, 2000))
    session = Session(net)
    session.push("in", events)
    session.advance(4000 * MS)
    total = np.zeros(4)
    weights = net.projections[0].synapses.weights
    for a in events.address:
        np.add.at(total, indices[indptr[a] : indptr[a + 1]], weights[indptr[a] : indptr[a + 1]])
    assert np.array_equal(session.membrane("x"), total)
    assert session.counters.synaptic_events == 2000 * 200


def test_a_dense_layer_after_a_sparse_one_counts_each_input_once():
    net = Network(MS)
    net.add_input("in", 2)
    net.add_population("x", 3, LeakyIntegrator(tau_ns=math.inf))
    net.connect("in", "x", Csr([0, 1, 2], [2, 2], [1.0, 2.0]))
    net.connect("in", "x", Dense(np.full((2, 3), 10)))
    net.connect("in", "x", Csr([0, 1, 2], [1, 2], [1.0, 2.0]))
    session = Session(net)
    session.push("in", Events.of([0, 0, MS], [0, 1, 1]))
    session.advance(MS)
    assert session.membrane("x").tolist() == [20, 21, 25]
    session.advance(2 * MS)
    assert session.membrane("x").tolist() == [30, 31, 39]
