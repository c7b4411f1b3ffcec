"""Make the embedded clip: about 15 s of words in mild noise, and the transcript beside it.

Writes ``apps/assets/clip.flac`` (16 kHz, mono, 16 bit) and ``apps/assets/clip.json``. All ten keywords occur
once; three other words, labelled ``unknown``, are in between: "seven", which Speech Commands contains, and
"river" and "Monday", which no training data contains. The order of the words and who says which are
drawn from the seed, not chosen; no result of a network was looked at.

Held out: none of these voices and settings occurs in the synthetic training words (`heldout` in
``make_synthetic_words.py`` says so, and is asked here). Whole voices that training never hears are festival's
ked_diphone, espeak-ng's accent en-gb-x-rp and its variant linda. The others are heard in training at other
speeds and pitches only: there espeak-ng en-us always carries a variant m1..m7, f1..f5 or croak, and flite's
slt and rms and festival's kal_diphone and cmu_us_slt_arctic_hts are always played 3 to 14 % faster or 3 to
12 % slower than here. flite's slt and festival's cmu_us_slt_arctic_hts were made from one speaker.

``start_s`` and ``end_s`` are where the synthesised word, before noise, comes within 35 dB of its loudest 5 ms
and leaves it. The clip depends on the versions of the programs (kept in the transcript) and on the seed,
nothing else. pico is not used: its Debian package is in non-free. Licences of the voices: see
``synthesisers.py``; none restricts the sound.

    python scripts/make_clip.py [--out apps/assets]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile
from make_synthetic_words import KEYWORDS, heldout
from numpy.typing import NDArray
from synthesisers import RATE_HZ, Voice, active_span, synthesise, versions

SEED = 1
OTHERS = ("seven", "river", "Monday")
VOICES = (
    Voice("espeak-ng", "en-us", pitch=45, speed=150),
    Voice("espeak-ng", "en-gb-x-rp", pitch=55, speed=140),
    Voice("espeak-ng", "en-us+linda", pitch=60, speed=145),
    Voice("flite", "slt"),
    Voice("flite", "rms"),
    Voice("festival", "kal_diphone", speed=1.8),  # at 1.0 the diphone voices say "on" in 0.1 s
    Voice("festival", "ked_diphone", speed=1.8),
    Voice("festival", "cmu_us_slt_arctic_hts"),
)
SNR_DB = 18.0  # of the mean word over the noise; single words lie up to 2 dB above or below
WORD_DB = -23.0  # RMS of a word's active span, relative to full scale
EDGE_DB = 35.0
LEAD_S, TAIL_S = 0.6, 0.9
SHORT_GAPS = 2


def draw_script(rng: np.random.Generator) -> list[tuple[Voice, str]]:
    """Draw the order of the words and their voices; every voice speaks, and never twice in a row."""
    texts = [str(text) for text in rng.permutation([*KEYWORDS, *OTHERS])]
    while True:
        rounds = -(-len(texts) // len(VOICES))
        order = np.concatenate([rng.permutation(len(VOICES)) for _ in range(rounds)])[: len(texts)]
        if np.all(np.diff(order) != 0):
            return [(VOICES[i], text) for i, text in zip(order, texts, strict=True)]


def draw_gaps_s(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Draw the silences between words: 0.5 to 0.9 s, a few of them 0.2 to 0.3 s."""
    gaps_s = rng.uniform(0.5, 0.9, n)
    gaps_s[rng.choice(n, SHORT_GAPS, replace=False)] = rng.uniform(0.2, 0.3, SHORT_GAPS)
    return gaps_s


def room_noise(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Return n samples of noise with power 1: pink from 40 Hz upwards, and a hum of 50 Hz 12 dB below it."""
    frequency_hz = np.fft.rfftfreq(n, 1 / RATE_HZ)
    pink = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) / np.sqrt(np.maximum(frequency_hz, 40.0)), n)
    time_s = np.arange(n) / RATE_HZ
    hum = np.zeros(n)
    for k in (1, 2, 3):
        hum += np.sin(2 * np.pi * 50.0 * k * time_s + rng.uniform(0, 2 * np.pi)) / k
    noise: NDArray[np.float64] = pink / _rms(pink) + 10 ** (-12.0 / 20) * hum / _rms(hum)
    return noise / _rms(noise)


def make(seed: int) -> tuple[NDArray[np.int16], dict[str, object]]:
    """Return the clip as int16[n] and its transcript."""
    rng = np.random.default_rng(seed)
    script = draw_script(rng)
    for voice, _ in script:
        if not heldout(voice):
            raise RuntimeError(f"{voice.describe()} occurs in the synthetic training words")
    sounds = synthesise(script)
    gaps_s = [LEAD_S, *draw_gaps_s(rng, len(sounds) - 1)]
    clip: list[NDArray[np.float64]] = []
    words: list[dict[str, object]] = []
    position = 0
    for (voice, text), sound, gap_s in zip(script, sounds, gaps_s, strict=True):
        first, last = active_span(sound, EDGE_DB)
        gain = 10 ** ((WORD_DB + rng.uniform(-2.0, 2.0)) / 20) / _rms(sound[first:last])
        silence = np.zeros(round(gap_s * RATE_HZ))
        clip += [silence, sound.astype(np.float64) * gain]
        start = position + silence.size + first
        words.append(
            {
                "label": text if text in KEYWORDS else "unknown",
                "text": text,
                "start_s": round(start / RATE_HZ, 4),
                "end_s": round((start + last - first) / RATE_HZ, 4),
                "voice": voice.describe(),
            }
        )
        position += silence.size + sound.size
    speech = np.concatenate([*clip, np.zeros(round(TAIL_S * RATE_HZ))])
    mixed = speech + 10 ** ((WORD_DB - SNR_DB) / 20) * room_noise(rng, speech.size)
    if np.abs(mixed).max() >= 1.0:
        raise RuntimeError("the clip is overdriven: lower WORD_DB")
    transcript: dict[str, object] = {
        "sample_rate_hz": RATE_HZ,
        "seed": seed,
        "snr_db": SNR_DB,
        "made_by": "scripts/make_clip.py",
        "voices": versions(sorted({voice.engine for voice in VOICES})),
        "words": words,
    }
    return np.round(mixed * 32767).astype(np.int16), transcript


def _rms(samples: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def main() -> None:
    """Write the clip and its transcript."""
    parser = argparse.ArgumentParser(description="Make the embedded clip and its transcript.")
    assets = Path(__file__).resolve().parents[1] / "apps" / "assets"
    parser.add_argument("--out", type=Path, default=assets, help="output folder (default: apps/assets)")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    pcm, transcript = make(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    soundfile.write(arguments.out / "clip.flac", pcm, RATE_HZ, subtype="PCM_16")
    (arguments.out / "clip.json").write_text(json.dumps(transcript, indent=2) + "\n")
    print(f"{pcm.size / RATE_HZ:.2f} s, {(arguments.out / 'clip.flac').stat().st_size} bytes")


if __name__ == "__main__":
    main()
