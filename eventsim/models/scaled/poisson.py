"""A Poisson source's events added straight to the scaled membranes, with no packet between."""

from __future__ import annotations

from typing import NamedTuple

from eventsim.engine.clocks import clock_at, draw_address, find_next, next_of, set_next
from eventsim.engine.jit import entry, floats_at, inlined, ints, ints_at, part, singles_at, words
from eventsim.engine.layout import (
    CLOCK_CLASS,
    CLOCK_EMITTED,
    CLOCK_N_RATES,
    CLOCK_RATES,
    CLOCK_STOP,
    DELIVERIES,
    F_CLASSES,
    F_RANDOM,
    HANDLE_SIZE,
    N_CLASS_COLUMNS,
    N_OWN,
    N_WEIGHTS,
    NOW,
    OWN,
    POST,
    STAMP,
    WEIGHTS,
    Floats,
    Ints,
    neurons_at,
)
from eventsim.engine.random_numbers import Generator, load_generator, store_generator
from eventsim.models.scaled.membrane import (
    BASE,
    GAIN,
    REBASE,
    WAKE_COUNT,
    WAKE_HEAD,
    WAKES,
    Rule,
    growth_at,
    rise,
    rule_at,
    scale_to,
    settle,
)
from eventsim.weights import Weights


class Drawn(NamedTuple):
    """How many neurons are touched so far, and the generator."""

    touched: int
    generator: Generator


@inlined
def add_events(rule: Rule, weights: Weights, rates: Floats, x: float, events: int, so_far: Drawn) -> Drawn:
    """Draw the addresses of a source's events at one tick, and add each to its neuron."""
    touched, g = so_far.touched, so_far.generator
    size = rule.mark.shape[0]
    step = 0 if weights.shape[0] == 1 else 1
    membranes, threshold = rule.membranes, rule.threshold
    for _ in range(events):
        j, g = draw_address(g, rates, size)
        u = membranes[j] + weights[j * step] * x
        membranes[j] = u
        if u > threshold:
            touched = rise(rule, j, touched)
    return Drawn(touched, g)


@part
def _take(handle: Ints, k: int, row: Ints, weights: Weights, touched: int) -> int:
    """Take a source's events at the tick being processed, beside other deliveries."""
    clock, g = clock_at(handle, k).row, load_generator(words(handle, F_RANDOM), k)
    neurons, now = neurons_at(handle, row[POST]), next_of(handle, k)
    rates = floats_at(clock[CLOCK_RATES], clock[CLOCK_N_RATES])
    scale = scale_to(neurons, handle[NOW])
    rule, x = rule_at(handle, neurons, scale), scale * neurons.parameters[GAIN]
    drawn = add_events(rule, weights, rates, x, now.events, Drawn(max(touched, 0), g))
    row[DELIVERIES] += now.events
    clock[CLOCK_EMITTED] += now.events
    found, g = find_next(now.origin, now.ahead, rates[rates.shape[0] - 1], clock[CLOCK_STOP], drawn.generator)
    set_next(handle, k, found)
    store_generator(words(handle, F_RANDOM), k, g)
    return -1 if touched < 0 else drawn.touched


@part
def _run(handle: Ints, k: int, limit: int, row: Ints, weights: Weights) -> int:
    """Take a source's events, tick by tick, before `limit` and until a neuron fires; return how many do."""
    clock, g = clock_at(handle, k).row, load_generator(words(handle, F_RANDOM), k)
    neurons, now = neurons_at(handle, row[POST]), next_of(handle, k)
    rates = floats_at(clock[CLOCK_RATES], clock[CLOCK_N_RATES])
    mean, stop, p = rates[rates.shape[0] - 1], clock[CLOCK_STOP], neurons.parameters
    own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
    spikes, emitted, tick = 0, 0, now.tick
    while now.tick < limit and spikes == 0:
        tick = now.tick
        wake = own[WAKES + own[WAKE_HEAD]] if own[WAKE_COUNT] > 0 else limit
        if wake < tick or tick - own[BASE] > p[REBASE]:
            scale = scale_to(neurons, tick)
        else:  # the same, without noting that this is the tick: nobody else asks for it
            scale = growth_at(p, tick - own[BASE])
        handle[STAMP] += 1
        rule = rule_at(handle, neurons, scale)
        drawn = add_events(rule, weights, rates, scale * p[GAIN], now.events, Drawn(0, g))
        emitted += now.events
        now, g = find_next(now.origin, now.ahead, mean, stop, drawn.generator)
        if drawn.touched:
            spikes = settle(handle, row[POST], tick, drawn.touched)
    handle[NOW] = tick
    row[DELIVERIES] += emitted
    clock[CLOCK_EMITTED] += emitted
    set_next(handle, k, now)
    store_generator(words(handle, F_RANDOM), k, g)
    return spikes


@part
def _run_or_take(handle: Ints, k: int, limit: int, weights: Weights, touched: int) -> int:
    c = clock_at(handle, k).row[CLOCK_CLASS]
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    if limit < 0:
        return _take(handle, k, row, weights, touched)
    return _run(handle, k, limit, row, weights)


@part
def weights_of(handle: Ints, k: int) -> tuple[int, int]:
    """Return where the weights are that source k hands its events to, and how many."""
    row = clock_at(handle, k).row[CLOCK_CLASS] * N_CLASS_COLUMNS
    classes = ints(handle, F_CLASSES)
    return classes[row + WEIGHTS], classes[row + N_WEIGHTS]


@entry
def run_one_to_one32(address_of_handle: int, k: int, limit: int, touched: int) -> int:
    """Take the events of Poisson source k before `limit`, one float32 synapse per address.

    With a `limit` below 0 it takes those of the tick being processed, and returns the touched neurons; else
    it lets neurons fire, and returns how many did at the tick where it stopped.
    """
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    address, n = weights_of(handle, k)
    return _run_or_take(handle, k, limit, singles_at(address, n), touched)


@entry
def run_one_to_one64(address_of_handle: int, k: int, limit: int, touched: int) -> int:
    """Do what `run_one_to_one32` does, with float64 synapses."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    address, n = weights_of(handle, k)
    return _run_or_take(handle, k, limit, floats_at(address, n), touched)
