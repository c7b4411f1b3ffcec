"""What recorded sources emitted, until somebody reads it."""

from __future__ import annotations

from eventsim.engine.jit import indices, ints, ints_at, kernel, part, singles
from eventsim.engine.layout import (
    F_RECORD_INDEX,
    F_RECORD_SOURCE,
    F_RECORD_TICK,
    F_RECORD_VALUE,
    HANDLE_SIZE,
    RECORDS,
    TICK_NS,
    Indices,
    Ints,
    Values,
)


@part
def record(handle: Ints, source: int, tick: int, index: int, value: float) -> None:
    """Record one event; there must be room."""
    r = handle[RECORDS]
    ints(handle, F_RECORD_TICK)[r] = tick
    indices(handle, F_RECORD_SOURCE)[r] = source
    indices(handle, F_RECORD_INDEX)[r] = index
    singles(handle, F_RECORD_VALUE)[r] = value
    handle[RECORDS] = r + 1


@kernel
def count_records(address_of_handle: int, source: int) -> int:
    """Return how many records of one source wait."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    sources = indices(handle, F_RECORD_SOURCE)
    count = 0
    for k in range(handle[RECORDS]):
        if sources[k] == source:
            count += 1
    return count


@kernel
def drain(address_of_handle: int, source: int, time_ns: Ints, index: Indices, value: Values) -> None:
    """Move the records of one source to the last three arrays, in order; others' records stay."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    ticks, sources = ints(handle, F_RECORD_TICK), indices(handle, F_RECORD_SOURCE)
    record_index, record_value = indices(handle, F_RECORD_INDEX), singles(handle, F_RECORD_VALUE)
    taken = 0
    for k in range(handle[RECORDS]):
        if sources[k] == source:
            time_ns[taken] = ticks[k] * handle[TICK_NS]
            index[taken] = record_index[k]
            value[taken] = record_value[k]
            taken += 1
        elif taken:
            ticks[k - taken], sources[k - taken] = ticks[k], sources[k]
            record_index[k - taken], record_value[k - taken] = record_index[k], record_value[k]
    handle[RECORDS] -= taken
