"""The fast form of LIF: with time scaled out of the membrane, a neuron that gets nothing needs no update.

Where no bias drives the neurons and all leak alike, ``U = v exp((t - base) / tau)`` stays constant between
events. An input adds ``w E`` with one ``E = exp((t - base) / tau)`` per tick, and the threshold becomes
``theta E``: one addition and one comparison per synaptic event, nothing per neuron. So inputs are added to the
membranes as they come; those that rise above the threshold on the way are candidates, and fire if they are
above it once the tick's inputs are all there. A deaf neuron is at minus infinity, where inputs are lost.

Source: the scaled state is the integrating factor of dv/dt = -v / tau.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from eventsim.engine.arrivals import Arrivals, arrivals_at, rows_of
from eventsim.engine.calendar import calendar_at, schedule
from eventsim.engine.clocks import advance_clock, clock_at, draw_address
from eventsim.engine.jit import (
    entry,
    floats,
    floats_at,
    indices,
    ints,
    ints_at,
    part,
    singles_at,
    words,
)
from eventsim.engine.layout import (
    CLOCK_CLASS,
    CLOCK_EMITTED,
    CLOCK_EVENTS,
    CLOCK_N_RATES,
    CLOCK_RATES,
    CLOCK_TICK,
    DELIVERIES,
    F_CLASSES,
    F_CLOCK_FRACTION,
    F_FIRED,
    F_RANDOM,
    F_TOUCHED,
    HANDLE_SIZE,
    MARK,
    N_CLASS_COLUMNS,
    N_OWN,
    N_WEIGHTS,
    NEVER,
    NOW,
    OWN,
    POST,
    STAMP,
    WEIGHTS,
    Floats,
    Indices,
    Ints,
    Neurons,
    Words,
    neurons_at,
    touched_at,
)
from eventsim.models.model import Entries, FloatArray, Form, decay_rows, input_gain, reset_rows
from eventsim.weights import Weights

if TYPE_CHECKING:
    from eventsim.models.lif import LIF

_LEVELS, _ENTRIES, _BITS = 3, 2048, 11
_MOST_TICKS: Final = _ENTRIES**_LEVELS - 1
_MOST_DOUBLINGS: Final = 200.0  # E stays below 2^200: far from overflow, with room for the inputs

# The parameters: single numbers, then three tables of E, then thresholds and drops (one, or one per neuron).
_LOG, _REBASE, _LEAST_THETA, _DEAF, _KEEP, _N_THETA, _N_DROP, _GAIN = range(8)
_TABLES: Final = 8
_THETA: Final = _TABLES + _LEVELS * _ENTRIES
# The state: U per neuron, the membrane held while deaf per neuron, then E at the tick in _TICK.
# The own integers: the tick at which E is 1, the tick of E, and the queue of deaf neurons by waking tick.
_BASE, _TICK, _WAKE_HEAD, _WAKE_COUNT, _WAKES = range(5)

_FORMS: Final = frozenset({"dense32", "dense64", "sparse32", "sparse64", "one_to_one32", "one_to_one64"})


def scaled_form(model: LIF, tick_ns: int, forms: Collection[str]) -> Form | None:
    """Return the scaled form of a population of LIF neurons, or None where it does not apply."""
    tau, theta = np.asarray(model.tau_ns), np.asarray(model.threshold)
    refractory, potential = np.asarray(model.refractory_ns), np.asarray(model.reset_potential)
    alike = all(bool((x == x[0]).all()) for x in (tau, refractory))
    if not alike or not set(forms) <= _FORMS or model.reset == "none":
        return None
    if np.any(np.asarray(model.bias) != 0) or np.any(theta < 0):
        return None
    if model.reset == "hard" and np.any(potential > theta):
        return None
    _, log2, loss = (float(x[0]) for x in decay_rows(tau[:1], tick_ns))
    if -log2 > _MOST_DOUBLINGS / 2:
        return None
    rebase = min(_MOST_TICKS, math.floor(_MOST_DOUBLINGS / -log2) if log2 else _MOST_TICKS)
    model.kernel_parameters(tick_ns)
    thresholds = _one_if_alike(theta)
    keep, drop = reset_rows(model.reset, theta, potential)
    drops = _one_if_alike(drop)
    gain = float(input_gain(np.array([loss]), model.normalised)[0])
    numbers = [
        log2,
        rebase,
        theta.min(),
        refractory[0] // tick_ns,
        keep[0],
        thresholds.size,
        drops.size,
        gain,
    ]
    tables = [_growth(log2, step, rebase) for step in (1, _ENTRIES, _ENTRIES**2)]
    n = theta.shape[0]
    quiet = model.reset == "hard"
    return Form(
        _QUIET if quiet else _RESTLESS,
        np.concatenate([numbers, *tables, thresholds, drops]),
        np.zeros(2 * n + 1),
        n_own=_WAKES + (2 * n if refractory[0] else 0),
    )


def _one_if_alike(row: FloatArray) -> FloatArray:
    return row[:1] if bool((row == row[0]).all()) else row


def _growth(log2: float, step: int, most: int) -> FloatArray:
    """Return float64[2048]: E after 0, step, 2 step ... ticks, as far as it is needed."""
    ticks = np.minimum(np.arange(_ENTRIES) * step, most)
    return np.asarray(np.exp2(-log2 * ticks))


class _Rule(NamedTuple):
    """What adding to the membranes of one tick needs."""

    membranes: Floats
    threshold: float
    mark: Ints
    stamp: int
    candidates: Indices


@part
def _growth_at(parameters: Floats, k: int) -> float:
    low, middle, high = k & (_ENTRIES - 1), (k >> _BITS) & (_ENTRIES - 1), k >> (2 * _BITS)
    return (  # type: ignore[no-any-return]
        parameters[_TABLES + low]
        * parameters[_TABLES + _ENTRIES + middle]
        * parameters[_TABLES + 2 * _ENTRIES + high]
    )


@part
def _move_base(neurons: Neurons, own: Ints, tick: int) -> None:
    factor = np.exp2((tick - own[_BASE]) * neurons.parameters[_LOG])
    for i in range(neurons.size):
        if neurons.values[i] > -np.inf:  # 0 times infinity is not a number
            neurons.values[i] *= factor
    own[_BASE] = tick


@part
def _scale_at(neurons: Neurons, own: Ints, tick: int) -> float:
    if tick - own[_BASE] > neurons.parameters[_REBASE]:
        _move_base(neurons, own, tick)
    return _growth_at(neurons.parameters, tick - own[_BASE])


@part
def scale_to(neurons: Neurons, tick: int) -> float:
    """Return E at `tick`, after waking those whose deaf time is over."""
    own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
    place = 2 * neurons.size
    if own[_TICK] == tick:
        return neurons.values[place]
    own[_TICK] = tick
    n = neurons.size
    while own[_WAKE_COUNT] > 0 and own[_WAKES + own[_WAKE_HEAD]] < tick:
        head = own[_WAKE_HEAD]
        i = own[_WAKES + n + head]
        neurons.values[i] = neurons.values[n + i] * _scale_at(neurons, own, own[_WAKES + head])
        own[_WAKE_HEAD] = head + 1 if head + 1 < n else 0
        own[_WAKE_COUNT] -= 1
    scale = _scale_at(neurons, own, tick)
    neurons.values[place] = scale
    return scale


@part
def _rule(handle: Ints, neurons: Neurons, scale: float) -> _Rule:
    return _Rule(
        neurons.values,
        neurons.parameters[_LEAST_THETA] * scale,
        ints_at(neurons.row[MARK], neurons.size),
        handle[STAMP],
        indices(handle, F_TOUCHED),
    )


@part
def _rise(rule: _Rule, j: int, count: int) -> int:
    """List neuron j as a candidate, once per tick."""
    if rule.mark[j] != rule.stamp:
        rule.mark[j] = rule.stamp
        rule.candidates[count] = j
        count += 1
    return count


@part
def _add_sparse(handle: Ints, a: Arrivals, weights: Weights, touched: int) -> int:
    neurons = neurons_at(handle, a.population)
    scale = scale_to(neurons, handle[NOW])
    rule, rows = _rule(handle, neurons, scale), rows_of(a.row)
    membranes, threshold = rule.membranes, rule.threshold
    everybody = touched < 0
    count = 0 if everybody else touched
    scale *= neurons.parameters[_GAIN]
    synapses = 0
    for e in range(a.addresses.shape[0]):
        x = scale * a.values[e]
        start, stop = rows.indptr[a.addresses[e]], rows.indptr[a.addresses[e] + 1]
        synapses += stop - start
        for k in range(np.uint64(start), np.uint64(stop)):
            j = rows.indices[k]
            u = membranes[j] + weights[k] * x
            membranes[j] = u
            if u > threshold:
                count = _rise(rule, j, count)
    a.row[DELIVERIES] += synapses
    return -1 if everybody else count


@part
def _add_dense(handle: Ints, a: Arrivals, weights: Weights, touched: int) -> int:
    neurons = neurons_at(handle, a.population)
    scale = scale_to(neurons, handle[NOW])
    threshold = neurons.parameters[_LEAST_THETA] * scale
    membranes, n, count = neurons.values, np.uint64(neurons.size), a.addresses.shape[0]
    scale *= neurons.parameters[_GAIN]
    above = 0
    for e in range(count):
        row, x = np.uint64(a.addresses[e] * neurons.size), scale * a.values[e]
        above = _add_row(membranes, weights, (row, n), x, threshold)
    a.row[DELIVERIES] += count * neurons.size
    return -1 if above else touched


@part
def _add_row(membranes: Floats, weights: Weights, where: tuple[int, int], x: float, threshold: float) -> int:
    """Add one row; return how many are above the threshold then: a count is vectorised, a maximum is not."""
    row, n = where
    above = np.int32(0)
    for j in range(n):
        u = membranes[j] + weights[row + j] * x
        membranes[j] = u
        above += np.int32(u > threshold)
    return int(above)


@part
def _add_one_to_one(handle: Ints, a: Arrivals, weights: Weights, touched: int) -> int:
    neurons = neurons_at(handle, a.population)
    scale = scale_to(neurons, handle[NOW])
    rule = _rule(handle, neurons, scale)
    everybody = touched < 0
    count = 0 if everybody else touched
    scale *= neurons.parameters[_GAIN]
    step = 0 if weights.shape[0] == 1 else 1
    for e in range(a.addresses.shape[0]):
        j = a.addresses[e]
        u = rule.membranes[j] + weights[j * step] * (scale * a.values[e])
        rule.membranes[j] = u
        if u > rule.threshold:
            count = _rise(rule, j, count)
    a.row[DELIVERIES] += a.addresses.shape[0]
    return -1 if everybody else count


@part
def settle(handle: Ints, neurons: Neurons, tick: int, count: int) -> int:
    """List those of the touched that are above their threshold as fired, and reset them."""
    scale = scale_to(neurons, tick)
    p, membranes, fired = neurons.parameters, neurons.values, indices(handle, F_FIRED)
    touched = touched_at(handle, neurons, count).who
    least = p[_LEAST_THETA] * scale
    spikes = 0
    for q in range(touched.shape[0]):
        if membranes[touched[q]] > least:
            spikes = _fire_if_above(handle, neurons, tick, touched[q], scale, (fired, spikes))
    return spikes


@part
def _fire_if_above(
    handle: Ints, neurons: Neurons, tick: int, i: int, scale: float, listed: tuple[Indices, int]
) -> int:
    p, n, (fired, spikes) = neurons.parameters, neurons.size, listed
    n_theta, deaf = int(p[_N_THETA]), int(p[_DEAF])
    theta = p[_THETA + (i if n_theta > 1 else 0)]
    if not neurons.values[i] > theta * scale:
        return spikes
    drop = p[_THETA + n_theta + (i if p[_N_DROP] > 1.0 else 0)]
    after = neurons.values[i] / scale * p[_KEEP] - drop
    if deaf > 0:
        own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
        neurons.values[i] = -np.inf
        neurons.values[n + i] = after
        tail = own[_WAKE_HEAD] + own[_WAKE_COUNT]
        if tail >= n:
            tail -= n
        own[_WAKES + tail] = tick + deaf
        own[_WAKES + n + tail] = i
        own[_WAKE_COUNT] += 1
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
    return settle(handle, neurons_at(handle, population), tick, count)


@entry
def look_scaled(address_of_handle: int, population: int, i: int, tick: int) -> int:
    """Return `tick` where neuron i is above its threshold then, else NEVER: left alone it only decays."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    scale = scale_to(neurons, tick)
    theta = neurons.parameters[_THETA + (i if neurons.parameters[_N_THETA] > 1.0 else 0)]
    return tick if neurons.values[i] > theta * scale else NEVER


@entry
def start_scaled(address_of_handle: int, population: int, tick: int, _: int) -> int:
    """Let time begin one tick before `tick`."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    own = ints_at(neurons.row[OWN], neurons.row[N_OWN])
    own[_BASE], own[_TICK], own[_WAKE_HEAD], own[_WAKE_COUNT] = tick - 1, tick - 2, 0, 0
    return 0


@entry
def membrane_of_scaled(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write the membranes at `tick`."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    n, log2 = neurons.size, neurons.parameters[_LOG]
    own, membranes = ints_at(neurons.row[OWN], neurons.row[N_OWN]), floats_at(address, neurons.size)
    factor = np.exp2((tick - own[_BASE]) * log2)
    for i in range(n):
        membranes[i] = neurons.values[i] * factor if neurons.values[i] > -np.inf else neurons.values[n + i]
    for k in range(own[_WAKE_COUNT]):
        place = own[_WAKE_HEAD] + k
        if place >= n:
            place -= n
        awake = max(tick - own[_WAKES + place], 0)
        i = own[_WAKES + n + place]
        membranes[i] = neurons.values[n + i] * np.exp2(awake * log2)
    return 0


@part
def _add_events(
    handle: Ints, clock: Ints, rule: _Rule, state: Words, weights: Weights, x: float, count: int
) -> int:
    """Draw the addresses of a Poisson source's events at one tick, and add each to its neuron."""
    rates = floats_at(clock[CLOCK_RATES], clock[CLOCK_N_RATES])
    size = rule.mark.shape[0]
    step = 0 if weights.shape[0] == 1 else 1
    for _ in range(clock[CLOCK_EVENTS]):
        j = draw_address(state, rates, size)
        u = rule.membranes[j] + weights[j * step] * x
        rule.membranes[j] = u
        if u > rule.threshold:
            count = _rise(rule, j, count)
    return count


@part
def _take(handle: Ints, k: int, row: Ints, weights: Weights, touched: int) -> int:
    """Take a Poisson source's events at the tick being processed, beside other deliveries."""
    clock, state = clock_at(handle, k).row, words(handle, F_RANDOM)[4 * k : 4 * k + 4]
    neurons, fraction = neurons_at(handle, row[POST]), floats(handle, F_CLOCK_FRACTION)
    rates = floats_at(clock[CLOCK_RATES], clock[CLOCK_N_RATES])
    scale = scale_to(neurons, handle[NOW])
    everybody = touched < 0
    x = scale * neurons.parameters[_GAIN]
    rule = _rule(handle, neurons, scale)
    count = _add_events(handle, clock, rule, state, weights, x, 0 if everybody else touched)
    row[DELIVERIES] += clock[CLOCK_EVENTS]
    clock[CLOCK_EMITTED] += clock[CLOCK_EVENTS]
    advance_clock(clock, fraction, k, state, rates[rates.shape[0] - 1])
    return -1 if everybody else count


@part
def _run(handle: Ints, k: int, limit: int, row: Ints, weights: Weights) -> int:
    """Take a Poisson source's events, tick by tick, before `limit` and until a neuron fires."""
    clock, state = clock_at(handle, k).row, words(handle, F_RANDOM)[4 * k : 4 * k + 4]
    neurons, fraction = neurons_at(handle, row[POST]), floats(handle, F_CLOCK_FRACTION)
    rates = floats_at(clock[CLOCK_RATES], clock[CLOCK_N_RATES])
    mean, gain = rates[rates.shape[0] - 1], neurons.parameters[_GAIN]
    while clock[CLOCK_TICK] < limit:
        tick = clock[CLOCK_TICK]
        handle[STAMP] += 1
        scale = scale_to(neurons, tick)
        rule = _rule(handle, neurons, scale)
        touched = _add_events(handle, clock, rule, state, weights, scale * gain, 0)
        row[DELIVERIES] += clock[CLOCK_EVENTS]
        clock[CLOCK_EMITTED] += clock[CLOCK_EVENTS]
        advance_clock(clock, fraction, k, state, mean)
        if touched:
            spikes = settle(handle, neurons, tick, touched)
            if spikes:
                handle[NOW] = tick
                return spikes
    return 0


@entry
def scaled_dense32(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet to the membranes by dense rows of float32."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _add_dense(handle, a, singles_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def scaled_dense64(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet to the membranes by dense rows of float64."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _add_dense(handle, a, floats_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def scaled_sparse32(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet to the membranes by sparse rows of float32."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _add_sparse(handle, a, singles_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def scaled_sparse64(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet to the membranes by sparse rows of float64."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _add_sparse(handle, a, floats_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def scaled_one_to_one32(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet to the membranes by one synapse per address of float32."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _add_one_to_one(handle, a, singles_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def scaled_one_to_one64(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet to the membranes by one synapse per address of float64."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _add_one_to_one(handle, a, floats_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def run_one_to_one32(address_of_handle: int, k: int, limit: int, touched: int) -> int:
    """Take the events of Poisson source k before `limit`, one synapse per address of float32.

    With `limit` -1 it takes those of one tick only, leaves the neurons unsettled and returns the touched.
    """
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    c = clock_at(handle, k).row[CLOCK_CLASS]
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    weights = singles_at(row[WEIGHTS], row[N_WEIGHTS])
    if limit < 0:
        return _take(handle, k, row, weights, touched)
    return _run(handle, k, limit, row, weights)


@entry
def run_one_to_one64(address_of_handle: int, k: int, limit: int, touched: int) -> int:
    """Take the events of Poisson source k before `limit`, one synapse per address of float64.

    With `limit` -1 it takes those of one tick only, leaves the neurons unsettled and returns the touched.
    """
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    c = clock_at(handle, k).row[CLOCK_CLASS]
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    weights = floats_at(row[WEIGHTS], row[N_WEIGHTS])
    if limit < 0:
        return _take(handle, k, row, weights, touched)
    return _run(handle, k, limit, row, weights)


_DELIVERIES: Final = {
    "dense32": scaled_dense32,
    "dense64": scaled_dense64,
    "sparse32": scaled_sparse32,
    "sparse64": scaled_sparse64,
    "one_to_one32": scaled_one_to_one32,
    "one_to_one64": scaled_one_to_one64,
}
_RUNS: Final = {"one_to_one32": run_one_to_one32, "one_to_one64": run_one_to_one64}
_QUIET: Final = Entries(
    update_scaled, membrane_of_scaled, start=start_scaled, deliveries=_DELIVERIES, runs=_RUNS
)
_RESTLESS: Final = Entries(
    update_scaled, membrane_of_scaled, look_scaled, start_scaled, deliveries=_DELIVERIES, runs=_RUNS
)
