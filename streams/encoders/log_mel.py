"""Streaming log-mel energies: one frame of band energies per hop, the same however the sound was cut."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eventsim.errors import ParameterError
from streams.encoders.checked_samples import checked_samples

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LogMelConfig:
    """Geometry of the filterbank.

    rate_hz : samples per second of the sound.
    n_bands : number of triangular bands, spaced evenly on the mel scale.
    low_hz, high_hz : outer edges of the lowest and the highest band.
    window_samples, hop_samples, fft_samples : length of the Hann window, step between frames, transform size.
    floor : energy added before the logarithm; below it a band is silent and gives no events.
    """

    rate_hz: int = 16_000
    n_bands: int = 40
    low_hz: float = 60.0
    high_hz: float = 7_600.0
    window_samples: int = 480
    hop_samples: int = 160
    fft_samples: int = 512
    floor: float = 1e-5

    def __post_init__(self) -> None:
        if self.rate_hz <= 0 or self.n_bands <= 0 or self.hop_samples <= 0:
            raise ParameterError("rate_hz, n_bands and hop_samples must be positive")
        if not 0 <= self.low_hz < self.high_hz <= self.rate_hz / 2:
            raise ParameterError(
                f"band edges {self.low_hz}..{self.high_hz} Hz must lie in 0..{self.rate_hz / 2} Hz, low first"
            )
        if not self.hop_samples <= self.window_samples <= self.fft_samples:
            raise ParameterError("hop_samples <= window_samples <= fft_samples does not hold")
        if self.floor <= 0:
            raise ParameterError(f"floor must be positive, not {self.floor}")
        if (self.hop_samples * NS_PER_S) % self.rate_hz:
            raise ParameterError("hop_samples / rate_hz must be a whole number of nanoseconds")

    @property
    def hop_ns(self) -> int:
        """Time between frames in ns."""
        return self.hop_samples * NS_PER_S // self.rate_hz


class _Filters(NamedTuple):
    """Triangular filters: band b weighs the bins from first[b] on by weight[start[b]:start[b + 1]]."""

    first: NDArray[np.int64]
    start: NDArray[np.int64]
    weight: NDArray[np.float64]


def _hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    # Source: O'Shaughnessy, Speech Communication (1987), p. 150.
    return 2595.0 * np.log10(1.0 + hz / 700.0)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


def mel_weights(config: LogMelConfig) -> NDArray[np.float64]:
    """Return the triangular filters as a dense matrix, float64[n_bands, fft_samples // 2 + 1], peak 1."""
    low, high = _hz_to_mel(np.array([config.low_hz, config.high_hz]))
    edges_hz = _mel_to_hz(np.linspace(low, high, config.n_bands + 2))
    bins_hz = np.arange(config.fft_samples // 2 + 1) * (config.rate_hz / config.fft_samples)
    rising = (bins_hz - edges_hz[:-2, None]) / (edges_hz[1:-1] - edges_hz[:-2])[:, None]
    falling = (edges_hz[2:, None] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])[:, None]
    weights: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    if not weights.any(axis=1).all():
        empty = int(np.flatnonzero(~weights.any(axis=1))[0])
        raise ParameterError(
            f"band {empty} of {config.n_bands} holds no spectrum bin: fewer bands or a larger fft_samples"
        )
    return weights


def _filters(config: LogMelConfig) -> _Filters:
    first, start, weight = [], [0], []
    for row in mel_weights(config):
        bins = np.flatnonzero(row)
        first.append(int(bins[0]))
        weight.append(row[bins[0] : bins[-1] + 1])
        start.append(start[-1] + weight[-1].size)
    return _Filters(np.array(first), np.array(start), np.concatenate(weight))


@njit(cache=True, nogil=True)
def _log_energies(spectrum, filters, scale, floor, out):  # type: ignore[no-untyped-def]
    # A fixed order of summation, unlike a matrix product whose order depends on the number of frames:
    # this is what makes a frame the same bits whatever block it arrived in.
    for frame in range(spectrum.shape[0]):
        for band in range(out.shape[1]):
            energy = 0.0
            bin_ = filters.first[band]
            for k in range(filters.start[band], filters.start[band + 1]):
                value = spectrum[frame, bin_]
                energy += filters.weight[k] * (value.real * value.real + value.imag * value.imag)
                bin_ += 1
            out[frame, band] = np.log(energy * scale + floor)


class LogMel:
    """Turns sound into log-mel frames; a frame leaves as soon as its last sample is in.

    Frame k covers the `window_samples` that end with sample (k + 1) * hop_samples; before the first sample
    the sound is taken as zero.
    """

    def __init__(self, config: LogMelConfig | None = None) -> None:
        self.config = config or LogMelConfig()
        window = np.hanning(self.config.window_samples)
        self._window = window
        # Energies are per windowed sample, so the floor keeps its meaning when the window changes.
        self._scale = 1.0 / float((window**2).sum())
        self._filters = _filters(self.config)
        self._pending: NDArray[np.float32]
        self._seen = 0
        self.reset()

    def reset(self) -> None:
        """Forget all sound heard so far."""
        self._pending = np.zeros(self.config.window_samples - self.config.hop_samples, np.float32)
        self._seen = 0

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the frames completed by `samples` (float32[n], -1..1) as float64[k, n_bands], natural log.

        Raises EventError when a sample is not finite or the array is not one-dimensional; the state is then
        as before.
        """
        samples = checked_samples(samples, self._seen)
        self._seen += samples.size
        sound = np.concatenate((self._pending, samples))
        window, hop = self.config.window_samples, self.config.hop_samples
        count = max(0, (sound.size - window) // hop + 1)
        self._pending = sound[count * hop :]
        out = np.empty((count, self.config.n_bands))
        if count:
            # A plain strided view: numpy's own view of windows takes longer than the transform.
            frames = np.ndarray(
                (count, window), sound.dtype, sound, 0, (hop * sound.itemsize, sound.itemsize)
            )
            spectrum = np.fft.rfft(frames * self._window, self.config.fft_samples)
            _log_energies(spectrum, self._filters, self._scale, self.config.floor, out)
        return out
