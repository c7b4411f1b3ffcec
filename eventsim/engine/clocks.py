"""Poisson sources inside the engine: when their next events are, and where."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from eventsim.engine.jit import floats, floats_at, indices, inlined, ints, part, singles, words
from eventsim.engine.layout import (
    CLOCK_EMITTED,
    CLOCK_EVENTS,
    CLOCK_N_RATES,
    CLOCK_ORIGIN,
    CLOCK_RATES,
    CLOCK_RECORDED,
    CLOCK_SOURCE,
    CLOCK_START,
    CLOCK_STOP,
    CLOCK_TICK,
    F_CLOCK_AHEAD,
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
)
from eventsim.engine.packets import emit, has_fanout
from eventsim.engine.random_numbers import (
    Generator,
    below,
    exponential,
    load_generator,
    poisson,
    store_generator,
    uniform,
)
from eventsim.engine.records import record

MANY: Final = 12.0
"""Expected events per tick from which their number is drawn, rather than the gaps between them."""


_FAR: Final = 2.0**30
"""Ticks after which a new origin is taken, long before the sum of gaps would lose their fractions."""


class Clock(NamedTuple):
    """A clock's row."""

    row: Ints


@inlined
def clock_at(handle: Ints, k: int) -> Clock:
    """Return clock k."""
    return Clock(ints(handle, F_CLOCKS)[k * N_CLOCK_COLUMNS : (k + 1) * N_CLOCK_COLUMNS])


class Next(NamedTuple):
    """When a source's next events are, and how many.

    They are at `tick` (or NEVER), `events` of them, at least one; the event after them is `ahead` ticks after
    `origin`. A sum of gaps since one origin is quicker than a tick and a fraction brought up to date by each.
    """

    tick: int
    events: int
    origin: int
    ahead: float


@inlined
def next_of(handle: Ints, k: int) -> Next:
    """Return when the next events of clock k are."""
    row = clock_at(handle, k).row
    return Next(row[CLOCK_TICK], row[CLOCK_EVENTS], row[CLOCK_ORIGIN], floats(handle, F_CLOCK_AHEAD)[k])


@inlined
def set_next(handle: Ints, k: int, n: Next) -> None:
    """Keep when the next events of clock k are."""
    row = clock_at(handle, k).row
    row[CLOCK_TICK], row[CLOCK_EVENTS], row[CLOCK_ORIGIN] = n.tick, n.events, n.origin
    floats(handle, F_CLOCK_AHEAD)[k] = n.ahead


@part
def start_clock(handle: Ints, k: int) -> None:
    """Find the first events of a source that has not made any."""
    row, g = clock_at(handle, k).row, load_generator(words(handle, F_RANDOM), k)
    rates = floats_at(row[CLOCK_RATES], row[CLOCK_N_RATES])
    mean = rates[rates.shape[0] - 1]
    if mean <= 0.0:
        set_next(handle, k, Next(NEVER, 1, NEVER, 0.0))
        return
    gap, g = exponential(g)
    found, g = find_next(row[CLOCK_START], gap / mean if mean < MANY else 0.0, mean, row[CLOCK_STOP], g)
    set_next(handle, k, found)
    store_generator(words(handle, F_RANDOM), k, g)


@inlined
def find_next(origin: int, ahead: float, mean: float, stop: int, g: Generator) -> tuple[Next, Generator]:
    """Return all events of the tick that lies `ahead` ticks after `origin`, or NEVER from `stop` on.

    Where there are few per tick the gaps between events are drawn, else their number per tick.
    """
    if mean < MANY:
        return find_few(origin, ahead, mean, stop, g)
    tick = origin + int(ahead)
    if tick >= stop:
        return Next(NEVER, 1, NEVER, 0.0), g
    events, g = poisson(g, mean)
    while events == 0:
        tick += 1
        events, g = poisson(g, mean)
    return Next(tick if tick < stop else NEVER, events, tick + 1, 0.0), g


@inlined
def find_few(origin: int, ahead: float, mean: float, stop: int, g: Generator) -> tuple[Next, Generator]:
    """Do what `find_next` does where there are few events per tick, fewer than MANY."""
    if ahead > _FAR:
        if ahead > 2.0**60:
            return Next(NEVER, 1, NEVER, 0.0), g
        origin, ahead = origin + int(ahead), ahead - math.floor(ahead)
    whole = int(ahead)
    tick, events = origin + whole, 1
    if tick >= stop:
        return Next(NEVER, 1, NEVER, 0.0), g
    gap, g = exponential(g)
    ahead += gap / mean
    while ahead < whole + 1:
        gap, g = exponential(g)
        ahead += gap / mean
        events += 1
    return Next(tick, events, origin, ahead), g


@inlined
def draw_address(g: Generator, rates: Floats, size: int) -> tuple[int, Generator]:
    """Return the address of an event: any of `size` alike, or by the running sum of their rates."""
    if rates.shape[0] == 1:
        return below(g, size)
    target, g = uniform(g)
    target *= rates[size - 1]
    low, high = 0, size - 1
    while low < high:
        middle = (low + high) >> 1
        if rates[middle] > target:
            high = middle
        else:
            low = middle + 1
    return low, g


@part
def take_clock(handle: Ints, k: int, tick: int) -> None:
    """Turn the events of clock k at `tick` into a packet; record them where wanted."""
    row, g = clock_at(handle, k).row, load_generator(words(handle, F_RANDOM), k)
    rates = floats_at(row[CLOCK_RATES], row[CLOCK_N_RATES])
    source, size = row[CLOCK_SOURCE], ints(handle, F_SOURCE_SIZE)[row[CLOCK_SOURCE]]
    address, value = indices(handle, F_SPIKE_ADDRESS), singles(handle, F_SPIKE_VALUE)
    start, now = handle[SPIKES], next_of(handle, k)
    for e in range(now.events):
        drawn, g = draw_address(g, rates, size)
        address[start + e], value[start + e] = drawn, 1.0
        if row[CLOCK_RECORDED]:
            record(handle, source, tick, drawn, 1.0)
    row[CLOCK_EMITTED] += now.events
    if has_fanout(handle, source):
        handle[SPIKES] = start + now.events
        emit(handle, source, tick, start)
    found, g = find_next(now.origin, now.ahead, rates[rates.shape[0] - 1], row[CLOCK_STOP], g)
    set_next(handle, k, found)
    store_generator(words(handle, F_RANDOM), k, g)
