"""Membranes with time scaled out: the state of the fast form of LIF, and how its neurons fire."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from eventsim.engine.calendar import calendar_at, schedule
from eventsim.engine.jit import entry, floats_at, indices, inlined, ints_at, part
from eventsim.engine.layout import (
    F_FIRED,
    F_TOUCHED,
    HANDLE_SIZE,
    MARK,
    N_OWN,
    NEVER,
    OWN,
    STAMP,
    Floats,
    Indices,
    Ints,
    Neurons,
    neurons_at,
)
from eventsim.models.scaled.base import moved, spans_before

LEVELS, ENTRIES, BITS = 3, 2048, 11
"""E after k ticks is a product of `LEVELS` table entries, each picked by `BITS` bits of k."""

# The parameters: single numbers, then the tables of E, then thresholds and drops (one, or one per neuron).
LOG, REBASE, LEAST_THETA, DEAF, KEEP, N_THETA, N_DROP, GAIN = range(8)
TABLES: Final = 8
THETA: Final = TABLES + LEVELS * ENTRIES
# The state: U per neuron, the membrane held while deaf per neuron, then E at the tick in LAST_TICK.
# The own integers: the tick at which E is 1 (it moves by REBASE ticks at a time), the tick of E, and the
# queue of deaf neurons by waking tick.
BASE, LAST_TICK, WAKE_HEAD, WAKE_COUNT, WAKES = range(5)


class Rule(NamedTuple):
    """What adding to the membranes of one tick needs."""

    membranes: Floats
    threshold: float
    mark: Ints
    stamp: int
    candidates: Indices


@inlined
def growth_at(parameters: Floats, k: int) -> float:
    """Return E, k ticks after its base."""
    low, middle, high = k & (ENTRIES - 1), (k >> BITS) & (ENTRIES - 1), k >> (2 * BITS)
    low, middle, high = TABLES + low, TABLES + ENTRIES + middle, TABLES + 2 * ENTRIES + high
    grown: float = parameters[np.uint64(low)] * parameters[np.uint64(middle)] * parameters[np.uint64(high)]
    return grown


@inlined
def next_change(neurons: Neurons, own: Ints) -> int:
    """Return after which tick a neuron wakes or E wants a new base."""
    wake = own[WAKES + own[WAKE_HEAD]] if own[WAKE_COUNT] > 0 else NEVER
    return int(min(wake, own[BASE] + np.int64(neurons.parameters[REBASE])))


@part
def _move_base(neurons: Neurons, own: Ints, tick: int) -> None:
    """Move the base to less than a span before `tick`."""
    span = int(neurons.parameters[REBASE])
    spans, factor = spans_before(tick - own[BASE], span), np.exp2(span * neurons.parameters[LOG])
    for i in range(neurons.size):
        if neurons.values[i] > -np.inf:  # 0 times infinity is not a number
            neurons.values[i] = moved(neurons.values[i], factor, spans)
    own[BASE] += spans * span


@inlined
def scale_to(neurons: Neurons, tick: int) -> float:
    """Return E at `tick`, after waking those whose deaf time is over."""
    own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
    place = 2 * neurons.size
    if own[LAST_TICK] == tick:
        return float(neurons.values[place])
    own[LAST_TICK] = tick
    if own[WAKE_COUNT] > 0 and own[WAKES + own[WAKE_HEAD]] < tick:
        _wake(neurons, own, tick)
    if tick - own[BASE] > neurons.parameters[REBASE]:
        _move_base(neurons, own, tick)
    scale = growth_at(neurons.parameters, tick - own[BASE])
    neurons.values[place] = scale
    return scale


@part
def _wake(neurons: Neurons, own: Ints, tick: int) -> None:
    """Let those whose deaf time ends before `tick` leave their held membrane."""
    n = neurons.size
    while own[WAKE_COUNT] > 0 and own[WAKES + own[WAKE_HEAD]] < tick:
        head = own[WAKE_HEAD]
        i, at = own[WAKES + n + head], own[WAKES + head]
        if at - own[BASE] > neurons.parameters[REBASE]:
            _move_base(neurons, own, at)
        neurons.values[i] = neurons.values[n + i] * growth_at(neurons.parameters, at - own[BASE])
        own[WAKE_HEAD] = head + 1 if head + 1 < n else 0
        own[WAKE_COUNT] -= 1


@inlined
def rule_at(handle: Ints, neurons: Neurons, scale: float) -> Rule:
    """Return what adding to the membranes at one tick needs."""
    return Rule(
        neurons.values,
        neurons.parameters[LEAST_THETA] * scale,
        ints_at(neurons.row[MARK], neurons.size),
        handle[STAMP],
        indices(handle, F_TOUCHED),
    )


@inlined
def rise(rule: Rule, j: int, count: int) -> int:
    """List neuron j as a candidate, once per tick."""
    if rule.mark[j] != rule.stamp:
        rule.mark[j] = rule.stamp
        rule.candidates[count] = j
        count += 1
    return count


@part
def settle(handle: Ints, population: int, tick: int, count: int) -> int:
    """List those of the touched that are above their threshold as fired, and reset them."""
    neurons = neurons_at(handle, population)
    scale, membranes, fired = scale_to(neurons, tick), neurons.values, indices(handle, F_FIRED)
    least = neurons.parameters[LEAST_THETA] * scale
    spikes: int = np.int64(0)  # type: ignore[assignment]  # a literal 0 would compile what follows twice
    if count >= 0:
        touched = indices(handle, F_TOUCHED)
        for q in range(count):
            if membranes[touched[q]] > least:
                spikes = _fire_if_above(
                    handle, neurons, tick, int(np.int64(touched[q])), scale, (fired, spikes)
                )
        return spikes
    for start in range(0, neurons.size, _BLOCK):
        stop = min(start + _BLOCK, neurons.size)
        if _any_above(membranes, start, stop, least):
            for i in range(start, stop):
                if membranes[i] > least:
                    spikes = _fire_if_above(handle, neurons, tick, i, scale, (fired, spikes))
    return spikes


_BLOCK: Final = 32


@inlined
def _any_above(membranes: Floats, start: int, stop: int, least: float) -> bool:
    """Return whether any of a block is above `least`: few are, and counting them is vectorised."""
    above = 0
    for i in range(np.uint64(start), np.uint64(stop)):
        above += membranes[i] > least
    return above > 0


@part
def _fire_if_above(
    handle: Ints, neurons: Neurons, tick: int, i: int, scale: float, listed: tuple[Indices, int]
) -> int:
    p, n, (fired, spikes) = neurons.parameters, neurons.size, listed
    n_theta, deaf = int(p[N_THETA]), int(p[DEAF])
    theta = p[THETA + (i if n_theta > 1 else 0)]
    if not neurons.values[i] > theta * scale:
        return spikes
    drop = p[THETA + n_theta + (i if p[N_DROP] > 1.0 else 0)]
    after = neurons.values[i] / scale * p[KEEP] - drop
    if deaf > 0:
        own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
        neurons.values[i] = -np.inf
        neurons.values[n + i] = after
        tail = own[WAKE_HEAD] + own[WAKE_COUNT]
        if tail >= n:
            tail -= n
        own[WAKES + tail] = tick + deaf
        own[WAKES + n + tail] = i
        own[WAKE_COUNT] += 1
    else:
        neurons.values[i] = after * scale
    if after > theta:  # after a soft reset: it fires again as soon as it may
        schedule(calendar_at(handle), neurons, i, tick, tick + deaf + 1)
    fired[spikes] = i
    return spikes + 1


@entry
def update_scaled(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Let the candidates that are above their threshold fire; return how many did."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    return settle(handle, population, tick, count)


@entry
def look_scaled(address_of_handle: int, population: int, i: int, tick: int) -> int:
    """Return `tick` where neuron i is above its threshold then, else NEVER: left alone it only decays."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    scale = scale_to(neurons, tick)
    theta = neurons.parameters[THETA + (i if neurons.parameters[N_THETA] > 1.0 else 0)]
    return tick if neurons.values[i] > theta * scale else NEVER


@entry
def start_scaled(address_of_handle: int, population: int, tick: int, _: int) -> int:
    """Let time begin one tick before `tick`."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
    own[BASE], own[LAST_TICK], own[WAKE_HEAD], own[WAKE_COUNT] = tick - 1, tick - 2, 0, 0
    return 0


@entry
def membrane_of_scaled(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write the membranes at `tick`, bit for bit as if the neurons were visited then."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    n, p, state = neurons.size, neurons.parameters, neurons.values
    own, membranes = ints_at(neurons.row[OWN], neurons.row[N_OWN]), floats_at(address, n)
    span, since = int(p[REBASE]), tick - own[BASE]
    spans, factor = spans_before(since, span), np.exp2(span * p[LOG])
    rest = np.exp2((since - spans * span) * p[LOG])
    for i in range(n):
        membranes[i] = moved(state[i], factor, spans) * rest if state[i] > -np.inf else state[n + i]
    for k in range(own[WAKE_COUNT]):
        place = own[WAKE_HEAD] + k
        if place >= n:
            place -= n
        i, woken = own[WAKES + n + place], own[WAKES + place] - own[BASE]
        if woken < since:
            before = spans_before(woken, span)
            u = state[n + i] * growth_at(p, woken - before * span)
            membranes[i] = moved(u, factor, spans - before) * rest
    return 0
