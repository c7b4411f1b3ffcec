"""The cost measurement of the keyword spotter, on a tiny folder and an untrained network made here."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from apps.spotter import KeywordSpotter
from benchmarks.kws_cost import main
from benchmarks.kws_cost_result import Spread, spread
from benchmarks.kws_passes import equal_blocks, n_differing, random_blocks, spot
from eventsim.bundle import Bundle, load_bundle, save_bundle
from eventsim.models import ALIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Dense
from streams.encoders import MelDeltaConfig, MelDeltaEncoder
from streams.speech_commands import KEYWORDS, LABELS

TICK_NS = 10_000_000
N_HIDDEN = 16
N_SYNAPSES = 2 * 80 * N_HIDDEN + N_HIDDEN * N_HIDDEN + N_HIDDEN * 12
SECONDS = 3


def burst(rng: np.random.Generator) -> np.ndarray:
    """Return a second with a word of coloured noise in it, on a faint floor."""
    sound = rng.normal(0, 1e-3, 16_000)
    sound[4_000:10_000] += 0.2 * np.hanning(6_000) * np.sin(np.arange(6_000) * rng.uniform(0.1, 1.0))
    sound[4_000:10_000] += 0.1 * np.hanning(6_000) * rng.standard_normal(6_000)
    return sound


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the keyword clips, the noise and the other speech that the command wants."""
    root = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(0)
    data = root / "commands"
    listed = []
    for word in (*KEYWORDS, "cat"):
        (data / word).mkdir(parents=True)
        soundfile.write(data / word / "aa_nohash_0.wav", burst(rng), 16_000)
        listed.append(f"{word}/aa_nohash_0.wav")
    (data / "testing_list.txt").write_text("\n".join(listed))
    (data / "validation_list.txt").write_text("")
    (data / "_background_noise_").mkdir()
    noise = 0.1 * rng.standard_normal(40_000)
    soundfile.write(data / "_background_noise_" / "dude_miaowing.wav", noise, 16_000)
    (root / "speech" / "nested").mkdir(parents=True)
    # Another rate, to be resampled.
    soundfile.write(root / "speech" / "nested" / "a.flac", burst(rng), 8_000)
    return root


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    network = Network(TICK_NS)
    network.add_input("mel", 80)
    hidden = ALIF(
        tau_mem_ns=100e6,
        tau_adp_ns=200e6,
        base_threshold=1.0,
        beta=1.8,
        bias=rng.normal(0.8, 0.5, N_HIDDEN),
        initial_adaptation=0.0,
        normalised=True,
    )
    network.add_population("hidden", N_HIDDEN, hidden)
    network.add_population("readout", 12, LeakyIntegrator(tau_ns=np.inf, bias=0.0, normalised=False))
    for delay in (0, 3):
        network.connect("mel", "hidden", Dense(rng.normal(0, 0.8, (80, N_HIDDEN))), delay_ns=delay * TICK_NS)
    network.connect("hidden", "hidden", Dense(rng.normal(0, 0.3, (N_HIDDEN, N_HIDDEN))), delay_ns=TICK_NS)
    network.connect("hidden", "readout", Dense(rng.normal(0, 0.1, (N_HIDDEN, 12))))
    encoder = MelDeltaEncoder(MelDeltaConfig(step=0.7)).describe()
    decision = {"kind": "softmax-threshold", "threshold": 0.6, "scale": 1.0}
    path = tmp_path_factory.mktemp("model") / "untrained.esb"
    save_bundle(path, Bundle(network, LABELS, encoder, decision, {"made_by": "test"}))
    return path


@pytest.fixture(scope="module")
def result(folder: Path, model_file: Path) -> dict[str, Any]:
    output = folder / "new" / "cost.json"
    options = ["--data", folder / "commands", "--other-speech", folder / "speech", "--model", model_file]
    options += ["--seconds", SECONDS, "--seed", 3, "--output", output]
    assert main([str(option) for option in options]) == 0
    return dict(json.loads(output.read_text()))


def test_the_result_says_what_was_measured_and_on_what(result: dict[str, Any], folder: Path) -> None:
    assert (result["seed"], result["seconds"]) == (3, SECONDS)
    assert result["date"].startswith("20")
    assert result["machine"]["cpu"]
    model = result["model"]
    assert (model["file"], model["synapses"], model["threshold"]) == ("untrained.esb", N_SYNAPSES, 0.6)
    assert model["info"] == {"made_by": "test"}
    assert len(model["sha256"]) == 64
    assert str(folder) not in json.dumps(result)
    lengths = {sound["name"]: (sound["audio_s"], sound["recordings"]) for sound in result["sounds"]}
    assert lengths == {
        "keywords": (3, 3),
        "other speech": (2, 1),
        "background crops": (1, 1),
        "background uncut": (2.5, 1),
        "digital silence": (3, 0),
    }


def test_a_resting_network_does_less_than_one_never_at_rest_and_that_less_than_a_dense_one(
    result: dict[str, Any],
) -> None:
    sounds = {sound["name"]: sound for sound in result["sounds"]}
    for sound in sounds.values():
        gated, ungated = sound["gated"], sound["ungated"]
        assert 0 <= gated["synaptic_events_per_s"] <= ungated["synaptic_events_per_s"]
        assert ungated["synaptic_events_per_s"] < sound["dense_synaptic_events_per_s"] == 100 * N_SYNAPSES
        assert ungated["share_of_dense"] == pytest.approx(
            ungated["synaptic_events_per_s"] / (100 * N_SYNAPSES)
        )
        assert ungated["network_share"] == 1
    keywords, silence = sounds["keywords"], sounds["digital silence"]
    assert keywords["input_events_per_s"] > 0 == silence["input_events_per_s"]
    assert keywords["gated"]["synaptic_events_per_s"] > silence["gated"]["synaptic_events_per_s"]
    assert 0 < silence["gated"]["network_share"] <= 1 / 3


def test_every_decision_has_its_times(result: dict[str, Any]) -> None:
    for sound in result["sounds"]:
        assert [block["block_ms"] for block in sound["blocks"]] == [10, 100]
        # As many decisions in blocks of either length, each with the block that holds its tick.
        assert len({block["decisions"] for block in sound["blocks"]}) == 1
    keywords = result["sounds"][0]
    assert keywords["blocks"][0]["decisions"] >= 3
    for block in [*keywords["blocks"], *result["all_decisions"]]:
        assert block["in_later_block"] == 0
        assert block["cpu_percent"] > 0
        for times in (block["latency"], block["latency_cpu"], block["push"]):
            assert 0 < times["p50"] <= times["p99"] <= times["max"]
        assert block["latency"]["max"] <= block["push"]["max"]
    pooled = sum(sound["blocks"][0]["decisions"] for sound in result["sounds"])
    assert result["all_decisions"][0]["decisions"] == pooled


def test_other_cuts_said_the_same(result: dict[str, Any]) -> None:
    for sound in result["sounds"]:
        cut = sound["cut_invariance"]
        assert (cut["differing"], cut["work_differing"], cut["cuts"]) == (0, 0, 4)
        assert cut["compared"] == 4 * cut["outcomes"]
    assert result["sounds"][0]["cut_invariance"]["outcomes"] >= 6


@given(st.integers(0, 5_000), st.integers(1, 900), st.integers(0, 2**32))
def test_blocks_are_the_stream_cut_in_pieces(n_samples: int, longest: int, seed: int) -> None:
    samples = np.arange(n_samples, dtype=np.float32)
    equal = equal_blocks(samples, longest)
    assert {block.size for block in equal[:-1]} <= {longest}
    cut = random_blocks(samples, longest, np.random.default_rng(seed))
    assert max(block.size for block in cut) <= longest
    for blocks in (equal, cut):
        assert np.array_equal(np.concatenate([samples[:0], *blocks]), samples)


def test_courses_that_differ_are_counted(model_file: Path, folder: Path) -> None:
    spotter = KeywordSpotter(load_bundle(model_file))
    sound, _ = soundfile.read(folder / "commands" / "yes" / "aa_nohash_0.wav", dtype="float32")
    said = spot(spotter, [sound]).said
    louder = spot(spotter, [sound * np.linspace(0.2, 2, sound.size, dtype=np.float32)]).said
    assert len(said) >= 2
    assert n_differing(said, said) == 0
    assert n_differing(said[:-1], said) == 1
    assert n_differing(said, []) == len(said)
    assert n_differing(louder, said) > 0


def test_percentiles_are_times_that_were_measured() -> None:
    assert spread([]) is None
    assert spread([3.0, 1.0, 2.0]) == Spread(p50=2.0, p99=3.0, max=3.0)


def test_what_is_wrong_is_one_line(
    folder: Path, model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, empty = str(folder / "commands"), tmp_path / "empty"
    empty.mkdir()
    for options, words in (
        (["--data", str(tmp_path / "none")], "no such folder"),
        (["--data", data, "--other-speech", str(empty)], "no .flac or .wav"),
        (["--data", data, "--seconds", "-1"], "above 0 s"),
        (["--data", data, "--model", str(empty)], "empty"),
    ):
        assert main(["--model", str(model_file), *options]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
