"""Random networks and inputs for hypothesis.

An exact network has integers everywhere and decays of 1 or 1/2, so that every sum and product is exact in
float64 over the few ticks simulated, whatever the order: engine and reference must agree bit for bit.
"""

import math

import numpy as np
from hypothesis import strategies as st

from eventsim.events import Events
from eventsim.models import ALIF, LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Csr, Dense

TICK_NS = 1_000_000
HALF_NS = TICK_NS / math.log(2)  # this time constant decays by exactly 1/2 per tick
N_TICKS = 30

assert math.exp(-TICK_NS / HALF_NS) == 0.5

seeds = st.integers(0, 2**32 - 1)


@st.composite
def networks(draw, exact):
    """Return a network of one or two inputs, one to three spiking populations and perhaps a readout."""
    rng = np.random.default_rng(draw(seeds))
    net = Network(tick_ns=TICK_NS)
    for k in range(draw(st.integers(1, 2))):
        net.add_input(f"in{k}", int(rng.integers(1, 5)))
    spiking = [f"pop{k}" for k in range(draw(st.integers(1, 3)))]
    for name in spiking:
        n = int(rng.integers(1, 7))
        net.add_population(name, n, _model(rng, draw(st.sampled_from(["lif", "alif"])), n, exact))
    targets = list(spiking)
    if draw(st.booleans()):
        n = int(rng.integers(1, 4))
        net.add_population("readout", n, _integrator(rng, n, exact))
        targets.append("readout")
    sources = [*net.inputs, *spiking]
    for _ in range(draw(st.integers(1, 7))):
        _connect(net, draw, rng, draw(st.sampled_from(sources)), draw(st.sampled_from(targets)), exact)
    return net


def _connect(net, draw, rng, pre, post, exact):
    n_pre = net.inputs[pre] if pre in net.inputs else net.populations[pre].size
    n_post = net.populations[post].size
    # A zero delay only forward in the order of addition: never a cycle.
    names = list(net.populations)
    forward = pre in net.inputs or names.index(pre) < names.index(post)
    shortest = 0 if forward else 1
    kind = draw(st.sampled_from(["dense", "csr", "delays"]))
    if kind == "dense":
        weights = _weights(rng, (n_pre, n_post), exact)
        net.connect(pre, post, Dense(weights), int(rng.integers(shortest, 6)) * TICK_NS)
        return
    counts = rng.integers(0, 5, n_pre)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    nnz = int(indptr[-1])
    csr = Csr(indptr, rng.integers(0, n_post, nnz), _weights(rng, nnz, exact))
    if kind == "csr":
        net.connect(pre, post, csr, int(rng.integers(shortest, 6)) * TICK_NS)
    else:
        net.connect(pre, post, csr, rng.integers(shortest, 9, nnz) * TICK_NS)


def _weights(rng, shape, exact):
    if exact:
        kinds = (np.int8, np.float32, np.float64, np.int64)
        return rng.integers(-3, 5, shape).astype(kinds[rng.integers(len(kinds))])
    return rng.normal(0.3, 0.8, shape).astype(np.float32 if rng.random() < 0.5 else np.float64)


def _model(rng, kind, n, exact):
    if kind == "lif":
        return LIF(
            tau_ns=_tau(rng, n, exact),
            threshold=rng.integers(-1, 5, n) if exact else rng.uniform(0.2, 2, n),
            bias=rng.integers(-1, 3, n) if exact else rng.normal(0, 0.3, n),
            reset=("soft", "hard", "none")[rng.integers(3)],
            reset_potential=rng.integers(-2, 3, n) if exact else rng.normal(0, 0.5, n),
            refractory_ns=rng.integers(0, 4, n) * TICK_NS * int(rng.integers(2)),
        )
    return ALIF(
        tau_mem_ns=_tau(rng, n, exact),
        tau_adp_ns=_tau(rng, n, exact),
        base_threshold=rng.integers(0, 4, n) if exact else rng.uniform(0.1, 1.5, n),
        beta=rng.integers(-1, 4, n) if exact else rng.uniform(-0.3, 2, n),
        bias=rng.integers(-1, 4, n) if exact else rng.normal(0.3, 0.6, n),
        initial_adaptation=rng.integers(0, 3, n) if exact else rng.uniform(0, 3, n),
        normalised=not exact and bool(rng.integers(2)),
    )


def _integrator(rng, n, exact):
    return LeakyIntegrator(
        tau_ns=_tau(rng, n, exact), bias=rng.integers(-2, 3, n) if exact else rng.normal(0, 1, n)
    )


def _tau(rng, n, exact):
    if exact:
        return np.where(rng.random(n) < 0.5, HALF_NS, math.inf)
    # Three decades and, for ALIF, no order between the two time constants.
    return TICK_NS * 10 ** rng.uniform(-0.7, 2.3, n)


@st.composite
def inputs(draw, net, exact, start_tick=0):
    """Return {input name: Events}, unsorted, with equal ticks and equal addresses among them."""
    rng = np.random.default_rng(draw(seeds))
    events = {}
    for name, size in net.inputs.items():
        n = draw(st.integers(0, 25))
        value = rng.integers(-2, 4, n) if exact else rng.normal(1, 1, n)
        ticks = start_tick + rng.integers(0, N_TICKS - 5, n)
        events[name] = Events.of(ticks * TICK_NS, rng.integers(0, size, n), value)
    return events


@st.composite
def cases(draw, exact):
    """Return (network, inputs)."""
    net = draw(networks(exact))
    return net, draw(inputs(net, exact))
