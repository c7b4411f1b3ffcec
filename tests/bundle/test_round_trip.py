"""A bundle that is saved and loaded is the same bundle, bit for bit, and the same bytes."""

import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eventsim.bundle import Bundle, load_bundle, save_bundle
from eventsim.errors import OutputError, ParameterError
from eventsim.events import Events
from eventsim.models import ALIF, LIF, LeakyIntegrator, NeuronModel
from eventsim.network import Network
from eventsim.projections import Csr, Dense, Synapses
from eventsim.session import Session

TICK_NS = 1_000


def network_facts(network: Network) -> dict[str, Any]:
    """Everything a network holds, as plain comparable values: arrays as dtype, shape and bytes."""

    def plain(value: object) -> object:
        if isinstance(value, np.ndarray):
            return value.dtype.str, value.shape, value.tobytes()
        return value

    return {
        "tick_ns": network.tick_ns,
        "inputs": list(network.inputs.items()),
        "populations": [
            (p.name, p.size, type(p.model), {k: plain(v) for k, v in p.model.parameters().items()})
            for p in network.populations.values()
        ],
        "projections": [
            (
                p.pre,
                p.post,
                type(p.synapses),
                {k: plain(v) for k, v in vars(p.synapses).items()},
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
    """A small network with every model, dense and sparse projections, and both kinds of delays."""
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


finite = st.floats(-1e6, 1e6)


def per_neuron(draw: st.DrawFn, size: int, elements: st.SearchStrategy[float]) -> Any:
    return draw(st.one_of(elements, hnp.arrays(np.float64, size, elements=elements)))


@st.composite
def models(draw: st.DrawFn, size: int) -> NeuronModel:
    tau = st.floats(1.0, 1e9)
    kind = draw(st.sampled_from(["alif", "lif", "leaky_integrator"]))
    normalised = draw(st.booleans())
    bias = per_neuron(draw, size, finite)
    if kind == "alif":
        taus = (per_neuron(draw, size, tau), per_neuron(draw, size, tau))
        rest = (per_neuron(draw, size, finite), per_neuron(draw, size, finite))
        return ALIF(*taus, *rest, bias=bias, initial_adaptation=draw(finite), normalised=normalised)
    if kind == "lif":
        reset = draw(st.sampled_from(["soft", "hard", "none"]))
        threshold = per_neuron(draw, size, finite)
        return LIF(per_neuron(draw, size, tau), threshold, bias, reset=reset, normalised=normalised)
    return LeakyIntegrator(per_neuron(draw, size, tau), bias, normalised)


@st.composite
def synapses(draw: st.DrawFn, n_pre: int, n_post: int) -> Synapses:
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    weight = st.floats(-1e6, 1e6, width=32)
    if draw(st.booleans()):
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
