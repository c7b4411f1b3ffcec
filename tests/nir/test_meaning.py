"""Each primitive computes what NIR's equations say, in all conventions, against the dense reference."""

import nir
import numpy as np
import pytest
from compare import assert_same, both
from dense_nir import DenseNir
from graphs import chain, cuba, lif, recurrent, weights

from eventsim import Events, Session
from eventsim.nir import from_nir
from eventsim.projections import Conv2d, Csr, Dense, OneToOne, SumPool2d

pytestmark = pytest.mark.compiled

CONVENTIONS = [
    {"spike": spike, "integration": integration}
    for spike in ("held", "dirac", "jump")
    for integration in ("exact", "euler")
]


def linear(n_out, n_in, seed=0):
    return nir.Linear(weights(n_out, n_in, seed=seed))


NEURONS = {
    "lif": lif(4),
    "lif-rest": lif(4, v_leak=-0.5, v_threshold=-0.4, v_reset=-0.6),
    "lif-resistance-1": lif(4, r=1.0),
    "if": nir.IF(np.array([1.0, 0.5, 2.0, 1.0]), np.array([1.5, 0.5, 2.0, 3.0]), np.array([0, 0.1, 0, -1.0])),
    "i": nir.I(np.array([1.0, 0.5, 2.0, 1.0])),
    "li": nir.LI(np.array([5.0, 9, 2, 4]), np.array([1.0, 2, 3, 0.5]), np.zeros(4)),
    "threshold": nir.Threshold(np.array([0.25, 0.5, -0.75, 1.0])),
    "cubalif": cuba(nir.CubaLIF, 4),
    "cubalif-rest": cuba(nir.CubaLIF, 4, v_leak=-0.5, v_threshold=-0.46, v_reset=-0.6),
    "cubali": cuba(nir.CubaLI, 4),
}


@pytest.mark.parametrize("how", CONVENTIONS, ids=lambda how: "-".join(how.values()))
@pytest.mark.parametrize("name", NEURONS)
def test_a_neuron(name, how):
    rest = nir.Affine(weights(4, 3), weights(4, seed=2) * np.float32(0.2))
    _, spikes = assert_same(chain([3], rest, NEURONS[name]), **how)
    if name.startswith(("lif", "if", "cubalif", "threshold")):
        assert sum(spikes.values()) > 5


@pytest.mark.parametrize("how", CONVENTIONS, ids=lambda how: "-".join(how.values()))
@pytest.mark.parametrize(("unit", "scale", "tick_ns"), [("s", 1e-3, 1_000_000), ("ms", 1.0, 250_000)])
def test_units_and_ticks(unit, scale, tick_ns, how):
    graph = chain(
        [3],
        linear(5, 3),
        nir.Delay(np.array([0.0, 1, 2.5, 4, 8]) * scale),
        lif(5, tau=8.0 * scale, r=scale if how["spike"] == "dirac" else 1.0, v_threshold=0.05),
        linear(2, 5, 1),
        nir.LI(np.array([5.0, 9]) * scale, np.ones(2), np.zeros(2)),
    )
    _, spikes = assert_same(graph, time_unit=unit, tick_ns=tick_ns, ticks=80, **how)
    assert spikes["lif"] > 5


CONVOLUTIONS = {
    "plain": (nir.Conv2d((6, 5), weights(3, 2, 3, 3), 1, 0, 1, 1, np.zeros(3)), Conv2d),
    "bias": (nir.Conv2d((6, 5), weights(3, 2, 3, 3), 1, 0, 1, 1, weights(3)), Conv2d),
    "strided": (nir.Conv2d((6, 5), weights(3, 2, 3, 3), (2, 1), (1, 0), 1, 1, np.zeros(3)), Conv2d),
    "dilated": (nir.Conv2d((6, 5), weights(3, 2, 2, 2), 1, 1, (2, 3), 1, np.zeros(3)), Conv2d),
    "grouped": (nir.Conv2d((6, 5), weights(4, 1, 3, 3), 1, 1, 1, 2, np.zeros(4)), Conv2d),
    "same": (nir.Conv2d((6, 5), weights(3, 2, 3, 5), 1, "same", 1, 1, np.zeros(3)), Conv2d),
    "same-even": (nir.Conv2d((6, 5), weights(3, 2, 2, 4), 1, "same", 1, 1, weights(3)), Csr),
    "valid": (nir.Conv2d((6, 5), weights(3, 2, 2, 3), 1, "valid", 1, 1, np.zeros(3)), Conv2d),
    "sum": (nir.SumPool2d(np.array([2, 2]), np.array([2, 1]), np.array([0, 0])), SumPool2d),
    "sum-padded": (nir.SumPool2d(np.array([3, 2]), np.array([2, 2]), np.array([1, 1])), SumPool2d),
    "average": (nir.AvgPool2d(np.array([2, 3]), np.array([2, 2]), np.array([0, 1])), Conv2d),
}


def shape_behind(node, shape):
    kind, nothing = type(node).__name__, np.zeros(shape)
    return DenseNir._linear(None, kind, node, (nothing, nothing))[0].shape


UNITS = {"time_unit": "ms", "tick_ns": 1_000_000}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_or_pooling(name):
    node, kept = CONVOLUTIONS[name]
    shape = shape_behind(node, (2, 6, 5))
    for neurons in (lif(shape, r=1.0), lif(shape)):
        graph = chain([2, 6, 5], node, neurons, loose=True)
        network = from_nir(graph, **UNITS).network
        uniform = len(np.unique(neurons.r)) == 1
        assert type(network.projections[0].synapses) is (kept if uniform else Csr)
        _, spikes = assert_same(graph, ticks=15)
        assert spikes["lif"] > 5


@pytest.mark.parametrize("padding", [0, 2, "same", "valid"])
def test_a_convolution_in_one_dimension(padding):
    node = nir.Conv1d(7, weights(4, 1, 3), 1, padding, 2, 2, weights(4))
    shape = shape_behind(node, (2, 7))
    report, spikes = assert_same(chain([2, 7], node, lif(shape), loose=True))
    assert spikes["lif"] > 5
    assert "Conv1d is written as Csr" in str(report)


def test_a_whole_convolutional_network_with_everything_folded():
    graph = chain(
        [2, 8, 8],
        nir.Scale(np.full((2, 8, 8), 0.5)),
        nir.Conv2d((8, 8), weights(4, 2, 3, 3), 1, 1, 1, 1, weights(4) * np.float32(0.3)),
        nir.IF(np.full((4, 8, 8), 0.3), np.full((4, 8, 8), 1.0)),
        nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        nir.Conv2d((4, 4), weights(3, 4, 2, 2), 1, 0, 1, 1, weights(3)),
        lif((3, 3, 3)),
        nir.AvgPool2d(np.array([3, 3]), np.array([3, 3]), np.array([0, 0])),
        nir.Flatten({"input": np.array([3, 1, 1])}, 0, -1),
        nir.Affine(weights(5, 3), weights(5)),
        nir.Delay(np.array([0.0, 1, 2, 3, 4])),
        lif(5, v_leak=0.1),
    )
    report, spikes = assert_same(graph, ticks=25)
    assert spikes["if"] > 20
    assert spikes["lif2"] > 5
    assert "sumpool2d, conv2d2 are one projection: Csr" in str(report)
    assert "scale, conv2d are one projection: Conv2d" in str(report)


def test_delays_on_both_sides_and_parallel_paths_add_up():
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "early": nir.Delay(np.array([0.0, 1.0, 3.0])),
            "a": linear(4, 3, 0),
            "b": nir.Affine(weights(4, 3, seed=1), weights(4, seed=5)),
            "sum": nir.Scale(np.array([1.0, 0.5, 2.0, -1.0])),
            "late": nir.Delay(np.array([2.0, 0.0, 1.0, 1.4])),
            "mix": linear(4, 4, 2),
            "lif": lif(4),
            "output": nir.Output({"output": np.array([4])}),
        },
        [
            *(("input", "early"), ("early", "a"), ("input", "b"), ("a", "sum"), ("b", "sum")),
            *(("sum", "late"), ("late", "mix"), ("mix", "lif"), ("lif", "output")),
        ],
    )
    order = ["input", "early", "a", "b", "sum", "late", "mix", "lif", "output"]
    report, spikes = assert_same(graph, order=order)
    assert spikes["lif"] > 5
    assert "16 delays moved" not in str(report)
    assert "delays moved to the grid of 1000000 ns, by up to 400000 ns" in str(report)


def test_a_loop_gets_one_tick_of_delay_and_the_report_says_so():
    order = ["input", "fc", "rec", "lif", "output"]
    report, spikes = assert_same(recurrent(), order=order)
    assert spikes["lif"] > 5
    assert [c.node for c in report.changes if c.kind == "delayed"] == ["lif -> lif"]


def test_two_layers_that_reach_each_other_keep_the_way_from_the_input_instant():
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "fc": linear(4, 3),
            "zeta": lif(4),
            "forward": linear(4, 4, 1),
            "alpha": lif(4, 3, v_threshold=0.05),
            "back": linear(4, 4, 2),
            "output": nir.Output({"output": np.array([4])}),
        },
        [
            *(("input", "fc"), ("fc", "zeta"), ("zeta", "forward"), ("forward", "alpha")),
            *(("alpha", "back"), ("back", "zeta"), ("alpha", "output")),
        ],
    )
    order = ["input", "fc", "back", "zeta", "forward", "alpha", "output"]
    report, spikes = assert_same(graph, order=order)
    assert min(spikes.values()) > 3
    assert [c.node for c in report.changes if c.kind == "delayed"] == ["alpha -> zeta"]


def test_a_loop_with_a_delay_of_its_own_is_left_alone():
    graph, truth = recurrent(), recurrent()
    for each, delay in ((graph, 3.0), (truth, 2.0)):  # the reference's loop has a tick of its own
        each.nodes["late"] = nir.Delay(np.full(4, delay))
        each.edges = [e for e in each.edges if e != ("rec", "lif")] + [("rec", "late"), ("late", "lif")]
    order = ["input", "fc", "rec", "late", "lif", "output"]
    report, spikes = assert_same(graph, truth=truth, order=order)
    assert spikes["lif"] > 5
    assert not [c for c in report.changes if c.kind == "delayed"]


def test_linear_outputs_become_a_population_that_keeps_nothing():
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "fc": linear(4, 3),
            "lif": lif(4),
            "readout": linear(2, 4, 1),
            "output": nir.Output({"output": np.array([2])}),
        },
        [("input", "fc"), ("fc", "lif"), ("lif", "readout"), ("readout", "output")],
    )
    report, spikes = assert_same(graph)
    assert spikes["lif"] > 5
    assert report.outputs["output"].name == "output"
    assert report.record == ("output",)


def test_subgraphs_are_put_in_place():
    inner = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([4])}),
            "lif": lif(4),
            "w_rec": linear(4, 4, 1),
            "output": nir.Output({"output": np.array([4])}),
        },
        [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
    graph = nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([3])}),
            "fc": linear(4, 3),
            "rnn": inner,
            "fc2": linear(2, 4, 2),
            "lif": lif(2, 4, v_threshold=0.05),
            "output": nir.Output({"output": np.array([2])}),
        },
        [("input", "fc"), ("fc", "rnn"), ("rnn", "fc2"), ("fc2", "lif"), ("lif", "output")],
    )
    network, report = from_nir(graph, **UNITS)
    assert list(network.populations) == ["lif", "rnn.lif"]
    links = [str(p) for p in network.projections]
    assert links == ["input -> rnn.lif", "rnn.lif -> rnn.lif", "rnn.lif -> lif"]
    assert report.populations == {"rnn.lif": "rnn.lif", "lif": "lif"}
    flat = nir.NIRGraph(
        {**{n: graph.nodes[n] for n in ("input", "fc", "fc2", "lif", "output")}}
        | {"rnn.lif": inner.nodes["lif"], "rnn.w_rec": inner.nodes["w_rec"]},
        [
            *(("input", "fc"), ("fc", "rnn.lif"), ("rnn.lif", "rnn.w_rec"), ("rnn.w_rec", "rnn.lif")),
            *(("rnn.lif", "fc2"), ("fc2", "lif"), ("lif", "output")),
        ],
    )
    order = ["input", "fc", "rnn.w_rec", "rnn.lif", "fc2", "lif", "output"]
    _, spikes = assert_same(flat, order=order)
    assert min(spikes.values()) > 2
    alone = from_nir(flat, **UNITS).network
    delays = {str(p): p.delay_ns for p in network.projections}
    assert {str(p): p.delay_ns for p in alone.projections} == delays


def test_one_number_for_all_neurons_is_spread_as_snntorch_writes_it():
    scalar = nir.LIF(np.array(8.0), np.array(8.0), np.array(0.0), np.array(0.5))
    graph = chain([3], linear(4, 3), scalar, loose=True, out=[4])
    report, spikes = assert_same(graph, integration="euler")
    assert spikes["lif"] > 5
    assert report.outputs["output"].shape == (4,)
    assert "one tau for all 4" in str(report)


def test_what_stays_in_its_own_form():
    graph = chain([3], nir.Scale(np.array([1.0, 2.0, 3.0])), lif(3, r=1.0), linear(2, 3), lif(2, r=1.0))
    network, report = from_nir(graph, **UNITS)
    kinds = [type(p.synapses) for p in network.projections]
    assert kinds == [OneToOne, Dense]
    assert network.projections[1].synapses.weights.dtype == np.float32
    assert [c.kind for c in report.changes] == []
    direct = from_nir(chain([3], lif(3)), **UNITS).network
    assert type(direct.projections[0].synapses) is OneToOne


def test_soft_resets_where_they_are_asked_for():
    graph = chain([3], linear(4, 3), lif(4, v_reset=0.0))
    network = from_nir(graph, reset="soft", **UNITS).network
    assert network.populations["lif"].model.reset == "soft"
    _, engine, truth, _ = both(graph, reset="soft")
    assert engine["lif"].sum() > truth["lif"].sum() > 0


def test_as_snntorch_steps_what_it_exports():
    """Its Leaky: mem = beta mem + W x; a spike where mem > 1, then zero; exported with r = tau / dt."""
    beta, tick = np.array([0.9, 0.5, 0.99], np.float32), 1e-4
    tau = tick / (1 - beta)
    weight = weights(3, 4)
    neurons = nir.LIF(tau, tau / np.float32(tick), np.zeros(3), np.ones(3))
    graph = chain([4], nir.Linear(weight), neurons)
    network, _ = from_nir(graph, time_unit="s", tick_ns=100_000, integration="euler")
    session, mem = Session(network), np.zeros(3)
    rng, spikes = np.random.default_rng(1), 0
    for k in range(200):
        x = rng.random(4) < 0.3
        mem = beta * mem + weight @ x
        fired = mem > 1
        assert np.abs(mem - 1).min() > 1e-5
        mem[fired] = 0
        session.push("input", Events.of(np.full(x.sum(), k * 100_000), np.flatnonzero(x)))
        session.advance((k + 1) * 100_000)
        assert session.read("lif").address.tolist() == np.flatnonzero(fired).tolist()
        np.testing.assert_allclose(session.membrane("lif"), mem, atol=1e-5)
        spikes += fired.sum()
    assert spikes > 20
