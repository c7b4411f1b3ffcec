"""Random graphs: any nodes in any order, fed by any earlier ones, compute what the dense reference does."""

import nir
import numpy as np
import pytest
from compare import both
from graphs import cuba, lif, weights
from hypothesis import assume, given
from hypothesis import strategies as st

N = 4
LINEAR = ("linear", "affine", "scale", "delay", "flatten")
NEURONS = ("lif", "if", "cubalif", "threshold")


def node(kind, seed):
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.3, 1.7, N)
    return {
        "linear": lambda: nir.Linear(weights(N, N, seed=seed)),
        "affine": lambda: nir.Affine(weights(N, N, seed=seed), weights(N, seed=seed + 1) * np.float32(0.2)),
        "scale": lambda: nir.Scale(spread),
        "delay": lambda: nir.Delay(rng.choice([0.0, 1.0, 2.05, 5.0], N)),
        "flatten": lambda: nir.Flatten({"input": np.array([N])}, 0, -1),
        "lif": lambda: lif(N, seed, v_leak=rng.choice([0.0, 0.02])),
        "if": lambda: nir.IF(spread, spread + 0.2, -spread / 9),
        "cubalif": lambda: cuba(nir.CubaLIF, N, seed),
        "threshold": lambda: nir.Threshold(spread - 0.1),
    }[kind]()


@st.composite
def graphs(draw):
    nodes = {"n0": nir.Input({"input": np.array([N])})}
    edges = []
    for k in range(1, draw(st.integers(2, 9))):
        name, kind = f"n{k}", draw(st.sampled_from([*LINEAR, *NEURONS]))
        nodes[name] = node(kind, draw(st.integers(0, 99)))
        sources = draw(st.sets(st.sampled_from(sorted(nodes.keys() - {name})), min_size=1, max_size=3))
        edges += [(source, name) for source in sorted(sources)]
    nodes["out"] = nir.Output({"output": np.array([N])})
    edges += [
        (source, "out")
        for source in draw(st.sets(st.sampled_from(sorted(nodes.keys() - {"out"})), min_size=1))
    ]
    assume(any(type(n).__name__ in ("LIF", "IF", "CubaLIF", "Threshold") for n in nodes.values()))
    return nir.NIRGraph(nodes, edges, type_check=False)


@pytest.mark.compiled
@given(
    graph=graphs(),
    spike=st.sampled_from(["held", "dirac", "jump"]),
    integration=st.sampled_from(["exact", "euler"]),
    seed=st.integers(0, 99),
)
def test_a_random_graph(graph, spike, integration, seed):
    _, engine, truth, margin = both(graph, ticks=25, seed=seed, spike=spike, integration=integration)
    assume(margin > 1e-9)
    for name, found in engine.items():
        np.testing.assert_allclose(found, truth[name], rtol=1e-9, atol=1e-9, err_msg=name)
