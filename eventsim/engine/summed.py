"""Deliveries that are summed before the neurons are looked at: the forms of synapses for any model.

Each entry takes (handle, class, packet, touched) and returns the new number of touched neurons, or -1 where
everybody counts as touched. The sum is taken in float64, in the order of the packet and of the rows.
"""

from __future__ import annotations

import numpy as np

from eventsim.engine.arrivals import Arrivals, arrivals_at, rows_of
from eventsim.engine.jit import entry, floats_at, indices, ints, ints_at, part, singles_at, words
from eventsim.engine.layout import (
    DELIVERIES,
    F_CLASSES,
    F_POOL,
    F_TOUCHED,
    GEOMETRY,
    HANDLE_SIZE,
    MARK,
    N_CLASS_COLUMNS,
    N_WEIGHTS,
    NOW,
    POST,
    STAMP,
    WEIGHTS,
    Floats,
    Indices,
    Ints,
    Neurons,
    Values,
    neurons_at,
)
from eventsim.engine.pool import CHUNK
from eventsim.engine.slots import packed_rows, slot_at, stop_of
from eventsim.engine.windows import count_of, front_of, is_due, place_of, step
from eventsim.weights import Weights


@part
def add_rows(drive: Floats, weights: Weights, n: int, addresses: Indices, values: Values) -> None:
    """Add ``values[e] * weights[addresses[e]]`` to `drive` for each e in turn, four rows per pass.

    The sum of each destination is taken in the order of e, whatever the number of rows per pass.
    """
    # Unsigned indices spare the test for negative ones, which would stop vectorisation; flat ones, views.
    count = addresses.shape[0]
    e = 0
    while e + 4 <= count:
        r0, r1 = np.uint64(addresses[e] * n), np.uint64(addresses[e + 1] * n)
        r2, r3 = np.uint64(addresses[e + 2] * n), np.uint64(addresses[e + 3] * n)
        x0, x1 = np.float64(values[e]), np.float64(values[e + 1])
        x2, x3 = np.float64(values[e + 2]), np.float64(values[e + 3])
        for i in range(n):
            j = np.uint64(i)
            s = (drive[j] + weights[r0 + j] * x0) + weights[r1 + j] * x1
            drive[j] = (s + weights[r2 + j] * x2) + weights[r3 + j] * x3
        e += 4
    while e < count:
        r, x = np.uint64(addresses[e] * n), np.float64(values[e])
        for i in range(n):
            j = np.uint64(i)
            drive[j] += weights[r + j] * x
        e += 1


@part
def _dense(arrivals: Arrivals, neurons: Neurons, weights: Weights) -> int:
    arrivals.row[DELIVERIES] += arrivals.addresses.shape[0] * neurons.size
    add_rows(neurons.drive, weights, neurons.size, arrivals.addresses, arrivals.values)
    return -1


@part
def _sparse(handle: Ints, arrivals: Arrivals, neurons: Neurons, weights: Weights, touched: int) -> int:
    rows, drive, listed = rows_of(arrivals.row), neurons.drive, arrivals.touched
    mark, stamp = ints_at(neurons.row[MARK], neurons.size), handle[STAMP]
    everybody = touched < 0
    count = 0 if everybody else touched
    synapses = 0
    for e in range(arrivals.addresses.shape[0]):
        x = np.float64(arrivals.values[e])
        pointer = arrivals.addresses[e] * rows.stride + rows.offset
        start, stop = rows.indptr[pointer], rows.indptr[pointer + 1]
        synapses += stop - start
        for k in range(start, stop):
            j = rows.indices[k]
            drive[j] += weights[k] * x
            if mark[j] != stamp:
                mark[j] = stamp
                listed[count] = j
                count += 1
    arrivals.row[DELIVERIES] += synapses
    return -1 if everybody else count


@part
def _one_to_one(handle: Ints, arrivals: Arrivals, neurons: Neurons, weights: Weights, touched: int) -> int:
    drive, listed = neurons.drive, arrivals.touched
    mark, stamp = ints_at(neurons.row[MARK], neurons.size), handle[STAMP]
    step = 0 if weights.shape[0] == 1 else 1
    everybody = touched < 0
    count = 0 if everybody else touched
    for e in range(arrivals.addresses.shape[0]):
        j = arrivals.addresses[e]
        drive[j] += weights[j * step] * np.float64(arrivals.values[e])
        if mark[j] != stamp:
            mark[j] = stamp
            listed[count] = j
            count += 1
    arrivals.row[DELIVERIES] += arrivals.addresses.shape[0]
    return -1 if everybody else count


# Geometry of a convolution: input channels, height, width; output channels, height, width; kernel height,
# width; stride, padding and dilation in y and x; groups.
N_GEOMETRY = 15


@part
def _convolution(handle: Ints, arrivals: Arrivals, neurons: Neurons, weights: Weights, touched: int) -> int:
    g = ints_at(arrivals.row[GEOMETRY], N_GEOMETRY)
    height, width, out_channels, out_height, out_width = g[1], g[2], g[3], g[4], g[5]
    kernel_y, kernel_x, stride_y, stride_x = g[6], g[7], g[8], g[9]
    pad_y, pad_x, dilation_y, dilation_x = g[10], g[11], g[12], g[13]
    inputs_per_group, outputs_per_group = g[0] // g[14], out_channels // g[14]
    drive, listed = neurons.drive, arrivals.touched
    mark, stamp = ints_at(neurons.row[MARK], neurons.size), handle[STAMP]
    everybody = touched < 0
    count = 0 if everybody else touched
    synapses = 0
    for e in range(arrivals.addresses.shape[0]):
        value = np.float64(arrivals.values[e])
        address = arrivals.addresses[e]
        channel, y, x = address // (height * width), address // width % height, address % width
        group, within = channel // inputs_per_group, channel % inputs_per_group
        for out in range(group * outputs_per_group, (group + 1) * outputs_per_group):
            for ky in range(kernel_y):
                top = y + pad_y - ky * dilation_y
                if top < 0 or top % stride_y != 0 or top // stride_y >= out_height:
                    continue
                for kx in range(kernel_x):
                    left = x + pad_x - kx * dilation_x
                    if left < 0 or left % stride_x != 0 or left // stride_x >= out_width:
                        continue
                    j = (out * out_height + top // stride_y) * out_width + left // stride_x
                    w = weights[((out * inputs_per_group + within) * kernel_y + ky) * kernel_x + kx]
                    drive[j] += w * value
                    synapses += 1
                    if mark[j] != stamp:
                        mark[j] = stamp
                        listed[count] = j
                        count += 1
    arrivals.row[DELIVERIES] += synapses
    return -1 if everybody else count


@entry
def deliver_dense32(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Deliver by dense float32 rows."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _dense(a, neurons_at(handle, a.population), singles_at(a.row[WEIGHTS], a.row[N_WEIGHTS]))


@entry
def deliver_dense64(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Deliver by dense float64 rows."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    return _dense(a, neurons_at(handle, a.population), floats_at(a.row[WEIGHTS], a.row[N_WEIGHTS]))


@entry
def deliver_sparse32(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Deliver by sparse rows of float32."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    weights = singles_at(a.row[WEIGHTS], a.row[N_WEIGHTS])
    return _sparse(handle, a, neurons_at(handle, a.population), weights, touched)


@entry
def deliver_sparse64(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Deliver by sparse rows of float64."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    weights = floats_at(a.row[WEIGHTS], a.row[N_WEIGHTS])
    return _sparse(handle, a, neurons_at(handle, a.population), weights, touched)


@entry
def deliver_one_to_one32(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Deliver by one synapse per address of float32."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    weights = singles_at(a.row[WEIGHTS], a.row[N_WEIGHTS])
    return _one_to_one(handle, a, neurons_at(handle, a.population), weights, touched)


@entry
def deliver_one_to_one64(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Deliver by one synapse per address of float64."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    weights = floats_at(a.row[WEIGHTS], a.row[N_WEIGHTS])
    return _one_to_one(handle, a, neurons_at(handle, a.population), weights, touched)


@entry
def deliver_convolution32(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Deliver by a convolution of float32."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    weights = singles_at(a.row[WEIGHTS], a.row[N_WEIGHTS])
    return _convolution(handle, a, neurons_at(handle, a.population), weights, touched)


@entry
def deliver_convolution64(address_of_handle: int, c: int, packet: int, touched: int) -> int:
    """Deliver by a convolution of float64."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    a = arrivals_at(handle, c, packet)
    weights = floats_at(a.row[WEIGHTS], a.row[N_WEIGHTS])
    return _convolution(handle, a, neurons_at(handle, a.population), weights, touched)


@entry
def deliver_slots32(address_of_handle: int, c: int, _: int, touched: int) -> int:
    """Deliver the slot of this tick."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    neurons, listed = neurons_at(handle, row[POST]), indices(handle, F_TOUCHED)
    slot, drive = slot_at(handle, row, handle[NOW]), neurons.drive
    mark, stamp = ints_at(neurons.row[MARK], neurons.size), handle[STAMP]
    count, chunk = max(touched, 0), slot.chunk
    while chunk >= 0:
        start, stop = chunk * CHUNK, stop_of(slot, chunk)
        row[DELIVERIES] += stop - start
        for k in range(start, stop):
            j = slot.targets[2 * k]
            drive[j] += slot.weights[2 * k + 1]
            if mark[j] != stamp:
                mark[j] = stamp
                listed[count] = j
                count += 1
        chunk = slot.next_chunk[chunk]
    return -1 if touched < 0 else count


@entry
def deliver_windows32(address_of_handle: int, c: int, _: int, touched: int) -> int:
    """Deliver what arrives at this tick from the open window."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    neurons, listed, tick = neurons_at(handle, row[POST]), indices(handle, F_TOUCHED), handle[NOW]
    rows, drive = packed_rows(row), neurons.drive
    mark, stamp = ints_at(neurons.row[MARK], neurons.size), handle[STAMP]
    count, front = max(touched, 0), front_of(handle, row, tick)
    while is_due(handle, row, tick, front):
        word = words(handle, F_POOL)[front.at]
        row[DELIVERIES] += np.int64(count_of(word))
        for k in range(place_of(word), place_of(word) + count_of(word)):
            j = rows.targets[2 * k]
            drive[j] += rows.weights[2 * k + np.uint64(1)]
            if mark[j] != stamp:
                mark[j] = stamp
                listed[count] = j
                count += 1
        front = step(handle, row, tick, front)
    return -1 if touched < 0 else count
