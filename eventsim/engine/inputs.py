"""Inputs waiting for their tick: checked whole before any of them is taken, held in the canonical order."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from eventsim.engine.jit import indices, ints, ints_at, kernel, part, singles
from eventsim.engine.layout import (
    F_INPUT_ADDRESS,
    F_INPUT_SOURCE,
    F_INPUT_TICK,
    F_INPUT_VALUE,
    F_RECORDED,
    F_SOURCE_SIZE,
    F_SPIKE_ADDRESS,
    F_SPIKE_VALUE,
    HANDLE_SIZE,
    INPUT_EVENTS,
    INPUT_HEAD,
    INPUT_TAIL,
    SPIKES,
    TICK_NS,
    Indices,
    Ints,
)
from eventsim.engine.packets import emit, has_fanout
from eventsim.engine.records import record

ACCEPTED: Final = -1
UNORDERED: Final = -2
BEFORE_CLOCK, OFF_GRID, BAD_ADDRESS, BAD_VALUE = range(4)


@kernel
def check_and_append(
    address_of_handle: int,
    source: int,
    clock_ns: int,
    time_ns: Ints,
    address: Indices,
    value: npt.NDArray[np.float32],
) -> tuple[int, int]:
    """Append events in canonical order to the inputs; return (outcome, number of the event at fault).

    The outcome is ACCEPTED, UNORDERED (all valid, but the inputs must be sorted or have no room; nothing was
    appended), or the fault of the first event refused.
    """
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    size, tick_ns = ints(handle, F_SOURCE_SIZE)[source], handle[TICK_NS]
    for k in range(time_ns.shape[0]):
        fault = _fault(time_ns[k], address[k], value[k], (clock_ns, tick_ns, size))
        if fault != ACCEPTED:
            return fault, k
    tail = handle[INPUT_TAIL]
    if handle[INPUT_HEAD] == tail:
        handle[INPUT_HEAD] = 0
        tail = 0
    if tail + time_ns.shape[0] > ints(handle, F_INPUT_TICK).shape[0]:
        handle[INPUT_TAIL] = tail
        return UNORDERED, 0
    for k in range(time_ns.shape[0]):
        if not _append(handle, tail + k, time_ns[k] // tick_ns, source, (address[k], value[k])):
            handle[INPUT_TAIL] = tail
            return UNORDERED, 0
    handle[INPUT_TAIL] = tail + time_ns.shape[0]
    return ACCEPTED, 0


@kernel
def check_and_append_one(
    address_of_handle: int, source: int, clock_ns: int, time_ns: int, address: int, value: float
) -> int:
    """Append one event as `check_and_append` does; return its outcome."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    single = float(np.float32(value))
    size, tick_ns = ints(handle, F_SOURCE_SIZE)[source], handle[TICK_NS]
    fault = _fault(time_ns, address, single, (clock_ns, tick_ns, size))
    if fault != ACCEPTED:
        return fault
    tail = handle[INPUT_TAIL]
    if handle[INPUT_HEAD] == tail:
        handle[INPUT_HEAD] = 0
        tail = 0
    handle[INPUT_TAIL] = tail
    if tail == ints(handle, F_INPUT_TICK).shape[0]:
        return UNORDERED
    if not _append(handle, tail, time_ns // tick_ns, source, (address, single)):
        return UNORDERED
    handle[INPUT_TAIL] = tail + 1
    return ACCEPTED


@part
def _fault(time_ns: int, address: int, value: float, limits: tuple[int, int, int]) -> int:
    clock_ns, tick_ns, size = limits
    if time_ns < clock_ns:
        return BEFORE_CLOCK
    if time_ns % tick_ns != 0:
        return OFF_GRID
    if address < 0 or address >= size:
        return BAD_ADDRESS
    if not np.isfinite(value):
        return BAD_VALUE
    return ACCEPTED


@part
def _append(handle: Ints, place: int, tick: int, source: int, what: tuple[int, float]) -> bool:
    """Write one event at `place`; return whether it stands in order after the one before."""
    address, value = what
    ticks, sources = ints(handle, F_INPUT_TICK), indices(handle, F_INPUT_SOURCE)
    addresses, values = indices(handle, F_INPUT_ADDRESS), singles(handle, F_INPUT_VALUE)
    ticks[place], sources[place], addresses[place], values[place] = tick, source, address, value
    if place == handle[INPUT_HEAD]:
        return True
    k = place - 1
    if ticks[k] != tick:
        return bool(ticks[k] < tick)
    if sources[k] != source:
        return bool(sources[k] < source)
    if addresses[k] != address:
        return bool(addresses[k] < address)
    return bool(values[k] <= value)


@part
def take_inputs(handle: Ints, tick: int) -> None:
    """Move the waiting inputs of `tick` into packets, one per input."""
    ticks, sources = ints(handle, F_INPUT_TICK), indices(handle, F_INPUT_SOURCE)
    addresses, values = indices(handle, F_INPUT_ADDRESS), singles(handle, F_INPUT_VALUE)
    spike_address, spike_value = indices(handle, F_SPIKE_ADDRESS), singles(handle, F_SPIKE_VALUE)
    recorded, tail = ints(handle, F_RECORDED), handle[INPUT_TAIL]
    while handle[INPUT_HEAD] < tail and ticks[handle[INPUT_HEAD]] == tick:
        source = int(np.int64(sources[handle[INPUT_HEAD]]))  # of one type, or what follows compiles twice
        wanted = has_fanout(handle, source)
        start = handle[SPIKES]
        spike, k = start, handle[INPUT_HEAD]
        while k < tail and ticks[k] == tick and sources[k] == source:
            if wanted:
                spike_address[spike], spike_value[spike] = addresses[k], values[k]
                spike += 1
            if recorded[source]:
                record(handle, source, tick, addresses[k], values[k])
            k += 1
        handle[INPUT_EVENTS] += k - handle[INPUT_HEAD]
        handle[INPUT_HEAD] = k
        if wanted:
            handle[SPIKES] = spike
            emit(handle, source, tick, start)
