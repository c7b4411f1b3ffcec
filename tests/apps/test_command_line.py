"""The real command, as a person runs it: what it answers to good input, to bad input, and to Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from apps.main import main
from eventsim.errors import SourceError

pytestmark = pytest.mark.compiled


def eventsim(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "apps.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | environment,
    )


def refused(*arguments: str | Path) -> str:
    """Run, check that one clear line and exit code 2 come back, and return the line."""
    done = eventsim(*arguments)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("eventsim: error: ")
    assert "Traceback" not in done.stderr
    return lines[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("input")
    (root / "empty.wav").write_bytes(b"")
    (root / "text.wav").write_text("this is no sound\n" * 40)
    soundfile.write(root / "no_samples.wav", np.zeros(0), 16_000)
    poisoned = np.zeros(20_000, np.float32)
    poisoned[12_345] = np.nan
    soundfile.write(root / "nan.wav", poisoned, 16_000, subtype="FLOAT")
    (root / "folder.wav").mkdir()
    rng = np.random.default_rng(0)
    stereo = 0.1 * rng.standard_normal((44_100, 2)) * np.hanning(44_100)[:, None]
    soundfile.write(root / "stereo.flac", stereo, 44_100)
    return root


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("missing.wav", "missing.wav"),
        ("empty.wav", "empty"),
        ("text.wav", "text.wav"),
        ("no_samples.wav", "holds 0 samples"),
        ("nan.wav", "12345"),
        ("folder.wav", "folder.wav"),
    ],
)
def test_a_bad_sound_file_is_one_line(folder: Path, model_file: Path, file: str, said: str) -> None:
    line = refused("kws", folder / file, "--model", model_file)
    assert file in line
    assert said in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["kws", "--loud"], "--loud"),
        (["kws", "--threshold", "1.5"], "outside [0, 1]"),
        (["kws", "--threshold", "-0.1"], "outside [0, 1]"),
        (["kws", "--threshold", "nan"], "nan"),
        (["kws", "--threshold", "high"], "high"),
        (["kws", "--seconds", "0"], "above 0"),
        (["kws", "--model", "nowhere.esb"], "nowhere.esb"),
        (["kws", "--clip", "--output", "nowhere/out.jsonl"], "nowhere/out.jsonl"),
        (["eval", "kws"], "--data"),
        (["eval", "kws", "--data", "nowhere"], "nowhere"),
        (["eval", "kws", "--data", "nowhere", "--limit", "0"], "--limit"),
        (["bake"], "bake"),
    ],
)
def test_a_bad_option_is_one_line(arguments: list[str], said: str) -> None:
    assert said in refused(*arguments)


def test_a_damaged_or_foreign_bundle_is_one_line(folder: Path, model_file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.esb"
    cut.write_bytes(model_file.read_bytes()[:-100])
    for bundle in (cut, folder / "text.wav"):
        assert bundle.name in refused("kws", "--clip", "--model", bundle)


def test_a_file_is_heard_whatever_its_rate_and_channels(folder: Path, model_file: Path) -> None:
    done = eventsim("kws", folder / "stereo.flac", "--model", model_file, "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (summary,) = [line for line in lines if line["type"] == "summary"]
    assert summary["audio_s"] == pytest.approx(1.0, abs=0.01)
    assert summary["input_events"] > 0


def test_the_clip_is_played_and_judged() -> None:
    done = eventsim("kws", "--clip")
    assert done.returncode == 0, done.stderr
    assert "score:" in done.stdout
    for word in ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"):
        assert word in done.stdout


def test_without_a_microphone_it_says_why_and_plays_the_clip(
    monkeypatch: pytest.MonkeyPatch, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_microphone(*_: object, **__: object) -> None:
        raise SourceError("microphone: none here")

    monkeypatch.setattr("apps.kws.Microphone", no_microphone)
    assert main(["kws", "--model", str(model_file)]) == 0
    told = capsys.readouterr()
    assert "microphone: none here; playing the clip" in told.out + told.err
    assert "score:" in told.out
    # Who names a device wants that device, not the clip.
    assert main(["kws", "--device", "7", "--model", str(model_file)]) == 2


def test_what_is_written_is_what_is_printed(folder: Path, model_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    done = eventsim("kws", "--clip", "--model", model_file, "--json", "--output", output)
    assert done.returncode == 0, done.stderr
    printed = [line for line in map(json.loads, done.stdout.splitlines()) if line["type"] != "summary"]
    written = [line for line in map(json.loads, output.read_text().splitlines()) if line["type"] != "summary"]
    assert printed == written
    assert printed


def test_what_was_written_before_stays_where_nothing_is_heard(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text("of yesterday\n")
    for wrong in (["--model", folder / "text.wav"], ["--chip", "no-chip"], ["--to", "nowhere"]):
        refused("kws", "--clip", *wrong, "--output", output)
        assert output.read_text() == "of yesterday\n"


@pytest.mark.parametrize("command", [["kws", "-"], ["stream", "-", "--to", "tcp://127.0.0.1:0"]])
def test_a_pipe_without_a_sample_is_refused(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "apps.main", *command, "--rate", "16000"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 2
    assert done.stderr == "eventsim: error: standard input: ended before its first sample\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_an_output_that_is_full_is_named(model_file: Path) -> None:
    line = refused("kws", "--clip", "--model", model_file, "--output", "/dev/full")
    assert "/dev/full: cannot be written (No space left on device)" in line


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
def test_ctrl_c_ends_cleanly_with_what_was_measured(model_file: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "apps.main", "kws", "--clip", "--realtime", "--json", "--model", model_file],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    # The second line is the first decision: by then some sound has been heard.
    first = running.stdout.readline() + running.stdout.readline()
    running.send_signal(signal.SIGINT)
    rest, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors
    lines = [json.loads(line) for line in (first + rest).splitlines()]
    assert lines[-1]["type"] == "summary"
    assert 0 < lines[-1]["audio_s"] < 16


def test_a_reader_that_leaves_is_no_error(model_file: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "apps.main", "kws", "--clip", "--all", "--json", "--model", model_file],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    errors = running.stderr.read()
    running.wait(timeout=120)
    assert errors.strip() == ""
    assert running.returncode == 141
