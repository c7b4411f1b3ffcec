"""A gammatone filterbank at audio rate: what each place of the cochlea hears, and its envelope."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eventsim.errors import ParameterError
from streams.encoders.options import check_options, option

# Source: Glasberg and Moore, Hearing Research 47 (1990); Hohmann, Acta Acustica 88 (2002), Sec. 2.2.
ERB_AT_0_HZ = 24.7
ERB_QUALITY = 9.265
ORDER = 4
# Bandwidth of a gammatone filter of order 4 for an equivalent rectangular bandwidth of 1 Hz.
# Source: Hohmann (2002), Eq. 14: (order - 1)!^2 / (pi (2 order - 2)! 2^-(2 order - 2)).
_DECAY_PER_ERB = math.factorial(ORDER - 1) ** 2 / (
    math.pi * math.factorial(2 * ORDER - 2) * 2.0 ** -(2 * ORDER - 2)
)
# Far below any sound: keeps the states out of the range of numbers that processors are slow with.
_FAINT = 1e-30


@dataclass(frozen=True, slots=True)
class GammatoneConfig:
    """Geometry of the filterbank.

    rate_hz : samples per second of the sound.
    The other fields say themselves what they are: see `options_of`.
    """

    rate_hz: int = 16_000
    n_bands: int = option(32, 1, 1_024, "", "bands, evenly spaced in equivalent rectangular bandwidths")
    low_hz: float = option(100.0, 20.0, 100_000.0, "Hz", "centre of the lowest band")
    high_hz: float = option(6_000.0, 20.0, 100_000.0, "Hz", "centre of the highest band")

    kind = "gammatone"

    def __post_init__(self) -> None:
        # By name: a slots dataclass is rebuilt, and the zero-argument super() would name the old class.
        GammatoneConfig.check(self)

    def check(self) -> None:
        """Raise ParameterError, naming option and range, where a value is not allowed."""
        if isinstance(self.rate_hz, bool) or not isinstance(self.rate_hz, int) or self.rate_hz < 1_000:
            raise ParameterError(
                f"encoder {self.kind}: rate_hz must be at least 1000 Hz, not {self.rate_hz!r}"
            )
        check_options(self, self.kind)
        if self.n_bands > 1 and not self.low_hz < self.high_hz:
            raise ParameterError(
                f"encoder {self.kind}: low_hz {self.low_hz:g} must be below high_hz {self.high_hz:g}"
            )
        highest, top_hz = ("low_hz", "high_hz")[self.n_bands > 1], 0.45 * self.rate_hz
        if getattr(self, highest) > top_hz:
            raise ParameterError(
                f"encoder {self.kind}: {highest} must not exceed {top_hz:g} Hz at a rate of "
                f"{self.rate_hz} Hz, not {getattr(self, highest)}"
            )


def erb_hz(frequency_hz: NDArray[np.float64] | float) -> NDArray[np.float64] | float:
    """Return the equivalent rectangular bandwidth, Hz, of the ear at a frequency.

    Source: Glasberg and Moore (1990); Hohmann (2002), Eq. 13.
    """
    return ERB_AT_0_HZ + frequency_hz / ERB_QUALITY


def centres_hz(config: GammatoneConfig) -> NDArray[np.float64]:
    """Return the centre of each band, float64[n_bands], Hz: even steps in equivalent rectangular bandwidths.

    Source: Hohmann (2002), Eq. 16.

    >>> centres_hz(GammatoneConfig(n_bands=3, low_hz=100.0, high_hz=1000.0)).round(1)
    array([ 100. ,  406.8, 1000. ])
    """
    if config.n_bands == 1:
        return np.array([config.low_hz])
    scale = ERB_AT_0_HZ * ERB_QUALITY
    low, high = (ERB_QUALITY * math.log1p(f / scale) for f in (config.low_hz, config.high_hz))
    centres: NDArray[np.float64] = np.expm1(np.linspace(low, high, config.n_bands) / ERB_QUALITY) * scale
    return centres


class _Bank(NamedTuple):
    """Per band: the complex pole, and the gain of the input."""

    pole_real: NDArray[np.float64]
    pole_imaginary: NDArray[np.float64]
    gain: NDArray[np.float64]


def gammatone_poles(config: GammatoneConfig) -> NDArray[np.complex128]:
    """Return the fourfold pole of each band, complex128[n_bands].

    Source: Hohmann (2002), Eq. 10.
    """
    centre = centres_hz(config)
    decay_hz = _DECAY_PER_ERB * np.asarray(erb_hz(centre))
    poles: NDArray[np.complex128] = np.exp(2 * np.pi * (-decay_hz + 1j * centre) / config.rate_hz)
    return poles


_BAND, _HALF_WAVE, _MAGNITUDE = range(3)
_RECTIFIERS = {"half-wave": _HALF_WAVE, "magnitude": _MAGNITUDE}


@njit(cache=True, nogil=True)
def _filter(samples, bank, state, rectifier, out):  # type: ignore[no-untyped-def]
    # Four equal complex poles in a row; the real part of the last is the band. Bands innermost: their states
    # lie side by side, and the compiler works on several at a time without changing a bit.
    for n in range(samples.shape[0]):
        sample = samples[n] + _FAINT
        for band in range(out.shape[1]):
            real, imaginary = bank.gain[band] * sample, 0.0
            a, b = bank.pole_real[band], bank.pole_imaginary[band]
            for stage in range(4):
                x, y = state[stage, 0, band], state[stage, 1, band]
                real += a * x - b * y
                imaginary += a * y + b * x
                state[stage, 0, band] = real
                state[stage, 1, band] = imaginary
            if rectifier == _MAGNITUDE:
                out[n, band] = math.sqrt(real * real + imaginary * imaginary)
            elif rectifier == _HALF_WAVE:
                # The mean of half a wave is its amplitude divided by pi.
                out[n, band] = math.pi * max(real, 0.0)
            else:
                out[n, band] = real


@njit(cache=True, nogil=True)
def _smooth(smoothing, state, out):  # type: ignore[no-untyped-def]
    for n in range(out.shape[0]):
        for band in range(out.shape[1]):
            first = state[0, band] + smoothing * (out[n, band] + _FAINT - state[0, band])
            second = state[1, band] + smoothing * (first - state[1, band])
            state[0, band] = first
            state[1, band] = second
            out[n, band] = second


class Gammatone:
    """Turns sound into the signals of the bands, sample by sample, with the state kept between calls.

    Each band is an all-pole gammatone filter of order 4: gain 1 and phase 0 at its centre. With `lowpass_hz`
    the band is rectified, and smoothed by two equal low-passes of first order in a row; a steady tone at the
    centre then gives its amplitude.

    rectifier : "half-wave", as a hair cell; or "magnitude", of the band and its quadrature (the Hilbert
    envelope), without the ripple at the tone's frequency and the beat between half-waves and samples.

    Source: Hohmann, Acta Acustica united with Acustica 88 (2002), Sec. 2; the filter's place in hearing:
    Patterson et al. (1987), Slaney, Apple Computer Technical Report 35 (1993).
    """

    def __init__(
        self,
        config: GammatoneConfig,
        lowpass_hz: float | None = None,
        rectifier: Literal["half-wave", "magnitude"] = "half-wave",
    ) -> None:
        self.config = config
        poles = gammatone_poles(config)
        # A real tone is half of the complex one that the pole answers to, hence the factor 2.
        # Source: Hohmann (2002), Eq. 11.
        gain = 2.0 * (1.0 - np.abs(poles)) ** ORDER
        self._bank = _Bank(poles.real.copy(), poles.imag.copy(), gain)
        self._rectifier = _BAND if lowpass_hz is None else _RECTIFIERS[rectifier]
        self._smoothing = -math.expm1(-2 * math.pi * (lowpass_hz or 0.0) / config.rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget all sound heard so far."""
        self._state = np.zeros((ORDER, 2, self.config.n_bands))
        self._lowpass = np.zeros((2, self.config.n_bands))

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return bands or envelopes, float64[n, n_bands], of finite `samples`, float32[n]."""
        out = np.empty((samples.size, self.config.n_bands))
        _filter(samples, self._bank, self._state, self._rectifier, out)
        if self._rectifier != _BAND:
            _smooth(self._smoothing, self._lowpass, out)
        return out
