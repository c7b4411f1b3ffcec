"""The bank of prepared training clips: many variations of every clip, encoded once and kept on disk."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streams.augmentation import Augmenter
from streams.encoders import MelDeltaConfig, MelDeltaEncoder
from streams.encoders.log_mel import LogMel
from streams.speech_commands import (
    CLIP_SAMPLES,
    KEYWORDS,
    LABELS,
    SILENCE,
    UNKNOWN,
    Clip,
    Split,
    label_of,
    load_split,
    noise_files,
    read_sound,
    word_files,
)

FRAMES = 100


@dataclass(frozen=True, slots=True)
class Encoded:
    """Encoded clips of one kind.

    steps : int8[n, 100, n_bands], signed steps per frame; log_mel : float16[n, 100, n_bands];
    labels : int64[n]; weights : float64[n], how often each is to be drawn (classes balanced).
    """

    steps: NDArray[np.int8]
    log_mel: NDArray[np.float16]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return self.labels.size


def encode(
    sounds: list[NDArray[np.float32]], config: MelDeltaConfig
) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Return steps int8[n, 100, n_bands] and log-mel float16 of the same shape of one-second sounds."""
    steps = np.empty((len(sounds), FRAMES, config.n_bands), np.int8)
    log_mel = np.empty((len(sounds), FRAMES, config.n_bands), np.float16)
    encoder, frames = MelDeltaEncoder(config), LogMel(config)
    for i, sound in enumerate(sounds):
        encoder.reset()
        frames.reset()
        steps[i] = np.clip(encoder.steps(sound), -127, 127)
        log_mel[i] = frames.push(sound)
    return steps, log_mel


def encode_split(data_dir: Path, split: Split, seed: int, config: MelDeltaConfig) -> Encoded:
    """Return the clips of a split as they are, without any variation."""
    clips = load_split(data_dir, split, seed)
    steps, log_mel = encode([clip.samples() for clip in clips], config)
    return Encoded(steps, log_mel, np.array([clip.label for clip in clips], np.int64))


def build_bank(
    data_dir: Path, synthetic_dir: Path | None, seed: int, copies: int, config: MelDeltaConfig, jobs: int
) -> Iterator[Encoded]:
    """Yield the bank part by part: `copies` variations of each training clip, fewer of unknown words.

    Rare keywords get more variations, so that the classes are of similar size. Parts depend on `seed` and
    their own number alone, not on `jobs`.
    """
    sources = _sources(data_dir, synthetic_dir, copies, seed)
    parts = [(i, sources[i::64], data_dir, seed, config) for i in range(64)]
    if jobs == 1:
        yield from map(_encode_part, parts)
        return
    # Spawned, not forked: the parent may hold threads of a numerical library.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=os.nice, initargs=(5,)) as pool:
        yield from pool.map(_encode_part, parts)


def _sources(
    data_dir: Path, synthetic_dir: Path | None, copies: int, seed: int
) -> list[tuple[Clip | None, int]]:
    """Return (clip, label) per variation: no clip stands for noise, label SILENCE for its background."""
    spoken = [Clip(file, label_of(word), word) for word, file in word_files(data_dir, "train")]
    counts = np.bincount([clip.label for clip in spoken], minlength=len(LABELS))
    usual = counts[: len(KEYWORDS)].max()
    sources: list[tuple[Clip | None, int]] = []
    for clip in spoken:
        times = copies * usual / counts[clip.label]
        sources += [(clip, clip.label)] * round(
            min(times, 2.0 * copies) if clip.label != UNKNOWN else copies * 0.6
        )
    if synthetic_dir is not None:
        for folder in sorted(path for path in synthetic_dir.iterdir() if path.is_dir()):
            label = label_of(folder.name)
            for file in sorted(folder.glob("*.wav")):
                sources += [(Clip(file, label, folder.name), label)] * max(1, copies // 2)
    # Noise recordings are few: what is heard beside the words, from every speaker, is silence too.
    silent = int(copies * usual * 0.5)
    sources += [(None, SILENCE)] * silent
    sources += [(spoken[i % len(spoken)], SILENCE) for i in range(silent)]
    order = np.random.default_rng(seed).permutation(len(sources))
    return [sources[i] for i in order]


def _encode_part(
    part: tuple[int, list[tuple[Clip | None, int]], Path, int, MelDeltaConfig],
) -> Encoded:
    number, sources, data_dir, seed, config = part
    rng = np.random.default_rng([seed, number])
    augmenter = Augmenter([read_sound(file) for file in noise_files(data_dir, "train")], rng)
    sounds = []
    for clip, label in sources:
        if clip is None:
            level = np.float32(10.0 ** rng.uniform(-3.0, 0.0))
            sounds.append(augmenter.noise(CLIP_SAMPLES) * level)
        elif label == SILENCE:
            sounds.append(augmenter.background(clip.samples()))
        else:
            sounds.append(augmenter.vary(clip.samples()))
    steps, log_mel = encode(sounds, config)
    return Encoded(steps, log_mel, np.array([label for _, label in sources], np.int64))
