"""The models against what SANA-FE 2.2.9 said, kept in sanafe_small.json.

Made by `python -m benchmarks.sanafe --python PYTHON --cases small --fixture FILE`, PYTHON being that of an
environment with sanafe 2.2.9.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sanafe import compare
from benchmarks.sanafe_cases import UNITS, export, small
from benchmarks.sanafe_ours import MODES, run

# Interpreted it takes 20 s, and touches nothing that the other tests do not.
pytestmark = pytest.mark.compiled

SAID = json.loads((Path(__file__).parent / "sanafe_small.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def ours():
    return run(small(), trace=True, repetitions=1)


def test_every_spike_is_the_same(ours):
    assert SAID["simple"]["fired"] == 1873
    for mine, theirs in zip(ours["sums"]["spikes"], SAID["simple"]["spikes"], strict=True):
        assert sorted(mine) == sorted(theirs)


@pytest.mark.parametrize("key", ["fired", "messages", "synaptic_events"])
def test_counts_are_the_same(ours, key):
    for model in MODES:
        assert ours[model][key] == SAID["simple"][key] == SAID["detailed"][key]


@pytest.mark.parametrize("part", ["total", "synapse", "soma", "network"])
def test_energy_is_the_same(ours, part):
    for model in MODES:
        assert ours[model]["energy_j"][part] == pytest.approx(SAID["simple"]["energy_j"][part], rel=1e-6)


def test_latency_is_that_of_its_simple_model_step_by_step(ours):
    np.testing.assert_allclose(ours["sums"]["step_time_s"], SAID["simple"]["step_time_s"], rtol=1e-6)
    assert ours["sums"]["sim_time_s"] == pytest.approx(SAID["simple"]["sim_time_s"], rel=1e-6)


@pytest.mark.parametrize("model", ["none", "queues"])
def test_latency_is_near_that_of_its_detailed_model(ours, model):
    """Two models of one thing: SANA-FE's estimates congestion by a mean, ours follows each message."""
    mine, theirs = np.array(ours[model]["step_time_s"]), np.array(SAID["detailed"]["step_time_s"])
    assert ours[model]["sim_time_s"] == pytest.approx(SAID["detailed"]["sim_time_s"], rel=0.01)
    assert np.abs(mine / theirs - 1).max() < 0.05
    simple = np.array(SAID["simple"]["step_time_s"])
    assert (mine >= simple * (1 - 1e-9)).all()


def test_what_is_exported_is_the_case(tmp_path):
    case = small()
    file, arch = export(case, tmp_path)
    held = np.load(file)
    assert [str(held[f"form_{k}"]) for k in range(4)] == [UNITS[1], UNITS[2], UNITS[0], UNITS[1]]
    total = sum(p.synapses.n_synapses for p in case.network.projections)
    assert sum(held[f"source_{j}"].size for j in range(int(held["projections"]))) == total
    assert "latency_message_in: 1.6e-08" in arch.read_text().replace("1.6000000000000003e-08", "1.6e-08")


def test_a_difference_is_found(ours):
    times = {"cpu_s": 1.0, "build_s": 1.0, "peak_mb": 100.0}
    theirs = {model: said | times for model, said in SAID.items()}
    ours = ours | {"peak_mb": dict.fromkeys(MODES, 100.0)}
    assert compare("small", theirs, ours)["equal"]
    theirs["simple"] = theirs["simple"] | {"sim_time_s": SAID["simple"]["sim_time_s"] * 1.00001}
    assert not compare("small", theirs, ours)["equal"]
