"""What `eventsim kws --chip` says of a decision is what `eventsim hw --pace live` says of its window."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from apps.decision_cost import CostedDecision
from apps.hw_data import DataChoice, samples_of
from apps.hw_inference import InferenceRunner
from apps.hw_live import LiveChip
from apps.hw_mesh import energy_of, run_placed, setup_for
from apps.hw_model import hw_model_of
from apps.hw_options import HwOptions
from apps.main import main
from apps.spotter import KeywordDecision, KeywordSpotter
from eventsim.errors import PlacementError
from hwmodels.chip import load_chip

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def sound(make_babble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "babble.wav"
    soundfile.write(path, make_babble(6.0, 3), 16_000, subtype="FLOAT")
    return path


def spotted(bundle, sound: Path, chip: LiveChip | None, block: int) -> list[KeywordDecision]:
    spotter = KeywordSpotter(bundle, watcher=chip)
    samples = soundfile.read(sound, dtype="float32")[0]
    said = [e for at in range(0, samples.size, block) for e in spotter.push(samples[at : at + block])]
    return [event for event in [*said, *spotter.finish()] if isinstance(event, KeywordDecision)]


def test_windows_are_those_of_the_spotter(bundle, sound: Path) -> None:
    model = hw_model_of(bundle, "untrained")
    runner = InferenceRunner(model)
    inferences = [runner.run(sample) for sample in samples_of(model, DataChoice((sound,)))]
    decisions = spotted(bundle, sound, None, 1600)
    starts = {decision.start_ns: decision for decision in decisions}
    tick_ns = bundle.network.tick_ns
    seen = 0
    for inference in inferences:
        start_ns = (inference.activity.start_tick - 1) * tick_ns
        if start_ns in starts and inference.decision is not None and starts[start_ns].early:
            decision = starts[start_ns]
            assert inference.decision.label == decision.label
            assert inference.decision.confidence == decision.confidence
            until = inference.until_decision()
            assert until is not None
            assert sum(len(t) for n, t in until.spikes.items() if n != "mel") == decision.spikes
            seen += 1
    assert seen >= 2


def test_the_cost_of_a_decision_is_that_of_its_window(bundle, sound: Path) -> None:
    loihi = load_chip("loihi")
    live = LiveChip(loihi, bundle.network)
    decisions = spotted(bundle, sound, live, 1600)
    costed = {d.start_ns: d.chip for d in decisions if isinstance(d, CostedDecision)}
    assert len(costed) == len(decisions) == live.totals.decisions > 2
    model = hw_model_of(bundle, "untrained")
    runner = InferenceRunner(model)
    inferences = [runner.run(sample) for sample in samples_of(model, DataChoice((sound,)))]
    run = run_placed(setup_for(loihi, bundle.network, inferences, HwOptions(pace="live")), inferences)
    seen = 0
    for inference, taken in zip(inferences, run.decided_times, strict=True):
        cost = costed.get((inference.activity.start_tick - 1) * bundle.network.tick_ns)
        if cost is None or inference.decision is None or not inference.decision.early:
            continue
        spent = energy_of(loihi, taken)
        assert cost.dynamic_pj == pytest.approx(spent.dynamic_pj, rel=1e-12)
        assert cost.static_pj == pytest.approx(spent.component_pj("static"), rel=1e-12)
        assert cost.latency_ns == taken.after_input_ps / 1000
        assert not cost.complete
        seen += 1
    assert seen >= 2
    assert live.totals.dynamic_pj == pytest.approx(sum(c.dynamic_pj for c in costed.values()))


def test_blocks_and_watching_change_nothing(bundle, sound: Path) -> None:
    plain = spotted(bundle, sound, None, 1600)
    for block in (160, 1600, 100_000):
        watched = spotted(bundle, sound, LiveChip(load_chip("loihi"), bundle.network), block)
        for before, after in zip(plain, watched, strict=True):
            assert isinstance(after, CostedDecision)
            assert {name: getattr(after, name) for name in KeywordDecision.__slots__} == {
                name: getattr(before, name) for name in KeywordDecision.__slots__
            }


def test_the_command_says_it_in_text_and_json(
    model_file: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["kws", str(sound), "--all", "--model", str(model_file), "--chip", "loihi"]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert "synaptic; loihi " in printed
    assert "answer in " in printed
    assert "chip: loihi, " in printed
    assert main([*asked, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    decisions = [line for line in lines if line["type"] == "decision"]
    assert decisions
    assert all(line["chip"]["name"] == "loihi" and line["chip"]["dynamic_pj"] > 0 for line in decisions)
    assert lines[-1]["chip"]["decisions"] == len(decisions)
    assert main([*asked[:-1], "ndp120", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(line["chip"]["latency_ns"] is None for line in lines if line["type"] == "decision")


def test_a_chip_that_does_not_exist_is_one_line(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kws", "--clip", "--model", str(model_file), "--chip", "nochip"]) == 2
    assert "there is no chip 'nochip'" in capsys.readouterr().err


def test_a_network_that_does_not_fit_is_refused_before_it_listens() -> None:
    from apps.assets import default_model
    from eventsim import load_bundle

    with pytest.raises(PlacementError, match="on odin"):
        LiveChip(load_chip("odin"), load_bundle(default_model()).network)


def test_the_decision_of_a_clip_ends_its_energy(
    model_file: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["hw", str(model_file), "--data", str(sound), "--json"]
    assert main(asked) == 0
    early = json.loads(capsys.readouterr().out)
    assert main([*asked, "--full"]) == 0
    full = json.loads(capsys.readouterr().out)
    assert early["energy"] == full["energy"]
    assert early["decisions"]["early"] > full["decisions"]["early"] == 0
    assert early["energy_to_decision"]["total"]["pj"] < early["energy"]["total"]["pj"]
    assert full["energy_to_decision"]["total"]["pj"] == pytest.approx(full["energy"]["total"]["pj"])
    assert early["decisions"]["mean_ms"] < full["decisions"]["mean_ms"]
    assert early["latency"]["decision"]["n"] == early["windows"] == early["decisions"]["n"]
    assert np.isfinite(early["latency"]["after_input"]["p99_ns"])
