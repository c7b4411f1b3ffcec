"""A Poisson source's events and the arrivals of a class in windows, merged by time, until a neuron fires.

On a fine grid nearly every event has a tick of its own. To go through the engine's loop for each would cost
several times as much as to add it.
"""

from __future__ import annotations

import numpy as np

from eventsim.engine.clocks import clock_at, find_next, next_of, set_next
from eventsim.engine.jit import entry, floats_at, indices, ints, ints_at, part, singles_at, words
from eventsim.engine.layout import (
    AT,
    CLOCK_CLASS,
    CLOCK_EMITTED,
    CLOCK_N_RATES,
    CLOCK_RATES,
    CLOCK_STOP,
    DELIVERIES,
    F_CLASSES,
    F_HEAD,
    F_POOL,
    F_RANDOM,
    F_TOUCHED,
    HANDLE_SIZE,
    MARK,
    N_CLASS_COLUMNS,
    N_OWN,
    NOW,
    OWN,
    POST,
    STAMP,
    Ints,
    neurons_at,
)
from eventsim.engine.random_numbers import load_generator, store_generator
from eventsim.engine.slots import packed_rows
from eventsim.engine.windows import count_of, fetch_ahead, next_arrival, window_at
from eventsim.models.scaled.delivery import add_arrival
from eventsim.models.scaled.membrane import (
    BASE,
    GAIN,
    LEAST_THETA,
    Rule,
    growth_at,
    next_change,
    scale_to,
    settle,
)
from eventsim.models.scaled.poisson import Drawn, add_events, weights_of
from eventsim.weights import Weights


@part
def _run(handle: Ints, k: int, limit: int, c: int, weights: Weights) -> int:
    """Take all that comes before `limit`, until a neuron fires; return how many do."""
    clock, g = clock_at(handle, k).row, load_generator(words(handle, F_RANDOM), k)
    classes = ints(handle, F_CLASSES)
    fused = classes[clock[CLOCK_CLASS] * N_CLASS_COLUMNS : (clock[CLOCK_CLASS] + 1) * N_CLASS_COLUMNS]
    window = classes[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    rows = packed_rows(window)
    neurons, now, pool = neurons_at(handle, fused[POST]), next_of(handle, k), words(handle, F_POOL)
    rates = floats_at(clock[CLOCK_RATES], clock[CLOCK_N_RATES])
    mean, stop, gain = rates[rates.shape[0] - 1], clock[CLOCK_STOP], neurons.parameters[GAIN]
    own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
    head, last = ints(handle, F_HEAD)[c], handle[NOW]
    change, stamp = next_change(neurons, own), handle[STAMP]
    mark, candidates = ints_at(neurons.row[MARK], neurons.size), indices(handle, F_TOUCHED)
    spikes, emitted, arrived = 0, 0, 0
    while spikes == 0:
        tick = min(now.tick, head)
        if tick >= limit:
            break
        last, touched = tick, 0
        if tick > change:
            scale = scale_to(neurons, tick)
            change = next_change(neurons, own)
        else:  # the same, without noting that this is the tick: nobody else asks for it
            scale = growth_at(neurons.parameters, tick - own[BASE])
        stamp += 1
        rule = Rule(neurons.values, neurons.parameters[LEAST_THETA] * scale, mark, stamp, candidates)
        x = scale * gain
        if head == tick:
            window_at(handle, window, tick)
            while head == tick:
                word = pool[window[AT]]
                arrived += int(np.int64(count_of(word)))
                touched = add_arrival(rule, rows, word, x, touched)
                fetch_ahead(handle, window)
                head = next_arrival(handle, window, tick)
        if now.tick == tick:
            drawn = add_events(rule, weights, rates, x, now.events, Drawn(touched, g))
            touched = drawn.touched
            emitted += now.events
            now, g = find_next(now.origin, now.ahead, mean, stop, drawn.generator)
        if touched:
            spikes = settle(handle, fused[POST], tick, touched)
    handle[NOW], handle[STAMP] = last, stamp
    ints(handle, F_HEAD)[c] = head
    window[DELIVERIES] += arrived
    fused[DELIVERIES] += emitted
    clock[CLOCK_EMITTED] += emitted
    set_next(handle, k, now)
    store_generator(words(handle, F_RANDOM), k, g)
    return spikes


@entry
def run_merged32(address_of_handle: int, k: int, limit: int, c: int) -> int:
    """Take the events of source k, by one float32 synapse per address, and the arrivals of class c."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    address, n = weights_of(handle, k)
    return _run(handle, k, limit, c, singles_at(address, n))


@entry
def run_merged64(address_of_handle: int, k: int, limit: int, c: int) -> int:
    """Do what `run_merged32` does, with float64 synapses per address."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    address, n = weights_of(handle, k)
    return _run(handle, k, limit, c, floats_at(address, n))
