"""Random networks and inputs for hypothesis.

An exact network has integers (or halves) everywhere and decays of 1, 1/2 or 1/4, so that every sum and
product is exact in float64 over the few ticks simulated, whatever the order: engine and reference must agree
bit for bit.
"""

import numpy as np
from hypothesis import strategies as st
from random_models import MODELS, N_TICKS, READOUTS, TICK_NS

from eventsim.events import Events
from eventsim.models import InputGated
from eventsim.network import Network
from eventsim.projections import Conv2d, Csr, Dense, OneToOne, SumPool2d

__all__ = ["N_TICKS", "TICK_NS", "cases", "inputs", "networks", "seeds"]

GATE_WEIGHT = 4000  # a gate that gets a multiple of this times 1/2 is open or closed, in float64

seeds = st.integers(0, 2**32 - 1)


@st.composite
def networks(draw, exact, models=tuple(MODELS), told=True):
    """Return a network of one or two inputs, one to three spiking populations and perhaps a readout.

    With `told` it may have a source of spikes at fixed times.
    """
    rng = np.random.default_rng(draw(seeds))
    net = Network(tick_ns=TICK_NS)
    for k in range(draw(st.integers(1, 2))):
        net.add_input(f"in{k}", int(rng.integers(1, 5)) if rng.random() < 0.7 else int(rng.integers(6, 19)))
    if told and draw(st.booleans()):
        size = int(rng.integers(1, 5))
        net.add_spikes("told", size, _events(rng, size, 10, exact))
    spiking = [f"pop{k}" for k in range(draw(st.integers(1, 3)))]
    for name in spiking:
        kind, n = draw(st.sampled_from(models)), int(rng.integers(1, 7))
        n += n % 2 if kind == "input_gated" else 0
        net.add_population(name, n, MODELS[kind](rng, n, exact))
    targets = list(spiking)
    if draw(st.booleans()):
        n = int(rng.integers(1, 4))
        net.add_population("readout", n, READOUTS[draw(st.sampled_from(tuple(READOUTS)))](rng, n, exact))
        targets.append("readout")
    sources = [*net.inputs, *net.sources, *spiking]
    for _ in range(draw(st.integers(1, 7))):
        _connect(net, draw, rng, draw(st.sampled_from(sources)), draw(st.sampled_from(targets)), exact)
    return net


def _connect(net, draw, rng, pre, post, exact):
    # A zero delay only forward in the order of addition: never a cycle.
    names = list(net.populations)
    forward = pre not in names or names.index(pre) < names.index(post)
    shortest = 0 if forward else 1
    n_pre, n_post = _size(net, pre), net.populations[post].size
    # A gate's input must be large to be exact.
    gates = n_post // 2 if exact and isinstance(net.populations[post].model, InputGated) else n_post
    kind = draw(st.sampled_from(["dense", "csr", "delays", "one_to_one", "convolution", "pooling"]))
    if kind == "delays":
        synapses = _csr(rng, n_pre, n_post, gates, exact)
        net.connect(pre, post, synapses, rng.integers(shortest, 9, synapses.n_synapses) * TICK_NS)
        return
    synapses = None
    if kind == "one_to_one" and n_pre == n_post:
        shape = () if rng.random() < 0.3 and gates == n_post else n_pre
        synapses = OneToOne(_onto_gates(_weights(rng, shape, exact), np.arange(n_post), gates))
    elif kind in ("convolution", "pooling") and gates == n_post:
        synapses = _windows(rng, n_pre, n_post, kind, exact)
    elif kind == "csr":
        synapses = _csr(rng, n_pre, n_post, gates, exact)
    if synapses is None:
        synapses = Dense(_onto_gates(_weights(rng, (n_pre, n_post), exact), np.arange(n_post), gates))
    net.connect(pre, post, synapses, int(rng.integers(shortest, 6)) * TICK_NS)


def _size(net, name):
    if name in net.inputs:
        return net.inputs[name]
    return net.sources[name].size if name in net.sources else net.populations[name].size


def _csr(rng, n_pre, n_post, gates, exact):
    counts = rng.integers(0, 5, n_pre)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    nnz = int(indptr[-1])
    indices = rng.integers(0, n_post, nnz)
    return Csr(indptr, indices, _onto_gates(_weights(rng, nnz, exact), indices, gates))


def _onto_gates(weights, posts, gates):
    if not (posts >= gates).any():
        return weights
    return weights * np.where(posts < gates, 1.0, GATE_WEIGHT)


def _windows(rng, n_pre, n_post, kind, exact):
    """Return a random convolution or pooling between the sizes, or None where none was found."""
    for _ in range(40):
        channels = int(rng.choice(_divisors(n_pre)))
        height = int(rng.choice(_divisors(n_pre // channels)))
        shape = (channels, height, n_pre // channels // height)
        kernel, stride, dilation = (tuple(int(k) for k in rng.integers(1, 4, 2)) for _ in range(3))
        padding = tuple(int(k) for k in rng.integers(0, 3, 2))
        if kind == "pooling":
            if any(s + 2 * p < k for s, p, k in zip(shape[1:], padding, kernel, strict=True)):
                continue
            synapses = SumPool2d(shape, kernel, None if rng.random() < 0.5 else stride, padding)
            if synapses.n_post == n_post:
                return synapses
            continue
        size = [
            (shape[k + 1] + 2 * padding[k] - dilation[k] * (kernel[k] - 1) - 1) // stride[k] + 1
            for k in (0, 1)
        ]
        if min(size) < 1 or n_post % (size[0] * size[1]):
            continue
        out = n_post // (size[0] * size[1])
        groups = int(rng.choice(_divisors(int(np.gcd(channels, out)))))
        weights = _weights(rng, (out, channels // groups, *kernel), exact)
        return Conv2d(weights, shape, stride, padding, dilation, groups)
    return None


def _divisors(n):
    return [k for k in range(1, n + 1) if n % k == 0]


def _weights(rng, shape, exact):
    if exact:
        kinds = (np.int8, np.int16, np.int32, np.float32, np.float64, np.int64)
        return np.asarray(rng.integers(-3, 5, shape)).astype(kinds[rng.integers(len(kinds))])
    return np.asarray(rng.normal(0.3, 0.8, shape)).astype(np.float32 if rng.random() < 0.5 else np.float64)


def _events(rng, size, n, exact, start_tick=0):
    value = rng.integers(-2, 4, n) if exact else rng.normal(1, 1, n)
    ticks = start_tick + rng.integers(0, N_TICKS - 5, n)
    return Events.of(ticks * TICK_NS, rng.integers(0, size, n), value)


@st.composite
def inputs(draw, net, exact, start_tick=0):
    """Return {input name: Events}, unsorted, with equal ticks and equal addresses among them."""
    rng = np.random.default_rng(draw(seeds))
    return {
        name: _events(rng, size, draw(st.integers(0, 25)), exact, start_tick)
        for name, size in net.inputs.items()
    }


@st.composite
def cases(draw, exact, models=tuple(MODELS), told=True):
    """Return (network, inputs)."""
    net = draw(networks(exact, models, told))
    return net, draw(inputs(net, exact))
