"""The embedded clip and its transcript agree with each other."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

ASSETS = Path(__file__).resolve().parents[2] / "apps" / "assets"
KEYWORDS = {"yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"}


@pytest.fixture(scope="module")
def clip():
    samples, rate_hz = soundfile.read(ASSETS / "clip.flac", dtype="float64", always_2d=True)
    return samples, rate_hz


@pytest.fixture(scope="module")
def transcript():
    return json.loads((ASSETS / "clip.json").read_text())


def test_format(clip, transcript):
    samples, rate_hz = clip
    info = soundfile.info(ASSETS / "clip.flac")
    assert (info.format, info.subtype) == ("FLAC", "PCM_16")
    assert rate_hz == transcript["sample_rate_hz"] == 16_000
    assert samples.shape[1] == 1
    assert 13.0 <= samples.shape[0] / rate_hz <= 18.0
    assert (ASSETS / "clip.flac").stat().st_size < 500_000
    assert 0.05 < np.abs(samples).max() < 1.0


def test_words_are_ordered_inside_the_clip(clip, transcript):
    samples, rate_hz = clip
    words = transcript["words"]
    assert 10 <= len(words) <= 13
    assert words[0]["start_s"] > 0.3
    assert words[-1]["end_s"] < samples.shape[0] / rate_hz - 0.3
    for word in words:
        assert 0.1 < word["end_s"] - word["start_s"] < 1.0, word
    for before, after in pairwise(words):
        assert before["end_s"] + 0.1 < after["start_s"], (before, after)


def test_labels_name_the_words(transcript):
    for word in transcript["words"]:
        assert word["label"] == (word["text"] if word["text"] in KEYWORDS else "unknown")
    labels = [word["label"] for word in transcript["words"]]
    assert len(set(labels) & KEYWORDS) >= 8
    assert labels.count("unknown") >= 2
    assert len({word["voice"] for word in transcript["words"]}) >= 5


def test_energy_is_in_the_words(clip, transcript):
    samples, rate_hz = clip
    in_word = np.zeros(samples.shape[0], bool)
    for word in transcript["words"]:
        in_word[round(word["start_s"] * rate_hz) : round(word["end_s"] * rate_hz)] = True
    # A faint end of a word may lie outside its interval: leave 100 ms on each side out.
    near = np.convolve(in_word, np.ones(2 * rate_hz // 10 + 1), mode="same") > 0.5
    noise_power = np.mean(samples[~near, 0] ** 2)
    for word in transcript["words"]:
        inside = samples[round(word["start_s"] * rate_hz) : round(word["end_s"] * rate_hz), 0]
        snr_db = 10 * np.log10(np.mean(inside**2) / noise_power)
        assert 13.0 < snr_db < 24.0, (word["text"], snr_db)
    # No 50 ms between the words hold anything but noise: no word is missing from the transcript.
    gaps = samples[~near, 0]
    pieces = gaps[: gaps.size // 800 * 800].reshape(-1, 800)
    assert np.mean(pieces**2, axis=1).max() < 4 * noise_power
