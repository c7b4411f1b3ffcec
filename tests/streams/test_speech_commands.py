"""The reader of the Speech Commands layout, on a folder made here."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from eventsim.errors import DataError
from streams.speech_commands import (
    KEYWORDS,
    LABELS,
    SILENCE,
    UNKNOWN,
    label_of,
    load_split,
    noise_files,
    word_files,
)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    listed: dict[str, list[str]] = {"val": [], "test": []}
    for word in (*KEYWORDS, "cat", "dog", "tree"):
        (tmp_path / word).mkdir()
        for speaker, split in (("aa", "train"), ("bb", "val"), ("cc", "test")):
            name = f"{word}/{speaker}_nohash_0.wav"
            soundfile.write(tmp_path / name, 0.1 * rng.standard_normal(12_000), 16_000)
            if split in listed:
                # The official lists name .wav whatever the folder holds.
                listed[split].append(name)
    (tmp_path / "validation_list.txt").write_text("\n".join(listed["val"]) + "\n")
    (tmp_path / "testing_list.txt").write_text("\n".join(listed["test"]))
    (tmp_path / "_background_noise_").mkdir()
    for noise in ("running_tap", "dude_miaowing", "pink_noise", "white_noise"):
        soundfile.write(
            tmp_path / "_background_noise_" / f"{noise}.wav", 0.1 * rng.standard_normal(40_000), 16_000
        )
    return tmp_path


def test_splits_share_no_clip_and_hold_every_clip(data_dir: Path) -> None:
    splits = [{file for _, file in word_files(data_dir, name)} for name in ("train", "val", "test")]
    assert [len(split) for split in splits] == [13, 13, 13]
    assert len(set.union(*splits)) == 39
    assert all("bb_" in file.name for file in splits[1])


def test_unknown_and_silence_are_as_many_as_a_mean_keyword(data_dir: Path) -> None:
    clips = load_split(data_dir, "test", seed=1)
    counts = np.bincount([clip.label for clip in clips], minlength=12)
    assert counts.tolist() == [1] * 12
    assert {clip.word for clip in clips if clip.label == UNKNOWN} <= {"cat", "dog", "tree"}


def test_a_seed_draws_the_same_clips_again(data_dir: Path) -> None:
    assert load_split(data_dir, "val", seed=4) == load_split(data_dir, "val", seed=4)
    starts = {load_split(data_dir, "val", seed=s)[-1].start_sample for s in range(6)}
    assert len(starts) > 1


def test_a_clip_is_one_second_the_rest_zero(data_dir: Path) -> None:
    clip = load_split(data_dir, "test")[0]
    samples = clip.samples()
    assert samples.shape == (16_000,)
    assert samples.dtype == np.float32
    assert np.any(samples[:12_000])
    assert not np.any(samples[12_000:])


def test_silence_of_val_and_test_comes_from_noise_never_trained_on(data_dir: Path) -> None:
    train, val, test = (
        {file.stem for file in noise_files(data_dir, split)} for split in ("train", "val", "test")
    )
    assert train == {"pink_noise", "white_noise"}
    assert val == {"running_tap"}
    assert test == {"dude_miaowing"}
    silent = [clip for clip in load_split(data_dir, "test") if clip.label == SILENCE]
    assert all(clip.path.stem == "dude_miaowing" for clip in silent)


def test_labels_are_the_twelve_of_the_task() -> None:
    assert len(LABELS) == 12
    assert [label_of(word) for word in ("yes", "go", "cat")] == [0, 9, UNKNOWN]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda root: (root / "testing_list.txt").unlink(), "testing_list.txt"),
        (lambda root: [f.unlink() for f in (root / "_background_noise_").iterdir()], "no noise recording"),
        (lambda root: (root / "validation_list.txt").write_text(""), "holds no clip of yes"),
    ],
)
def test_a_folder_that_lacks_a_part_is_refused(data_dir: Path, broken, said: str) -> None:
    broken(data_dir)
    with pytest.raises(DataError, match=said):
        load_split(data_dir, "val")


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        load_split(tmp_path / "none", "test")


def test_sound_of_another_rate_is_refused(data_dir: Path) -> None:
    clip = load_split(data_dir, "test")[0]
    soundfile.write(clip.path, np.zeros(100), 8_000)
    with pytest.raises(DataError, match="8000 Hz"):
        clip.samples()
