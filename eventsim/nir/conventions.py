"""How the numbers of a NIR graph are meant: units, spikes, integration, reset. NIR leaves all four open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from eventsim.errors import ParameterError
from eventsim.events import MAX_TIME_NS

TimeUnit = Literal["s", "ms"]
Spike = Literal["held", "dirac", "jump"]
Integration = Literal["exact", "euler"]
Reset = Literal["hard", "soft"]

_UNIT_NS = {"s": 1e9, "ms": 1e6}
_CLOSE = 8 * np.finfo(np.float64).eps
FORGETFUL = 1e-3
"""A time constant in ticks so short that exp(-1 / FORGETFUL) is 0: nothing is left after a tick."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Conventions:
    """How a graph is read or written; see `eventsim.from_nir` for what each choice means.

    Raises
    ------
    ParameterError
        if a choice is none of those allowed, or the tick is no positive whole number of ns.
    """

    time_unit: TimeUnit
    tick_ns: int
    spike: Spike = "held"
    integration: Integration = "exact"
    reset: Reset = "hard"

    def __post_init__(self) -> None:
        choices = (("time_unit", TimeUnit), ("spike", Spike), ("integration", Integration), ("reset", Reset))
        for name, allowed in choices:
            if getattr(self, name) not in get_args(allowed):
                listed = " or ".join(map(repr, get_args(allowed)))
                raise ParameterError(f"{name} must be {listed}, got {getattr(self, name)!r}")
        tick = self.tick_ns
        if isinstance(tick, bool) or not isinstance(tick, int | np.integer) or not 0 < tick < MAX_TIME_NS:
            raise ParameterError(f"tick_ns must be a positive whole number of ns, got {tick!r}")

    @property
    def unit_ns(self) -> float:
        """Return one time unit of the graph, ns."""
        return _UNIT_NS[self.time_unit]

    @property
    def tick(self) -> float:
        """Return one tick in the graph's time unit."""
        return self.tick_ns / self.unit_ns

    def to_ns(self, times: npt.NDArray[np.floating]) -> FloatArray:
        """Return times of the graph in ns; what is a whole number but for rounding is made one."""
        ns = times.astype(np.float64) * self.unit_ns
        whole = np.round(ns)
        return np.where(np.abs(ns - whole) <= _CLOSE * np.abs(ns), whole, ns)

    def from_ns(self, times_ns: FloatArray) -> FloatArray:
        """Return times in the graph's unit."""
        return np.asarray(times_ns, np.float64) / self.unit_ns

    def leak(self, tau_ns: FloatArray) -> FloatArray:
        """Return the share of the way to its rest that a leaky quantity goes in one tick."""
        if self.integration == "euler":
            return self.tick_ns / tau_ns
        return -np.expm1(-self.tick_ns / tau_ns)

    def engine_tau_ns(self, tau_ns: FloatArray) -> FloatArray:
        """Return the time constant whose exact decay per tick is the one asked for.

        With Euler steps the factor per tick is 1 - tick / tau, which is exp(-tick / tau') for the tau'
        returned; tau must not be shorter than the tick then.
        """
        if self.integration == "exact":
            return tau_ns
        with np.errstate(divide="ignore"):
            slower = -self.tick_ns / np.log1p(-self.tick_ns / tau_ns)
        return np.where(tau_ns <= self.tick_ns, FORGETFUL * self.tick_ns, slower)

    def graph_tau_ns(self, tau_ns: FloatArray) -> FloatArray:
        """Return the time constant to write for one of the engine: the inverse of `engine_tau_ns`."""
        if self.integration == "exact":
            return tau_ns
        return -self.tick_ns / np.expm1(-self.tick_ns / tau_ns)


def close(found: FloatArray, wanted: FloatArray | float) -> bool:
    """Return True where all numbers are those wanted but for rounding in float64."""
    return bool(np.all(np.abs(found - wanted) <= _CLOSE * np.abs(wanted)))
