"""The Speech Commands folder as twelve classes: ten keywords, unknown and silence.

Source: Warden, Speech Commands (2018), arXiv 1804.03209: folder layout, list files and the twelve-class task.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from eventsim.errors import DataError

KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
LABELS = (*KEYWORDS, "unknown", "silence")
UNKNOWN, SILENCE = LABELS.index("unknown"), LABELS.index("silence")
RATE_HZ = 16_000
CLIP_SAMPLES = 16_000
Split = Literal["train", "val", "test"]

_LISTS = {"val": "validation_list.txt", "test": "testing_list.txt"}
_NOISE_FOLDER = "_background_noise_"
# Silence is judged on recordings that were never trained on, another one for each split.
_HELD_OUT_NOISE = {"val": "running_tap", "test": "dude_miaowing"}


@dataclass(frozen=True, slots=True)
class Clip:
    """One second of sound and its label.

    path : audio file; start_sample : first sample of the crop; gain : factor on the samples.
    label : index into LABELS; word : the folder's name.
    """

    path: Path
    label: int
    word: str
    start_sample: int = 0
    gain: float = 1.0

    @property
    def name(self) -> str:
        """Folder and file name, for messages."""
        return f"{self.path.parent.name}/{self.path.name}"

    def samples(self) -> NDArray[np.float32]:
        """Return exactly one second, float32[16000]; a shorter recording is followed by zeros.

        Raises DataError when the file is no mono 16 kHz sound.
        """
        sound = read_sound(self.path, self.start_sample, CLIP_SAMPLES) * np.float32(self.gain)
        return np.pad(sound, (0, CLIP_SAMPLES - sound.size))


def read_sound(path: Path, start_sample: int = 0, count: int = -1) -> NDArray[np.float32]:
    """Return `count` samples (all when -1) of a mono 16 kHz file from `start_sample` on, float32[n].

    Raises DataError naming the file when it cannot be read or has another format.
    """
    try:
        sound, rate_hz = soundfile.read(path, frames=count, start=start_sample, dtype="float32")
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(f"{path}: not a readable sound file ({error})") from None
    if rate_hz != RATE_HZ or sound.ndim != 1:
        raise DataError(f"{path}: {rate_hz} Hz, {sound.ndim} dimensions; expected mono at {RATE_HZ} Hz")
    result: NDArray[np.float32] = sound
    return result


def word_files(data_dir: str | Path, split: Split) -> list[tuple[str, Path]]:
    """Return (word, file) of every spoken clip of `split`, sorted, by the folder's own list files.

    Raises DataError when the folder or a list file is missing.
    """
    root = _checked_root(data_dir)
    listed = {name: _listed(root, file) for name, file in _LISTS.items()}
    files = sorted(
        file
        for folder in root.iterdir()
        if folder.is_dir() and folder.name != _NOISE_FOLDER
        for file in folder.iterdir()
        if file.suffix in {".wav", ".flac"}
    )
    if not files:
        raise DataError(f"{root}: no <word>/<clip>.wav or .flac below it")

    def split_of(file: Path) -> str:
        key = f"{file.parent.name}/{file.stem}"
        return next((name for name, keys in listed.items() if key in keys), "train")

    return [(file.parent.name, file) for file in files if split_of(file) == split]


def noise_files(data_dir: str | Path, split: Split) -> list[Path]:
    """Return the long noise recordings of `split`: one held out for val and test each, the rest train."""
    root = _checked_root(data_dir)
    held_out = set(_HELD_OUT_NOISE.values())
    files = sorted(file for file in (root / _NOISE_FOLDER).glob("*") if file.suffix in {".wav", ".flac"})
    wanted = [
        file
        for file in files
        if (file.stem not in held_out if split == "train" else file.stem == _HELD_OUT_NOISE[split])
    ]
    if not wanted:
        raise DataError(f"{root / _NOISE_FOLDER}: no noise recording for the {split} split")
    return wanted


def label_of(word: str) -> int:
    """Return the class of a spoken word: its own for a keyword, else unknown."""
    return LABELS.index(word) if word in KEYWORDS else UNKNOWN


def load_split(data_dir: str | Path, split: Split, seed: int = 0) -> list[Clip]:
    """Return the clips of a split: all keywords, and as many unknown and silent ones as a mean keyword has.

    Unknown words and crops of noise are drawn with `seed`. Raises DataError when the folder lacks a part.
    """
    rng = np.random.default_rng([seed, {"train": 0, "val": 1, "test": 2}[split]])
    words = word_files(data_dir, split)
    known = [Clip(file, label_of(word), word) for word, file in words if word in KEYWORDS]
    other = [Clip(file, UNKNOWN, word) for word, file in words if word not in KEYWORDS]
    if not known:
        raise DataError(f"{data_dir}: the {split} split holds no clip of {', '.join(KEYWORDS)}")
    count = round(len(known) / len(KEYWORDS))
    chosen = rng.permutation(len(other))[:count]
    unknown = [other[i] for i in np.sort(chosen)]
    return known + unknown + silence_clips(data_dir, split, count, rng)


def silence_clips(data_dir: str | Path, split: Split, count: int, rng: np.random.Generator) -> list[Clip]:
    """Return `count` one-second crops of the split's noise, each at a random place and gain in 0..1."""
    files = noise_files(data_dir, split)
    lengths = [soundfile.info(file).frames for file in files]
    clips = []
    for _ in range(count):
        which = int(rng.integers(len(files)))
        start = int(rng.integers(max(1, lengths[which] - CLIP_SAMPLES)))
        clips.append(Clip(files[which], SILENCE, "silence", start, float(rng.uniform(0.0, 1.0))))
    return clips


def _checked_root(data_dir: str | Path) -> Path:
    root = Path(data_dir)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder (expected the Speech Commands layout)")
    return root


def _listed(root: Path, file: str) -> set[str]:
    try:
        lines = (root / file).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{root / file}: {error.strerror or error}") from None
    # The official lists say .wav; the same clips may lie here in another lossless format.
    return {line.rsplit(".", 1)[0] for line in lines if line.strip()}
