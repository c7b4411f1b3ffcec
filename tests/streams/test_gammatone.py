"""The gammatone filterbank against its closed form, and its geometry against what it is named after."""

from itertools import pairwise
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import EventError, ParameterError
from streams.encoders.gammatone import (
    Gammatone,
    GammatoneConfig,
    centres_hz,
    checked_samples,
    erb_hz,
    gammatone_poles,
)

SMALL = GammatoneConfig(rate_hz=8_000, n_bands=3, low_hz=150.0, high_hz=3_000.0)


def impulse_response(config: GammatoneConfig, count: int) -> np.ndarray:
    """Return the closed form, complex128[count, bands]: n + 3 over 3, a decay and a turning pointer."""
    n = np.arange(count)
    rise = np.array([comb(int(k) + 3, 3) for k in n], np.float64)
    columns = []
    for pole in gammatone_poles(config):
        gain = 2.0 * (1.0 - abs(pole)) ** 4
        columns.append(gain * rise * abs(pole) ** n * np.exp(1j * np.angle(pole) * n))
    return np.stack(columns, axis=1)


def response(pole: complex, frequency_hz: np.ndarray, rate_hz: int) -> np.ndarray:
    """Return the closed form of the complex gain of a band (the real part of a complex filter)."""
    z = np.exp(-2j * np.pi * np.asarray(frequency_hz) / rate_hz)
    half = (1.0 - abs(pole)) ** 4
    return half / (1 - pole * z) ** 4 + half / (1 - np.conj(pole) * z) ** 4


def smoothed(rectified: np.ndarray, lowpass_hz: float, rate_hz: int) -> np.ndarray:
    """Return the convolution with the closed form of two low-passes in a row."""
    a = 1.0 - np.exp(-2 * np.pi * lowpass_hz / rate_hz)
    n = np.arange(rectified.shape[0])
    return filtered(rectified, ((n + 1) * a**2 * (1 - a) ** n)[:, None])


def filtered(columns: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Return each column convolved with its kernel, or all with the only one, as long as it was."""
    pairs = zip(columns.T, np.broadcast_to(kernels, columns.shape).T, strict=True)
    return np.stack([np.convolve(column, kernel)[: len(columns)] for column, kernel in pairs], axis=1)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), count=st.integers(1, 400))
def test_bands_and_envelopes_follow_the_closed_form(seed: int, count: int) -> None:
    samples = np.random.default_rng(seed).normal(0, 0.3, count).astype(np.float32)
    sounds = np.repeat(samples[:, None].astype(np.float64), 3, axis=1)
    bands = filtered(sounds, impulse_response(SMALL, count).real)
    np.testing.assert_allclose(Gammatone(SMALL).push(samples), bands, atol=1e-12)
    half_waves = smoothed(np.pi * np.maximum(bands, 0.0), 200.0, 8_000)
    np.testing.assert_allclose(Gammatone(SMALL, 200.0).push(samples), half_waves, atol=1e-12)
    quadrature = filtered(sounds, impulse_response(SMALL, count).imag)
    magnitudes = smoothed(np.hypot(bands, quadrature), 200.0, 8_000)
    np.testing.assert_allclose(Gammatone(SMALL, 200.0, "magnitude").push(samples), magnitudes, atol=1e-12)


def test_no_samples_give_no_frames() -> None:
    assert Gammatone(SMALL, 200.0).push(np.empty(0, np.float32)).shape == (0, 3)


@pytest.mark.compiled
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_the_magnitude_is_1_at_the_centre_and_the_closed_form_elsewhere(rate_hz: int) -> None:
    config = GammatoneConfig(rate_hz=rate_hz, n_bands=12)
    impulse = np.zeros(1 << 15, np.float32)
    impulse[0] = 1.0
    found = np.fft.rfft(Gammatone(config).push(impulse), axis=0)
    frequency_hz = np.fft.rfftfreq(impulse.size, 1 / rate_hz)
    for band, pole in enumerate(gammatone_poles(config)):
        np.testing.assert_allclose(found[:, band], response(pole, frequency_hz, rate_hz), atol=1e-9)
    centres = centres_hz(config)
    at_centre = [abs(response(p, c, rate_hz)) for p, c in zip(gammatone_poles(config), centres, strict=True)]
    # The mirror image at the negative frequency adds what is missing to exactly 1.
    np.testing.assert_allclose(at_centre, 1.0, atol=2e-3)
    for band, centre in enumerate(centres):
        power = np.abs(found[:, band]) ** 2
        bandwidth_hz = power.sum() * (frequency_hz[1] - frequency_hz[0]) / power.max()
        assert bandwidth_hz == pytest.approx(float(erb_hz(centre)), rel=0.02)


@pytest.mark.compiled
@pytest.mark.parametrize("off_hz", [-700.0, 0.0, 300.0])
@pytest.mark.parametrize("rectifier", ["half-wave", "magnitude"])
def test_a_steady_tone_gives_its_amplitude_times_the_magnitude(off_hz: float, rectifier: Any) -> None:
    # No low harmonic of the tone falls near a multiple of the sampling rate, where half-waves would beat.
    config = GammatoneConfig(n_bands=1, low_hz=2_718.3)
    tone = 0.25 * np.sin(2 * np.pi * (2_718.3 + off_hz) * np.arange(16_000) / 16_000)
    envelope = Gammatone(config, 30.0, rectifier).push(tone.astype(np.float32))[8_000:, 0]
    expected = 0.25 * abs(response(gammatone_poles(config)[0], 2_718.3 + off_hz, 16_000))
    np.testing.assert_allclose(envelope, expected, rtol=2e-3)


@pytest.mark.compiled
def test_the_magnitude_does_not_beat_where_half_waves_do() -> None:
    config = GammatoneConfig(n_bands=1, low_hz=4_000.3)
    tone = np.sin(2 * np.pi * 4_000.3 * np.arange(32_000) / 16_000).astype(np.float32)
    ranges = [np.ptp(Gammatone(config, 30.0, r).push(tone)[8_000:]) for r in ("magnitude", "half-wave")]
    assert ranges[0] < 1e-3
    assert ranges[1] > 0.2


def test_centres_are_evenly_spaced_in_bandwidths() -> None:
    centres = centres_hz(GammatoneConfig(n_bands=40))
    assert (centres[0], centres[-1]) == (pytest.approx(100.0), pytest.approx(6_000.0))
    # From one centre to the next the integral of 1 / bandwidth is the same.
    steps = [np.trapezoid(1 / erb_hz(f := np.linspace(a, b, 200)), f) for a, b in pairwise(centres)]
    np.testing.assert_allclose(steps, steps[0], rtol=1e-5)
    assert centres_hz(GammatoneConfig(n_bands=1, low_hz=440.0)).tolist() == [440.0]


@pytest.mark.compiled
def test_silence_never_leaves_numbers_that_slow_a_processor_down() -> None:
    bank = Gammatone(GammatoneConfig(), 30.0)
    bank.push(np.random.default_rng(0).normal(0, 1, 1_600).astype(np.float32))
    bank.push(np.zeros(30 * 16_000, np.float32))
    for state in (bank._state, bank._lowpass):
        assert (np.abs(state[state != 0.0]) > np.finfo(np.float64).tiny).all()
        assert np.abs(state).max() < 1e-29


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"n_bands": 0}, r"n_bands must lie in 1\.\.1024, not 0"),
        ({"n_bands": 2.5}, r"n_bands must be a whole number in 1\.\.1024, not 2.5"),
        ({"low_hz": 10.0}, r"low_hz must lie in 20\.\.100000 Hz, not 10.0"),
        ({"low_hz": float("nan")}, "low_hz must lie in"),
        ({"low_hz": "100"}, "low_hz must be a number"),
        ({"low_hz": 500.0, "high_hz": 400.0}, "low_hz 500 must be below high_hz 400"),
        ({"high_hz": 7_900.0}, "high_hz must not exceed 7200 Hz at a rate of 16000 Hz, not 7900.0"),
        ({"low_hz": 7_900.0, "n_bands": 1}, "low_hz must not exceed 7200 Hz"),
        ({"rate_hz": 0}, "rate_hz must be at least 1000 Hz, not 0"),
        ({"rate_hz": True}, "rate_hz must be at least 1000 Hz"),
    ],
)
def test_impossible_geometry_is_refused(values: dict, said: str) -> None:
    with pytest.raises(ParameterError, match=f"^encoder gammatone: .*{said}"):
        GammatoneConfig(**values)


def test_samples_are_checked() -> None:
    assert checked_samples([0.5, 1], 0).dtype == np.float32
    with pytest.raises(EventError, match="one-dimensional"):
        checked_samples(np.zeros((2, 2)), 0)
    with pytest.raises(EventError, match="sample 102 is not finite"):
        checked_samples([0.0, 0.0, np.inf], 100)
