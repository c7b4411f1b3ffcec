"""`eventsim hw --closed-loop`: without costs nothing changes; with costs spikes and decisions shift."""

import dataclasses
import json
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.hw_data import Sample
from apps.hw_evaluate import evaluate
from apps.hw_inference import run_all
from apps.hw_model import HwModel
from apps.hw_options import HwOptions
from apps.main import main
from eventsim import LIF, Csr, Dense, Events, Network, ParameterError
from eventsim.bundle import Bundle, save_bundle
from hwmodels.chip import load_chip
from tests.apps.hw.conftest import chip_text, small_network

# The engine's own random networks: every model, sums exact in float64.
sys.path.insert(0, str(Path(__file__).parents[2] / "engine"))
from networks import N_TICKS, TICK_NS, networks
from networks import inputs as inputs_of

Captured = pytest.CaptureFixture[str]
LIVE = HwOptions(pace="live")
LOOP = dataclasses.replace(LIVE, closed_loop=True)


def asynchronous(**changes: int) -> str:
    """The chip of these tests without its barrier."""
    return chip_text(**changes).replace('mode = "barrier"', 'mode = "asynchronous"').replace(
        "[[synchronisation.barrier]]\ntiles = 1\n"
        'latency_ns = { value = 100, source = "s", status = "measured" }\n',
        "",
    )  # fmt: skip


@pytest.fixture(scope="module")
def chips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A chip on which everything takes 10 ns, and one on which nothing takes time."""
    folder = tmp_path_factory.mktemp("asynchronous")
    slow, instant = folder / "slow.toml", folder / "instant.toml"
    slow.write_text(asynchronous(neurons_per_core=3))
    instant.write_text(
        asynchronous(neurons_per_core=1000).replace("latency_ns = { value = 10,", "latency_ns = { value = 0,")
    )
    return slow, instant


def told(capsys: Captured, *arguments: object) -> dict:
    assert main(["hw", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@settings(max_examples=25)
@given(net=networks(exact=True), start_tick=st.integers(0, 30), data=st.data())
def test_on_a_chip_of_zero_costs_nothing_changes(
    chips: tuple[Path, Path], net: Network, start_tick: int, data: st.DataObject
) -> None:
    name, labels = next(iter(net.outputs), None), ()
    if name is not None:
        labels = tuple(f"{k}" for k in range(net.populations[name].size))
    model = HwModel("random", net, labels, {"kind": "first-to-fire"} if labels else {})
    heard = data.draw(inputs_of(net, True, start_tick))
    sample = Sample("heard", heard, start_tick * TICK_NS, (start_tick + N_TICKS) * TICK_NS, label=0)
    inferences, chip = run_all(model, [sample]), load_chip(chips[1])
    open_loop, _ = evaluate(chip, model, inferences, LIVE)
    closed_loop, _ = evaluate(chip, model, inferences, LOOP, [sample])
    found = closed_loop.closed_loop
    assert found is not None
    assert (found.late_parts, found.latest_ticks) == (0, 0)
    assert found.other_label in (0, None)
    assert found.other_time in (0, None)
    assert found.mean_later_ms in (0.0, None)
    assert msgspec.structs.replace(closed_loop, closed_loop=None) == open_loop


def test_counts_are_those_of_the_shifted_spikes(
    capsys: Captured, chips: tuple[Path, Path], network_file: Path, event_file: Path
) -> None:
    """Input of tick 0 reaches three neurons in tick 1; that of the last tick, 2, is too late for all."""
    asked = [network_file, "--data", event_file, "--chip", chips[0]]
    without, within = told(capsys, *asked, "--pace", "live"), told(capsys, *asked, "--closed-loop")
    assert without["closed_loop"] is None
    # Two messages from outside, three from spikes of tick 1, each of one projection and one delay.
    assert within["closed_loop"] == {
        "other_label": None,
        "other_time": None,
        "mean_later_ms": None,
        "parts": 5,
        "late_parts": 5,
        "latest_ticks": 1,
    }
    assert within["pace"] == "live"
    assert (without["work"]["spikes"], within["work"]["spikes"]) == (6, 3)
    spent = within["energy"]["components"]
    assert spent["spike"]["pj"] == 3 * 5
    assert spent["synapse"]["pj"] == (2 * 3 + 3 * 1) * 19
    assert spent["network"]["pj"] == 3 * 7 + 3 * 11 + 5 * 13 + 5 * 17
    assert main(["hw", *map(str, asked), "--closed-loop"]) == 0
    printed = capsys.readouterr().out
    assert "closed loop: nothing decides; 5 of 5 parts of messages came late, by at most 1 tick\n" in printed
    assert "network, in the closed loop with the chip\n" in printed


@pytest.fixture(scope="module")
def race(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """A model in which address 0 fires output 0 through two neurons, address 1 output 1 directly."""
    net = Network(1_000_000)
    net.add_input("in", 2)
    lif = LIF(tau_ns=20e6, threshold=0.5, reset="hard")
    for name, size in (("first", 1), ("second", 1), ("out", 2)):
        net.add_population(name, size, lif)
    net.connect("in", "first", Dense(np.array([[1.0], [0.0]])))
    net.connect("first", "second", Dense(np.ones((1, 1))))
    net.connect("second", "out", Csr(np.array([0, 1]), np.array([0]), np.array([1.0]), 2))
    net.connect("in", "out", Csr(np.array([0, 0, 1]), np.array([1]), np.array([1.0]), 2))
    folder = tmp_path_factory.mktemp("race")
    bundle = Bundle(net, labels=("long", "short"), decision={"kind": "first-to-fire"})
    save_bundle(folder / "race.esb", bundle)
    np.savez(folder / "race.npz", time_ns=np.array([0, 1_000_000]), address=np.array([0, 1]))
    return [folder / "race.esb", "--data", folder / "race.npz", "--duration", "10ms"]


def test_the_chip_decides_a_race_otherwise(capsys: Captured, race: list[object]) -> None:
    """Tick 0 against 1 without a chip; on Speck every message costs a tick: 3 hops in 3, 1 hop in 2."""
    without = told(capsys, *race, "--chip", "speck", "--pace", "live")
    within = told(capsys, *race, "--chip", "speck", "--closed-loop")
    assert (without["decisions"]["mean_ms"], within["decisions"]["mean_ms"]) == (1.0, 3.0)
    found = within["closed_loop"]
    assert (found["other_label"], found["other_time"], found["mean_later_ms"]) == (1, 1, 2.0)
    assert main(["hw", *map(str, race), "--chip", "speck", "--closed-loop"]) == 0
    printed = capsys.readouterr().out
    assert (
        "closed loop: 1 of 1 windows decide for another label than without the chip, 1 at another time "
        "(mean of all +2 ms); " in printed
    )
    assert "note: closed loop: the unknown times of neuron_update" in printed


@pytest.mark.compiled
def test_keywords_on_an_asynchronous_chip(capsys: Captured) -> None:
    """A tick later per layer: energy and decisions are those of the shifted spikes."""
    asked = ["kws", "--chip", "loihi", "--mode", "asynchronous"]
    without, within = told(capsys, *asked, "--pace", "live"), told(capsys, *asked, "--closed-loop")
    found = within["closed_loop"]
    assert 0 < found["late_parts"] <= found["parts"]
    assert found["latest_ticks"] >= 1
    assert 0 < found["other_time"] <= within["windows"] == without["windows"]
    shift = within["decisions"]["mean_ms"] - without["decisions"]["mean_ms"]
    assert found["mean_later_ms"] == pytest.approx(shift)
    assert within["work"]["spikes"] != without["work"]["spikes"]
    assert within["energy"]["dynamic"]["pj"] != without["energy"]["dynamic"]["pj"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--chip", "loihi"], "'loihi' has a barrier, which keeps every spike in its tick; allowed are"),
        (["--chip", "loihi"], "(odin, seneca, speck, tianjic, or a file), or loihi with --mode asynchronous"),
        (["--chip", "speck", "--mode", "barrier"], "'speck' has a barrier"),
        (["--chip", "xylo"], "'xylo' is of kind 'cycles'; allowed are asynchronous chips"),
        (["--chip", "xylo", "--mode", "asynchronous"], "'xylo' is of kind 'cycles'"),
        (["--chip", "speck", "--pace", "chip"], "allowed is --pace live, not chip"),
        (["--chip", "speck", "--network", "queued"], "allowed is --network ideal, not queued"),
        (["--chip", "speck", "--updates", "every_tick"], "allowed is --updates reached, not every_tick"),
    ],
)
def test_what_makes_no_sense_is_one_line(capsys: Captured, arguments: list[str], said: str) -> None:
    assert main(["hw", "kws", *arguments, "--closed-loop"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("eventsim: error: --closed-loop: ")
    assert said in line


def test_other_tasks_do_not_take_it(capsys: Captured) -> None:
    assert main(["hw", "compare", "kws", "--closed-loop"]) == 2
    assert "--closed-loop" in capsys.readouterr().err


def test_without_inputs_there_is_nothing_to_run_anew(chips: tuple[Path, Path]) -> None:
    model = HwModel("small", small_network())
    inferences = run_all(model, [Sample("one", {"in": Events.of([0], [0])}, 0, 3_000_000)])
    with pytest.raises(ParameterError, match="1 inputs are wanted, one each, got 0"):
        evaluate(load_chip(chips[0]), model, inferences, LOOP)
