"""Run a graph through `from_nir` and the engine, and through the dense reference, on the same input."""

import numpy as np
from dense_nir import DenseNir

from eventsim import Events, Session
from eventsim.nir import from_nir

UNIT_NS = {"s": 1e9, "ms": 1e6}


def both(
    graph, *, time_unit="ms", tick_ns=1_000_000, ticks=40, seed=0, rate=0.3, order=None, truth=None, **how
):
    """Return (report, engine's, reference's) with the outputs of each tick by population; and the margin.

    A spiking population gives 0 or 1 per neuron, an integrator its membrane.
    """
    network, report = from_nir(graph, time_unit=time_unit, tick_ns=tick_ns, **how)
    how.pop("reset", None)
    dense = DenseNir(truth or graph, UNIT_NS[time_unit], tick_ns, order=order, **how)
    session = Session(network, record=list(network.populations))
    rng = np.random.default_rng(seed)
    engine = {name: [] for name in network.populations}
    wanted = {name: [] for name in network.populations}
    for k in range(ticks):
        inputs = {}
        for name, size in network.inputs.items():
            x = np.float32((rng.random(size) < rate) * rng.choice([1.0, 0.5, -1.0, 2.0], size))
            inputs[name] = x.astype(float)
            at = np.flatnonzero(x)
            session.push(name, Events.of(np.full(at.size, k * tick_ns), at, x[at]))
        given = dense.step(inputs)
        session.advance((k + 1) * tick_ns)
        for name, population in network.populations.items():
            events = session.read(name)
            if population.model.spiking:
                fired = np.zeros(population.size)
                fired[events.address] = 1.0
                engine[name].append(fired)
            else:
                engine[name].append(session.membrane(name))
            wanted[name].append(given[name].ravel())
    return (
        report,
        {name: np.array(rows) for name, rows in engine.items()},
        {name: np.array(rows) for name, rows in wanted.items()},
        dense.margin,
    )


def assert_same(graph, **how):
    """Assert that engine and reference agree, and return the report and how many spikes there were."""
    report, engine, truth, margin = both(graph, **how)
    assert margin > 1e-9, "a membrane so close to its threshold proves nothing: take another seed"
    for name, found in engine.items():
        np.testing.assert_allclose(found, truth[name], rtol=1e-9, atol=1e-9, err_msg=name)
    return report, {name: int((rows == 1).sum()) for name, rows in engine.items()}
