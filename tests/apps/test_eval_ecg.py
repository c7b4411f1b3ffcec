"""`eventsim eval ecg`: the engine against the dense run on a made-up checkpoint, refusals, the published one.

The published arrays are not part of the project: name them to run the slow test,
EVENTSIM_ECG_WEIGHTS=FILE EVENTSIM_ECG_DATA=PATH pytest -m slow tests/apps/test_eval_ecg.py
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from apps.ecg_checkpoint import load_checkpoint, load_recordings
from apps.ecg_dense import run_dense
from apps.eval_ecg import compare
from apps.main import main


def made_up_weights(seed: int = 0) -> dict[str, np.ndarray]:
    """Arrays in the published format: 3 inputs, 7 hidden neurons that fire by bias alone, 4 labels."""
    rng = np.random.default_rng(seed)
    return {
        "i2h.weight": rng.normal(0, 3.0, (7, 3)),
        "i2h.bias": rng.normal(0.3, 0.5, 7),
        "h2h.weight": rng.normal(0, 1.0, (7, 7)),
        "h2h.bias": rng.normal(0, 0.5, 7),
        "h2o.weight": rng.normal(0.2, 1.0, (4, 7)),
        "h2o.bias": rng.normal(0, 0.3, 4),
        "tau_m_h": rng.uniform(3, 60, 7),
        "tau_adp_h": np.full(7, 7.0),
        "tau_m_o": rng.uniform(7, 30, 4),
        "tau_adp_o": rng.uniform(20, 60, 4),
    }


def made_up_recordings(seed: int = 1) -> dict[str, np.ndarray]:
    """Three recordings of 60 steps; the first 5 steps have no label."""
    rng = np.random.default_rng(seed)
    y = np.eye(4, dtype=np.uint8)[rng.integers(0, 4, (3, 60))]
    y[:, :5] = 0
    x = rng.choice([-1, 0, 1], (3, 60, 3), p=[0.05, 0.9, 0.05]).astype(np.int16)
    return {"x": x, "y": y}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    np.savez(tmp_path / "weights.npz", **made_up_weights())
    return tmp_path / "weights.npz"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    np.savez(tmp_path / "test.npz", **made_up_recordings())
    return tmp_path / "test.npz"


def test_engine_and_dense_run_agree_spike_by_spike(weights: Path, data: Path) -> None:
    checkpoint = load_checkpoint(weights)
    result = compare(checkpoint, load_recordings(data, checkpoint))
    assert result.hidden_spikes == result.dense_hidden_spikes > 100
    assert result.output_spikes == result.dense_output_spikes > 10
    assert result.differing_hidden_spikes == 0
    assert result.differing_output_spikes == 0
    assert result.differing_predictions == 0
    assert result.largest_membrane_gap < 1e-12
    assert result.engine_accuracy == result.dense_accuracy
    assert result.labelled_steps == 3 * 55
    assert result.dense_macs == 3 * 60 * (3 * 7 + 7 * 7 + 7 * 4)
    # Each input event passes 7 synapses, each hidden spike 7 and 4; those of the last step arrive too late.
    hidden_arrivals = result.synaptic_events - 7 * result.input_events
    assert 0 <= 11 * result.hidden_spikes - hidden_arrivals <= 3 * 7 * 7


def test_the_dense_run_follows_the_equations_step_by_step(weights: Path, data: Path) -> None:
    """Neuron by neuron, in plain Python, from the README of the published arrays."""
    w = made_up_weights()
    checkpoint = load_checkpoint(weights)
    x = load_recordings(data, checkpoint).x[:1]
    dense = run_dense(checkpoint, x)
    u, s, a, u_out, s_out = [0.0] * 7, [0.0] * 7, [0.01] * 4, [0.0] * 4, [0.0] * 4
    for step in range(60):
        heard = s
        s_new = []
        for i in range(7):
            current = w["i2h.bias"][i] + w["h2h.bias"][i]
            current += sum(w["i2h.weight"][i, k] * x[0, step, k] for k in range(3))
            current += sum(w["h2h.weight"][i, k] * heard[k] for k in range(7))
            alpha = np.exp(-1 / w["tau_m_h"][i])
            u[i] = alpha * u[i] + (1 - alpha) * current - 0.1 * heard[i]
            s_new.append(float(u[i] > 0.1))
        s = s_new
        assert dense.hidden_spikes[0, step].tolist() == [bool(v) for v in s]
        for i in range(4):
            current = w["h2o.bias"][i] + sum(w["h2o.weight"][i, k] * s[k] for k in range(7))
            alpha, rho = np.exp(-1 / w["tau_m_o"][i]), np.exp(-1 / w["tau_adp_o"][i])
            a[i] = rho * a[i] + (1 - rho) * s_out[i]
            theta = 0.1 + 1.8 * a[i]
            u_out[i] = alpha * u_out[i] + (1 - alpha) * current - theta * s_out[i]
            s_out[i] = float(u_out[i] > theta)
        assert dense.membrane[0, step] == pytest.approx(u_out, abs=1e-12)
        assert dense.output_spikes[0, step].tolist() == [bool(v) for v in s_out]


def test_a_step_without_label_counts_as_label_0(weights: Path, data: Path) -> None:
    recordings = load_recordings(data, load_checkpoint(weights))
    assert not recordings.labelled[:, :5].any()
    assert not recordings.labels[:, :5].any()
    assert recordings.labelled[:, 5:].all()


def test_the_command_takes_a_file_or_its_folder(
    weights: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for where in (data, data.parent):
        assert main(["eval", "ecg", "--weights", str(weights), "--data", str(where), "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    for each in told:
        del each["engine_s"], each["dense_s"]
    assert told[0] == told[1]
    assert main(["eval", "ecg", "--weights", str(weights), "--data", str(data)]) == 0
    assert "different: 0 hidden spikes, 0 output spikes, 0 predictions" in capsys.readouterr().out


def changed(**arrays: np.ndarray | None) -> dict[str, np.ndarray]:
    return {k: v for k, v in (made_up_weights() | arrays).items() if v is not None}


def with_nan() -> np.ndarray:
    poisoned = made_up_weights()["h2h.weight"]
    poisoned[2, 3] = np.nan
    return poisoned


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (changed(**{"h2h.bias": None}), "lacks h2h.bias"),
        (changed(**{"h2h.weight": np.zeros((7, 6))}), "h2h.weight must have shape (7, 7)"),
        (changed(**{"h2o.bias": np.zeros(5)}), "h2o.bias must have shape (4,)"),
        (changed(**{"i2h.weight": np.zeros(7)}), "i2h.weight must be a matrix"),
        (changed(**{"h2h.weight": with_nan()}), "h2h.weight[2, 3] is nan"),
        (changed(tau_m_o=np.array([7.0, 7.0, 0.0, 7.0])), "tau_m_o must be positive"),
        (changed(**{"i2h.bias": np.array(["a"] * 7)}), "i2h.bias must hold real numbers"),
    ],
)
def test_wrong_arrays_of_the_network_are_one_line(
    arrays: dict[str, np.ndarray], said: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)
    assert said in refused(tmp_path / "bad.npz", data, capsys)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"y": None}, "lacks y"),
        ({"x": np.zeros((3, 60, 5))}, "x must have shape (recordings, steps, 3)"),
        ({"y": np.zeros((3, 60, 6))}, "y must have shape (recordings, steps, 4)"),
        ({"x": np.zeros((3, 59, 3))}, "(3, 59) recordings and steps, y has (3, 60)"),
        ({"x": np.full((3, 60, 3), np.inf)}, "x[0, 0, 0] is inf"),
        ({"y": np.ones((3, 60, 4))}, "one-hot"),
        ({"x": np.zeros((0, 60, 3)), "y": np.zeros((0, 60, 4))}, "no recordings"),
    ],
)
def test_wrong_recordings_are_one_line(
    arrays: dict[str, np.ndarray],
    said: str,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    held = {k: v for k, v in (made_up_recordings() | arrays).items() if v is not None}
    np.savez(tmp_path / "bad.npz", **held)
    assert said in refused(weights, tmp_path / "bad.npz", capsys)


def test_files_that_are_no_archives_are_one_line(
    weights: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.npz").write_text("no arrays here\n")
    (tmp_path / "cut.npz").write_bytes(weights.read_bytes()[:-200])
    (tmp_path / "empty.npz").write_bytes(b"")
    np.save(tmp_path / "single.npy", np.zeros(3))
    for name in ("text.npz", "cut.npz", "empty.npz", "single.npy", "missing.npz"):
        assert name in refused(tmp_path / name, data, capsys)
        assert name in refused(weights, tmp_path / name, capsys)
    (tmp_path / "folder").mkdir()
    assert "folder" in refused(tmp_path / "folder", data, capsys)
    assert "test.npz" in refused(weights, tmp_path / "folder", capsys)


def refused(weights: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run, check that one clear line and exit code 2 come back, and return the line."""
    assert main(["eval", "ecg", "--weights", str(weights), "--data", str(data)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("eventsim: error: ")
    return line


@pytest.mark.slow
def test_the_published_network_reaches_its_accuracy() -> None:
    weights, data = os.environ.get("EVENTSIM_ECG_WEIGHTS"), os.environ.get("EVENTSIM_ECG_DATA")
    if not (weights and data):
        pytest.skip("EVENTSIM_ECG_WEIGHTS and EVENTSIM_ECG_DATA name no published network and recordings")
    checkpoint = load_checkpoint(Path(weights))
    result = compare(checkpoint, load_recordings(Path(data), checkpoint))
    assert result.engine_accuracy == pytest.approx(0.8595, abs=0.0005)
    assert result.hidden_spikes == result.dense_hidden_spikes
    assert result.differing_hidden_spikes == 0
    assert result.differing_output_spikes == 0
    assert result.hidden_spikes_per_step == pytest.approx(0.344, abs=0.0005)
