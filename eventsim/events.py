"""Events: when, where, how much; a struct of three arrays at every border of the package."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eventsim.errors import EventError

MAX_TIME_NS = 2**62
"""Times lie strictly between -MAX_TIME_NS and MAX_TIME_NS (146 years), so sums with delays cannot wrap."""


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """A set of events (time, address, value); nothing requires it to be sorted by time.

    Use `Events.of` for arrays from outside: it converts and checks. The constructor only checks dtypes and
    lengths, for producers that already hold arrays of the right kind.

    Parameters
    ----------
    time_ns : int64[n], ns
    address : int32[n], index of the source channel or neuron
    value : float32[n], 1 for a plain spike, else the signed graded payload

    Raises
    ------
    EventError
        if an array has another dtype, is not one-dimensional, or the lengths differ.
    """

    time_ns: npt.NDArray[np.int64]
    address: npt.NDArray[np.int32]
    value: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if not (
            self.time_ns.dtype == np.int64
            and self.address.dtype == np.int32
            and self.value.dtype == np.float32
        ):
            raise EventError(
                "events want time_ns int64, address int32, value float32; got "
                f"{self.time_ns.dtype}, {self.address.dtype}, {self.value.dtype} (Events.of converts)"
            )
        shape = self.time_ns.shape
        if len(shape) != 1 or self.address.shape != shape or self.value.shape != shape:
            raise EventError(
                "event arrays must be one-dimensional and of equal length; got shapes "
                f"{self.time_ns.shape}, {self.address.shape}, {self.value.shape}"
            )

    def __len__(self) -> int:
        return int(self.time_ns.shape[0])

    def __repr__(self) -> str:
        if not len(self):
            return "Events(0)"
        return f"Events({len(self)}, {int(self.time_ns.min())}..{int(self.time_ns.max())} ns)"

    @classmethod
    def empty(cls) -> Events:
        """Return no events.

        >>> len(Events.empty())
        0
        """
        return cls(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))

    @classmethod
    def of(cls, time_ns: npt.ArrayLike, address: npt.ArrayLike, value: npt.ArrayLike | None = None) -> Events:
        """Return events from any integer arrays (and real values), converted and checked.

        `value` defaults to 1. A scalar is spread over all events.

        Raises
        ------
        EventError
            if a time or an address is no integer or out of range, a value is not finite, or lengths differ.

        >>> Events.of([0, 1_000_000], [3, 4]).value
        array([1., 1.], dtype=float32)
        """
        times = _integers(time_ns, "time_ns", -MAX_TIME_NS + 1, MAX_TIME_NS - 1).astype(np.int64)
        addresses = _integers(address, "address", 0, 2**31 - 1).astype(np.int32)
        values = _values(1.0 if value is None else value)
        n = max((a.shape[0] for a in (times, addresses, values) if a.ndim == 1), default=1)
        lengths = [n if a.ndim == 0 else a.shape[0] for a in (times, addresses, values)]
        if any(length != n for length in lengths):
            raise EventError(f"event arrays differ in length: {lengths[0]}, {lengths[1]}, {lengths[2]}")
        ones = np.ones(n, np.int8)
        return cls(
            times if times.ndim else (times * ones).astype(np.int64),
            addresses if addresses.ndim else (addresses * ones).astype(np.int32),
            values if values.ndim else np.full(n, values, np.float32),
        )

    @classmethod
    def concatenate(cls, parts: Iterable[Events]) -> Events:
        """Return all events of `parts`, one after the other, in the order given."""
        held = list(parts)
        if not held:
            return cls.empty()
        return cls(
            np.concatenate([p.time_ns for p in held]),
            np.concatenate([p.address for p in held]),
            np.concatenate([p.value for p in held]),
        )

    def select(self, mask: npt.NDArray[np.bool_] | npt.NDArray[np.integer] | slice) -> Events:
        """Return the events a mask, an index array or a slice picks.

        >>> e = Events.of([5, 6, 7], [0, 1, 2])
        >>> e.select(e.address > 0).time_ns
        array([6, 7])
        """
        return Events(self.time_ns[mask], self.address[mask], self.value[mask])

    def on_grid(self, tick_ns: int) -> tuple[Events, int]:
        """Return the events with each time moved up to the grid, and how many were moved.

        Up, never down: no event may arrive before its cause.

        >>> events, moved = Events.of([0, 1, 10], [0, 0, 0]).on_grid(10)
        >>> events.time_ns.tolist(), moved
        ([0, 10, 10], 1)
        """
        if tick_ns <= 0:
            raise EventError(f"tick_ns must be positive, got {tick_ns}")
        times = -(-self.time_ns // tick_ns) * tick_ns
        return Events(times, self.address, self.value), int(np.count_nonzero(times != self.time_ns))

    def equals(self, other: Events) -> bool:
        """Return True where both hold the same events in the same order, bit for bit."""
        return (
            np.array_equal(self.time_ns, other.time_ns)
            and np.array_equal(self.address, other.address)
            and np.array_equal(self.value.view(np.int32), other.value.view(np.int32))
        )


def _array(data: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(data)
    except (ValueError, TypeError, OverflowError):
        raise EventError(f"{name} must be one list of numbers") from None


def _integers(data: npt.ArrayLike, name: str, lowest: int, highest: int) -> npt.NDArray[np.integer]:
    array = _array(data, name)
    if array.size == 0 and array.ndim == 1:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu":
        raise EventError(f"{name} must hold integers, got dtype {array.dtype}")
    if array.ndim > 1:
        raise EventError(f"{name} must be one-dimensional, got shape {array.shape}")
    if int(array.min()) < lowest or int(array.max()) > highest:
        raise EventError(
            f"{name} must lie in {lowest}..{highest}, got {int(array.min())}..{int(array.max())}"
        )
    return array


def _values(data: npt.ArrayLike) -> npt.NDArray[np.float32]:
    array = _array(data, "value")
    if array.dtype.kind not in "biuf" or array.ndim > 1:
        raise EventError(
            f"value must be a one-dimensional array of numbers, got {array.dtype} of shape {array.shape}"
        )
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise EventError("value must be finite (and within float32)")
    return values
