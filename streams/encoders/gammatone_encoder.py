"""What encoders behind a gammatone filterbank share: samples counted, times put on the grid, order kept."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eventsim.events import Events
from streams.encoders.checked_samples import checked_samples
from streams.encoders.gammatone import Gammatone, GammatoneConfig
from streams.encoders.options import option

NS_PER_S = 1_000_000_000
# Sound is worked through in pieces, so that a long block takes no more memory than this many samples.
_PIECE_SAMPLES = 2_048
_MIN_ROOM = 16_384


@dataclass(frozen=True, slots=True)
class GammatoneEncoderConfig(GammatoneConfig):
    """The filterbank's geometry, and the grid of the events."""

    tick_ns: int = option(
        1_000, 1, NS_PER_S, "ns", "grid of the times; a time between two points moves up to the next"
    )


@njit(cache=True, nogil=True)
def end_of_sample_ns(count, rate_hz):  # type: ignore[no-untyped-def]
    """Return when `count` samples are in, ns after the start, rounded down; no product grows beyond int64."""
    return count // rate_hz * NS_PER_S + count % rate_hz * NS_PER_S // rate_hz


@njit(cache=True, nogil=True)
def time_within_ns(count, part, rate_hz):  # type: ignore[no-untyped-def]
    """Return the time of a `part` (0..1) of the way from sample `count` - 1 to the next, ns, rounded up.

    It lies after the end of the sample before and not after the end of its own.
    """
    before, after = end_of_sample_ns(count, rate_hz), end_of_sample_ns(count + 1, rate_hz)
    return min(max(before + int(np.ceil(part * (after - before))), before + 1), after)


class GammatoneEncoder(ABC):
    """Turns the envelopes of a gammatone filterbank into events; how is up to the class below.

    bank : the filterbank, with rectifier and low-pass; most_per_sample : most events in one sample.
    """

    kind: str

    def __init__(self, config: GammatoneEncoderConfig, bank: Gammatone, most_per_sample: int) -> None:
        self._geometry = config
        self._bank = bank
        room = max(_MIN_ROOM, 2 * most_per_sample)
        self._most_per_sample = most_per_sample
        self._time, self._address = np.empty(room, np.int64), np.empty(room, np.int32)
        self.reset()

    @property
    def rate_hz(self) -> int:
        """Samples per second expected."""
        return self._geometry.rate_hz

    @property
    @abstractmethod
    def n_addresses(self) -> int:
        """Number of event addresses."""

    @property
    def tick_ns(self) -> int:
        """Distance in ns of the grid all events lie on, counted from the start."""
        return self._geometry.tick_ns

    @property
    def horizon_ns(self) -> int:
        """No later event will be earlier than this time (ns): a simulator may advance to it."""
        return self._start_ns + self._last_tick_ns() + self.tick_ns

    def reset(self, start_ns: int = 0) -> None:
        """Forget all sound; the next sample is heard at `start_ns`."""
        self._bank.reset()
        self._start_ns = start_ns
        self._seen = 0
        self._held = Events.empty()
        self._reset_bands()

    def push(self, samples: NDArray[np.float32]) -> Events:
        """Return the events completed by `samples` (float32[n], -1..1), in order of time and address.

        Raises EventError when a sample is not finite; the encoder is then as before.
        """
        samples = checked_samples(samples, self._seen)
        times, addresses = [], []
        for start in range(0, samples.size, _PIECE_SAMPLES):
            envelopes = self._bank.push(samples[start : start + _PIECE_SAMPLES])
            done = 0
            while done < len(envelopes):
                # Stops early where the room for events runs out.
                more, count = self._events_of(envelopes[done:])
                done += more
                self._seen += more
                times.append(self._time[:count].copy())
                addresses.append(self._address[:count].copy())
        return self._on_grid(times, addresses)

    def describe(self) -> dict[str, Any]:
        """Return kind and configuration as plain values, for a model bundle or a report."""
        return {"kind": self.kind, **asdict(self._geometry)}

    @abstractmethod
    def _reset_bands(self) -> None:
        """Bring what each band remembers to its start."""

    @abstractmethod
    def _events_of(self, envelopes: NDArray[np.float64]) -> tuple[int, int]:
        """Write the events of the first samples to the room; return how many samples, and how many events."""

    def _last_tick_ns(self) -> int:
        return end_of_sample_ns(self._seen, self.rate_hz) // self.tick_ns * self.tick_ns  # type: ignore[no-any-return]

    def _on_grid(self, times: list[NDArray[np.int64]], addresses: list[NDArray[np.int32]]) -> Events:
        """Return the events up to the last point of the grid that the sound has reached; keep the others.

        Only then is it certain that no other event belongs before them, whatever the cut.
        """
        if not times and not len(self._held):
            return Events.empty()
        time_ns = np.concatenate([np.empty(0, np.int64), *times])
        address = np.concatenate([np.empty(0, np.int32), *addresses])
        on_grid_ns = self._start_ns - (-time_ns // self.tick_ns) * self.tick_ns
        new = Events(on_grid_ns, address, np.ones(address.size, np.float32))
        events = Events.concatenate((self._held, new))
        events = events.select(np.lexsort((events.address, events.time_ns)))
        certain = int(np.searchsorted(events.time_ns, self._start_ns + self._last_tick_ns(), "right"))
        self._held = events.select(slice(certain, None))
        return events.select(slice(0, certain))
