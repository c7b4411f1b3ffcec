"""Send-on-delta of gammatone envelopes: a band speaks the moment its level has moved by a step."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.encoders.gammatone import Gammatone
from streams.encoders.gammatone_encoder import GammatoneEncoder, GammatoneEncoderConfig, time_within_ns
from streams.encoders.options import option

# Beyond this level, dB of full scale, a louder sound says nothing more.
TOP_DB = 20.0


@dataclass(frozen=True, slots=True)
class LevelCrossingConfig(GammatoneEncoderConfig):
    """Filterbank, grid, and the levels a band can cross."""

    step_db: float = option(3.0, 0.1, 40.0, "dB", "distance of the levels")
    floor_db: float = option(-70.0, -160.0, 0.0, "dB", "lowest level, of a full-scale tone")
    envelope_hz: float = option(30.0, 1.0, 1_000.0, "Hz", "smoothing of the envelope: each of two low-passes")

    kind = "level-crossing"

    @property
    def levels(self) -> NDArray[np.float64]:
        """Amplitude of each level, float64[k], the lowest first: even steps in dB."""
        n_levels = 2 + int((TOP_DB - self.floor_db) / self.step_db)
        levels_db = self.floor_db + self.step_db * np.arange(n_levels)
        return np.asarray(10.0 ** (levels_db / 20.0), np.float64)


@njit(cache=True, nogil=True)
def _crossings(envelopes, first, rate_hz, levels, state, before, most, time, address):  # type: ignore[no-untyped-def]
    bands, top = envelopes.shape[1], levels.shape[0] - 1
    count = 0
    for n in range(envelopes.shape[0]):
        if count + most > time.shape[0]:
            return n, count
        for band in range(bands):
            here, level = envelopes[n, band], state[band]
            if (level == top or here < levels[level + 1]) and (level == 0 or here > levels[level - 1]):
                before[band] = here
                continue
            change = here - before[band]
            while level < top and here >= levels[level + 1]:
                level += 1
                part = (levels[level] - before[band]) / change
                time[count], address[count] = time_within_ns(first + n, part, rate_hz), band
                count += 1
            while level > 0 and here <= levels[level - 1]:
                level -= 1
                part = (levels[level] - before[band]) / change
                time[count], address[count] = time_within_ns(first + n, part, rate_hz), bands + band
                count += 1
            state[band], before[band] = level, here
    return envelopes.shape[0], count


class LevelCrossingEncoder(GammatoneEncoder):
    """Says when the envelope of a band crosses a level: up at address `band`, down at `n_bands + band`.

    The levels are `step_db` apart, from `floor_db` upwards. A band that has spoken at one level speaks again
    when it reaches the next above or below, so a ripple smaller than a step says nothing, and the sum of ups
    minus downs is the level the band is at. Between two samples the time is interpolated linearly.

    Source: send-on-delta sampling, Miskowicz, Sensors 6 (2006), Sec. 2; level-crossing sampling of sound,
    Kurchuk and Tsividis, IEEE Trans. Circuits and Systems I 57 (2010).

    >>> encoder = LevelCrossingEncoder(LevelCrossingConfig(n_bands=4))
    >>> encoder.n_addresses, len(encoder.push(np.zeros(160, np.float32))), encoder.horizon_ns
    (8, 0, 10001000)
    """

    kind = LevelCrossingConfig.kind

    def __init__(self, config: LevelCrossingConfig | None = None) -> None:
        self.config = config or LevelCrossingConfig()
        self._levels = self.config.levels
        bank = Gammatone(self.config, self.config.envelope_hz, "magnitude")
        super().__init__(self.config, bank, self.config.n_bands * self._levels.size)

    @property
    def n_addresses(self) -> int:
        """Number of event addresses: two per band."""
        return 2 * self.config.n_bands

    def _reset_bands(self) -> None:
        self._state = np.zeros(self.config.n_bands, np.int64)
        self._before = np.zeros(self.config.n_bands)

    def _events_of(self, envelopes: NDArray[np.float64]) -> tuple[int, int]:
        done, count = _crossings(
            envelopes,
            self._seen,
            self.rate_hz,
            self._levels,
            self._state,
            self._before,
            self._most_per_sample,
            self._time,
            self._address,
        )
        return int(done), int(count)
