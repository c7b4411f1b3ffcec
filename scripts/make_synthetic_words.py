"""Make extra training data: short words spoken by speech synthesisers, one second each.

Writes ``OUT/<label>/<voice>_<k>.wav``: 16 kHz, mono, signed 16 bit, exactly 16000 samples. The word starts
0.15 to 0.45 s after the beginning; its peak lies between -26 and -2 dB of full scale; around it is a faint
white floor (-85 to -65 dB), because a recording is never exactly zero. ``OUT/words.csv`` lists every file
with its voice, settings, onset and end.

No reported accuracy is measured on these words: they are training data only. ``make_clip.py`` makes the
embedded clip from voices and settings that never occur here; `heldout` says which, and this script refuses
to use them.

The voice of pico (``pico2wave``) is used if the program is installed; it was not when the project's own
words were made. Licences of the voices: see ``synthesisers.py``.

    python scripts/make_synthetic_words.py OUT [--seed 1] [--per-keyword 60] [--unknown 200]
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from synthesisers import RATE_HZ, Voice, available, synthesise

KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
# No word here sounds like a keyword ("know", "write"); near ones ("not", "own", "lift", "gold") are wanted.
_OTHERS = """
dog cat bed bird happy house tree zero one two three four five six seven eight nine marvin sheila
wow water morning please seventeen kitchen the and is cold light music window hello sorry apple
table paper yellow green today later never again school mother number letter open garden sugar
coffee people backward forward follow learn visual not own cup town lift arm step gold stack yet
lamp
"""
OTHERS = tuple(_OTHERS.split())
ESPEAK_LANGUAGES = ("en-us", "en-us", "en-gb", "en-gb-scotland", "en-029")
ESPEAK_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5", "croak")
FLITE_F0_HZ = {"awb": None, "rms": None, "kal16": (80.0, 140.0), "slt": (150.0, 220.0)}
FESTIVAL_F0_HZ = {"kal_diphone": (80.0, 140.0), "cmu_us_slt_arctic_hts": None}
# The diphone voices rush through a word said alone ("on" in 0.1 s): they are stretched more than the others.
STRETCH = {"kal16": (1.4, 2.2), "kal_diphone": (1.4, 2.2)}
CLIP_S = 1.0
SHARE = {"espeak-ng": 0.6, "flite": 0.25, "festival": 0.15}
_PLACED_BY_S = 0.97  # the word is over by then


def heldout(voice: Voice) -> bool:
    """Whether this voice and setting belongs to the embedded clip and must not be trained on.

    Held out: festival's ked_diphone, espeak-ng's en-gb-x-rp, every espeak-ng voice without a variant or with
    a variant outside `ESPEAK_VARIANTS`, and every flite and festival voice played at its own speed.

    >>> heldout(Voice("espeak-ng", "en-us")), heldout(Voice("espeak-ng", "en-us+m3"))
    (True, False)
    """
    if voice.engine == "espeak-ng":
        language, _, variant = voice.name.partition("+")
        return language == "en-gb-x-rp" or variant not in ESPEAK_VARIANTS
    return voice.name == "ked_diphone" or voice.playback == 1.0


def draw_voice(rng: np.random.Generator, engine: str) -> Voice:
    """Draw a voice of this engine with random pitch and speed."""
    if engine == "espeak-ng":
        name = f"{rng.choice(ESPEAK_LANGUAGES)}+{rng.choice(ESPEAK_VARIANTS)}"
        return Voice(engine, name, float(rng.integers(20, 81)), float(rng.integers(110, 191)))
    if engine == "pico":
        return Voice(engine, str(rng.choice(["en-US", "en-GB"])), playback=_playback(rng))
    table = FLITE_F0_HZ if engine == "flite" else FESTIVAL_F0_HZ
    name = str(rng.choice(list(table)))
    f0_hz = table[name]
    pitch = None if f0_hz is None else round(float(rng.uniform(*f0_hz)))
    stretch = round(float(rng.uniform(*STRETCH.get(name, (0.8, 1.25)))), 2)
    return Voice(engine, name, pitch, stretch, _playback(rng))


def _playback(rng: np.random.Generator) -> float:
    """Draw a playback factor in 0.88..0.97 or 1.03..1.14: never the voice's own, which the clip uses."""
    slower = rng.random() < 0.5
    return round(float(rng.uniform(0.88, 0.97) if slower else rng.uniform(1.03, 1.14)), 3)


def plan(rng: np.random.Generator, words: list[str], engines: dict[str, float]) -> list[tuple[Voice, str]]:
    """Give every word of the list a voice; the shares of the engines are kept exactly, up to rounding."""
    names = list(engines)
    share = np.array([engines[name] for name in names])
    edges = np.cumsum(share / share.sum())
    where = (np.arange(len(words)) + 0.5) / len(words)
    choice = rng.permutation(np.minimum(np.searchsorted(edges, where), len(names) - 1))
    requests = []
    for word, index in zip(words, choice, strict=True):
        voice = draw_voice(rng, names[index])
        if heldout(voice):
            raise RuntimeError(f"{voice.describe()} is held out for the embedded clip")
        # The mark at the end changes the melody of a word said alone.
        requests.append((voice, word + str(rng.choice(["", "", ".", "!", "?"]))))
    return requests


def place(
    rng: np.random.Generator, word: NDArray[np.float32]
) -> tuple[NDArray[np.int16], float, float] | None:
    """Put the word into one second; returns samples, onset and end in s, or None if it is too long."""
    latest_s = min(0.45, _PLACED_BY_S - word.size / RATE_HZ)
    if latest_s < 0.15:
        return None
    onset = int(rng.uniform(0.15, latest_s) * RATE_HZ)
    level = 10 ** (rng.uniform(-26.0, -2.0) / 20)
    floor = 10 ** (rng.uniform(-85.0, -65.0) / 20)
    clip = np.zeros(int(CLIP_S * RATE_HZ))
    clip[onset : onset + word.size] = _fade(word) * (level / np.abs(word).max())
    clip += floor * rng.standard_normal(clip.size)
    pcm = np.round(np.clip(clip, -1.0, 1.0) * 32767).astype(np.int16)
    return pcm, onset / RATE_HZ, (onset + word.size) / RATE_HZ


def _fade(word: NDArray[np.float32]) -> NDArray[np.float64]:
    """Fade 3 ms in and out, so that the cut makes no click of its own."""
    n = min(48, word.size // 2)
    faded = word.astype(np.float64)
    ramp = np.linspace(0.0, 1.0, n, endpoint=False)
    faded[:n] *= ramp
    faded[word.size - n :] *= ramp[::-1]
    return faded


def make_label(rng: np.random.Generator, folder: Path, label: str, words: list[str]) -> list[dict[str, str]]:
    """Write the clips of one label and return one row of the list per clip; long words are drawn again."""
    engines = dict(SHARE)
    if available("pico"):
        engines["pico"] = 0.05
    target = folder / label
    target.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    for _ in range(10):
        requests = plan(rng, words, engines)
        words = []
        for (voice, text), sound in zip(requests, synthesise(requests), strict=True):
            placed = place(rng, sound)
            if placed is None:
                words.append(text.rstrip(".!?"))
                continue
            pcm, onset_s, end_s = placed
            name = f"{voice.engine}-{voice.name}_{len(rows)}.wav"
            soundfile.write(target / name, pcm, RATE_HZ, subtype="PCM_16")
            rows.append(
                {
                    "file": f"{label}/{name}",
                    "text": text,
                    "voice": voice.describe(),
                    "onset_s": f"{onset_s:.4f}",
                    "end_s": f"{end_s:.4f}",
                }
            )
        if not words:
            return rows
    raise RuntimeError(f"{label}: {words} do not fit into {CLIP_S} s with any voice drawn")


def main() -> None:
    """Make all labels."""
    parser = argparse.ArgumentParser(
        description="Make synthetic words, one second each, as extra training data."
    )
    parser.add_argument("out", type=Path, help="output folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-keyword", type=int, default=60)
    parser.add_argument("--unknown", type=int, default=200)
    arguments = parser.parse_args()
    rows: list[dict[str, str]] = []
    for index, label in enumerate((*KEYWORDS, "unknown")):
        rng = np.random.default_rng([arguments.seed, index])  # a label does not depend on the others' counts
        if label == "unknown":
            words = [OTHERS[k % len(OTHERS)] for k in range(arguments.unknown)]
        else:
            words = [label] * arguments.per_keyword
        rows += make_label(rng, arguments.out, label, words)
        print(f"{label}: {len(words)}", flush=True)
    with (arguments.out / "words.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
