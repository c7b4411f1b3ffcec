"""What cannot be run is said, all of it, in one error that names each node; nothing is dropped in silence."""

from itertools import pairwise

import nir
import numpy as np
import pytest
from graphs import chain, cuba, lif, recurrent, weights

from eventsim.errors import EventSimError, NirError, ParameterError
from eventsim.nir import from_nir

UNITS = {"time_unit": "ms", "tick_ns": 1_000_000}


def problems(graph, **how):
    with pytest.raises(NirError) as caught:
        from_nir(graph, **UNITS | how)
    assert "\n" not in str(caught.value)
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


def graph_of(nodes, edges):
    return nir.NIRGraph(nodes, edges, type_check=False)


def ends(n_in=3, n_out=4):
    return {
        "input": nir.Input({"input": np.array([n_in])}),
        "output": nir.Output({"output": np.array([n_out])}),
    }


class Conv3d(nir.NIRNode):
    """A primitive nobody knows."""

    def __init__(self):
        self.input_type = {"input": np.array([4])}
        self.output_type = {"output": np.array([4])}


class Synapse(Conv3d):
    """Another."""


def test_everything_unsupported_is_in_one_error():
    inner = graph_of(
        {"input": nir.Input({"input": np.array([4])}), "strange": Synapse()}, [("input", "strange")]
    )
    nodes = ends() | {
        "fc": nir.Linear(weights(4, 3)),
        "odd": Conv3d(),
        "sub": inner,
        "li": nir.LI(np.ones(4), np.ones(4), np.zeros(4)),
        "fc2": nir.Linear(weights(4, 4)),
        "short": lif(4, tau=0.5),
    }
    path = ["input", "fc", "odd", "sub", "li", "fc2", "short", "output"]
    graph = graph_of(nodes, list(pairwise(path)))
    found = problems(graph, integration="euler")
    text = "\n".join(found)
    assert "node 'odd': type 'Conv3d' is not supported; supported are Affine" in text
    assert "node 'sub.strange': type 'Synapse' is not supported" in text
    assert "the subgraph has not exactly one Output" in text
    assert "node 'li': LI gives a value at every time" in text
    assert "node 'short': tau of 500000 ns is shorter than the tick" in text


BAD_VALUES = [
    (lambda: lif(4, tau=np.nan), "node 'lif': tau holds NaN"),
    (lambda: lif(4, v_threshold=np.inf), "node 'lif': v_threshold holds an infinite value"),
    (lambda: lif(4, tau=0.0), "node 'lif': tau must be positive, got 0"),
    (lambda: nir.Delay(np.full(4, -1.0)), "node 'delay': delay must not be negative, got -1"),
    (lambda: nir.Linear(np.full((4, 4), np.nan)), "node 'linear': weight holds NaN"),
    (lambda: cuba(nir.CubaLIF, 4, tau_syn=-1.0), "node 'cubalif': tau_syn must be positive"),
]


@pytest.mark.parametrize(
    ("node", "said"), BAD_VALUES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_bad_value_names_node_and_field(node, said):
    (problem,) = problems(chain([4], node(), lif(4)) if "lif" not in said else chain([4], node()))
    assert problem.startswith(said)


def test_a_delay_longer_than_time():
    (problem,) = problems(chain([4], nir.Delay(np.full(4, 1e300)), lif(4)))
    assert "longer than" in problem


def test_weights_that_overflow_on_the_way():
    huge = nir.Scale(np.full(4, 1e300))
    (problem,) = problems(chain([4], huge, nir.Linear(np.full((4, 4), 1e300)), lif(4)))
    assert "input -> lif" in problem
    assert "finite" in problem


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ([("input", "fc"), ("fc", "lif"), ("lif", "gone")], "edge lif -> gone: there is no node 'gone'"),
        ([("input", "fc"), ("input", "fc"), ("fc", "lif")], "edge input -> fc is there twice"),
        ([("input", "lif"), ("fc", "lif")], "edge input -> lif: shape (3,) does not fit (4,)"),
        (
            [("input", "fc"), ("fc", "lif"), ("lif", "input")],
            "node 'input': an Input cannot be the destination",
        ),
        (
            [("input", "fc"), ("fc", "lif"), ("output", "lif")],
            "node 'output': an Output cannot be the source",
        ),
        ([("input", "fc"), ("fc", "lif")], "node 'output': no edge leads to this Output"),
        ([("input", "fc"), ("fc", "output")], "node 'lif': the shape LIF takes cannot be found"),
    ],
)
def test_bad_edges(edges, said):
    nodes = ends() | {"fc": nir.Linear(weights(4, 3)), "lif": lif(4)}
    if "cannot be found" in said:
        nodes["lif"] = nir.SumPool2d(np.array([2]), np.array([2]), np.array([0]))
        said = said.replace("LIF", "SumPool2d")
    assert any(problem.startswith(said) for problem in problems(graph_of(nodes, edges)))


def test_a_loop_without_neurons():
    nodes = ends(4) | {"a": nir.Linear(weights(4, 4)), "b": nir.Linear(weights(4, 4)), "lif": lif(4)}
    edges = [("input", "a"), ("a", "b"), ("b", "a"), ("b", "lif"), ("lif", "output")]
    (problem,) = problems(graph_of(nodes, edges))
    assert problem == "a loop of linear nodes without a neuron cannot be run: on or behind it are 'a', 'b'"


def test_nothing_to_simulate():
    assert problems(chain([3], nir.Linear(weights(4, 3)))) == (
        "the graph has no neurons: there is nothing to simulate",
    )
    assert "has no neurons" in problems(graph_of({}, []))[0]


def test_a_graph_that_contains_itself():
    graph = recurrent()
    graph.nodes["self"] = graph
    assert "nested without end" in problems(graph)[0]


@pytest.mark.parametrize("wrong", [3, None, {"nodes": 1}, lif(3), np.zeros(3)])
def test_what_is_no_graph(wrong):
    with pytest.raises(EventSimError, match="nir\\.NIRGraph"):
        from_nir(wrong, **UNITS)


def test_a_shape_too_large_is_refused_before_anything_is_made():
    nodes = ends() | {
        "input": nir.Input({"input": np.array([2**20, 2**20])}),
        "lif": nir.LIF(np.array(2.0), np.array(1.0), np.array(0.0), np.array(1.0)),
    }
    del nodes["output"]
    assert "must hold 1 to" in problems(graph_of(nodes, [("input", "lif")]))[0]
    nodes["input"] = nir.Input({"input": np.array([3, 400, 400])})
    nodes["conv"] = nir.Conv2d((400, 400), weights(64, 3, 3, 3), 1, "same", 1, 1, np.zeros(64))
    nodes["pool"] = nir.SumPool2d(np.array([399, 399]), np.array([1, 1]), np.array([0, 0]))
    edges = [("input", "conv"), ("conv", "pool"), ("pool", "lif")]
    assert "synapses" in problems(graph_of(nodes, edges))[0]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"time_unit": "us"}, "time_unit must be 's' or 'ms', got 'us'"),
        ({"tick_ns": 0}, "tick_ns must be a positive whole number"),
        ({"tick_ns": 1e6}, "tick_ns must be a positive whole number"),
        ({"spike": "delta"}, "spike must be 'held' or 'dirac' or 'jump'"),
        ({"integration": "rk4"}, "integration must be"),
        ({"reset": "none"}, "reset must be"),
    ],
)
def test_choices(how, said):
    with pytest.raises(ParameterError, match=said.replace("(", "\\(")):
        from_nir(recurrent(), **UNITS | how)


def test_the_unit_must_be_given():
    with pytest.raises(TypeError, match="time_unit"):
        from_nir(recurrent(), tick_ns=1_000_000)


def test_a_soft_reset_to_elsewhere():
    assert "a soft reset needs v_reset equal to v_leak" in problems(chain([4], lif(4)), reset="soft")[0]


def test_the_wrong_unit_is_noticed():
    report = from_nir(recurrent(tau=0.02), time_unit="ms", tick_ns=1_000).report
    assert any("is the unit s?" in change.text for change in report.warnings)
    report = from_nir(recurrent(tau=20.0), time_unit="s", tick_ns=1_000_000).report
    assert any("is the unit ms?" in change.text for change in report.warnings)
    for graph, unit in ((recurrent(tau=0.02), "s"), (recurrent(tau=20.0), "ms")):
        assert from_nir(graph, time_unit=unit, tick_ns=1_000_000).report.warnings == []


def test_what_is_assumed_is_said():
    nodes = ends() | {
        "unused": nir.Input({"input": np.array([2])}),
        "fc": nir.Linear(weights(4, 3)),
        "alone": lif(4),
        "a b/c": lif(4, metadata={"author": "x"}) if False else lif(4),
    }
    nodes["a b/c"].metadata = {"author": "x"}
    graph = graph_of(nodes, [("input", "fc"), ("fc", "a b/c"), ("a b/c", "output"), ("alone", "a b/c")])
    network, report = from_nir(graph, **UNITS)
    told = {(change.node, change.kind) for change in report.changes}
    assert {
        ("a_b_c", "renamed"),
        ("a_b_c", "metadata"),
        ("unused", "assumed"),
        ("alone", "assumed"),
    } <= told
    assert "input_alone" in network.inputs


def test_names_that_would_collide_stay_apart():
    nodes = ends() | {"a b": lif(4), "a/b": lif(4), "a_b": lif(4), "fc": nir.Linear(weights(4, 3))}
    edges = [("input", "fc"), *(("fc", n) for n in ("a b", "a/b", "a_b")), ("a_b", "output")]
    network = from_nir(graph_of(nodes, edges), **UNITS).network
    assert len(network.populations) == 3
    assert "a_b" in network.populations
