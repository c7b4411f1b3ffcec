"""Send-on-delta events from a log-mel filterbank: a band speaks only when its energy has moved by a step."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eventsim.errors import ParameterError
from eventsim.events import Events
from streams.encoders.log_mel import LogMel, LogMelConfig


@dataclass(frozen=True, slots=True)
class MelDeltaConfig(LogMelConfig):
    """The filterbank's geometry and the quantum of change.

    step : change of a band's natural-log energy that is worth one event value.
    """

    step: float = 0.7

    def __post_init__(self) -> None:
        # Not super(): a slots dataclass is rebuilt, and the zero-argument form would name the old class.
        LogMelConfig.__post_init__(self)
        if not self.step > 0:
            raise ParameterError(f"step must be positive, not {self.step}")


@njit(cache=True, nogil=True)
def _send_on_delta(frames, reference, step, silent, steps):  # type: ignore[no-untyped-def]
    for k in range(frames.shape[0]):
        if silent > 0:
            silent -= 1
            for band in range(frames.shape[1]):
                reference[band] = frames[k, band]
                steps[k, band] = 0
            continue
        for band in range(frames.shape[1]):
            # Truncation toward zero: the reference follows in whole steps and never overshoots the signal.
            crossed = int((frames[k, band] - reference[band]) / step)
            steps[k, band] = crossed
            reference[band] += crossed * step
    return silent


def send_on_delta(frames: NDArray[np.float64], config: MelDeltaConfig) -> NDArray[np.int32]:
    """Return the signed steps, int32[k, n_bands], of the first log-mel frames, float64[k, n_bands]."""
    steps = np.empty(frames.shape, np.int32)
    silent = -(-config.window_samples // config.hop_samples)
    _send_on_delta(frames, np.zeros(frames.shape[1]), config.step, silent, steps)
    return steps


class MelDeltaEncoder:
    """Turns sound into events, causally, and the same events however the sound was cut into blocks.

    An event at the end of a frame says that a band moved by `value` whole steps since it last spoke: up at
    address `band`, down at address `n_bands + band`. The first full window sets the reference and says
    nothing, so the level of the sound itself is no event, only its changes are.

    Source: send-on-delta sampling, Miskowicz, Sensors 6 (2006), Sec. 2.
    """

    kind = "mel-delta"

    def __init__(self, config: MelDeltaConfig | None = None) -> None:
        self.config = config or MelDeltaConfig()
        self._log_mel = LogMel(self.config)
        self._reference = np.zeros(self.config.n_bands)
        self._silent = 0
        self._start_ns = 0
        self._frames_done = 0
        self.reset()

    @property
    def n_addresses(self) -> int:
        """Number of event addresses: two per band."""
        return 2 * self.config.n_bands

    @property
    def rate_hz(self) -> int:
        """Samples per second the encoder expects."""
        return self.config.rate_hz

    @property
    def tick_ns(self) -> int:
        """Distance in ns of the grid all events lie on, counted from the start."""
        return self.config.hop_ns

    @property
    def horizon_ns(self) -> int:
        """No later event will be earlier than this time (ns): a simulator may advance to it."""
        return self._start_ns + (self._frames_done + 1) * self.config.hop_ns

    def reset(self, start_ns: int = 0) -> None:
        """Forget all sound; the next sample is heard at `start_ns`."""
        self._log_mel.reset()
        # Frames whose window still holds the zeros before the first sample would only tell of the start.
        self._silent = -(-self.config.window_samples // self.config.hop_samples)
        self._start_ns = start_ns
        self._frames_done = 0

    def push(self, samples: NDArray[np.float32]) -> Events:
        """Return the events completed by `samples` (float32[n]), in order of time and address.

        Raises EventError when a sample is not finite; the encoder is then as before.
        """
        steps = self._quantise(self._log_mel.push(samples))
        if not steps.any():
            self._frames_done += steps.shape[0]
            return Events.empty()
        up_down = np.concatenate((np.maximum(steps, 0), np.maximum(-steps, 0)), axis=1)
        frame, address = np.nonzero(up_down)
        time_ns = self._start_ns + (self._frames_done + 1 + frame.astype(np.int64)) * self.config.hop_ns
        self._frames_done += steps.shape[0]
        return Events(time_ns, address.astype(np.int32), up_down[frame, address].astype(np.float32))

    def steps(self, samples: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the events as signed steps per frame, int32[frames, n_bands]; advances like `push`."""
        steps = self._quantise(self._log_mel.push(samples))
        self._frames_done += steps.shape[0]
        return steps

    def _quantise(self, frames: NDArray[np.float64]) -> NDArray[np.int32]:
        steps = np.empty(frames.shape, np.int32)
        self._silent = _send_on_delta(frames, self._reference, self.config.step, self._silent, steps)
        return steps

    def describe(self) -> dict[str, Any]:
        """Return kind and configuration as plain values, for a model bundle."""
        return {"kind": self.kind, **asdict(self.config)}
