"""Membrane and current with time scaled out: the state of the fast form of CubaLIF, and when it fires.

Between events ``v(k) = a alpha^k + b sigma^k`` with ``b = -c i`` and ``a = v + c i``; ``A = a X`` and
``B = b Y`` stay constant, X and Y being alpha^-k and sigma^-k since a base. An input w adds c w X to A and
takes c w Y from B. As long as a is not above the threshold, or the current not positive, nothing can cross:
one comparison. Those above it are looked at once the tick's inputs are all there, against a table of how far
such a membrane can rise, and only then is the first tick above the threshold sought.

Source: Rotter and Diesmann 1999, Biological Cybernetics 81, section 3; the scaled state is the integrating
factor of both equations.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from eventsim.engine.calendar import Calendar, calendar_at, forget, schedule
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
from eventsim.models.scaled.membrane import BITS, ENTRIES, LEVELS

# The parameters: single numbers, the tables of X and of Y, and how far a membrane rises.
ALPHA_LOG, SIGMA_LOG, REBASE, THETA, DEAF, KEEP, DROP, COUPLING = range(8)
X_TABLES: Final = 8
Y_TABLES: Final = X_TABLES + LEVELS * ENTRIES
RISES: Final = Y_TABLES + LEVELS * ENTRIES
CELLS, CELLS_PER_UNIT = 2048, 512
# The state: A and B of each neuron side by side, then the held membranes, then X and Y at the tick in
# LAST_TICK. The own integers: the tick at which both are 1, the tick of X and Y, and the queue of the deaf.
BASE, LAST_TICK, WAKE_HEAD, WAKE_COUNT, WAKES = range(5)


class Scales(NamedTuple):
    """X and Y at a tick."""

    x: float
    y: float


class Rule(NamedTuple):
    """What adding to the neurons of one tick needs."""

    state: Floats
    up: float
    down: float
    threshold: float
    mark: Ints
    stamp: int
    candidates: Indices


@inlined
def scales_at(p: Floats, k: int) -> Scales:
    """Return X and Y, k ticks after their base."""
    low, middle, high = k & (ENTRIES - 1), (k >> BITS) & (ENTRIES - 1), k >> (2 * BITS)
    middle, high = middle + ENTRIES, high + 2 * ENTRIES
    return Scales(
        p[X_TABLES + low] * p[X_TABLES + middle] * p[X_TABLES + high],
        p[Y_TABLES + low] * p[Y_TABLES + middle] * p[Y_TABLES + high],
    )


@part
def _move_base(neurons: Neurons, own: Ints, tick: int) -> None:
    """Move the base to less than a span before `tick`."""
    span, p = int(neurons.parameters[REBASE]), neurons.parameters
    spans, x, y = (
        spans_before(tick - own[BASE], span),
        np.exp2(span * p[ALPHA_LOG]),
        np.exp2(span * p[SIGMA_LOG]),
    )
    for i in range(neurons.size):
        if neurons.values[2 * i] > -np.inf:  # 0 times infinity is not a number
            neurons.values[2 * i] = moved(neurons.values[2 * i], x, spans)
        neurons.values[2 * i + 1] = moved(neurons.values[2 * i + 1], y, spans)
    own[BASE] += spans * span


@part
def _wake(neurons: Neurons, own: Ints, tick: int) -> None:
    """Let those whose deaf time ends before `tick` leave the held membrane, with the current of then."""
    n = neurons.size
    while own[WAKE_COUNT] > 0 and own[WAKES + own[WAKE_HEAD]] < tick:
        head = own[WAKE_HEAD]
        i, at = own[WAKES + n + head], own[WAKES + head]
        if at - own[BASE] > neurons.parameters[REBASE]:
            _move_base(neurons, own, at)
        scales = scales_at(neurons.parameters, at - own[BASE])
        b = neurons.values[2 * i + 1] / scales.y
        neurons.values[2 * i] = (neurons.values[2 * n + i] - b) * scales.x
        own[WAKE_HEAD] = head + 1 if head + 1 < n else 0
        own[WAKE_COUNT] -= 1


@inlined
def scale_to(neurons: Neurons, tick: int) -> Scales:
    """Return X and Y at `tick`, after waking those whose deaf time is over."""
    own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
    place = 3 * neurons.size
    if own[LAST_TICK] != tick:
        own[LAST_TICK] = tick
        if own[WAKE_COUNT] > 0 and own[WAKES + own[WAKE_HEAD]] < tick:
            _wake(neurons, own, tick)
        if tick - own[BASE] > neurons.parameters[REBASE]:
            _move_base(neurons, own, tick)
        scales = scales_at(neurons.parameters, tick - own[BASE])
        neurons.values[place], neurons.values[place + 1] = scales.x, scales.y
    return Scales(neurons.values[place], neurons.values[place + 1])


@inlined
def rule_at(handle: Ints, neurons: Neurons, scales: Scales) -> Rule:
    """Return what adding to the neurons at one tick needs."""
    coupling = neurons.parameters[COUPLING]
    return Rule(
        neurons.values,
        coupling * scales.x,
        -coupling * scales.y,
        neurons.parameters[THETA] * scales.x,
        ints_at(neurons.row[MARK], neurons.size),
        handle[STAMP],
        indices(handle, F_TOUCHED),
    )


@inlined
def add(rule: Rule, j: int, w: float, count: int) -> int:
    """Add an input to neuron j, and list it, once per tick, if it may cross; return the new number listed."""
    a = rule.state[2 * j] + w * rule.up
    rule.state[2 * j] = a
    rule.state[2 * j + 1] += w * rule.down
    if a > rule.threshold and rule.mark[j] != rule.stamp:
        rule.mark[j] = rule.stamp
        rule.candidates[count] = j
        count += 1
    return count


@inlined
def _after(p: Floats, a: float, b: float, k: int) -> float:
    return a * np.exp2(k * p[ALPHA_LOG]) + b * np.exp2(k * p[SIGMA_LOG])  # type: ignore[no-any-return]


@inlined
def first_after(p: Floats, a: float, b: float) -> int:
    """Return after how many ticks, at least 1, the membrane a + b is first above the threshold, or NEVER."""
    if a <= p[THETA] or b >= 0.0:
        return 1 if b >= 0.0 and _after(p, a, b, 1) > p[THETA] else NEVER
    ratio = -b / a
    cell = int(min(ratio * CELLS_PER_UNIT, CELLS - 1.0))
    if a * p[RISES + cell] <= p[THETA]:
        return NEVER
    return _seek(p, a, b, ratio)


@part
def _seek(p: Floats, a: float, b: float, ratio: float) -> int:
    theta, fall, faster = p[THETA], p[ALPHA_LOG], p[SIGMA_LOG]
    if _after(p, a, b, 1) > theta:
        return 1
    # The top is where a alpha^s and -b sigma^s fall equally fast.
    top = math.log2(ratio * faster / fall) / (fall - faster) if ratio * faster / fall > 1.0 else 0.0
    high = int(top) + 1
    if high < 2 or _after(p, a, b, high) <= theta:
        high -= 1
        if high < 2 or _after(p, a, b, high) <= theta:
            return NEVER
    low, s = 1, 1.0
    for _ in range(8):  # Newton from the left, where the membrane rises ever more slowly: it never overshoots
        rising, falling = a * np.exp2(s * fall), b * np.exp2(s * faster)
        slope = math.log(2.0) * (fall * rising + faster * falling)
        step = (theta - rising - falling) / slope if slope > 0.0 else 0.0
        s += step
        if not 1.0 <= s < high or step < 0.5:
            break
    k = min(max(int(s), low), high - 1)
    for _ in range(2):  # the crossing is at k + 1, or next to it
        if _after(p, a, b, k) > theta:
            high = k
            k = max(k - 1, low)
        else:
            low = k
            k = min(k + 1, high - 1)
    while high - low > 1:
        middle = low + (high - low) // 2
        if _after(p, a, b, middle) > theta:
            high = middle
        else:
            low = middle
    return high


@part
def predict(handle: Ints, neurons: Neurons, scales: Scales, tick: int, count: int) -> int:
    """Predict when those of the touched fire that may; return the first tick, or NEVER."""
    calendar, p, state = calendar_at(handle), neurons.parameters, neurons.values
    touched = indices(handle, F_TOUCHED)
    first = NEVER
    for q in range(neurons.size if count < 0 else count):
        i = q if count < 0 else touched[q]
        if state[2 * i] > p[THETA] * scales.x:
            k = first_after(p, state[2 * i] / scales.x, state[2 * i + 1] / scales.y)
            if k < NEVER:
                schedule(calendar, neurons, i, tick, tick + k)
                first = min(first, tick + k)
    return first


@entry
def update_scaled_current(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Let those of the touched that are above the threshold fire, and predict the others."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, fired = neurons_at(handle, population), indices(handle, F_FIRED)
    scales, touched = scale_to(neurons, tick), indices(handle, F_TOUCHED)
    theta, state, spikes = neurons.parameters[THETA], neurons.values, 0
    for q in range(neurons.size if count < 0 else count):
        i = q if count < 0 else touched[q]
        v = state[2 * i] / scales.x + state[2 * i + 1] / scales.y
        if v > theta:
            _fire(neurons, calendar_at(handle), tick, i, v, scales)
            fired[spikes] = i
            spikes += 1
    predict(handle, neurons, scales, tick, count)
    return spikes


@part
def _fire(neurons: Neurons, calendar: Calendar, tick: int, i: int, v: float, scales: Scales) -> None:
    """Reset neuron i at its spike; it is looked at when it can next be above the threshold."""
    p, n, state = neurons.parameters, neurons.size, neurons.values
    deaf, after = int(p[DEAF]), v * p[KEEP] - p[DROP]
    forget(calendar, neurons, i)
    if deaf > 0:
        own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
        state[2 * i], state[2 * n + i] = -np.inf, after
        tail = own[WAKE_HEAD] + own[WAKE_COUNT]
        if tail >= n:
            tail -= n
        own[WAKES + tail], own[WAKES + n + tail] = tick + deaf, i
        own[WAKE_COUNT] += 1
        schedule(calendar, neurons, i, tick, tick + deaf + 1)
    else:
        b = state[2 * i + 1] / scales.y
        state[2 * i] = (after - b) * scales.x
        if after > p[THETA]:
            schedule(calendar, neurons, i, tick, tick + 1)


@entry
def look_scaled_current(address_of_handle: int, population: int, i: int, tick: int) -> int:
    """Return the first tick from `tick` on at which neuron i fires if left alone, or NEVER."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    scales, p = scale_to(neurons, tick), neurons.parameters
    a, b = neurons.values[2 * i] / scales.x, neurons.values[2 * i + 1] / scales.y
    if a + b > p[THETA]:
        return tick
    k = first_after(p, a, b)
    return NEVER if k >= NEVER else tick + k


@entry
def start_scaled_current(address_of_handle: int, population: int, tick: int, _: int) -> int:
    """Let time begin one tick before `tick`."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
    own[BASE], own[LAST_TICK], own[WAKE_HEAD], own[WAKE_COUNT] = tick - 1, tick - 2, 0, 0
    return 0


@entry
def membrane_of_scaled_current(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write the membranes at `tick`, bit for bit as if the neurons were visited then."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    n, p, state = neurons.size, neurons.parameters, neurons.values
    own, membranes = ints_at(neurons.row[OWN], neurons.row[N_OWN]), floats_at(address, n)
    span, since = int(p[REBASE]), tick - own[BASE]
    spans, x, y = spans_before(since, span), np.exp2(span * p[ALPHA_LOG]), np.exp2(span * p[SIGMA_LOG])
    rest = since - spans * span
    for i in range(n):
        if state[2 * i] > -np.inf:
            membranes[i] = _after(p, moved(state[2 * i], x, spans), moved(state[2 * i + 1], y, spans), rest)
        else:
            membranes[i] = state[2 * n + i]
    for k in range(own[WAKE_COUNT]):
        place = own[WAKE_HEAD] + k
        if place >= n:
            place -= n
        i, woken = own[WAKES + n + place], own[WAKES + place] - own[BASE]
        if woken < since:
            before = spans_before(woken, span)
            scales, b = scales_at(p, woken - before * span), moved(state[2 * i + 1], y, before)
            a = (state[2 * n + i] - b / scales.y) * scales.x
            membranes[i] = _after(p, moved(a, x, spans - before), moved(b, y, spans - before), rest)
    return 0
