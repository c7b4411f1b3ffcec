"""`eventsim check`: what it prints of a NIR file and of a bundle, and how it refuses."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from apps.command_line import duration_ns
from apps.main import build_parser, main
from eventsim.errors import ParameterError

nir = pytest.importorskip("nir", reason="needs the extra nir")


@pytest.fixture(scope="module")
def nir_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lif = nir.LIF(np.full(4, 0.02), np.ones(4), np.zeros(4), np.ones(4))
    nodes = {
        "input": nir.Input({"input": np.array([3])}),
        "fc": nir.Affine(np.ones((4, 3), np.float32), np.full(4, 0.5, np.float32)),
        "lif": lif,
        "rec": nir.Linear(np.eye(4, dtype=np.float32)),
        "late": nir.Delay(np.array([0.001, 0.0022, 0.003, 0.004])),
        "output": nir.Output({"output": np.array([4])}),
    }
    path = ["input", "fc", "lif", "rec", "late", "lif"]
    edges = [*pairwise(path), ("lif", "output")]
    file = tmp_path_factory.mktemp("nir") / "net.nir"
    nir.write(file, nir.NIRGraph(nodes, edges))
    return file


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["check", *map(str, arguments)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    assert line.startswith("eventsim: error: ")
    return line


def test_a_nir_file(nir_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(nir_file), "--time-unit", "s"]) == 0
    told = capsys.readouterr().out
    assert "net.nir: NIR file written by nir" in told
    assert "read as     times in s, tick 1000000 ns" in told
    assert "folded      lif: a constant input of 0.5 per neuron (bias)" in told
    assert "quantised   lif -> lif: 4 delays moved to the grid of 1000000 ns, by up to 200000 ns" in told
    assert "population  lif: 4 lif" in told


def test_a_nir_file_as_json(nir_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--time-unit",
        "s",
        "--tick",
        "200us",
        "--spike",
        "dirac",
        "--integration",
        "euler",
        "--json",
    ]
    assert main(["check", str(nir_file), *arguments]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert found["format"] == "nir"
    assert found["tick_ns"] == 200_000
    assert (found["spike"], found["integration"]) == ("dirac", "euler")
    assert found["neurons"] == 4
    assert found["inputs"] == {"input": {"name": "input", "shape": [3]}}
    assert found["outputs"] == {"output": {"name": "lif", "shape": [4]}}
    assert {change["kind"] for change in found["changes"]} == {"folded"}


def test_a_bundle(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(model_file)]) == 0
    told = capsys.readouterr().out
    assert "model bundle" in told
    assert "population  readout: 12 leaky_integrator" in told
    assert main(["check", str(model_file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["format"] == "bundle"
    assert found["network"]["populations"]["readout"] == {"size": 12, "model": "leaky_integrator"}
    assert found["labels"][0] == "yes"


def test_what_cannot_be_read_is_one_line(
    nir_file: Path, model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no network here")
    assert "neither a NIR file (HDF5) nor a model bundle" in refused(capsys, text)
    assert "no such file" in refused(capsys, tmp_path / "gone.nir")
    assert "is a directory" in refused(capsys, tmp_path)
    assert "say --time-unit s or --time-unit ms" in refused(capsys, nir_file)
    assert "--tick: '3' is not a time" in refused(capsys, nir_file, "--time-unit", "s", "--tick", "3")
    cut = tmp_path / "cut.nir"
    cut.write_bytes(nir_file.read_bytes()[:-3000])
    assert "cut.nir: is damaged" in refused(capsys, cut, "--time-unit", "s")
    half = tmp_path / "half.esb"
    half.write_bytes(model_file.read_bytes()[:-100])
    assert "half.esb" in refused(capsys, half)


def test_control_characters_in_a_file_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    threshold = nir.Threshold(np.ones(2))
    threshold.metadata = {"\x1b[2Jgone": 1}
    file = tmp_path / "evil.nir"
    nir.write(file, nir.NIRGraph.from_list(nir.Linear(np.ones((2, 2))), threshold))
    assert main(["check", str(file), "--time-unit", "s"]) == 0
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "\\x1b[2Jgone" in told


@pytest.mark.parametrize(
    ("text", "ns"), [("1ms", 10**6), ("100us", 10**5), ("7 ns", 7), ("0.5s", 5 * 10**8), ("1e-3 s", 10**6)]
)
def test_times_with_units(text: str, ns: int) -> None:
    assert duration_ns(text) == ns


@pytest.mark.parametrize("text", ["1", "ms", "-1ms", "0.5ns", "nan ms", "infs", "1 hour", "1e30s", ""])
def test_times_that_are_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "x", "--tick", text]) == 2
    assert "--tick" in capsys.readouterr().err


def test_a_missing_package_is_one_line(
    nir_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("eventsim.nir.file.find_spec", lambda name: None)
    line = refused(capsys, nir_file, "--time-unit", "s")
    assert "pip install 'eventsim[nir]'" in line


def test_options_are_checked_before_anything_is_read() -> None:
    with pytest.raises(ParameterError, match="invalid choice"):
        build_parser().parse_args(["check", "x", "--time-unit", "us"])
