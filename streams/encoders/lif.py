"""A leaky integrate-and-fire neuron per gammatone band: how silicon cochleas make spikes of sound."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.encoders.gammatone import Gammatone
from streams.encoders.gammatone_encoder import GammatoneEncoder, GammatoneEncoderConfig, time_within_ns
from streams.encoders.options import option

_MIN_REFRACTORY_MS = 0.05


@dataclass(frozen=True, slots=True)
class LifConfig(GammatoneEncoderConfig):
    """Filterbank, grid, and the neuron behind each band."""

    threshold_db: float = option(
        -50.0,
        -160.0,
        20.0,
        "dB",
        "level of the quietest steady tone that makes a spike, of a full-scale tone",
    )
    tau_ms: float = option(10.0, 0.1, 10_000.0, "ms", "time constant of the membrane")
    refractory_ms: float = option(2.0, _MIN_REFRACTORY_MS, 1_000.0, "ms", "rest after a spike")
    lowpass_hz: float = option(
        1_000.0, 1.0, 20_000.0, "Hz", "smoothing of the rectified band: each of two low-passes"
    )

    kind = "lif"

    @property
    def threshold(self) -> float:
        """Membrane value at which the neuron fires, in amplitudes of the sound."""
        return float(10.0 ** (self.threshold_db / 20.0))


class _Neuron(NamedTuple):
    threshold: float
    tau_s: float
    refractory_s: float
    sample_s: float
    decay: float


@njit(cache=True, nogil=True)
def _spikes(drives, first, rate_hz, neuron, membrane, resting, most, time, address):  # type: ignore[no-untyped-def]
    count = 0
    for n in range(drives.shape[0]):
        if count + most > time.shape[0]:
            return n, count
        for band in range(drives.shape[1]):
            drive, v, rest = drives[n, band], membrane[band], resting[band]
            left = neuron.sample_s
            while True:
                if rest >= left:
                    rest -= left
                    break
                left -= rest
                decay = neuron.decay if left == neuron.sample_s else math.exp(-left / neuron.tau_s)
                rest = 0.0
                end = drive + (v - drive) * decay
                if end <= neuron.threshold:
                    v = end
                    break
                # A constant drive gives v(t) = drive + (v - drive) exp(-t / tau), here solved for t.
                wait = neuron.tau_s * math.log((drive - v) / (drive - neuron.threshold))
                left = max(left - wait, 0.0)
                part = 1.0 - left / neuron.sample_s
                time[count], address[count] = time_within_ns(first + n, part, rate_hz), band
                count += 1
                v, rest = 0.0, neuron.refractory_s
            membrane[band], resting[band] = v, rest
    return drives.shape[0], count


class LifEncoder(GammatoneEncoder):
    """Fires at address `band` when the sound has charged that band's neuron.

    The band is rectified (half-wave) and smoothed, as in hair cells, and drives the membrane:
    tau dv/dt = drive - v, a spike where v passes the threshold, then v = 0 and rest. The drive is taken as
    constant within a sample, and the time of the spike is then exact. A steady tone of amplitude A at a
    band's centre, smoothed enough, fires 1 / (refractory + tau ln(A / (A - threshold))) times a second.

    Source: Chan, Liu and van Schaik, "AER EAR", IEEE Trans. Circuits and Systems I 54 (2007); Yang, Chien,
    Delbruck and Liu, IEEE J. Solid-State Circuits 51 (2016); rate: Gerstner et al., Neuronal Dynamics (2014),
    Sec. 1.3; rectifier and low-pass at 1 kHz: Dau, Puschel and Kohlrausch, J. Acoust. Soc. Am. 99 (1996).

    >>> encoder = LifEncoder(LifConfig(n_bands=4))
    >>> encoder.n_addresses, len(encoder.push(np.zeros(160, np.float32))), encoder.horizon_ns
    (4, 0, 10001000)
    """

    kind = LifConfig.kind

    def __init__(self, config: LifConfig | None = None) -> None:
        self.config = config or LifConfig()
        sample_s, tau_s = 1.0 / self.config.rate_hz, self.config.tau_ms / 1e3
        refractory_s = self.config.refractory_ms / 1e3
        self._neuron = _Neuron(
            self.config.threshold, tau_s, refractory_s, sample_s, math.exp(-sample_s / tau_s)
        )
        most_per_band = 2 + int(sample_s / refractory_s)
        bank = Gammatone(self.config, self.config.lowpass_hz, "half-wave")
        super().__init__(self.config, bank, self.config.n_bands * most_per_band)

    @property
    def n_addresses(self) -> int:
        """Number of event addresses: one per band."""
        return self.config.n_bands

    def _reset_bands(self) -> None:
        self._membrane = np.zeros(self.config.n_bands)
        self._resting = np.zeros(self.config.n_bands)

    def _events_of(self, envelopes: NDArray[np.float64]) -> tuple[int, int]:
        done, count = _spikes(
            envelopes,
            self._seen,
            self.rate_hz,
            self._neuron,
            self._membrane,
            self._resting,
            self._most_per_sample,
            self._time,
            self._address,
        )
        return int(done), int(count)
