"""Sources inside the engine: Poisson processes and arrays of spikes, independent of how a run is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eventsim.errors import NetworkError
from eventsim.events import MAX_TIME_NS, Events

_MOST_EVENTS_PER_TICK = 1e6


@dataclass(frozen=True, eq=False)
class PoissonSource:
    """Independent Poisson processes, one per address, put on the grid by dropping what is below a tick.

    The numbers depend on the seed and on which Poisson source of the network it is, first, second and so on;
    never on how a run is cut. Two events of one address may fall into one tick.

    Parameters
    ----------
    size : number of addresses
    rate_hz : events per second of each address: one number or float64[size]
    seed : whole number, not negative
    start_ns, stop_ns : no event before the first nor from the second on; None: it never stops

    Raises
    ------
    NetworkError
        if a rate is negative or not finite, there are not `size` of them, the seed is negative, or it stops
        before it starts.
    """

    size: int
    rate_hz: float | npt.NDArray[np.float64]
    seed: int = 0
    start_ns: int = 0
    stop_ns: int | None = None

    def __post_init__(self) -> None:
        try:
            rates = np.array(self.rate_hz, dtype=np.float64)
        except (TypeError, ValueError):
            raise NetworkError("rate_hz must be a number or an array of them") from None
        if rates.ndim > 1 or (rates.ndim == 1 and rates.shape[0] != self.size):
            raise NetworkError(f"rate_hz must be one number or {self.size} of them, got shape {rates.shape}")
        if not np.isfinite(rates).all() or bool((rates < 0).any()):
            raise NetworkError("rate_hz must be finite and not negative")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int | np.integer) or self.seed < 0:
            raise NetworkError(f"seed must be a whole number, not negative, got {self.seed!r}")
        for name in ("start_ns", "stop_ns"):
            value: Any = getattr(self, name)
            if value is None and name == "stop_ns":
                continue
            if (
                isinstance(value, bool)
                or not isinstance(value, int | np.integer)
                or not -MAX_TIME_NS < int(value) < MAX_TIME_NS
            ):
                raise NetworkError(f"{name} must be whole ns within +-2^62, got {value!r}")
        if self.stop_ns is not None and self.stop_ns < self.start_ns:
            raise NetworkError(f"stop_ns {self.stop_ns} lies before start_ns {self.start_ns}")
        rates.flags.writeable = False
        object.__setattr__(self, "rate_hz", rates)

    def events_per_tick(self, tick_ns: int) -> npt.NDArray[np.float64]:
        """Return the expected number of events per tick: float64[1], or the running sum over addresses.

        Raises NetworkError where it is more than a million.
        """
        rates = np.asarray(self.rate_hz)
        per_tick = rates * (tick_ns * 1e-9)
        sums = np.cumsum(per_tick) if rates.ndim else np.array([float(per_tick) * self.size])
        if sums[-1] > _MOST_EVENTS_PER_TICK:
            raise NetworkError(
                f"rate_hz gives {sums[-1]:g} events per tick of {tick_ns} ns; "
                f"at most {_MOST_EVENTS_PER_TICK:g} are allowed"
            )
        return sums


@dataclass(frozen=True, eq=False)
class SpikeSource:
    """Events known beforehand; those before a session's start are left out.

    Parameters
    ----------
    size : number of addresses
    events : the events, on the network's grid, in any order

    Raises
    ------
    NetworkError
        if an address is not in 0..size-1 or a value is not finite.
    """

    size: int
    events: Events

    def __post_init__(self) -> None:
        address = self.events.address
        if address.size and not (int(address.min()) >= 0 and int(address.max()) < self.size):
            raise NetworkError(
                f"addresses must be in 0..{self.size - 1}, got {int(address.min())}..{int(address.max())}"
            )
        if not np.isfinite(self.events.value).all():
            raise NetworkError("event values must be finite")


Source = PoissonSource | SpikeSource
