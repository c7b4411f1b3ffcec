"""`eventsim train kws` on a folder made here: from sound to a bundle, and on again after a kill."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console

pytest.importorskip("torch", reason="the extra `train` is not installed")

from apps.kws_bank import build_bank
from apps.main import main
from apps.train_kws import TrainingOptions, train_kws
from eventsim.bundle import load_bundle
from eventsim.errors import ParameterError
from streams.encoders import MelDeltaConfig
from streams.speech_commands import KEYWORDS, LABELS

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every word a tone of its own, three speakers, one of them for each split."""
    root = tmp_path_factory.mktemp("words")
    rng = np.random.default_rng(0)
    lists: dict[str, list[str]] = {"bb": [], "cc": []}
    for number, word in enumerate((*KEYWORDS, "cat")):
        (root / word).mkdir()
        for speaker in ("aa", "bb", "cc"):
            sound = 0.01 * rng.standard_normal(16_000)
            sound[4000:10_000] += 0.3 * np.sin(np.arange(6000) * (0.1 + 0.1 * number))
            name = f"{word}/{speaker}_nohash_0.wav"
            soundfile.write(root / name, sound, 16_000)
            lists.get(speaker, []).append(name)
    (root / "validation_list.txt").write_text("\n".join(lists["bb"]))
    (root / "testing_list.txt").write_text("\n".join(lists["cc"]))
    (root / "_background_noise_").mkdir()
    for noise in ("pink_noise", "running_tap", "dude_miaowing"):
        soundfile.write(root / f"_background_noise_/{noise}.wav", 0.1 * rng.standard_normal(32_000), 16_000)
    return root


def options(data_dir: Path, folder: Path, **changes: object) -> TrainingOptions:
    values = {"steps": 8, "copies": 2, "hidden": 8} | changes
    return TrainingOptions(data=data_dir, out=folder / "out.esb", work=folder / "work", **values)


class KillAt(io.StringIO):
    """A screen that stands for a person pressing Ctrl-C when a certain line appears."""

    def __init__(self, line_start: str) -> None:
        super().__init__()
        self._line_start = line_start

    def write(self, text: str) -> int:
        if text.startswith(self._line_start):
            raise KeyboardInterrupt
        return super().write(text)


def test_a_killed_run_goes_on_to_the_same_bundle(data_dir: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    train_kws(options(data_dir, whole), Console(file=io.StringIO()))
    for line in ("conv: 2/", "evidence: 4/", "rank: 1/"):
        with pytest.raises(KeyboardInterrupt):
            train_kws(options(data_dir, killed), Console(file=KillAt(line)))
        assert not (killed / "out.esb").exists()
    train_kws(options(data_dir, killed), Console(file=io.StringIO()))
    assert (killed / "out.esb").read_bytes() == (whole / "out.esb").read_bytes()
    bundle = load_bundle(whole / "out.esb")
    assert bundle.labels == LABELS
    assert bundle.decision["threshold"] == bundle.info["validation"]["threshold"]


def test_a_work_folder_of_another_run_is_refused(data_dir: Path, tmp_path: Path) -> None:
    train_kws(options(data_dir, tmp_path, steps=1), Console(file=io.StringIO()))
    with pytest.raises(ParameterError, match="another --seed"):
        train_kws(options(data_dir, tmp_path, steps=1, seed=3), Console(file=io.StringIO()))


def test_the_bank_does_not_depend_on_the_number_of_processes(data_dir: Path) -> None:
    one, two = (list(build_bank(data_dir, None, 5, 4, MelDeltaConfig(), jobs)) for jobs in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.steps, b.steps)
        assert np.array_equal(a.log_mel, b.log_mel)
        assert np.array_equal(a.labels, b.labels)
    assert sum(map(len, one)) > 40


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--steps", "0"], "argument --steps: 0 is not at least 1"),
        (["--data", "nowhere"], "nowhere: no such folder"),
        (["--synthetic", "nowhere"], "nowhere: no such folder (--synthetic)"),
        (["--out", "nowhere/out.esb"], "nowhere/out.esb: cannot be written (No such file or directory)"),
        (["--out", "."], ".: cannot be written (Is a directory)"),
        (["--steps", "1.5"], "argument --steps: '1.5' is not a whole number"),
        (["--encoder-step", "-1"], "argument --encoder-step: -1 is not a number above 0"),
        (["--deadline-ms", "nan"], "argument --deadline-ms: nan is not a number"),
        (["--decide-by-ms", "inf"], "argument --decide-by-ms: inf is not a number above 0"),
    ],
)
def test_bad_options_are_one_line_and_code_2(
    data_dir: Path, tmp_path: Path, changes: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "kws", "--data", str(data_dir), "--work", str(tmp_path / "work"), *changes]
    assert main(arguments) == 2
    assert not (tmp_path / "work").exists()
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
