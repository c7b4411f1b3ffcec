"""Variations of a spoken clip for training: speed, shift, gain and noise, each drawn from one generator."""

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AugmentationConfig:
    """Ranges the variations are drawn from.

    shift_samples : largest move to either side; speed : largest relative change of tempo and pitch together.
    gain_db : largest change of level; noise_probability : share of clips that get noise;
    noise_snr_db : range of signal to noise ratio.
    """

    shift_samples: int = 1_600
    speed: float = 0.12
    gain_db: float = 10.0
    noise_probability: float = 0.6
    noise_snr_db: tuple[float, float] = (3.0, 30.0)


class Augmenter:
    """Draws variations of clips; the same seed and the same calls give the same samples.

    noises : long recordings, float32[n] each, that crops of noise are taken from.
    """

    def __init__(
        self, noises: list[Sound], rng: np.random.Generator, config: AugmentationConfig | None = None
    ) -> None:
        self.config = config or AugmentationConfig()
        self._noises = noises
        self._rng = rng

    def vary(self, clip: Sound) -> Sound:
        """Return one variation of `clip`, float32[n], of the same length."""
        config, rng = self.config, self._rng
        factor = 1.0 + rng.uniform(-config.speed, config.speed)
        sound = soxr.resample(clip, 16_000.0 * factor, 16_000.0, quality="QQ").astype(np.float32)
        sound = _placed(sound, clip.size, int(rng.integers(-config.shift_samples, config.shift_samples + 1)))
        sound = sound * np.float32(10.0 ** (rng.uniform(-config.gain_db, config.gain_db) / 20.0))
        if rng.random() < config.noise_probability:
            sound = self._with_noise(sound)
        clipped: Sound = np.clip(sound, -1.0, 1.0)
        return clipped

    def noise(self, count: int) -> Sound:
        """Return `count` samples of noise: a crop of a recording, or white, pink or brown noise made here."""
        rng = self._rng
        if self._noises and rng.random() < 0.7:
            source = self._noises[int(rng.integers(len(self._noises)))]
            start = int(rng.integers(max(1, source.size - count)))
            crop: Sound = np.resize(source[start : start + count], count)
            return crop
        return _coloured(rng, count, float(rng.uniform(0.0, 2.0)))

    def background(self, clip: Sound) -> Sound:
        """Return what is heard beside the word: the quietest fifth of `clip`, repeated to its length."""
        size = clip.size // 5
        energy = _running_sum(clip.astype(np.float64) ** 2, size)
        # Zeros that a shorter recording was filled up with are no background.
        heard = _running_sum((clip != 0.0).astype(np.float64), size) > 0.9 * size
        if not heard.any():
            return self.noise(clip.size) * np.float32(1e-3)
        start = int(np.argmin(np.where(heard, energy, np.inf)))
        piece = clip[start : start + size]
        # Forwards and backwards by turns: the ends that meet are alike, so there is no click.
        both = np.concatenate((piece, piece[::-1]))
        repeated: Sound = np.resize(np.roll(both, int(self._rng.integers(both.size))), clip.size)
        gain_db = self._rng.uniform(-self.config.gain_db, self.config.gain_db)
        return repeated * np.float32(10.0 ** (gain_db / 20.0))

    def _with_noise(self, sound: Sound) -> Sound:
        noise = self.noise(sound.size)
        power, noise_power = float((sound**2).mean()), float((noise**2).mean())
        if power == 0.0 or noise_power == 0.0:
            return sound
        snr_db = self._rng.uniform(*self.config.noise_snr_db)
        return sound + noise * np.float32(np.sqrt(power / noise_power * 10.0 ** (-snr_db / 10.0)))


def _placed(sound: Sound, size: int, shift: int) -> Sound:
    """Return `sound` centred in `size` samples, then moved by `shift`; what is missing is zero."""
    start = (size - sound.size) // 2 + shift
    out = np.zeros(size, np.float32)
    first, last = max(0, start), min(size, start + sound.size)
    if last > first:
        out[first:last] = sound[first - start : last - start]
    return out


def _running_sum(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    total = np.concatenate(([0.0], np.cumsum(values)))
    return total[size:] - total[:-size]


def _coloured(rng: np.random.Generator, count: int, exponent: float) -> Sound:
    """Return noise whose power falls as 1 / f**exponent (0 white, 1 pink, 2 brown), peak 0.3."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.maximum(np.arange(spectrum.size), 1.0)
    sound = np.fft.irfft(spectrum * frequency ** (-exponent / 2.0), count)
    scaled: Sound = (0.3 * sound / np.abs(sound).max()).astype(np.float32)
    return scaled
