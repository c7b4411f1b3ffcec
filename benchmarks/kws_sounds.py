"""Long streams of real sound for the keyword spotter: keywords, other speech, background, nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import DataError
from streams.audio_block import AudioSource
from streams.audio_file import AudioFile
from streams.resample import ResampledSource
from streams.speech_commands import (
    KEYWORDS,
    LABELS,
    RATE_HZ,
    SILENCE,
    Clip,
    load_split,
    noise_files,
    read_sound,
)

_SOUND_FILES = {".flac", ".wav"}


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """One stream, float32[n] at 16 kHz, and of how many recordings, back to back, it is made."""

    name: str
    samples: NDArray[np.float32]
    recordings: int


def load_sounds(data: Path, other_speech: Path | None, seconds: float, seed: int) -> list[Sound]:
    """Return streams of at most `seconds` each: keywords, other speech where given, background, silence.

    Background comes as load_split's crops at gains 0..1 and as recorded; silence is digital. The clips are
    those of the test split in an order drawn with `seed`; a stream is shorter where the recordings do not
    suffice. Raises DataError or SourceError for what is missing or cannot be read.
    """
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE_HZ)
    clips = load_split(data, "test", seed)
    spoken = [clip for clip in clips if LABELS[clip.label] in KEYWORDS]
    quiet = [clip for clip in clips if clip.label == SILENCE]
    if not quiet:
        raise DataError(f"{data}: {len(spoken)} keyword clips in the test split are too few to draw silence")
    sounds = [_clips("keywords", spoken, count, rng)]
    if other_speech is not None:
        sounds.append(_recordings("other speech", other_speech, count, rng))
    sounds.append(_clips("background crops", quiet, count, rng))
    # The crops' gains jump at every border, which a gate takes for onsets; the recordings as they are do not.
    whole = (read_sound(file) for file in noise_files(data, "test"))
    sounds.append(_joined("background uncut", whole, count))
    sounds.append(Sound("digital silence", np.zeros(count, np.float32), 0))
    return sounds


def _clips(name: str, clips: Sequence[Clip], count: int, rng: np.random.Generator) -> Sound:
    order = rng.permutation(len(clips))
    return _joined(name, (clips[i].samples() for i in order), count)


def _recordings(name: str, folder: Path, count: int, rng: np.random.Generator) -> Sound:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _SOUND_FILES)
    if not files:
        raise DataError(f"{folder}: no .flac or .wav below it")
    order = rng.permutation(len(files))
    return _joined(name, (_whole(AudioFile(files[i])) for i in order), count)


def _whole(source: AudioSource) -> NDArray[np.float32]:
    resampled = source if source.rate_hz == RATE_HZ else ResampledSource(source, RATE_HZ)
    return np.concatenate([block.samples for block in resampled])


def _joined(name: str, recordings: Iterable[NDArray[np.float32]], count: int) -> Sound:
    """Take recordings, one after the other, until there are `count` samples or no more recordings."""
    parts: list[NDArray[np.float32]] = []
    total = 0
    for samples in recordings:
        parts.append(samples)
        total += samples.size
        if total >= count:
            break
    return Sound(name, np.concatenate(parts)[:count], len(parts))
