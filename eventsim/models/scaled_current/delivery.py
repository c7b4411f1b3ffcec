"""Packets added straight to the scaled membranes and currents, by each form of synapses."""

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
    Ints,
    neurons_at,
)
from eventsim.engine.pool import CHUNK
from eventsim.engine.slots import packed_rows, slot_at, stop_of
from eventsim.engine.windows import count_of, front_of, is_due, place_of, step
from eventsim.models.scaled_current.membrane import add, rule_at, scale_to
from eventsim.weights import Weights


@inlined
def _sparse(handle: Ints, a: Arrivals, weights: Weights, touched: int) -> int:
    neurons = neurons_at(handle, a.population)
    rule, rows = rule_at(handle, neurons, scale_to(neurons, handle[NOW])), rows_of(a.row)
    count, synapses, spikes = max(touched, 0), 0, a.addresses.shape[0]
    for e in range(spikes):
        x = np.float64(a.values[e])
        pointer = a.addresses[e] * rows.stride + rows.offset
        start, stop = rows.indptr[pointer], rows.indptr[pointer + 1]
        if e + 1 < spikes:
            following = rows.indptr[a.addresses[e + 1] * rows.stride + rows.offset]
            prefetch(rows.indices, following)
            prefetch(weights, following)
        synapses += stop - start
        for k in range(np.uint64(start), np.uint64(stop)):
            count = add(rule, rows.indices[k], weights[k] * x, count)
    a.row[DELIVERIES] += synapses
    return -1 if touched < 0 else count


@inlined
def _dense(handle: Ints, a: Arrivals, weights: Weights, touched: int) -> int:
    neurons = neurons_at(handle, a.population)
    rule = rule_at(handle, neurons, scale_to(neurons, handle[NOW]))
    count, n, spikes = max(touched, 0), np.uint64(neurons.size), a.addresses.shape[0]
    for e in range(spikes):
        row, x = np.uint64(a.addresses[e] * neurons.size), np.float64(a.values[e])
        for j in range(n):
            count = add(rule, j, weights[row + j] * x, count)
    a.row[DELIVERIES] += spikes * neurons.size
    return -1 if touched < 0 else count


@inlined
def _one_to_one(handle: Ints, a: Arrivals, weights: Weights, touched: int) -> int:
    neurons = neurons_at(handle, a.population)
    rule = rule_at(handle, neurons, scale_to(neurons, handle[NOW]))
    count, step = max(touched, 0), 0 if weights.shape[0] == 1 else 1
    for e in range(a.addresses.shape[0]):
        j = a.addresses[e]
        count = add(rule, j, weights[j * step] * np.float64(a.values[e]), count)
    a.row[DELIVERIES] += a.addresses.shape[0]
    return -1 if touched < 0 else count


@entry
def current_dense32(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet by dense rows of float32."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _dense(handle, a, singles_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def current_dense64(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet by dense rows of float64."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _dense(handle, a, floats_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def current_sparse32(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet by sparse rows of float32."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _sparse(handle, a, singles_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def current_sparse64(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet by sparse rows of float64."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _sparse(handle, a, floats_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def current_one_to_one32(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet by one synapse per address of float32."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _one_to_one(handle, a, singles_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def current_one_to_one64(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Add a packet by one synapse per address of float64."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _one_to_one(handle, a, floats_at(a.row[WEIGHTS], a.row[N_WEIGHTS]), touched)


@entry
def current_slots32(address_of_handle: int, c: int, _: int, touched: int) -> int:
    """Add the slot of this tick."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    neurons, slot = neurons_at(handle, row[POST]), slot_at(handle, row, handle[NOW])
    rule = rule_at(handle, neurons, scale_to(neurons, handle[NOW]))
    count, chunk = max(touched, 0), slot.chunk
    while chunk >= 0:
        start, stop = chunk * CHUNK, stop_of(slot, chunk)
        row[DELIVERIES] += stop - start
        for k in range(np.uint64(start), np.uint64(stop)):
            weight = np.float64(slot.weights[2 * k + np.uint64(1)])
            count = add(rule, slot.targets[2 * k], weight, count)
        chunk = slot.next_chunk[chunk]
    return -1 if touched < 0 else count


@entry
def current_windows32(address_of_handle: int, c: int, _: int, touched: int) -> int:
    """Add what arrives at this tick from the open window."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    neurons, rows, tick = neurons_at(handle, row[POST]), packed_rows(row), handle[NOW]
    rule = rule_at(handle, neurons, scale_to(neurons, tick))
    count, front = max(touched, 0), front_of(handle, row, tick)
    while is_due(handle, row, tick, front):
        word = words(handle, F_POOL)[front.at]
        row[DELIVERIES] += np.int64(count_of(word))
        for k in range(place_of(word), place_of(word) + count_of(word)):
            weight = np.float64(rows.weights[2 * k + np.uint64(1)])
            count = add(rule, rows.targets[2 * k], weight, count)
        front = step(handle, row, tick, front)
    return -1 if touched < 0 else count
