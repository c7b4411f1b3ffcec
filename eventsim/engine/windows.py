"""Arrivals sorted when their source spikes, where the grid is too fine for a slot per tick.

A slot is here a window of many ticks, no wider than the shortest delay. When a source spikes, each delay of
its row leaves one word in the window of its arrival: the offset in the window, where the synapses stand in
the packed rows, and how many they are. The first arrival of a window opens it: by then all its words are
there, and they are sorted by offset, those of one tick in the order of emission.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from eventsim.engine.jit import (
    entry,
    indices,
    indices_at,
    inlined,
    ints,
    ints_at,
    part,
    prefetch,
    words,
    words_at,
)
from eventsim.engine.layout import (
    AT,
    COUNTS,
    DELAYS,
    F_CLASSES,
    F_HISTOGRAM,
    F_NEXT_CHUNK,
    F_PACKETS,
    F_POOL,
    F_SCRATCH,
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
    SPIKES,
    STOP,
    UNDER_WAY,
    WEIGHTS,
    WIDTH,
    Ints,
    Words,
)
from eventsim.engine.pool import CHUNK, FULL, NO_ROOM, extend, free_slot

WIDEST: Final = 18
"""Bits of an offset: a window has 2^18 ticks at most."""
PLACE_BITS: Final = 28
COUNT_BITS: Final = 18
OFFSET: Final = np.uint64(COUNT_BITS + PLACE_BITS)
"""Bits below the offset of a word."""
_COUNT = np.uint64(COUNT_BITS)
_MOST, _PLACES = np.uint64((1 << COUNT_BITS) - 1), np.uint64((1 << PLACE_BITS) - 1)
_DIGIT: Final = 11
RADIX: Final = 1 << _DIGIT
_SPIKES_AHEAD: Final = 4
_FEW: Final = 24
"""Up to so many words in a window, or with the same leading digits, are sorted by insertion."""


@inlined
def offset_of(word: np.uint64) -> int:
    """Return the ticks from the start of the window to the arrival."""
    return int(np.int64(word >> OFFSET))


@inlined
def place_of(word: np.uint64) -> np.uint64:
    """Return where in the packed rows the synapses start."""
    return (word >> _COUNT) & _PLACES


@inlined
def count_of(word: np.uint64) -> np.uint64:
    """Return how many synapses arrive."""
    return word & _MOST


@entry
def sort_to_windows(address_of_handle: int, c: int, number: int, head: int) -> int:
    """Note the arrivals of a packet in their windows; return when the class, so far due at `head`, is due.

    Returns NO_ROOM, having changed nothing, where the pool must grow first.
    """
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    packet = ints(handle, F_PACKETS)[number * N_PACKET_COLUMNS : (number + 1) * N_PACKET_COLUMNS]
    n_delays, tick, width, mask = row[N_DELAYS], packet[PACKET_TICK], row[WIDTH], row[SPAN] - 1
    starts, counts = ints_at(row[INDPTR], row[N_PRE] + 1), indices_at(row[COUNTS], row[N_PRE] * n_delays)
    delays, pool = ints_at(row[DELAYS], n_delays), words(handle, F_POOL)
    address, first = indices(handle, F_SPIKE_ADDRESS), np.uint64(row[SLOTS])
    ends, limits = ints(handle, F_SLOT_END), ints(handle, F_SLOT_LIMIT)
    if handle[FREE_CHUNKS] < n_delays + packet[PACKET_COUNT] * n_delays // FULL:
        return NO_ROOM
    least, within, noted = NEVER, (1 << width) - 1, 0
    # Places are unsigned here and below where they stand in the inside of a loop: no test for negative ones.
    for e in range(packet[PACKET_START], packet[PACKET_START] + packet[PACKET_COUNT]):
        _fetch_counts(handle, row, e + _SPIKES_AHEAD)
        source, place = address[e], np.uint64(starts[address[e]])
        slot, pair = first + np.uint64(((tick + delays[0]) >> width) & mask), np.uint64(source * n_delays)
        end, limit = ends[slot], limits[slot]
        for d in range(np.uint64(n_delays)):
            n, arrival = counts[pair + d], tick + delays[d]
            following = first + np.uint64((arrival >> width) & mask)
            if following != slot:
                ends[slot], slot = end, following
                end, limit = ends[slot], limits[slot]
            if end < limit or n:
                if end >= limit:
                    end = extend(handle, int(slot), end)
                    limit = limits[slot]
                word = (np.uint64(arrival & within) << OFFSET) | (place << _COUNT)
                pool[np.uint64(end)] = word | np.uint64(n)
                end += n > 0
                noted += n > 0
            least = min(least, arrival if n else NEVER)
            place += np.uint64(n)
        ends[slot] = end
    row[UNDER_WAY] += noted
    return min(head, least)


@inlined
def _fetch_counts(handle: Ints, row: Ints, e: int) -> None:
    """Ask for where the row of spike e starts, and for its counts, if there is such a spike."""
    if e < handle[SPIKES]:
        source, n_delays = int(indices(handle, F_SPIKE_ADDRESS)[e]), row[N_DELAYS]
        prefetch(ints_at(row[INDPTR], row[N_PRE] + 1), source)
        for d in range(0, n_delays + 15, 16):
            prefetch(indices_at(row[COUNTS], row[N_PRE] * n_delays), source * n_delays + d)


@inlined
def window_at(handle: Ints, row: Ints, tick: int) -> None:
    """Open the window of `tick`, the first arrival under way, unless it is open."""
    if row[AT] < 0:
        _open(handle, row, tick)


class Front(NamedTuple):
    """Where in the pool the front of an open window is (-1: at its end), and where that chunk ends."""

    at: int
    stop: int


@inlined
def front_of(handle: Ints, row: Ints, tick: int) -> Front:
    """Return the front of the window of `tick`, the first arrival under way."""
    window_at(handle, row, tick)
    return Front(row[AT], row[STOP])


@inlined
def is_due(handle: Ints, row: Ints, tick: int, front: Front) -> bool:
    """Return whether the arrival at the front is at `tick`."""
    if front.at < 0:
        return False
    within = (1 << row[WIDTH]) - 1
    return bool(offset_of(words(handle, F_POOL)[front.at]) == tick & within)


@inlined
def step(handle: Ints, row: Ints, tick: int, front: Front) -> Front:
    """Return the front one arrival on."""
    if front.at + 1 < front.stop:
        return Front(front.at + 1, front.stop)
    chunk = ints(handle, F_NEXT_CHUNK)[front.at // CHUNK]
    place = row[SLOTS] + ((tick >> row[WIDTH]) & (row[SPAN] - 1))
    return Front(chunk * CHUNK, _stop(handle, place, chunk)) if chunk >= 0 else Front(-1, -1)


class Stretch(NamedTuple):
    """Arrivals that lie together, of a window that starts at `start`; the others are not before `beyond`."""

    begin: int
    end: int
    start: int
    beyond: int


@inlined
def stretch_at(handle: Ints, row: Ints, head: int) -> Stretch:
    """Return the arrivals from the front on, which is due at `head`; none where no window is open."""
    if row[AT] < 0:
        return Stretch(FULL, FULL, head, head)  # there is room for a word more after each chunk
    width, start = row[WIDTH], (head >> row[WIDTH]) << row[WIDTH]
    chunk = ints(handle, F_NEXT_CHUNK)[row[AT] // CHUNK]
    # The greatest offset is kept for what marks an end.
    beyond = min(1 << width, (1 << WIDEST) - 1)
    if chunk >= 0:
        beyond = min(beyond, offset_of(words(handle, F_POOL)[chunk * CHUNK]))
    return Stretch(row[AT], row[STOP], start, start + beyond)


@inlined
def next_arrival(handle: Ints, row: Ints, tick: int) -> int:
    """Pass the arrival at the front of the open window, at `tick`; return when the next one is."""
    row[AT] += 1
    if row[AT] == row[STOP]:
        return _next_chunk(handle, row, tick)
    width = row[WIDTH]
    return int((tick >> width) << width) + offset_of(words(handle, F_POOL)[row[AT]])


@entry
def leave_window(address_of_handle: int, c: int, tick: int, _: int) -> int:
    """Pass all arrivals at `tick`; return when the next one is."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    window_at(handle, row, tick)
    head = tick
    while head == tick:
        head = next_arrival(handle, row, tick)
    return head


@part
def _next_chunk(handle: Ints, row: Ints, tick: int) -> int:
    """Go on to the next chunk of the open window, or leave it; return when the next arrival is."""
    width, pool, following = row[WIDTH], words(handle, F_POOL), ints(handle, F_NEXT_CHUNK)
    place = row[SLOTS] + ((tick >> width) & (row[SPAN] - 1))
    chunk = following[(row[AT] - 1) // CHUNK]
    if chunk >= 0:
        row[AT] = chunk * CHUNK
        row[STOP] = _stop(handle, place, chunk)
        return int((tick >> width) << width) + offset_of(pool[row[AT]])
    row[AT] = -1
    row[UNDER_WAY] -= free_slot(handle, place)
    if row[UNDER_WAY] == 0:
        return NEVER
    firsts, window = ints(handle, F_SLOT_CHUNK), (tick >> width) + 1
    while firsts[row[SLOTS] + (window & (row[SPAN] - 1))] < 0:
        window += 1
    place = row[SLOTS] + (window & (row[SPAN] - 1))
    chunk, least = firsts[place], ~np.uint64(0)
    while chunk >= 0:
        for k in range(np.uint64(chunk * CHUNK), np.uint64(_stop(handle, place, chunk))):
            least = min(least, pool[k])
        chunk = following[chunk]
    return int(window << width) + offset_of(least)


@inlined
def _stop(handle: Ints, place: int, chunk: int) -> int:
    """Return where in the pool the words of a chunk of the slot at `place` end."""
    last = ints(handle, F_NEXT_CHUNK)[chunk] < 0
    return ints(handle, F_SLOT_END)[place] if last else chunk * CHUNK + FULL


@part
def _open(handle: Ints, row: Ints, tick: int) -> None:
    """Sort the words of the window of `tick`, and stand at the first."""
    pool, scratch, following = words(handle, F_POOL), words(handle, F_SCRATCH), ints(handle, F_NEXT_CHUNK)
    place = row[SLOTS] + ((tick >> row[WIDTH]) & (row[SPAN] - 1))
    first = ints(handle, F_SLOT_CHUNK)[place]
    row[AT], row[STOP] = first * CHUNK, _stop(handle, place, first)
    if row[STOP] - row[AT] <= _FEW:
        _sort_nearly(pool, row[AT], row[STOP])
        return
    shift = np.uint64(max(0, row[WIDTH] - _DIGIT)) + OFFSET
    start = 0
    if _find_places(handle, place, shift) <= _FEW:
        _sort_nearly(scratch, 0, _scatter(handle, place, shift))
    else:
        n = _gather(handle, place)
        start = _sort_by_digits(scratch, n, row[WIDTH], ints(handle, F_HISTOGRAM))
    chunk = first
    while chunk >= 0:
        begin, stop = chunk * CHUNK, _stop(handle, place, chunk)
        for k in range(np.uint64(stop - begin)):
            pool[np.uint64(begin) + k] = scratch[np.uint64(start) + k]
        start += stop - begin
        chunk = following[chunk]


@part
def _find_places(handle: Ints, place: int, shift: np.uint64) -> int:
    """Find where the words of a slot begin by leading digit; return the most that have the same."""
    pool, histogram, most = words(handle, F_POOL), ints(handle, F_HISTOGRAM), 0
    for digit in range(RADIX):
        histogram[digit] = 0
    chunk, n = ints(handle, F_SLOT_CHUNK)[place], 0
    while chunk >= 0:
        for k in range(np.uint64(chunk * CHUNK), np.uint64(_stop(handle, place, chunk))):
            histogram[pool[k] >> shift] += 1
        chunk = ints(handle, F_NEXT_CHUNK)[chunk]
    for digit in range(RADIX):
        count = int(histogram[digit])
        most = max(most, count)
        histogram[digit] = n
        n += count
    return most


@part
def _scatter(handle: Ints, place: int, shift: np.uint64) -> int:
    """Copy the words of a slot to the places of their leading digits; return their number."""
    pool, scratch, histogram = words(handle, F_POOL), words(handle, F_SCRATCH), ints(handle, F_HISTOGRAM)
    chunk, n = ints(handle, F_SLOT_CHUNK)[place], 0
    while chunk >= 0:
        start, stop = chunk * CHUNK, _stop(handle, place, chunk)
        for k in range(np.uint64(start), np.uint64(stop)):
            word = pool[k]
            digit = word >> shift
            to = np.uint64(histogram[digit])
            scratch[to] = word
            histogram[digit] = to + np.uint64(1)
        n += stop - start
        chunk = ints(handle, F_NEXT_CHUNK)[chunk]
    return n


@part
def _gather(handle: Ints, place: int) -> int:
    """Copy the words of a slot; return their number."""
    pool, scratch = words(handle, F_POOL), words(handle, F_SCRATCH)
    chunk, n = ints(handle, F_SLOT_CHUNK)[place], 0
    while chunk >= 0:
        for k in range(chunk * CHUNK, _stop(handle, place, chunk)):
            scratch[n] = pool[k]
            n += 1
        chunk = ints(handle, F_NEXT_CHUNK)[chunk]
    return n


@part
def _sort_nearly(array: Words, start: int, stop: int) -> None:
    """Sort some words by offset, of which few are far from their place."""
    for k in range(start + 1, stop):
        word, hole = array[k], k
        while hole > start and array[hole - 1] >> OFFSET > word >> OFFSET:
            array[hole] = array[hole - 1]
            hole -= 1
        array[hole] = word


@part
def _sort_by_digits(array: Words, n: int, width: int, histogram: Ints) -> int:
    """Sort the first n words by offset, digit by digit, by way of the second half; return where they are."""
    start, to = 0, array.shape[0] >> 1
    for shift in range(0, width, _DIGIT):
        low = np.uint64(shift) + OFFSET
        for digit in range(RADIX):
            histogram[digit] = 0
        for k in range(start, start + n):
            histogram[np.int64((array[k] >> low) & np.uint64(RADIX - 1))] += 1
        place = to
        for digit in range(RADIX):
            count = histogram[digit]
            histogram[digit] = place
            place += count
        for k in range(start, start + n):
            digit = int(np.int64((array[k] >> low) & np.uint64(RADIX - 1)))
            array[histogram[digit]] = array[k]
            histogram[digit] += 1
        start, to = to, start
    return start


@inlined
def fetch_ahead(handle: Ints, row: Ints) -> None:
    """Ask for the synapses of an arrival some way behind the front of the open window."""
    rows, word = words_at(row[WEIGHTS], row[N_WEIGHTS]), words(handle, F_POOL)[row[AT] + 8]
    place = int(np.int64(place_of(word)))
    prefetch(rows, place)
    prefetch(rows, place + 7)
    if count_of(word) > np.uint64(8):
        prefetch(rows, place + 15)
        prefetch(rows, place + 23)
        prefetch(rows, place + 31)
