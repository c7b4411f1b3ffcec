"""A Poisson source's events added straight to the scaled membranes and currents, with no packet between."""

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
    N_WEIGHTS,
    NOW,
    POST,
    STAMP,
    WEIGHTS,
    Floats,
    Ints,
    neurons_at,
)
from eventsim.engine.random_numbers import Generator, load_generator, store_generator
from eventsim.models.scaled_current.membrane import Rule, add, predict, rule_at, scale_to
from eventsim.weights import Weights


class _Drawn(NamedTuple):
    """How many neurons are touched so far, and the generator."""

    touched: int
    generator: Generator


@inlined
def _add_events(rule: Rule, weights: Weights, rates: Floats, events: int, so_far: _Drawn) -> _Drawn:
    """Draw the addresses of a source's events at one tick, and add each to its neuron."""
    touched, g = so_far.touched, so_far.generator
    size = rule.mark.shape[0]
    step = 0 if weights.shape[0] == 1 else 1
    for _ in range(events):
        j, g = draw_address(g, rates, size)
        touched = add(rule, j, weights[j * step], touched)
    return _Drawn(touched, g)


@part
def _take(handle: Ints, k: int, row: Ints, weights: Weights, touched: int) -> int:
    """Take a source's events at the tick being processed, beside other deliveries."""
    clock, g = clock_at(handle, k).row, load_generator(words(handle, F_RANDOM), k)
    neurons, now = neurons_at(handle, row[POST]), next_of(handle, k)
    rates = floats_at(clock[CLOCK_RATES], clock[CLOCK_N_RATES])
    rule = rule_at(handle, neurons, scale_to(neurons, handle[NOW]))
    drawn = _add_events(rule, weights, rates, now.events, _Drawn(max(touched, 0), g))
    row[DELIVERIES] += now.events
    clock[CLOCK_EMITTED] += now.events
    mean, stop = rates[rates.shape[0] - 1], clock[CLOCK_STOP]
    found, g = find_next(now.origin, now.ahead, mean, stop, drawn.generator)
    set_next(handle, k, found)
    store_generator(words(handle, F_RANDOM), k, g)
    return -1 if touched < 0 else drawn.touched


@part
def _run(handle: Ints, k: int, limit: int, row: Ints, weights: Weights) -> int:
    """Take a source's events, tick by tick, before `limit` and before the first firing they bring about.

    No neuron fires at an input, which moves the membrane from the next tick on. Returns -1 where a firing was
    predicted before `limit`, else 0.
    """
    clock, g = clock_at(handle, k).row, load_generator(words(handle, F_RANDOM), k)
    neurons, now = neurons_at(handle, row[POST]), next_of(handle, k)
    rates = floats_at(clock[CLOCK_RATES], clock[CLOCK_N_RATES])
    mean, stop = rates[rates.shape[0] - 1], clock[CLOCK_STOP]
    emitted, predicted, tick = 0, limit, now.tick
    while now.tick < predicted:
        tick = now.tick
        handle[STAMP] += 1
        scales = scale_to(neurons, tick)
        rule = rule_at(handle, neurons, scales)
        drawn = _add_events(rule, weights, rates, now.events, _Drawn(0, g))
        emitted += now.events
        now, g = find_next(now.origin, now.ahead, mean, stop, drawn.generator)
        if drawn.touched:
            predicted = min(predicted, predict(handle, neurons, scales, tick, drawn.touched))
    handle[NOW] = tick
    row[DELIVERIES] += emitted
    clock[CLOCK_EMITTED] += emitted
    set_next(handle, k, now)
    store_generator(words(handle, F_RANDOM), k, g)
    return -1 if predicted < limit else 0


@part
def _run_or_take(handle: Ints, k: int, limit: int, weights: Weights, touched: int) -> int:
    c = clock_at(handle, k).row[CLOCK_CLASS]
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    if limit < 0:
        return _take(handle, k, row, weights, touched)
    return _run(handle, k, limit, row, weights)


@part
def _weights_of(handle: Ints, k: int) -> tuple[int, int]:
    row = clock_at(handle, k).row[CLOCK_CLASS] * N_CLASS_COLUMNS
    classes = ints(handle, F_CLASSES)
    return classes[row + WEIGHTS], classes[row + N_WEIGHTS]


@entry
def run_current_one_to_one32(address_of_handle: int, k: int, limit: int, touched: int) -> int:
    """Take the events of Poisson source k before `limit`, one float32 synapse per address.

    With a `limit` below 0 it takes those of the tick being processed, and returns the touched neurons; else
    it stops where it predicts a firing, and returns -1 then.
    """
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    address, n = _weights_of(handle, k)
    return _run_or_take(handle, k, limit, singles_at(address, n), touched)


@entry
def run_current_one_to_one64(address_of_handle: int, k: int, limit: int, touched: int) -> int:
    """Do what `run_current_one_to_one32` does, with float64 synapses."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    address, n = _weights_of(handle, k)
    return _run_or_take(handle, k, limit, floats_at(address, n), touched)
