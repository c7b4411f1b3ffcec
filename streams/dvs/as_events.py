"""Events of any package of the field as this package's arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import EventError, ParameterError
from eventsim.events import MAX_TIME_NS
from streams.dvs_block import MAX_SENSOR_SIDE, DvsBlock

NAMES = {
    "t": ("t", "timestamp", "ts", "time"),
    "x": ("x",),
    "y": ("y",),
    "p": ("p", "on", "polarity", "pol"),
}
"""What the packages call time, column, row and polarity."""

_WHAT = {"t": "time", "x": "column", "y": "row", "p": "polarity"}
LATEST_TIME_NS = MAX_TIME_NS // 2
"""Latest time of an event: the time between any two fits the simulator."""


@dataclass(frozen=True, slots=True, eq=False)
class DvsEvents:
    """Camera events in order of time.

    time_ns : int64[n], ns; x, y : uint16[n], column and row; on : bool[n], True where the light grew.
    """

    time_ns: NDArray[np.int64]
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    on: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.time_ns.size)

    @classmethod
    def none(cls) -> "DvsEvents":
        """Return no events."""
        return cls(
            np.empty(0, np.int64), np.empty(0, np.uint16), np.empty(0, np.uint16), np.empty(0, np.bool_)
        )


def as_events(events: Any, time_unit_ns: int = 1_000, order: str = "txyp") -> DvsEvents:
    """Return events of another package, in int64 ns.

    events : a structured array (tonic, faery, aedat, event_stream, neuromorphic-drivers), an object whose
    `numpy()` returns one (dv-processing), a mapping of arrays, a plain integer array of shape (n, 4) whose
    columns are `order`, a DvsBlock, or DvsEvents. Fields may be called t, timestamp, ts or time; x; y; p, on,
    polarity or pol. Polarity is bool, 0 / 1, or -1 / 1.
    time_unit_ns : length of one unit of their time; most packages count us.

    Raises EventError: a field is missing, no integer, negative, too large; polarities of two kinds; times
    that run backwards.

    >>> theirs = np.array([(5, 3, 1, True)], [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), (("p", "on"), "?")])
    >>> as_events(theirs).time_ns
    array([5000])
    """
    if isinstance(events, DvsEvents):
        return events
    if isinstance(events, DvsBlock):
        return DvsEvents(events.time_ns, events.x, events.y, events.on)
    if time_unit_ns < 1:
        raise ParameterError(f"time_unit_ns must be at least 1, not {time_unit_ns}")
    time, x, y, on = columns_of(events, order)
    for name, values, limit in (
        ("t", time, LATEST_TIME_NS // time_unit_ns),
        ("x", x, MAX_SENSOR_SIDE - 1),
        ("y", y, MAX_SENSOR_SIDE - 1),
    ):
        if values.size and (values.min() < 0 or values.max() > limit):
            i = int(np.argmax((values < 0) | (values > limit)))
            raise EventError(f"event {i}: {_WHAT[name]} {values[i]} must lie in 0 to {limit}")
    backwards = np.flatnonzero(time[1:] < time[:-1])
    if backwards.size:
        i = int(backwards[0]) + 1
        raise EventError(f"event {i}: time {time[i]} lies before {time[i - 1]} of the event before it")
    return DvsEvents(time * time_unit_ns, x.astype(np.uint16), y.astype(np.uint16), on)


Columns = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


def columns_of(events: Any, order: str = "txyp") -> Columns:
    """Return time, x, y (int64[n]) and on (bool[n]) as they are: in their unit, in any order of time.

    Raises EventError as `as_events`, but for range and order.
    """
    fields = _fields_of(events, order)
    shapes = {name: values.shape for name, values in fields.items()}
    if len(set(shapes.values())) != 1 or fields["t"].ndim != 1:
        raise EventError(f"event fields must be one-dimensional and of one length, got shapes {shapes}")
    time, x, y = (_integers(fields[name], name) for name in "txy")
    return time, x, y, _polarity(fields["p"])


def _fields_of(events: Any, order: str) -> dict[str, NDArray[Any]]:
    if not isinstance(events, Mapping | np.ndarray) and callable(getattr(events, "numpy", None)):
        events = events.numpy()
    if isinstance(events, Mapping):
        found = {str(name): np.asarray(values) for name, values in events.items()}
    else:
        array = np.asarray(events)
        if array.dtype.names is None:
            return _plain(array, order)
        # dtype.fields holds names and titles alike.
        found = {str(name): array[name] for name in array.dtype.fields or () if name in array.dtype.names}
        titles = {spec[2]: name for name, spec in (array.dtype.fields or {}).items() if len(spec) > 2}
        found |= {str(title): array[name] for title, name in titles.items() if name in array.dtype.names}
    fields = {}
    for role, names in NAMES.items():
        name = next((name for name in names if name in found), None)
        if name is None:
            raise EventError(
                f"no field of {_WHAT[role]} ({' or '.join(names)}) among {', '.join(found) or 'none'}"
            )
        fields[role] = found[name]
    return fields


def _plain(array: NDArray[Any], order: str) -> dict[str, NDArray[Any]]:
    if sorted(order) != ["p", "t", "x", "y"]:
        raise ParameterError(f"order must name t, x, y and p once each, not {order!r}")
    if array.ndim != 2 or array.shape[1] != 4:
        raise EventError(
            f"an array without fields must be of shape (n, 4), columns {', '.join(order)}; got {array.shape}"
        )
    return {role: array[:, column] for column, role in enumerate(order)}


def _integers(values: NDArray[Any], name: str) -> NDArray[np.int64]:
    if values.dtype.kind not in "iu":
        hint = " (scale to whole units first)" if values.dtype.kind == "f" else ""
        raise EventError(f"{_WHAT[name]} must be integers, not {values.dtype}{hint}")
    if values.dtype.kind == "u" and values.dtype.itemsize == 8 and values.size and values.max() > 2**63 - 1:
        i = int(np.argmax(values > 2**63 - 1))
        raise EventError(f"event {i}: {_WHAT[name]} {values[i]} does not fit 63 bits")
    # Signed before any arithmetic: unsigned minus signed would be floating point in numpy.
    return np.ascontiguousarray(values).astype(np.int64)


def _polarity(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind == "b":
        return np.ascontiguousarray(values)
    if values.dtype.kind not in "iu":
        raise EventError(f"polarity must be bool or integers, not {values.dtype}")
    if values.size and (values.min() < -1 or values.max() > 1):
        i = int(np.argmax((values < -1) | (values > 1)))
        raise EventError(f"event {i}: polarity {values[i]} is not one of 0 and 1, or -1 and 1")
    if values.dtype.kind == "i" and (values == -1).any() and (values == 0).any():
        raise EventError("polarities of -1 and of 0 in one array: either 0 and 1, or -1 and 1")
    return np.ascontiguousarray(values > 0)
