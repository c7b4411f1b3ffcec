"""Delivery of one packet of spikes through one class of synapses, in an order the network alone fixes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventsim.engine.jit import part
from eventsim.engine.layout import (
    DELAY,
    DENSE32,
    DENSE64,
    FORM,
    INDICES,
    OFFSET,
    PACKET_COUNT,
    PACKET_NEXT,
    PACKET_START,
    PACKET_TICK,
    PACKETS,
    POINTERS,
    SPARSE32,
    SPIKES,
    Floats,
    Indices,
    Ints,
    Plan,
    State,
)
from eventsim.projections import Weights


@part
def add_rows(
    drive: Floats, weights: Weights, offset: int, addresses: Indices, values: npt.NDArray[np.float32]
) -> None:
    """Add ``values[e] * weights[addresses[e]]`` to `drive` for each e in turn, four rows per pass.

    The sum of each destination is taken in the order of e, whatever the number of rows per pass.
    """
    # Unsigned indices spare the test for negative ones, which would stop vectorisation; flat ones, views.
    n = drive.shape[0]
    count = addresses.shape[0]
    e = 0
    while e + 4 <= count:
        r0, r1 = np.uint64(offset + addresses[e] * n), np.uint64(offset + addresses[e + 1] * n)
        r2, r3 = np.uint64(offset + addresses[e + 2] * n), np.uint64(offset + addresses[e + 3] * n)
        x0, x1 = np.float64(values[e]), np.float64(values[e + 1])
        x2, x3 = np.float64(values[e + 2]), np.float64(values[e + 3])
        for i in range(n):
            j = np.uint64(i)
            s = (drive[j] + weights[r0 + j] * x0) + weights[r1 + j] * x1
            drive[j] = (s + weights[r2 + j] * x2) + weights[r3 + j] * x3
        e += 4
    while e < count:
        r, x = np.uint64(offset + addresses[e] * n), np.float64(values[e])
        for i in range(n):
            j = np.uint64(i)
            drive[j] += weights[r + j] * x
        e += 1


@part
def add_sparse(
    drive: Floats,
    mark: Ints,
    stamp: int,
    touched: Indices,
    count: int,
    rows: tuple[Ints, Indices, Weights, int],
    addresses: Indices,
    values: npt.NDArray[np.float32],
) -> tuple[int, int]:
    """Add sparse rows to `drive`, listing each destination once; return (new count of touched, synapses)."""
    indptr, indices, weights, base = rows
    synapses = 0
    for e in range(addresses.shape[0]):
        x = np.float64(values[e])
        start, stop = indptr[addresses[e]], indptr[addresses[e] + 1]
        synapses += stop - start
        for k in range(start, stop):
            j = indices[k]
            drive[j] += weights[base + k] * x
            if mark[j] != stamp:
                mark[j] = stamp
                touched[count] = j
                count += 1
    return count, synapses


@part
def deliver(plan: Plan, state: State, c: int, first: int, size: int, stamp: int, touched: int) -> int:
    """Deliver the packet at class c's cursor and move the cursor; return the new count of touched neurons.

    A dense class touches everybody and returns -1 instead; so does a population once all were touched.
    """
    row = plan.classes[c]
    packet = state.cursor[c]
    start = state.packets[packet, PACKET_START]
    count = state.packets[packet, PACKET_COUNT]
    state.cursor[c] = state.packets[packet, PACKET_NEXT]
    addresses = state.spike_address[start : start + count]
    values = state.spike_value[start : start + count]
    drive = state.drive[first : first + size]
    form = row[FORM]
    if form in (DENSE32, DENSE64):
        state.deliveries[c] += count * size
        if form == DENSE32:
            add_rows(drive, plan.weights32, row[OFFSET], addresses, values)
        else:
            add_rows(drive, plan.weights64, row[OFFSET], addresses, values)
        return -1
    mark = state.mark[first : first + size]
    indptr = plan.indptr[row[POINTERS] :]
    indices = plan.indices[row[INDICES] :]
    listed = 0 if touched < 0 else touched
    if form == SPARSE32:
        rows32 = (indptr, indices, plan.weights32, row[OFFSET])
        listed, synapses = add_sparse(drive, mark, stamp, state.touched, listed, rows32, addresses, values)
    else:
        rows64 = (indptr, indices, plan.weights64, row[OFFSET])
        listed, synapses = add_sparse(drive, mark, stamp, state.touched, listed, rows64, addresses, values)
    state.deliveries[c] += synapses
    return -1 if touched < 0 else listed


@part
def is_due(plan: Plan, state: State, c: int, tick: int) -> bool:
    """Return whether class c has a packet to deliver at `tick`."""
    packet = state.cursor[c]
    return bool(packet >= 0 and state.packets[packet, PACKET_TICK] + plan.classes[c, DELAY] == tick)


@part
def emit(plan: Plan, state: State, source: int, tick: int, start: int) -> None:
    """Close the packet of `source` at `tick`: its spikes are those stored from `start` on."""
    packet = state.registers[PACKETS]
    state.registers[PACKETS] = packet + 1
    row = state.packets[packet]
    row[PACKET_TICK], row[PACKET_START] = tick, start
    row[PACKET_COUNT], row[PACKET_NEXT] = state.registers[SPIKES] - start, -1
    if state.tail[source] >= 0:
        state.packets[state.tail[source], PACKET_NEXT] = packet
    state.tail[source] = packet
    for k in range(plan.fanout_start[source], plan.fanout_start[source + 1]):
        if state.cursor[plan.fanout[k]] < 0:
            state.cursor[plan.fanout[k]] = packet


@part
def compact(state: State) -> None:
    """Forget packets, and their spikes, that every class has delivered; the rest moves to the front."""
    registers, packets = state.registers, state.packets
    oldest = registers[PACKETS]
    for c in range(state.cursor.shape[0]):
        if 0 <= state.cursor[c] < oldest:
            oldest = state.cursor[c]
    kept = registers[PACKETS] - oldest
    spike = packets[oldest, PACKET_START] if kept else registers[SPIKES]
    for k in range(kept):
        for column in range(packets.shape[1]):
            packets[k, column] = packets[k + oldest, column]
        packets[k, PACKET_START] -= spike
        if packets[k, PACKET_NEXT] >= 0:
            packets[k, PACKET_NEXT] -= oldest
    for k in range(registers[SPIKES] - spike):
        state.spike_address[k] = state.spike_address[k + spike]
        state.spike_value[k] = state.spike_value[k + spike]
    registers[PACKETS], registers[SPIKES] = kept, registers[SPIKES] - spike
    for c in range(state.cursor.shape[0]):
        if state.cursor[c] >= 0:
            state.cursor[c] -= oldest
    for s in range(state.tail.shape[0]):
        state.tail[s] = state.tail[s] - oldest if state.tail[s] >= oldest else -1
