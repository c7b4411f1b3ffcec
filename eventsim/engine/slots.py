"""Arrivals sorted when their source spikes: a ring of slots, one per tick, for projections of many delays.

With few synapses per delay, a delivery per delay costs more than the synapses it brings. A projection of this
kind is one delivery class. When its source has spiked, the whole row is gone through once, and the synapses
of each delay are copied to the slot of the tick at which they arrive; what is due is then one list. A slot's
synapses stand in the order of emission: longest delay first, then source, then row.

A synapse is one word: the destination in the lower half, the weight as float32 in the upper. Slots are lists
of chunks of a common pool, so that memory follows the synapses under way. Synapses are copied eight at a
time, however many there are, which spares a branch that no processor predicts: so rows and chunks end in
room for as many more.
"""

from __future__ import annotations

from typing import NamedTuple

from eventsim.engine.jit import (
    copy_eight,
    entry,
    indices,
    indices_at,
    inlined,
    ints,
    ints_at,
    part,
    positions_at,
    prefetch,
    singles_at,
    words,
    words_at,
)
from eventsim.engine.layout import (
    COUNTS,
    DELAY,
    DELAYS,
    F_CLASSES,
    F_NEXT_CHUNK,
    F_PACKETS,
    F_POOL,
    F_SLOT_CHUNK,
    F_SLOT_END,
    F_SLOT_LIMIT,
    F_SPIKE_ADDRESS,
    FREE_CHUNKS,
    HANDLE_SIZE,
    INDPTR,
    N_CLASS_COLUMNS,
    N_DELAYS,
    N_PACKET_COLUMNS,
    N_PRE,
    N_WEIGHTS,
    NEVER,
    PACKET_COUNT,
    PACKET_START,
    PACKET_TICK,
    SLOTS,
    SPAN,
    UNDER_WAY,
    WEIGHTS,
    Ints,
    Positions,
    Values,
)
from eventsim.engine.pool import BLOCK, CHUNK, FULL, NO_ROOM, extend, free_slot


class Slot(NamedTuple):
    """A slot as it is read: its chunks, and the destinations and weights of the pool, at 2 k and 2 k + 1."""

    chunk: int
    end: int
    next_chunk: Ints
    targets: Positions
    weights: Values


class PackedRows(NamedTuple):
    """Synapses as they are packed: destination and weight of synapse k at 2 k and 2 k + 1."""

    targets: Positions
    weights: Values


@inlined
def packed_rows(row: Ints) -> PackedRows:
    """Return the synapses of a class whose arrivals are sorted."""
    n = 2 * row[N_WEIGHTS]
    return PackedRows(positions_at(row[WEIGHTS], n), singles_at(row[WEIGHTS], n))


@inlined
def slot_at(handle: Ints, row: Ints, tick: int) -> Slot:
    """Return the slot of `tick` of a class in slots."""
    place = row[SLOTS] + (tick & (row[SPAN] - 1))
    n = 2 * words(handle, F_POOL).shape[0]
    return Slot(
        ints(handle, F_SLOT_CHUNK)[place],
        ints(handle, F_SLOT_END)[place],
        ints(handle, F_NEXT_CHUNK),
        positions_at(handle[F_POOL], n),
        singles_at(handle[F_POOL], n),
    )


@inlined
def stop_of(slot: Slot, chunk: int) -> int:
    """Return where in the pool the synapses of a chunk of the slot end."""
    return slot.end if slot.next_chunk[chunk] < 0 else chunk * CHUNK + FULL


@entry
def sort_to_slots(address_of_handle: int, c: int, number: int, head: int) -> int:
    """Copy the synapses of a packet to their slots; return when the class, due at `head` so far, is due now.

    Returns NO_ROOM, having changed nothing, where the pool must grow first.
    """
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    packet = ints(handle, F_PACKETS)[number * N_PACKET_COLUMNS : (number + 1) * N_PACKET_COLUMNS]
    starts, address = ints_at(row[INDPTR], row[N_PRE] + 1), indices(handle, F_SPIKE_ADDRESS)
    synapses = 0
    for e in range(packet[PACKET_START], packet[PACKET_START] + packet[PACKET_COUNT]):
        synapses += starts[address[e] + 1] - starts[address[e]]
    if handle[FREE_CHUNKS] < row[N_DELAYS] + synapses // FULL:
        return NO_ROOM
    if synapses == 0:
        return head
    _copy_packet(handle, row, packet)
    row[UNDER_WAY] += synapses
    return _first_tick(handle, row, packet[PACKET_TICK] + row[DELAY], head)


@part
def _copy_packet(handle: Ints, row: Ints, packet: Ints) -> None:
    n_delays, tick, mask = row[N_DELAYS], packet[PACKET_TICK], row[SPAN] - 1
    starts, rows = ints_at(row[INDPTR], row[N_PRE] + 1), words_at(row[WEIGHTS], row[N_WEIGHTS])
    delays, counts = ints_at(row[DELAYS], n_delays), indices_at(row[COUNTS], row[N_PRE] * n_delays)
    address, pool = indices(handle, F_SPIKE_ADDRESS), words(handle, F_POOL)
    ends = ints(handle, F_SLOT_END)[row[SLOTS] : row[SLOTS] + row[SPAN]]
    limits = ints(handle, F_SLOT_LIMIT)[row[SLOTS] : row[SLOTS] + row[SPAN]]
    start, stop = packet[PACKET_START], packet[PACKET_START] + packet[PACKET_COUNT]
    for e in range(start, stop):
        if e + 1 < stop:
            for k in range(0, 13 * BLOCK, BLOCK):
                prefetch(rows, starts[address[e + 1]] + k)
        source, place = address[e], starts[address[e]]
        for d in range(n_delays):
            n, slot = counts[source * n_delays + d], (tick + delays[d]) & mask
            end = ends[slot]
            if end + n <= limits[slot]:
                copy_eight(pool, end, rows, place)
                for k in range(BLOCK, n, BLOCK):
                    copy_eight(pool, end + k, rows, place + k)
                ends[slot] = end + n
            elif n:
                _append(handle, row, slot, place, n)
            place += n


@part
def _append(handle: Ints, row: Ints, slot: int, place: int, n: int) -> None:
    """Append n synapses to a slot whose last chunk has no room for all of them."""
    rows, pool = words_at(row[WEIGHTS], row[N_WEIGHTS]), words(handle, F_POOL)
    ends, limits, slot = ints(handle, F_SLOT_END), ints(handle, F_SLOT_LIMIT), row[SLOTS] + slot
    end = ends[slot]
    while n:
        if end < 0 or end == limits[slot]:
            end = extend(handle, slot, end)
        fitting = min(n, limits[slot] - end)
        for k in range(0, fitting, BLOCK):
            copy_eight(pool, end + k, rows, place + k)
        end, place, n = end + fitting, place + fitting, n - fitting
    ends[slot] = end


@inlined
def _first_tick(handle: Ints, row: Ints, tick: int, limit: int) -> int:
    """Return the first tick from `tick` on whose slot holds something, or `limit` if that comes first."""
    firsts, mask = ints(handle, F_SLOT_CHUNK)[row[SLOTS] : row[SLOTS] + row[SPAN]], row[SPAN] - 1
    while tick < limit and firsts[tick & mask] < 0:
        tick += 1
    return min(tick, limit)


@entry
def leave_slot(address_of_handle: int, c: int, tick: int, _: int) -> int:
    """Empty the slot of `tick`, which has been delivered; return when the class is due next."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    row[UNDER_WAY] -= free_slot(handle, row[SLOTS] + (tick & (row[SPAN] - 1)))
    return _first_tick(handle, row, tick + 1, NEVER) if row[UNDER_WAY] else NEVER
