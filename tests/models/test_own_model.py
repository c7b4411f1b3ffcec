"""The model that docs/own-model.md shows: the page holds the file, and the file does what it says."""

import importlib.util
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eventsim.bundle import load_network, save_network
from eventsim.errors import BundleError, NetworkError
from eventsim.events import Events
from eventsim.models import MODELS
from eventsim.network import Network
from eventsim.projections import Dense
from eventsim.session import Session

DOCS = Path(__file__).parent.parent.parent / "docs"
MS = 1_000_000
N_TICKS = 40


def load():
    spec = importlib.util.spec_from_file_location("own_model", DOCS / "own_model.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["own_model"] = module
    spec.loader.exec_module(module)
    return module


LinearLeak = load().LinearLeak


def test_the_page_shows_the_file_and_nothing_else():
    (first, *_) = re.findall(r"```python\n(.*?)```", (DOCS / "own-model.md").read_text(), flags=re.DOTALL)
    assert first == (DOCS / "own_model.py").read_text()


def test_the_other_blocks_of_the_page_run_in_turn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(MODELS, LinearLeak.kind, LinearLeak)  # to be taken back afterwards
    (_, *rest) = re.findall(r"```python\n(.*?)```", (DOCS / "own-model.md").read_text(), flags=re.DOTALL)
    assert rest
    names = {}
    for block in rest:
        exec(compile(block, "own-model.md", "exec"), names)
    assert f"\n# {capsys.readouterr().out}" in rest[0]


@st.composite
def cases(draw, exact):
    """Return a recurrent network of two populations, its input and its parameters."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = int(rng.integers(1, 6))

    def numbers(low, high, shape=n):
        return rng.integers(low, high, shape).astype(float) if exact else rng.uniform(low, high - 1, shape)

    net = Network(MS)
    net.add_input("in", 3)
    for name in ("a", "b"):
        net.add_population(name, n, LinearLeak(numbers(-2, 3) / 4, numbers(0, 4), -numbers(0, 3)))
    net.connect("in", "a", Dense(numbers(-2, 5, (3, n))))
    net.connect("a", "b", Dense(numbers(-2, 5, (n, n))), delay_ns=2 * MS)
    net.connect("b", "a", Dense(numbers(-2, 3, (n, n))), delay_ns=MS)
    k = int(rng.integers(0, 15))
    events = Events.of(rng.integers(0, N_TICKS, k) * MS, rng.integers(0, 3, k), numbers(-2, 4, k))
    return net, events


def dense(net, events):
    """Return spikes as (tick, address) by population, membranes, and the least distance to a threshold."""
    models = {name: p.model for name, p in net.populations.items()}
    v = {name: np.zeros(p.size) for name, p in net.populations.items()}
    into_a, into_b, back = (p.synapses.weights for p in net.projections)
    fired = {name: [np.zeros(p.size)] * 2 for name, p in net.populations.items()}
    spikes, margin = {name: [] for name in v}, math.inf
    for tick in range(N_TICKS):
        x = np.zeros(3)
        now = events.select(events.time_ns == tick * MS)
        np.add.at(x, now.address, now.value.astype(float))
        drive = {"a": x @ into_a + fired["b"][-1] @ back, "b": fired["a"][-2] @ into_b}
        for name, m in models.items():
            v[name] = np.maximum(v[name] + m.leak + drive[name], m.floor)
            margin = min(margin, np.abs(v[name] - m.threshold).min())
            above = v[name] > m.threshold
            v[name] = v[name] - m.threshold * above
            fired[name].append(above.astype(float))
            spikes[name] += [(tick, i) for i in np.flatnonzero(above)]
    return spikes, v, margin


@settings(max_examples=300)
@given(st.booleans().flatmap(lambda exact: st.tuples(st.just(exact), cases(exact))))
def test_it_agrees_with_a_dense_reference(case):
    exact, (net, events) = case
    spikes, v, margin = dense(net, events)
    assume(exact or margin > 1e-9)
    session = Session(net, record=["a", "b"])
    session.push("in", events)
    session.advance(N_TICKS * MS)
    for name in ("a", "b"):
        got = session.read(name)
        assert list(zip((got.time_ns // MS).tolist(), got.address.tolist(), strict=True)) == spikes[name]
        if exact:
            assert np.array_equal(session.membrane(name), v[name])
        assert session.membrane(name) == pytest.approx(v[name], rel=1e-9, abs=1e-9)


def test_time_without_spikes_costs_nothing():
    net = Network(MS)
    net.add_population("x", 3, LinearLeak(leak=np.array([1e-6, 0.0, -1.0])))
    session = Session(net)
    session.advance(3_500_000 * MS)
    assert session.read("x").address.tolist() == [0, 0, 0]
    assert session.counters.neuron_updates == {"x": 3}


def test_its_parameters_are_checked():
    with pytest.raises(NetworkError, match="linear_leak: threshold must be not negative, got -1"):
        Network(1).add_population("x", 1, LinearLeak(0.0, -1.0))


def test_a_file_can_hold_it_once_it_is_registered(tmp_path, monkeypatch):
    net = Network(MS)
    net.add_population("x", 2, LinearLeak(leak=np.array([0.5, 0.25])))
    save_network(tmp_path / "own", net)
    with pytest.raises(BundleError, match="model 'linear_leak' is unknown"):
        load_network(tmp_path / "own")
    monkeypatch.setitem(MODELS, LinearLeak.kind, LinearLeak)
    assert load_network(tmp_path / "own").populations["x"].model.leak.tolist() == [0.5, 0.25]
