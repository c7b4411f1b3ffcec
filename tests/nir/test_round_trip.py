"""to_nir writes all that NIR can say and refuses the rest; from_nir reads it back as the same network."""

import nir
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsim import ALIF, LIF, Events, LeakyIntegrator, Network, Session
from eventsim.errors import NirError, ParameterError
from eventsim.models.cuba_li import CubaLI
from eventsim.models.cuba_lif import CubaLIF
from eventsim.nir import from_nir, to_nir
from eventsim.projections import Conv2d, Csr, Dense, OneToOne, SumPool2d

TICK = 1_000_000


@st.composite
def networks(draw, reset="hard"):
    """Networks that NIR can say, with biases only where a matrix can carry them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    net = Network(TICK)
    net.add_input("in", 18)
    sizes, sources = {}, ["in"]
    shapes = {"in": (2, 3, 3)}
    for k in range(draw(st.integers(1, 3))):
        name, size = f"p{k}", draw(st.sampled_from([4, 5, 18]))
        ways = [draw(st.sampled_from(["dense", "csr"]))]
        carries = draw(st.booleans())
        net.add_population(name, size, draw(models(size, carries, reset)))
        for way in ways:
            pre = draw(st.sampled_from(sources))
            _connect(net, rng, pre, name, way, draw(st.integers(0, 3)) * TICK)
        if size == 18 and draw(st.booleans()):
            _connect(net, rng, "in", name, draw(st.sampled_from(["one", "conv", "pool"])), TICK)
        sizes[name] = size
        sources.append(name)
        if draw(st.booleans()):
            _connect(net, rng, name, name, "dense", draw(st.integers(1, 3)) * TICK)
    if draw(st.booleans()):
        model = draw(st.sampled_from([LeakyIntegrator(tau_ns=7.5e6, bias=0.01), CubaLI(9e6, 3e6, bias=0.01)]))
        net.add_population("out", 3, model)
        _connect(net, rng, sources[-1], "out", "dense", 0)
    assert shapes
    return net


def models(size, carries, reset):
    bias = np.linspace(-0.02, 0.04, size) if carries else 0.0
    tau = np.linspace(3e6, 20e6, size)
    common = {"bias": bias, "reset": reset, "reset_potential": -0.01 if reset == "hard" else 0.0}
    return st.sampled_from(
        [
            LIF(tau, 0.7, normalised=False, **common),
            LIF(tau, 0.3, normalised=True, **common),
            LIF(np.inf, 1.5, **common),
            CubaLIF(tau, tau / 3, 0.4, input_gain=np.linspace(0.5, 1.5, size), **common),
            CubaLIF(5e6, 5e6, 0.4, **common),
        ]
    )


def _connect(net, rng, pre, post, way, delay_ns):
    n_pre = net.inputs[pre] if pre in net.inputs else net.populations[pre].size
    n_post = net.populations[post].size
    if way == "dense":
        synapses = Dense(rng.normal(0.1, 0.5, (n_pre, n_post)).astype(np.float32))
    elif way == "csr":
        indptr = np.arange(n_pre + 1) * 2
        indices = rng.integers(0, n_post, 2 * n_pre)
        synapses = Csr(indptr, indices, rng.normal(0.2, 0.7, 2 * n_pre))
        if delay_ns:
            delay_ns = rng.integers(0 if pre != post else 1, 4, 2 * n_pre) * TICK
    elif way == "one":
        synapses = OneToOne(rng.normal(0.3, 0.5, n_pre))
    elif way == "conv":
        synapses = Conv2d(rng.normal(0, 0.5, (2, 2, 3, 3)), (2, 3, 3), padding=(1, 1))
    else:
        synapses = SumPool2d((2, 3, 3), (1, 1))
    net.connect(pre, post, synapses, delay_ns=delay_ns)


def spikes(net, seed):
    session = Session(net, record=list(net.populations))
    rng = np.random.default_rng(seed)
    for name, size in net.inputs.items():
        at = rng.integers(0, 40, 150)
        session.push(name, Events.of(at * TICK, rng.integers(0, size, 150), rng.choice([1.0, 0.5], 150)))
    session.advance(60 * TICK)
    fired = {n: session.read(n) for n, p in net.populations.items() if p.model.spiking}
    return fired, {n: session.membrane(n) for n in net.populations}


@pytest.mark.compiled
@given(
    net=networks(),
    unit=st.sampled_from(["s", "ms"]),
    spike=st.sampled_from(["held", "dirac", "jump"]),
    integration=st.sampled_from(["exact", "euler"]),
    seed=st.integers(0, 2**32),
)
def test_there_and_back_gives_the_same_spikes(net, unit, spike, integration, seed):
    how = {"time_unit": unit, "spike": spike, "integration": integration}
    back = from_nir(to_nir(net, **how), tick_ns=TICK, **how).network
    assert back.inputs == net.inputs
    assert {n: p.size for n, p in back.populations.items()} == {n: p.size for n, p in net.populations.items()}
    assert sorted(back.outputs) == sorted(net.outputs)
    (fired, u), (fired_back, u_back) = spikes(net, seed), spikes(back, seed)
    for name, events in fired.items():
        assert events.equals(fired_back[name]), name
    for name in u:
        np.testing.assert_allclose(u_back[name], u[name], rtol=1e-7, atol=1e-9)


def test_a_file_between_changes_nothing(tmp_path):
    net = Network(TICK)
    net.add_input("in", 18)
    net.add_population("conv", 18, LIF(8e6, 0.4, reset="hard"))
    net.add_population("out", 4, CubaLIF(9e6, 3e6, 0.1, reset="hard"))
    rng = np.random.default_rng(0)
    net.connect("in", "conv", Conv2d(rng.normal(0.2, 0.3, (2, 2, 3, 3)), (2, 3, 3), padding=(1, 1)))
    net.connect("conv", "out", Dense(rng.normal(0.2, 0.3, (18, 4))), delay_ns=3 * TICK)
    graph = to_nir(net, time_unit="ms")
    nir.write(tmp_path / "net.nir", graph)
    how = {"time_unit": "ms", "tick_ns": TICK}
    (one, _), (two, report) = from_nir(graph, **how), from_nir(tmp_path / "net.nir", **how)
    assert report.nir_version
    assert [str(p) for p in one.projections] == [str(p) for p in two.projections]
    for a, b in zip(one.projections, two.projections, strict=True):
        assert type(a.synapses) is type(b.synapses)
        assert a.delay_ns == b.delay_ns
        assert np.array_equal(a.synapses.weights, b.synapses.weights)
        assert a.synapses.weights.dtype == b.synapses.weights.dtype
    assert {str(p): type(p.synapses) for p in two.projections} == {
        "in -> conv": Conv2d,
        "conv -> out": Dense,
    }


def test_nir_itself_accepts_what_is_written(tmp_path):
    net = Network(TICK)
    net.add_input("in", 4)
    net.add_population("lif", 4, LIF(8e6, 0.4, bias=0.1, reset="hard"))
    net.connect("in", "lif", Dense(np.eye(4)), delay_ns=TICK)
    nir.write(tmp_path / "net.nir", to_nir(net, time_unit="s"))
    graph = nir.read(tmp_path / "net.nir")
    assert {type(node).__name__ for node in graph.nodes.values()} == {
        "Input",
        "Affine",
        "Delay",
        "LIF",
        "Output",
    }
    np.testing.assert_allclose(graph.nodes["lif"].tau, 8e-3)


def test_all_that_nir_cannot_say_is_in_one_error():
    net = Network(TICK)
    net.add_input("in", 2)
    net.add_population("adaptive", 2, ALIF(20e6, 100e6, 1.0, 1.8))
    net.add_population("soft", 2, LIF(20e6, 1.0))
    net.add_population("deaf", 2, LIF(20e6, 1.0, reset="hard", refractory_ns=2 * TICK))
    net.add_population("driven", 2, LIF(20e6, 1.0, bias=0.1, reset="hard"))
    net.add_population("mixed", 2, LIF(np.array([np.inf, 1e6]), 1.0, reset="hard"))
    for name in ("adaptive", "soft", "deaf", "mixed", "driven"):
        net.connect("in", name, OneToOne(1.0))
    with pytest.raises(NirError) as caught:
        to_nir(net, time_unit="s")
    assert "\n" not in str(caught.value)
    text = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 5
    assert "population 'adaptive': NIR has no ALIF neuron" in text
    assert "population 'soft': its reset is 'soft', NIR's is 'hard'" in text
    assert "population 'deaf': NIR has no refractory time" in text
    assert "population 'mixed': perfect integrators and leaky neurons" in text
    assert "population 'driven': has a bias" in text


def test_soft_resets_for_a_reader_who_knows():
    net = Network(TICK)
    net.add_input("in", 2)
    net.add_population("soft", 2, LIF(20e6, 1.0))
    net.connect("in", "soft", Dense(np.eye(2)))
    graph = to_nir(net, time_unit="s", reset="soft")
    back = from_nir(graph, time_unit="s", tick_ns=TICK, reset="soft").network
    assert back.populations["soft"].model.reset == "soft"


def test_sources_and_networks_without_inputs_are_refused():
    net = Network(TICK)
    net.add_poisson("noise", 2, 10.0)
    net.add_population("lif", 2, LIF(20e6, 1.0, reset="hard"))
    net.connect("noise", "lif", Dense(np.eye(2)))
    with pytest.raises(NirError, match=r"source 'noise'.*no inputs"):
        to_nir(net, time_unit="s")


def test_a_sparse_projection_too_large_for_a_matrix():
    net = Network(TICK)
    net.add_input("in", 2**13)
    net.add_population("lif", 2**13, LIF(20e6, 1.0, reset="hard"))
    net.connect("in", "lif", Csr(np.arange(2**13 + 1), np.arange(2**13), np.ones(2**13)))
    with pytest.raises(NirError, match="in -> lif: sparse synapses between 8192 and 8192"):
        to_nir(net, time_unit="s")


def test_outputs_can_be_chosen():
    net = Network(TICK)
    net.add_input("in", 2)
    for name in ("a", "b"):
        net.add_population(name, 2, LIF(20e6, 1.0, reset="hard"))
    net.connect("in", "a", Dense(np.eye(2)))
    net.connect("a", "b", Dense(np.eye(2)))
    graph = to_nir(net, time_unit="s", outputs=["a", "b"])
    report = from_nir(graph, time_unit="s", tick_ns=TICK).report
    assert {node: port.name for node, port in report.outputs.items()} == {"output_a": "a", "output_b": "b"}
    with pytest.raises(ParameterError, match="output 'c' is no population"):
        to_nir(net, time_unit="s", outputs=["c"])
