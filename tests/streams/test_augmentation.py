"""Variations keep the length, follow the seed, and reach the noise level they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.augmentation import AugmentationConfig, Augmenter

STILL = {"shift_samples": 0, "speed": 0.0, "gain_db": 0.0}


def tone() -> np.ndarray:
    samples = np.zeros(16_000, np.float32)
    samples[5000:9000] = 0.1 * np.sin(np.arange(4000) * 0.3)
    return samples


@given(st.integers(0, 1000))
def test_variations_keep_length_and_follow_the_seed(seed: int) -> None:
    noises = [np.random.default_rng(1).standard_normal(30_000).astype(np.float32)]
    first, again, other = (
        Augmenter(noises, np.random.default_rng(s)).vary(tone()) for s in (seed, seed, seed + 1)
    )
    assert first.shape == (16_000,)
    assert first.dtype == np.float32
    assert np.abs(first).max() <= 1.0
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_any_range_the_clip_comes_back() -> None:
    config = AugmentationConfig(**STILL, noise_probability=0.0)
    varied = Augmenter([], np.random.default_rng(0), config).vary(tone())
    np.testing.assert_allclose(varied, tone(), atol=1e-4)


@given(snr_db=st.floats(-5, 40), seed=st.integers(0, 100))
def test_noise_has_the_ratio_asked_for(snr_db: float, seed: int) -> None:
    config = AugmentationConfig(**STILL, noise_probability=1.0, noise_snr_db=(snr_db, snr_db))
    clean = tone()
    added = Augmenter([], np.random.default_rng(seed), config).vary(clean) - clean
    found = 10 * np.log10(np.mean(clean**2) / np.mean(added**2))
    assert found == pytest.approx(snr_db, abs=0.5)


@given(st.integers(-1600, 1600))
def test_a_shift_moves_and_never_wraps(shift: int) -> None:
    class Fixed(np.random.Generator):
        def integers(self, *_: object, **__: object) -> int:  # type: ignore[override]
            return shift

    config = AugmentationConfig(speed=0.0, gain_db=0.0, noise_probability=0.0)
    varied = Augmenter([], Fixed(np.random.PCG64(0)), config).vary(tone())
    loud = np.flatnonzero(np.abs(varied) > 0.02)
    assert abs(loud[0] - (5000 + shift)) <= 12
    assert abs(loud[-1] - (8999 + shift)) <= 12


def test_background_is_taken_from_beside_the_word() -> None:
    rng = np.random.default_rng(0)
    clip = tone() + (0.001 * rng.standard_normal(16_000)).astype(np.float32)
    config = AugmentationConfig(gain_db=0.0)
    background = Augmenter([], rng, config).background(clip)
    assert background.shape == (16_000,)
    assert float(np.sqrt(np.mean(background**2))) == pytest.approx(0.001, rel=0.1)


def test_background_of_a_filled_up_recording_is_hardly_its_zeros() -> None:
    clip = np.zeros(16_000, np.float32)
    clip[:8000] = 0.01
    background = Augmenter([], np.random.default_rng(0), AugmentationConfig(gain_db=0.0)).background(clip)
    assert np.mean(background == np.float32(0.01)) > 0.85
