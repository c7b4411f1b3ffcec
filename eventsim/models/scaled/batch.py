"""A Poisson source's events and the arrivals of a class in windows, laid out by time, synapse after synapse.

No processor foresees which of the two comes next, nor how many synapses an arrival has, and a wrong guess
costs more than the synapses it is about. So nothing here branches on either. The source's events are drawn
ahead, which their times allow: they depend on nothing that the network does. Then both are merged, each step
taking the next of one or the other and copying eight synapses, of which the following overwrite what was too
many. What is left is one list of synapses, which is gone through without asking what brought them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from eventsim.engine.clocks import Next, clock_at, draw_address, find_few
from eventsim.engine.jit import (
    copy_eight,
    fill_eight,
    floats_at,
    hidden,
    inlined,
    ints,
    ints_at,
    part,
    prefetch,
    words,
    words_at,
)
from eventsim.engine.layout import (
    CLOCK_CLASS,
    CLOCK_N_RATES,
    CLOCK_RATES,
    CLOCK_STOP,
    F_CLASSES,
    F_POOL,
    N_CLASS_COLUMNS,
    N_OWN,
    N_WEIGHTS,
    OWN,
    POST,
    WEIGHTS,
    Ints,
    neurons_at,
)
from eventsim.engine.merging import DRAWN, LAID, Laid, drawn_at, laid_at
from eventsim.engine.pool import BLOCK
from eventsim.engine.random_numbers import Generator
from eventsim.engine.windows import OFFSET, Stretch, count_of, place_of
from eventsim.models.scaled.membrane import BASE, GAIN, growth_at
from eventsim.weights import Weights

_BEHIND: Final = 64
"""Arrivals whose synapses are asked for before they are laid out."""
_1, _8, _ALL, _ARRIVAL = np.uint64(1), np.uint64(8), ~np.uint64(0), np.uint64(DRAWN)
_ONE: Final = np.uint64(0x3F800000 << 32)
"""A synapse of weight 1 to neuron 0. The weight of an event is in its scale: it may have 64 bits."""


class Ahead(NamedTuple):
    """How many events stand drawn, which ones follow, and the generator after them."""

    drawn: int
    now: Next
    generator: Generator


class Until(NamedTuple):
    """Before which tick events are drawn, and how many at most."""

    tick: int
    events: int


@part
def draw_ahead(handle: Ints, k: int, until: Until, ahead: Ahead, weights: Weights) -> Ahead:
    """Draw what follows of source k, in whole ticks."""
    drawn, step = drawn_at(handle), np.uint64(weights.shape[0] > 1)
    clock, now, g, n = clock_at(handle, k).row, ahead.now, ahead.generator, np.uint64(0)
    rates = floats_at(clock[CLOCK_RATES], clock[CLOCK_N_RATES])
    mean, stop, size = rates[rates.shape[0] - 1], clock[CLOCK_STOP], _size(handle, clock)
    while now.tick < until.tick and n + np.uint64(now.events) <= np.uint64(until.events):
        for _ in range(now.events):
            j, g = draw_address(g, rates, size)
            drawn.tick[n], drawn.synapse[n] = now.tick, _ONE | np.uint64(j)
            drawn.weight[n] = weights[np.uint64(j) * step]
            n += np.uint64(1)
        now, g = find_few(now.origin, now.ahead, mean, stop, g)
    drawn.tick[n] = now.tick
    drawn.weight[DRAWN] = 1.0  # for arrivals: theirs are in their synapses
    return Ahead(int(np.int64(n)), now, g)


@inlined
def _size(handle: Ints, clock: Ints) -> int:
    return neurons_at(handle, ints(handle, F_CLASSES)[clock[CLOCK_CLASS] * N_CLASS_COLUMNS + POST]).size


@part
def fetch_rows(handle: Ints, c: int, stretch: Stretch, fetched: int) -> int:
    """Ask for the synapses of the next arrivals, those before `fetched` excepted; return up to which."""
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    rows, pool = words_at(row[WEIGHTS], row[N_WEIGHTS]), words(handle, F_POOL)
    until = min(stretch.begin + _BEHIND, stretch.end)
    for k in range(max(fetched, stretch.begin), until):
        place = int(np.int64(place_of(pool[k])))
        prefetch(rows, place)
        prefetch(rows, place + BLOCK - 1)
    return max(fetched, until)


class Batch(NamedTuple):
    """What is laid out: items, their synapses, and how many events were taken before and are taken after."""

    items: int
    synapses: int
    before: int
    taken: int


@part
def lay_out(handle: Ints, c: int, stretch: Stretch, taken: int, bound: int) -> Batch:
    """Lay out what comes before `bound`, from event `taken` and the begin of the stretch on, in whole ticks.

    Nothing is laid out where what comes at the first tick has no room.
    """
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    neurons, pool = neurons_at(handle, row[POST]), words(handle, F_POOL)
    drawn, laid, p = drawn_at(handle), laid_at(handle), neurons.parameters
    base, gain = ints_at(neurons.row[OWN], neurons.row[N_OWN])[BASE], p[GAIN]
    rows_at = np.uint64(row[WEIGHTS])
    pool[np.uint64(stretch.end)] = ~np.uint64(0)  # later than all that is taken here
    # Times are counted from the base of E. Unsigned numbers spare tests for negative ones, and carries.
    n, f, e, a = np.uint64(0), np.uint64(0), np.uint64(taken), np.uint64(stretch.begin)
    start, last = np.uint64(stretch.start - base), np.uint64(bound - base)
    due, word = np.uint64(drawn.tick[e] - base), pool[a]
    at = start + (word >> OFFSET)
    while True:
        since = min(due, at)
        if since >= last:
            return Batch(int(np.int64(n)), int(np.int64(f)), taken, int(np.int64(e)))
        event = np.uint64(due < at)
        either = event * _ALL  # all bits, or none
        # Each of the two that could be next is read before it is known which one is: no load waits for that.
        next_due, next_word = np.uint64(drawn.tick[e + _1] - base), pool[a + _1]
        next_at = start + (next_word >> OFFSET)
        count, source = count_of(word), rows_at + _8 * place_of(word)
        count ^= (count ^ _1) & either
        source ^= (source ^ (drawn.synapses_at + _8 * e)) & either
        if f + count > np.uint64(LAID):
            batch = Batch(int(np.int64(n)), int(np.int64(f)), taken, int(np.int64(e)))
            return cut(handle, batch, int(np.int64(since)) + base)
        weight = drawn.weight[_ARRIVAL ^ ((_ARRIVAL ^ e) & either)]
        x = growth_at(p, int(np.int64(since))) * gain * weight
        _copy(laid, f, int(np.int64(source)), int(np.int64(count)), x)
        f += count
        laid.tick[n], laid.end[n] = np.int64(since) + base, np.int64(f)
        n, e, a = n + _1, e + event, a + (_1 - event)
        due ^= (due ^ next_due) & either
        at ^= (at ^ next_at) & ~either
        word ^= (word ^ next_word) & ~either


@inlined
def _copy(laid: Laid, f: np.uint64, source: int, count: int, x: float) -> None:
    """Lay out the synapses of one item from place f on."""
    row, start, k = words_at(source, count + BLOCK), int(np.int64(f)), 0
    copy_eight(laid.synapse, start, row, 0)
    fill_eight(laid.scale, start, x)
    while k + BLOCK < count:
        k = hidden(k + BLOCK)  # so that it is not unrolled: few arrivals have more than eight
        copy_eight(laid.synapse, start + k, row, k)
        fill_eight(laid.scale, start + k, x)


@part
def cut(handle: Ints, batch: Batch, tick: int) -> Batch:
    """Return what of a batch comes before `tick`."""
    drawn, laid = drawn_at(handle), laid_at(handle)
    n, e = batch.items, batch.taken
    while n > 0 and laid.tick[n - 1] >= tick:
        n -= 1
    while e > batch.before and drawn.tick[e - 1] >= tick:
        e -= 1
    return Batch(n, laid.end[n - 1] if n else 0, batch.before, e)
