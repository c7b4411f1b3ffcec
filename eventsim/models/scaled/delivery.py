"""Packets added straight to the scaled membranes, by each form of synapses."""

from __future__ import annotations

import numpy as np

from eventsim.engine.arrivals import Arrivals, arrivals_at, rows_of
from eventsim.engine.jit import entry, floats_at, inlined, ints, ints_at, prefetch, singles_at, words
from eventsim.engine.layout import (
    DELIVERIES,
    F_CLASSES,
    F_POOL,
    HANDLE_SIZE,
    N_CLASS_COLUMNS,
    N_WEIGHTS,
    NOW,
    POST,
    WEIGHTS,
    Floats,
    Ints,
    neurons_at,
)
from eventsim.engine.pool import CHUNK
from eventsim.engine.slots import PackedRows, packed_rows, slot_at, stop_of
from eventsim.engine.windows import count_of, front_of, is_due, place_of, step
from eventsim.models.scaled.membrane import GAIN, LEAST_THETA, Rule, rise, rule_at, scale_to
from eventsim.weights import Weights

_NOTHING = np.float32(-0.0)
"""What leaves every membrane as it is, bit for bit; 0.0 would turn -0.0 into 0.0."""


@inlined
def _add_sparse(handle: Ints, a: Arrivals, weights: Weights, touched: int) -> int:
    neurons = neurons_at(handle, a.population)
    scale = scale_to(neurons, handle[NOW])
    rule, rows = rule_at(handle, neurons, scale), rows_of(a.row)
    membranes, threshold = rule.membranes, rule.threshold
    everybody = touched < 0
    count = 0 if everybody else touched
    scale *= neurons.parameters[GAIN]
    synapses, spikes = 0, a.addresses.shape[0]
    for e in range(spikes):
        x = scale * a.values[e]
        pointer = a.addresses[e] * rows.stride + rows.offset
        start, stop = rows.indptr[pointer], rows.indptr[pointer + 1]
        if rows.stride > 1 and spikes == 1:
            # The next of the source's delays comes soon, and its synapses lie next.
            prefetch(rows.indices, stop)
            prefetch(rows.indices, stop + 16)
            prefetch(weights, stop)
            prefetch(weights, stop + 16)
        if e + 4 < spikes:
            prefetch(rows.indptr, a.addresses[e + 4] * rows.stride + rows.offset)
        if e + 2 < spikes:
            following = rows.indptr[a.addresses[e + 2] * rows.stride + rows.offset]
            prefetch(rows.indices, following)
            prefetch(weights, following)
            prefetch(rows.indices, following + 16)
            prefetch(weights, following + 16)
        synapses += stop - start
        for k in range(np.uint64(start), np.uint64(stop)):
            j = rows.indices[k]
            u = membranes[j] + weights[k] * x
            membranes[j] = u
            if u > threshold:
                count = rise(rule, j, count)
    a.row[DELIVERIES] += synapses
    return -1 if everybody else count


@inlined
def add_arrival(rule: Rule, rows: PackedRows, word: np.uint64, x: float, count: int) -> int:
    """Add the synapses that a word of a window names; return how many neurons are touched then."""
    membranes, threshold, k = rule.membranes, rule.threshold, place_of(word)
    stop = k + count_of(word)
    while k < stop:
        # Four at a time, those beyond the last adding nothing: few arrivals have more, and a loop of one to
        # four rounds is one that no processor predicts.
        for q in range(k, k + np.uint64(4)):
            j, weight = rows.targets[2 * q], rows.weights[2 * q + np.uint64(1)]
            u = membranes[j] + (weight if q < stop else _NOTHING) * x
            membranes[j] = u
            if u > threshold:
                count = rise(rule, j, count)
        k += np.uint64(4)
    return count


@inlined
def _add_dense(handle: Ints, a: Arrivals, weights: Weights, touched: int) -> int:
    neurons = neurons_at(handle, a.population)
    scale = scale_to(neurons, handle[NOW])
    threshold = neurons.parameters[LEAST_THETA] * scale
    membranes, n, count = neurons.values, np.uint64(neurons.size), a.addresses.shape[0]
    scale *= neurons.parameters[GAIN]
    above = 0
    for e in range(count):
        row, x = np.uint64(a.addresses[e] * neurons.size), scale * a.values[e]
        above = _add_row(membranes, weights, (row, n), x, threshold)
    a.row[DELIVERIES] += count * neurons.size
    return -1 if above else touched


@inlined
def _add_row(
    membranes: Floats, weights: Weights, where: tuple[np.uint64, np.uint64], x: float, threshold: float
) -> int:
    """Add one row; return how many are above the threshold then: a count is vectorised, a maximum is not."""
    row, n = where
    above = np.int32(0)
    for j in range(n):
        u = membranes[j] + weights[row + j] * x
        membranes[j] = u
        above += np.int32(u > threshold)
    return int(above)


@inlined
def _add_one_to_one(handle: Ints, a: Arrivals, weights: Weights, touched: int) -> int:
    neurons = neurons_at(handle, a.population)
    scale = scale_to(neurons, handle[NOW])
    rule = rule_at(handle, neurons, scale)
    everybody = touched < 0
    count = 0 if everybody else touched
    scale *= neurons.parameters[GAIN]
    step = 0 if weights.shape[0] == 1 else 1
    for e in range(a.addresses.shape[0]):
        j = a.addresses[e]
        u = rule.membranes[j] + weights[j * step] * (scale * a.values[e])
        rule.membranes[j] = u
        if u > rule.threshold:
            count = rise(rule, j, count)
    a.row[DELIVERIES] += a.addresses.shape[0]
    return -1 if everybody else count


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
def scaled_slots32(address_of_handle: int, c: int, _: int, touched: int) -> int:
    """Add the slot of this tick to the membranes."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    neurons, slot = neurons_at(handle, row[POST]), slot_at(handle, row, handle[NOW])
    scale = scale_to(neurons, handle[NOW])
    rule, x = rule_at(handle, neurons, scale), scale * neurons.parameters[GAIN]
    membranes, threshold = rule.membranes, rule.threshold
    targets, weights = slot.targets, slot.weights
    count, chunk = max(touched, 0), slot.chunk
    while chunk >= 0:
        start, stop = chunk * CHUNK, stop_of(slot, chunk)
        row[DELIVERIES] += stop - start
        for k in range(np.uint64(start), np.uint64(stop)):
            j = targets[2 * k]
            u = membranes[j] + weights[2 * k + np.uint64(1)] * x
            membranes[j] = u
            if u > threshold:
                count = rise(rule, j, count)
        chunk = slot.next_chunk[chunk]
    return -1 if touched < 0 else count


@entry
def scaled_windows32(address_of_handle: int, c: int, _: int, touched: int) -> int:
    """Add what arrives at this tick from the open window."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    neurons, rows, tick = neurons_at(handle, row[POST]), packed_rows(row), handle[NOW]
    scale = scale_to(neurons, tick)
    rule, x = rule_at(handle, neurons, scale), scale * neurons.parameters[GAIN]
    count, front = max(touched, 0), front_of(handle, row, tick)
    while is_due(handle, row, tick, front):
        word = words(handle, F_POOL)[front.at]
        row[DELIVERIES] += np.int64(count_of(word))
        count = add_arrival(rule, rows, word, x, count)
        front = step(handle, row, tick, front)
    return -1 if touched < 0 else count
