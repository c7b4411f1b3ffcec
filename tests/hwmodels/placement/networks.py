"""Small random networks, and their load counted one synapse at a time."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from eventsim import Network
from eventsim.models import LIF, LeakyIntegrator
from eventsim.projections import Csr, Dense, OneToOne

TICK_NS = 1_000_000


@st.composite
def networks(draw: st.DrawFn, max_size: int = 4, max_populations: int = 3) -> Network:
    """Draw a network of up to a dozen neurons, some weights zero, some projections repeated or recurrent."""
    net = Network(tick_ns=TICK_NS)
    net.add_input("in", draw(st.integers(1, 4)))
    names = [f"p{k}" for k in range(draw(st.integers(1, max_populations)))]
    for name in names:
        net.add_population(name, draw(st.integers(1, max_size)), LIF(tau_ns=20e6))
    sizes = {"in": net.inputs["in"]} | {n: net.populations[n].size for n in names}
    for _ in range(draw(st.integers(0, 5))):
        pre, post = draw(st.sampled_from(["in", *names])), draw(st.sampled_from(names))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        weights = rng.integers(-3, 4, (sizes[pre], sizes[post])).astype(np.float64)
        form = draw(st.sampled_from(["dense", "csr", "one"]))
        if form == "one" and sizes[pre] == sizes[post]:
            net.connect(pre, post, OneToOne(weights[0][0] + np.zeros(sizes[pre])), delay_ns=TICK_NS)
        elif form == "csr":
            kept = rng.random(weights.shape) < 0.5
            indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
            csr = Csr(indptr, np.nonzero(kept)[1].astype(np.int32), weights[kept])
            net.connect(pre, post, csr, delay_ns=TICK_NS)
        else:
            net.connect(pre, post, Dense(weights), delay_ns=TICK_NS)
    return net


def layered(*sizes: int, seed: int = 0) -> Network:
    """Return a feed-forward network of dense layers: input, hidden layers, readout."""
    rng = np.random.default_rng(seed)
    net = Network(tick_ns=TICK_NS)
    net.add_input("in", sizes[0])
    names = ["in", *(f"h{k}" for k in range(1, len(sizes) - 1)), "out"]
    for name, size in zip(names[1:], sizes[1:], strict=True):
        net.add_population(name, size, LeakyIntegrator(tau_ns=20e6) if name == "out" else LIF(tau_ns=20e6))
    for pre, post, n, m in zip(names, names[1:], sizes, sizes[1:], strict=False):
        net.connect(pre, post, Dense(rng.normal(size=(n, m))))
    return net


@dataclass
class SlowLoad:
    """Neurons as (population, address); the sources each hears; synapses and bits each holds."""

    neurons: list[tuple[str, int]]
    hears: dict[tuple[str, int], set[tuple[str, int]]]
    synapses: dict[tuple[str, int], int]
    sparse_bits: dict[tuple[str, int], int]
    dense_bits: dict[tuple[str, int], int]


def slow_load(net: Network, bits: int) -> SlowLoad:
    """Count synapse by synapse."""
    neurons = [(name, j) for name, p in net.populations.items() for j in range(p.size)]
    found = SlowLoad(neurons, {n: set() for n in neurons}, *(dict.fromkeys(neurons, 0) for _ in range(3)))
    for projection in net.projections:
        csr = projection.synapses.to_csr()
        n_post = net.populations[projection.post].size
        index_bits = max(1, (n_post - 1).bit_length())
        largest = max((abs(float(w)) for w in csr.weights), default=0.0)
        rows = 0
        for i in range(csr.n_pre):
            row = range(int(csr.indptr[i]), int(csr.indptr[i + 1]))
            rows += len(row) > 0
            for k in row:
                neuron = projection.post, int(csr.indices[k])
                found.hears[neuron].add((projection.pre, i))
                weight = float(csr.weights[k])
                steps = weight / largest * (2 ** (bits - 1) - 1) if largest else 0.0
                if round(steps) != 0 or (bits == 1 and weight != 0):
                    found.synapses[neuron] += 1
                    found.sparse_bits[neuron] += bits + index_bits
        for j in range(n_post):
            found.dense_bits[projection.post, j] += rows * bits
    return found


def slow_core_loads(
    slow: SlowLoad, core_of: dict[tuple[str, int], int], bits: dict[tuple[str, int], int]
) -> dict[int, dict[str, int]]:
    """Return what each core holds, counted with sets."""
    cores = {c: {"neurons": 0, "synapses": 0, "memory_bits": 0} for c in core_of.values()}
    axons: set[tuple[tuple[str, int], int]] = set()
    for neuron, core in core_of.items():
        cores[core]["neurons"] += 1
        cores[core]["synapses"] += slow.synapses[neuron]
        cores[core]["memory_bits"] += bits[neuron]
        axons |= {(source, core) for source in slow.hears[neuron]}
    for c, held in cores.items():
        held["axons_in"] = sum(core == c for _, core in axons)
        held["axons_out"] = sum(core_of.get(source) == c for source, _ in axons)
    return cores
