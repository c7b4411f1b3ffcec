"""A bundle that is saved and loaded is the same bundle, bit for bit, and the same bytes."""

import json
import os
import stat
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eventsim.bundle import Bundle, archive, load_bundle, load_network, save_bundle, save_network
from eventsim.errors import OutputError, ParameterError
from eventsim.events import Events
from eventsim.models import (
    ALIF,
    LIF,
    CubaLI,
    CubaLIF,
    InputGated,
    LeakyIntegrator,
    NeuronModel,
    SigmaDelta,
)
from eventsim.network import Network
from eventsim.projections import Conv2d, Csr, Dense, OneToOne, SumPool2d, Synapses
from eventsim.session import Session

TICK_NS = 1_000


def network_facts(network: Network) -> dict[str, Any]:
    """Everything a network holds, as plain comparable values: arrays as dtype, shape and bytes."""

    def plain(value: object) -> object:
        if isinstance(value, Events):
            return [plain(column) for column in (value.time_ns, value.address, value.value)]
        if isinstance(value, np.ndarray):
            return value.dtype.str, value.shape, value.tobytes()
        return value

    def pair(name: str, value: object) -> object:
        both = isinstance(value, int) and name in ("stride", "padding", "dilation")
        return (value, value) if both else value

    return {
        "tick_ns": network.tick_ns,
        "inputs": list(network.inputs.items()),
        "sources": [
            (name, type(s), {k: plain(v) for k, v in vars(s).items()}) for name, s in network.sources.items()
        ],
        "populations": [
            (p.name, p.size, type(p.model), {k: plain(v) for k, v in p.model.parameters().items()})
            for p in network.populations.values()
        ],
        "projections": [
            (
                p.pre,
                p.post,
                type(p.synapses),
                {k: plain(pair(k, v)) for k, v in vars(p.synapses).items()},
                plain(p.delay_ns),
            )
            for p in network.projections
        ],
    }


def bundle_facts(bundle: Bundle) -> dict[str, Any]:
    return {
        "network": network_facts(bundle.network),
        "labels": bundle.labels,
        "encoder": bundle.encoder,
        "decision": bundle.decision,
        "info": bundle.info,
    }


def keyword_bundle() -> Bundle:
    """A small network with dense and sparse projections, and both kinds of delays."""
    rng = np.random.default_rng(7)
    network = Network(tick_ns=TICK_NS)
    network.add_input("mel", 4)
    alif = ALIF(tau_mem_ns=rng.uniform(2e3, 9e3, 3), tau_adp_ns=5e4, base_threshold=0.1, beta=1.8, bias=0.05)
    network.add_population("hidden1", 3, alif)
    network.add_population("late", 2, LIF(tau_ns=np.inf, threshold=2.0, reset="hard", refractory_ns=2_000.0))
    network.add_population("readout", 3, LeakyIntegrator(tau_ns=np.inf))
    network.connect("mel", "hidden1", Dense(rng.normal(size=(4, 3)).astype(np.float32)), delay_ns=3_000)
    network.connect("mel", "hidden1", Dense(rng.normal(size=(4, 3))), delay_ns=0)
    network.connect("hidden1", "hidden1", Dense(rng.normal(size=(3, 3))), delay_ns=TICK_NS)
    sparse = Csr(np.array([0, 2, 2, 3]), np.array([0, 1, 1]), np.array([1.0, -0.5, 0.25], dtype=np.float32))
    network.connect("hidden1", "late", sparse, delay_ns=np.array([1_000, 5_000, 0]))
    network.connect("hidden1", "late", Csr(np.zeros(4, dtype=int), np.zeros(0, dtype=int), np.zeros(0)))
    network.connect("late", "readout", Dense(np.ones((2, 3), dtype=np.float32)))
    return Bundle(
        network,
        labels=("yes", "no", "größer"),
        encoder={"kind": "mel-delta", "n_bands": 2, "step": 0.5},
        decision={"kind": "softmax-threshold", "threshold": 0.9, "scale": 1.0},
        info={"accuracy": {"test": 0.5}, "words": ["yes", None, True, -3]},
    )


def test_everything_comes_back(tmp_path: Path) -> None:
    bundle = keyword_bundle()
    save_bundle(tmp_path / "model.bundle", bundle)
    assert bundle_facts(load_bundle(tmp_path / "model.bundle")) == bundle_facts(bundle)


def test_the_loaded_network_computes_the_same_bits(tmp_path: Path) -> None:
    bundle = keyword_bundle()
    save_bundle(tmp_path / "model.bundle", bundle)
    rng = np.random.default_rng(3)
    events = Events.of(rng.integers(0, 40, 60) * TICK_NS, rng.integers(0, 4, 60), rng.normal(size=60))
    seen = []
    for network in (bundle.network, load_bundle(tmp_path / "model.bundle").network):
        session = Session(network)
        session.push("mel", events)
        session.advance(60 * TICK_NS)
        seen.append(session.read("readout"))
    assert len(seen[0]) > 0
    assert seen[0].equals(seen[1])


def test_the_same_bundle_is_the_same_bytes(tmp_path: Path) -> None:
    one, other, again = (tmp_path / name for name in ("one", "other", "again"))
    save_bundle(one, keyword_bundle())
    os.utime(one, (0, 0))
    save_bundle(other, keyword_bundle())
    save_bundle(again, load_bundle(one))
    assert one.read_bytes() == other.read_bytes() == again.read_bytes()


def test_the_file_is_an_ordinary_zip_of_json_and_npy(tmp_path: Path) -> None:
    save_bundle(tmp_path / "model.bundle", keyword_bundle())
    with zipfile.ZipFile(tmp_path / "model.bundle") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        with archive.open("projections/0/weights.npy") as entry:
            weights = np.lib.format.read_array(entry, allow_pickle=False)
    assert manifest["format"] == "eventsim-bundle"
    assert manifest["labels"] == ["yes", "no", "größer"]
    assert weights.dtype == np.float32
    assert np.array_equal(weights, keyword_bundle().network.projections[0].synapses.weights)


def test_every_model_source_and_form_of_synapses_comes_back_and_computes_the_same_bits(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(5)
    network = Network(tick_ns=TICK_NS)
    network.add_poisson("noise", 32, 5e4, seed=2**70, start_ns=-3_000, stop_ns=50_000)
    network.add_poisson("tuned", 4, rng.uniform(1e3, 1e5, 4))
    network.add_spikes("told", 4, Events.of(rng.integers(0, 50, 9) * TICK_NS, rng.integers(0, 4, 9)))
    pool = SumPool2d((2, 4, 4), kernel_size=(2, 3), stride=(2, 1))
    kernel = rng.normal(0.5, 1.0, (4, 1, 2, 1)).astype(np.float32)
    conv = Conv2d(kernel, pool.output_shape, stride=(1, 2), padding=(1, 0), dilation=(2, 1), groups=2)
    network.add_population("pooled", pool.n_post, LIF(tau_ns=3e3, threshold=0.7))
    network.add_population("cuba", conv.n_post, CubaLIF(4e3, 2e3, 0.1, reset="hard", input_gain=4.0))
    network.add_population("low", 4, SigmaDelta(5e3, 0.02, activation="tanh", largest_step=3))
    network.add_population("gated", 4, InputGated(4e3, 0.1, bits=np.array([2, 3]), gate_bias=0.3))
    network.add_population("adaptive", 4, ALIF(4e3, 9e3, 0.1, 1.8, reset="immediate"))
    network.add_population("out", 4, CubaLI(4e3, 4e3))
    network.connect("noise", "pooled", pool)
    network.connect("pooled", "cuba", conv)
    for pre in ("told", "tuned"):
        network.connect(pre, "low", OneToOne(rng.normal(size=4)), delay_ns=2_000)
    network.connect("low", "gated", InputGated.synapses(30 * rng.normal(size=(4, 2)), np.eye(4, 2)))
    network.connect("tuned", "adaptive", OneToOne(np.array(0.9)))
    for pre in ("gated", "adaptive"):
        network.connect(pre, "out", Dense(rng.normal(size=(4, 4))))
    save_network(tmp_path / "network", network)
    loaded = load_network(tmp_path / "network")
    assert network_facts(loaded) == network_facts(network)
    seen: list[list[Any]] = []
    for one in (network, loaded):
        session = Session(one, record=one.populations)
        session.advance(60 * TICK_NS)
        seen.append([session.read(name) for name in one.populations])
    for name, a, b in zip(network.populations, *seen, strict=True):
        assert len(a) > 0, name
        assert a.equals(b)


def test_the_shipped_model_of_version_1_still_loads() -> None:
    shipped = resources.files("apps.assets") / "kws.esb"
    with resources.as_file(shipped) as path:
        bundle = load_bundle(path)
        with zipfile.ZipFile(path) as file:
            manifest = json.loads(file.read("manifest.json"))
    if manifest["version"] != 1:
        pytest.skip("the shipped model has been written anew, in a later version")
    assert len(bundle.labels) == len(manifest["labels"]) > 0
    models = [p.model for p in bundle.network.populations.values()]
    assert {m.reset for m in models if isinstance(m, ALIF)} <= {"late"}
    assert not bundle.network.sources


def test_version_1_is_read_without_what_came_later(tmp_path: Path) -> None:
    save_bundle(tmp_path / "now", keyword_bundle())
    entries = archive.unpack((tmp_path / "now").read_bytes())
    manifest = json.loads(entries["manifest.json"])
    manifest["version"] = 1
    del manifest["sources"]
    for projection in manifest["projections"]:
        del projection["shape"]
    for population in manifest["populations"]:
        if population["model"] == "alif":
            del population["options"]["reset"]
    entries["manifest.json"] = json.dumps(manifest).encode()
    (tmp_path / "then").write_bytes(archive.pack(entries))
    assert bundle_facts(load_bundle(tmp_path / "then")) == bundle_facts(keyword_bundle())


def test_a_seed_too_long_for_a_file_is_refused(tmp_path: Path) -> None:
    network = Network(tick_ns=TICK_NS)
    network.add_poisson("noise", 1, 1.0, seed=10**1000)
    with pytest.raises(ParameterError, match="source 'noise': a file holds seeds of up to 1000 digits"):
        save_network(tmp_path / "network", network)


finite = st.floats(-1e6, 1e6)


def per_neuron(draw: st.DrawFn, size: int, elements: st.SearchStrategy[float]) -> Any:
    return draw(st.one_of(elements, hnp.arrays(np.float64, size, elements=elements)))


@st.composite
def models(draw: st.DrawFn, size: int) -> NeuronModel:
    tau = st.floats(1.0, 1e9)
    kind = draw(st.sampled_from(["alif", "lif", "leaky_integrator", "cuba_lif", "sigma_delta"]))
    normalised = draw(st.booleans())
    bias = per_neuron(draw, size, finite)
    if kind == "alif":
        taus = (per_neuron(draw, size, tau), per_neuron(draw, size, tau))
        rest = (per_neuron(draw, size, finite), per_neuron(draw, size, finite))
        reset = draw(st.sampled_from(["late", "immediate"]))
        return ALIF(*taus, *rest, bias, draw(finite), normalised, reset)
    if kind == "cuba_lif":
        return CubaLIF(per_neuron(draw, size, tau), per_neuron(draw, size, tau), bias=bias)
    if kind == "sigma_delta":
        theta = st.floats(1e-6, 1e6)
        return SigmaDelta(per_neuron(draw, size, tau), per_neuron(draw, size, theta), bias)
    if kind == "lif":
        reset = draw(st.sampled_from(["soft", "hard", "none"]))
        threshold = per_neuron(draw, size, finite)
        return LIF(per_neuron(draw, size, tau), threshold, bias, reset=reset, normalised=normalised)
    return LeakyIntegrator(per_neuron(draw, size, tau), bias, normalised)


@st.composite
def synapses(draw: st.DrawFn, n_pre: int, n_post: int) -> Synapses:
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    weight = st.floats(-1e6, 1e6, width=32)
    form = draw(st.sampled_from(["dense", "csr", "one_to_one", "conv2d", "sum_pool2d"]))
    if form == "one_to_one" and n_pre == n_post:
        shape: Any = draw(st.sampled_from([(), (n_pre,)]))
        return OneToOne(draw(hnp.arrays(dtype, shape, elements=weight)))
    if form == "conv2d":
        kernel = draw(hnp.arrays(dtype, (n_post, n_pre, 1, 2), elements=weight))
        return Conv2d(kernel, (n_pre, 1, 1), padding=(0, 1), dilation=(1, 2), stride=draw(st.integers(1, 4)))
    if form == "sum_pool2d" and n_pre % n_post == 0:
        return SumPool2d((n_post, n_pre // n_post, 1), (n_pre // n_post, 1))
    if form == "dense":
        return Dense(draw(hnp.arrays(dtype, (n_pre, n_post), elements=weight)))
    fan_out = draw(st.lists(st.integers(0, 3), min_size=n_pre, max_size=n_pre))
    n = sum(fan_out)
    indices = draw(hnp.arrays(np.int32, n, elements=st.integers(0, n_post - 1)))
    weights = draw(hnp.arrays(dtype, n, elements=weight))
    return Csr(np.concatenate([[0], np.cumsum(fan_out)]).astype(np.int64), indices, weights)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    network = Network(tick_ns=draw(st.integers(1, 10**9)))
    n_in = draw(st.integers(1, 4))
    network.add_input("in", n_in)
    for i in range(draw(st.integers(1, 3))):
        size = draw(st.integers(1, 4))
        network.add_population(f"p{i}", size, draw(models(size)))
        for _ in range(draw(st.integers(0, 2))):
            made = draw(synapses(n_in, size))
            ticks: Any = draw(st.integers(0, 1000))
            if isinstance(made, Csr) and draw(st.booleans()):
                ticks = draw(hnp.arrays(np.int64, made.weights.size, elements=st.integers(0, 1000)))
            network.connect("in", f"p{i}", made, delay_ns=ticks * network.tick_ns)
    return network


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(networks(), st.dictionaries(st.text(), json_values, max_size=3))
def test_any_network_comes_back(
    tmp_path_factory: pytest.TempPathFactory, network: Network, info: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("bundle", numbered=True) / "any"
    bundle = Bundle(network, info=info)
    save_bundle(path, bundle)
    assert bundle_facts(load_bundle(path)) == bundle_facts(bundle)


def test_numpy_numbers_and_tuples_become_what_json_keeps() -> None:
    info = {"accuracy": np.float64(0.5), "clips": np.int64(3), "sizes": (1, 2), "flag": np.bool_(True)}
    assert Bundle(Network(1), info=info).info == {"accuracy": 0.5, "clips": 3, "sizes": [1, 2], "flag": True}


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ({"a": {"b": [1.0, float("nan")]}}, r"info\.a\.b\[1\] is nan"),
        ({"a": float("inf")}, r"info\.a is inf"),
        ({"a": 2**63}, r"info\.a is 9223372036854775808"),
        ({"a": object()}, r"info\.a is <object"),
        ({1: "a"}, "info has a key 1"),
    ],
)
def test_what_json_cannot_keep_is_refused(info: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Bundle(Network(1), info=info)


def test_parts_that_do_not_fit_together_are_refused() -> None:
    network = keyword_bundle().network
    with pytest.raises(ParameterError, match="5 labels fit no population"):
        Bundle(network, labels=("a", "b", "c", "d", "e"))
    with pytest.raises(ParameterError, match="k is 4: allowed is a whole number from 1 to 3"):
        Bundle(network, labels=("a", "b", "c"), decision={"kind": "rank-order", "k": 4})
    with pytest.raises(ParameterError, match="labels must be strings"):
        Bundle(network, labels=("a", "b", 3))  # type: ignore[arg-type]


def test_a_file_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for path, message in [
        (tmp_path / "missing" / "model", "No such file or directory"),
        (tmp_path / "file" / "model", "Not a directory"),
        (tmp_path, "Is a directory"),
        (tmp_path / ("n" * 300), "File name too long"),
        (tmp_path / "a\0b", "null"),
    ]:
        with pytest.raises(OutputError, match=message) as caught:
            save_bundle(path, keyword_bundle())
        assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "kept"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model"
    save_bundle(path, keyword_bundle())
    before = path.read_bytes()
    for interruption in (OSError(28, "No space left on device"), KeyboardInterrupt()):

        def fail(_: int, error: BaseException = interruption) -> None:
            raise error

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises((OutputError, KeyboardInterrupt)):
            save_bundle(path, Bundle(Network(1)))
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_permissions_of_any_new_file_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "model")
    save_bundle(tmp_path / "link", Bundle(Network(1)))
    assert (tmp_path / "link").is_symlink()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "model")]
    assert modes[0] == modes[1]
