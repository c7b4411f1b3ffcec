"""Poisson sources inside the engine: when their next events are, and where."""

from __future__ import annotations

from typing import Final, NamedTuple

from eventsim.engine.jit import floats, floats_at, indices, ints, part, singles, words
from eventsim.engine.layout import (
    CLOCK_AHEAD,
    CLOCK_EMITTED,
    CLOCK_EVENTS,
    CLOCK_N_RATES,
    CLOCK_RATES,
    CLOCK_RECORDED,
    CLOCK_SOURCE,
    CLOCK_START,
    CLOCK_STOP,
    CLOCK_TICK,
    F_CLOCK_FRACTION,
    F_CLOCKS,
    F_RANDOM,
    F_SOURCE_SIZE,
    F_SPIKE_ADDRESS,
    F_SPIKE_VALUE,
    N_CLOCK_COLUMNS,
    NEVER,
    SPIKES,
    Floats,
    Ints,
    Words,
)
from eventsim.engine.packets import emit, has_fanout
from eventsim.engine.random_numbers import below, exponential, poisson, uniform
from eventsim.engine.records import record

MANY: Final = 12.0
"""Expected events per tick from which their number is drawn, rather than the gaps between them."""


class Clock(NamedTuple):
    """A clock's row."""

    row: Ints


@part
def clock_at(handle: Ints, k: int) -> Clock:
    """Return clock k."""
    return Clock(ints(handle, F_CLOCKS)[k * N_CLOCK_COLUMNS : (k + 1) * N_CLOCK_COLUMNS])


@part
def start_clock(handle: Ints, k: int) -> None:
    """Find the first events of a source that has not made any."""
    row, state = clock_at(handle, k).row, words(handle, F_RANDOM)[4 * k : 4 * k + 4]
    fraction = floats(handle, F_CLOCK_FRACTION)
    rates = floats_at(row[CLOCK_RATES], row[CLOCK_N_RATES])
    mean = rates[rates.shape[0] - 1]
    fraction[k] = 0.0
    row[CLOCK_AHEAD] = row[CLOCK_START]
    if mean <= 0.0:
        row[CLOCK_AHEAD] = NEVER
    elif mean < MANY:
        row[CLOCK_AHEAD] = _later(row[CLOCK_START], fraction, k, exponential(state) / mean)
    advance_clock(row, fraction, k, state, mean)


@part
def _later(tick: int, fraction: Floats, k: int, gap: float) -> int:
    """Return the tick that lies `gap` ticks after (tick, fraction), and update the fraction."""
    ahead = fraction[k] + gap
    if ahead > 2.0**60:
        return NEVER
    whole = int(ahead)
    fraction[k] = ahead - whole
    return tick + whole


@part
def advance_clock(row: Ints, fraction: Floats, k: int, state: Words, mean: float) -> None:
    """Find the tick and the number of the next events, the first of which is at CLOCK_AHEAD."""
    tick, events = row[CLOCK_AHEAD], 1
    if tick >= row[CLOCK_STOP]:
        row[CLOCK_TICK] = NEVER
        return
    if mean < MANY:
        ahead = _later(tick, fraction, k, exponential(state) / mean)
        while ahead == tick:
            events += 1
            ahead = _later(tick, fraction, k, exponential(state) / mean)
    else:
        events = poisson(state, mean)
        while events == 0:
            tick += 1
            events = poisson(state, mean)
        ahead = tick + 1
        if tick >= row[CLOCK_STOP]:
            tick = NEVER
    row[CLOCK_TICK], row[CLOCK_EVENTS], row[CLOCK_AHEAD] = tick, events, ahead


@part
def draw_address(state: Words, rates: Floats, size: int) -> int:
    """Return the address of an event: any of `size` alike, or by the running sum of their rates."""
    if rates.shape[0] == 1:
        return below(state, size)
    target = uniform(state) * rates[size - 1]
    low, high = 0, size - 1
    while low < high:
        middle = (low + high) >> 1
        if rates[middle] > target:
            high = middle
        else:
            low = middle + 1
    return low


@part
def take_clock(handle: Ints, k: int, tick: int) -> None:
    """Turn the events of clock k at `tick` into a packet; record them where wanted."""
    row, state = clock_at(handle, k).row, words(handle, F_RANDOM)[4 * k : 4 * k + 4]
    rates = floats_at(row[CLOCK_RATES], row[CLOCK_N_RATES])
    source, size = row[CLOCK_SOURCE], ints(handle, F_SOURCE_SIZE)[row[CLOCK_SOURCE]]
    address, value = indices(handle, F_SPIKE_ADDRESS), singles(handle, F_SPIKE_VALUE)
    start = handle[SPIKES]
    for e in range(row[CLOCK_EVENTS]):
        address[start + e] = draw_address(state, rates, size)
        value[start + e] = 1.0
        if row[CLOCK_RECORDED]:
            record(handle, source, tick, address[start + e], 1.0)
    row[CLOCK_EMITTED] += row[CLOCK_EVENTS]
    if has_fanout(handle, source):
        handle[SPIKES] = start + row[CLOCK_EVENTS]
        emit(handle, source, tick, start)
    advance_clock(row, floats(handle, F_CLOCK_FRACTION), k, state, rates[rates.shape[0] - 1])
