"""A Poisson source's events and the arrivals of a class in windows, taken batch by batch.

This is for arrivals of few synapses. Those of many are better taken one by one (`merged`). What a single tick
brings is left to the engine's loop where it has no room in a batch.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from eventsim.engine.clocks import clock_at, next_of, set_next
from eventsim.engine.jit import (
    call,
    entry,
    floats_at,
    indices,
    ints,
    ints_at,
    part,
    singles_at,
    words,
)
from eventsim.engine.layout import (
    AT,
    CLOCK_AFTER_FIRING,
    CLOCK_CLASS,
    CLOCK_EMITTED,
    DELIVERIES,
    F_CLASSES,
    F_HEAD,
    F_RANDOM,
    F_TOUCHED,
    HANDLE_SIZE,
    MARK,
    N_CLASS_COLUMNS,
    N_OWN,
    NEVER,
    NOW,
    OWN,
    POST,
    STAMP,
    Floats,
    Ints,
    neurons_at,
)
from eventsim.engine.merging import DRAWN, drawn_at, laid_at
from eventsim.engine.random_numbers import load_generator, store_generator
from eventsim.engine.windows import next_arrival, stretch_at, window_at
from eventsim.models.scaled.batch import Ahead, Batch, Until, cut, draw_ahead, fetch_rows, lay_out
from eventsim.models.scaled.membrane import (
    BASE,
    LEAST_THETA,
    Rule,
    growth_at,
    next_change,
    rise,
    scale_to,
    settle,
)
from eventsim.models.scaled.poisson import weights_of
from eventsim.weights import Weights

_NEAR: Final = 1.0 - 2.0**-40
"""Part of a batch's first threshold from which a membrane is looked at more closely: E rises, to rounding."""


@part
def _add(handle: Ints, membranes: Floats, q: int, stop: int, near: float) -> int:
    """Add synapses q to `stop`, up to one that brings a membrane above `near`; return which, or `stop`."""
    laid, k, last = laid_at(handle), np.uint64(q), np.uint64(stop)
    while k < last:
        j = laid.targets[np.uint64(2) * k]
        u = membranes[j] + laid.weights[np.uint64(2) * k + np.uint64(1)] * laid.scale[k]
        membranes[j] = u
        if u > near:
            return int(np.int64(k))
        k += np.uint64(1)
    return stop


class Reached(NamedTuple):
    """The item after those of a tick, and how many neurons are touched at that tick."""

    item: int
    touched: int


@part
def _end_tick(handle: Ints, post: int, batch: Batch, item: int, q: int) -> Reached:
    """Add what is left of an item's tick after synapse q, the first that may have touched a neuron."""
    laid, neurons = laid_at(handle), neurons_at(handle, post)
    p = neurons.parameters
    tick, first = laid.tick[item], laid.targets[2 * q]
    handle[STAMP] += 1
    threshold = p[LEAST_THETA] * growth_at(p, tick - ints_at(neurons.row[OWN], neurons.row[N_OWN])[BASE])
    mark, candidates = ints_at(neurons.row[MARK], neurons.size), indices(handle, F_TOUCHED)
    rule, touched = Rule(neurons.values, threshold, mark, handle[STAMP], candidates), 0
    if neurons.values[first] > threshold:
        touched = rise(rule, first, touched)
    while item < batch.items and laid.tick[item] == tick:
        q = _add(handle, neurons.values, q + 1, laid.end[item], threshold)
        while q < laid.end[item]:
            touched = rise(rule, laid.targets[2 * q], touched)
            q = _add(handle, neurons.values, q + 1, laid.end[item], threshold)
        q = laid.end[item] - 1
        item += 1
    return Reached(item, touched)


class Applied(NamedTuple):
    """What of a batch was added to the membranes, and until when its source may go on alone."""

    batch: Batch
    limit: int


@part
def _apply(at: int, handle: Ints, k: int, batch: Batch, limit: int) -> Applied:
    """Add a batch to the membranes; where neurons fire, send their spikes, and end it where they say so."""
    clock = clock_at(handle, k).row
    post = ints(handle, F_CLASSES)[clock[CLOCK_CLASS] * N_CLASS_COLUMNS + POST]
    neurons = neurons_at(handle, post)
    laid, p, own = laid_at(handle), neurons.parameters, ints_at(neurons.row[OWN], neurons.row[N_OWN])
    near, item = p[LEAST_THETA] * growth_at(p, laid.tick[0] - own[BASE]) * _NEAR, 0
    none: int = np.int64(0)  # type: ignore[assignment]  # a literal 0 would compile what follows twice
    q = _add(handle, neurons.values, none, batch.synapses, near)
    while q < batch.synapses:
        while laid.end[item] <= q:
            item += 1
        tick = laid.tick[item]
        item, touched = _end_tick(handle, post, batch, item, q)
        spikes = settle(handle, post, tick, touched) if touched else 0
        if spikes:
            handle[NOW] = tick
            limit = call(clock[CLOCK_AFTER_FIRING], at, k, spikes, limit)
            # No further, either, than the first of the deaf wakes.
            batch = cut(handle, batch, max(tick, min(limit - 1, next_change(neurons, own))) + 1)
        q = _add(handle, neurons.values, laid.end[item - 1], batch.synapses, near)
    return Applied(batch, limit)


@part
def _run(at: int, k: int, limit: int, c: int, weights: Weights) -> int:
    """Take what comes before `limit`; return 0, or -1 where it stops at a tick that no batch can hold."""
    handle = ints_at(at, HANDLE_SIZE)
    clock, classes, head = clock_at(handle, k).row, ints(handle, F_CLASSES), ints(handle, F_HEAD)[c]
    window = classes[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    neurons, drawn, laid = neurons_at(handle, window[POST]), drawn_at(handle), laid_at(handle)
    own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
    change = next_change(neurons, own)
    ahead = Ahead(0, next_of(handle, k), load_generator(words(handle, F_RANDOM), k))
    none: int = np.int64(0)  # type: ignore[assignment]  # a literal 0 would compile what follows twice
    first, taken, fetched, last = ahead, none, none, handle[NOW]
    emitted, arrived, lacks_room = 0, 0, False
    while True:
        if taken == ahead.drawn:
            first, taken = ahead, none
            ahead = draw_ahead(handle, k, Until(limit, DRAWN), first, weights)
        tick = min(drawn.tick[taken], head)
        if tick >= limit:
            break
        if tick > change:
            scale_to(neurons, tick)
            change = next_change(neurons, own)
        if head == tick:
            window_at(handle, window, tick)
        stretch = stretch_at(handle, window, head)
        fetched = fetch_rows(handle, c, stretch, fetched)
        bound = min(min(limit, change + 1), min(stretch.beyond, drawn.tick[ahead.drawn]))
        batch = lay_out(handle, c, stretch, taken, bound)
        lacks_room = batch.items == 0
        if lacks_room:
            break
        batch, limit = _apply(at, handle, k, batch, limit)
        change = next_change(neurons, own)
        events = batch.taken - taken
        taken, last = batch.taken, laid.tick[batch.items - 1]
        emitted += events
        arrived += batch.synapses - events
        arrivals = batch.items - events
        if arrivals:
            window[AT] += arrivals - 1
            head = next_arrival(handle, window, stretch.start)
            if window[AT] != stretch.begin + arrivals:
                fetched = 0
    if taken < ahead.drawn:
        ahead = draw_ahead(handle, k, Until(NEVER, taken), first, weights)
    handle[NOW] = last
    ints(handle, F_HEAD)[c] = head
    window[DELIVERIES] += arrived
    classes[clock[CLOCK_CLASS] * N_CLASS_COLUMNS + DELIVERIES] += emitted
    clock[CLOCK_EMITTED] += emitted
    set_next(handle, k, ahead.now)
    store_generator(words(handle, F_RANDOM), k, ahead.generator)
    return -1 if lacks_room else 0


@entry
def run_batches32(address_of_handle: int, k: int, limit: int, c: int) -> int:
    """Take the events of source k, by one float32 synapse per address, and the arrivals of class c.

    All spikes are sent; -1 says that it stopped at a tick that no batch can hold.
    """
    address, n = weights_of(ints_at(address_of_handle, HANDLE_SIZE), k)
    return _run(address_of_handle, k, limit, c, singles_at(address, n))


@entry
def run_batches64(address_of_handle: int, k: int, limit: int, c: int) -> int:
    """Do what `run_batches32` does, with float64 synapses per address."""
    address, n = weights_of(ints_at(address_of_handle, HANDLE_SIZE), k)
    return _run(address_of_handle, k, limit, c, floats_at(address, n))
