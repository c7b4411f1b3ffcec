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

from typing import Final, NamedTuple

from eventsim.engine.class_queue import SCAN
from eventsim.engine.jit import (
    copy_eight,
    indices,
    indices_at,
    inlined,
    ints,
    ints_at,
    kernel,
    part,
    positions_at,
    prefetch,
    singles_at,
    words,
    words_at,
)
from eventsim.engine.layout import (
    COUNTS,
    CURSOR,
    DELAY,
    DELAYS,
    F_CLASSES,
    F_DUE_CLASS,
    F_HEAD,
    F_NEXT_CHUNK,
    F_PACKETS,
    F_POOL,
    F_SLOT_CHUNK,
    F_SLOT_END,
    F_SLOT_LIMIT,
    F_SLOTTED,
    F_SPIKE_ADDRESS,
    FREE_CHUNK,
    FREE_CHUNKS,
    HANDLE_SIZE,
    INDPTR,
    N_CLASS_COLUMNS,
    N_DELAYS,
    N_DUE,
    N_PACKET_COLUMNS,
    N_PRE,
    N_SLOTTED,
    N_WEIGHTS,
    NEVER,
    PACKET_COUNT,
    PACKET_NEXT,
    PACKET_START,
    PACKET_TICK,
    QUEUE_KIND,
    SLOTS,
    SPAN,
    TO_SORT,
    UNDER_WAY,
    WEIGHTS,
    Ints,
    Positions,
    Values,
)

BLOCK: Final = 8
"""Synapses copied at a time; a row of packed synapses needs as many more behind its end."""
FULL: Final = 1024
"""Synapses of a chunk."""
CHUNK: Final = FULL + BLOCK
"""Words of a chunk; were it a power of two, the chunks would compete for the same places in the caches."""

_EMPTY: Final = -2
"""Limit of an empty slot, whose end is -1: it has no room even for nothing."""


class Slot(NamedTuple):
    """A slot as it is read: its chunks, and the destinations and weights of the pool, at 2 k and 2 k + 1."""

    chunk: int
    end: int
    next_chunk: Ints
    targets: Positions
    weights: Values


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


@inlined
def first_slot(handle: Ints) -> int:
    """Return the first tick at which a class in slots is due, or NEVER; the queue that scans knows them."""
    least = NEVER
    if handle[N_SLOTTED] and handle[QUEUE_KIND] != SCAN:
        head, slotted = ints(handle, F_HEAD), ints(handle, F_SLOTTED)
        for k in range(handle[N_SLOTTED]):
            least = min(least, head[slotted[k]])
    return least


@inlined
def take_slots(handle: Ints, tick: int) -> None:
    """Add the classes in slots that are due at `tick` to the list of due classes, which stays ascending."""
    if handle[N_SLOTTED] == 0 or handle[QUEUE_KIND] == SCAN:
        return
    head, slotted, due = ints(handle, F_HEAD), ints(handle, F_SLOTTED), ints(handle, F_DUE_CLASS)
    for q in range(handle[N_SLOTTED]):
        c = slotted[q]
        if head[c] == tick:
            k = handle[N_DUE]
            while k > 0 and due[k - 1] > c:
                due[k] = due[k - 1]
                k -= 1
            due[k] = c
            handle[N_DUE] += 1


@part
def sort_in(handle: Ints) -> bool:
    """Sort the synapses of all new spikes into slots; return False where the pool must grow first."""
    slotted, packets = ints(handle, F_SLOTTED), ints(handle, F_PACKETS)
    for k in range(handle[N_SLOTTED]):
        c = slotted[k]
        row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
        while row[CURSOR] >= 0:
            packet = packets[row[CURSOR] * N_PACKET_COLUMNS : (row[CURSOR] + 1) * N_PACKET_COLUMNS]
            synapses = _synapses_of(handle, row, packet)
            chunks = row[N_DELAYS] + synapses // FULL
            if handle[FREE_CHUNKS] < chunks:
                return False
            if synapses:
                _sort_packet(handle, row, packet)
                row[UNDER_WAY] += synapses
                head = ints(handle, F_HEAD)
                head[c] = _first_tick(handle, row, packet[PACKET_TICK] + row[DELAY], head[c])
            row[CURSOR] = packet[PACKET_NEXT]
    handle[TO_SORT] = 0
    return True


@part
def _synapses_of(handle: Ints, row: Ints, packet: Ints) -> int:
    """Return how many synapses the spikes of a packet have."""
    starts, address = ints_at(row[INDPTR], row[N_PRE] + 1), indices(handle, F_SPIKE_ADDRESS)
    synapses = 0
    for e in range(packet[PACKET_START], packet[PACKET_START] + packet[PACKET_COUNT]):
        synapses += starts[address[e] + 1] - starts[address[e]]
    return synapses


@part
def _sort_packet(handle: Ints, row: Ints, packet: Ints) -> None:
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
    ends, limits, firsts = ints(handle, F_SLOT_END), ints(handle, F_SLOT_LIMIT), ints(handle, F_SLOT_CHUNK)
    following, slot = ints(handle, F_NEXT_CHUNK), row[SLOTS] + slot
    end = ends[slot]
    while n:
        if end < 0 or end == limits[slot]:
            chunk = handle[FREE_CHUNK]
            handle[FREE_CHUNK] = following[chunk]
            handle[FREE_CHUNKS] -= 1
            following[chunk] = -1
            if end < 0:
                firsts[slot] = chunk
            else:
                following[end // CHUNK] = chunk
            end, limits[slot] = chunk * CHUNK, chunk * CHUNK + FULL
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


@inlined
def empty_slot(handle: Ints, c: int, tick: int) -> None:
    """Empty the slot of `tick`, which has been delivered, and find out when class c is due next."""
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    place = row[SLOTS] + (tick & (row[SPAN] - 1))
    firsts, ends, limits = ints(handle, F_SLOT_CHUNK), ints(handle, F_SLOT_END), ints(handle, F_SLOT_LIMIT)
    following, chunk, chunks = ints(handle, F_NEXT_CHUNK), firsts[place], 1
    row[UNDER_WAY] -= ends[place] - limits[place] + FULL
    while following[chunk] >= 0:
        row[UNDER_WAY] -= FULL
        chunk = following[chunk]
        chunks += 1
    following[chunk] = handle[FREE_CHUNK]
    handle[FREE_CHUNK] = firsts[place]
    handle[FREE_CHUNKS] += chunks
    firsts[place], ends[place], limits[place] = -1, -1, _EMPTY
    ints(handle, F_HEAD)[c] = _first_tick(handle, row, tick + 1, NEVER) if row[UNDER_WAY] else NEVER


@part
def clear_slots(handle: Ints) -> None:
    """Empty all slots; every chunk is free."""
    firsts, ends, limits = ints(handle, F_SLOT_CHUNK), ints(handle, F_SLOT_END), ints(handle, F_SLOT_LIMIT)
    for k in range(firsts.shape[0]):
        firsts[k], ends[k], limits[k] = -1, -1, _EMPTY
    handle[FREE_CHUNK], handle[FREE_CHUNKS], handle[TO_SORT] = -1, 0, 0
    _free_from(handle, 0)


@part
def _free_from(handle: Ints, first: int) -> None:
    """Free the chunks from `first` on."""
    following = ints(handle, F_NEXT_CHUNK)
    for chunk in range(following.shape[0] - 1, first - 1, -1):
        following[chunk] = handle[FREE_CHUNK]
        handle[FREE_CHUNK] = chunk
    handle[FREE_CHUNKS] += following.shape[0] - first


@kernel
def add_chunks(address_of_handle: int, first: int) -> None:
    """Take into use the chunks from `first` on, after the pool has grown."""
    _free_from(ints_at(address_of_handle, HANDLE_SIZE), first)
