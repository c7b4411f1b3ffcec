"""Compiled timing of barrier-synchronised ticks without contention, where most cores hear most spikes.

Arrivals of a tick stand on a grid, a row for each sender and a column for each core. A sorting network puts
all columns in order at once, by comparing whole rows: no branch depends on what arrives when.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eventsim.engine.jit import inlined, kernel, part, prefetch
from hwmodels.ideal_kernels import Sent, Tally, bucket_of
from hwmodels.plan_kernels import UnitTimes

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]

COLUMN_BITS, SERVICE_BITS, FLIGHT_BITS = 12, 25, 26
"""What a message is on a grid, from the lowest bit on: column, time of service and time on the way, ps."""
ROW_BITS = 10
"""The lowest bits of a key are its row; above stands the time of arrival, ps."""
ARRIVAL_BITS = 63 - ROW_BITS
AHEAD = 2
"""So many spikes before they are laid, the cache is asked for their messages."""
NOTHING = np.iinfo(np.int64).max
"""The key of a place where nothing arrives; above all others."""


class Words(NamedTuple):
    """The messages of a table as words, and where their columns are.

    indptr : int64[n_rows + 1]. word : int64[n_entries]. core : int64[n_columns].
    """

    indptr: Ints
    word: Ints
    core: Ints


class Units(NamedTuple):
    """What neurons take besides spikes.

    start : int64[n_cores + 1], the slots of each core. ps : int64[n_ticks, n_cores]; what spikes take is
    added.
    """

    start: Ints
    ps: Ints


class Grid(NamedTuple):
    """Room to work in: key and word of what arrives, int64[n_rows, n_columns] each."""

    key: Ints
    word: Ints


@inlined
def lay(words: Words, grid: Grid, row: int, start: int, stop: int, now: int, each: int) -> None:
    """Put messages onto a row of the grid, sent one after the other."""
    keys, held = grid.key[row], grid.word[row]
    keys[:] = NOTHING
    for e in range(start, stop):
        now += each
        word = words.word[e]
        column = word & ((1 << COLUMN_BITS) - 1)
        keys[column] = ((now + (word >> (COLUMN_BITS + SERVICE_BITS))) << ROW_BITS) | row
        held[column] = word


@inlined
def fetch(words: Words, row: int) -> None:
    """Ask for the cache lines of a row's words, of eight each."""
    for line in range(words.indptr[row], words.indptr[row + 1], 8):
        prefetch(words.word, line)


@part
def sort_columns(key: Ints, n: int) -> None:
    """Sort each column of the first n rows: Batcher's odd-even merge sort.

    Rows that are compared next to each other are compared in one go.

    Source: K. E. Batcher, Sorting networks and their applications, AFIPS 1968; for any n as in D. E. Knuth,
    The Art of Computer Programming, vol. 3, 5.2.2, algorithm M.
    """
    width, flat = key.shape[1], key.reshape(key.size)
    run = 1
    while run < n:
        apart = run
        while apart > 0:
            for first in range(apart % run, n - apart, 2 * apart):
                # All of these rows are in one merge, or none is: both lengths are multiples of `apart`.
                if first // (2 * run) == (first + apart) // (2 * run):
                    low, high = first * width, (first + apart) * width
                    size = min(apart, n - apart - first) * width
                    lower, upper = flat[low : low + size], flat[high : high + size]
                    for k in range(size):
                        a, b = lower[k], upper[k]
                        lower[k] = a if a < b else b
                        upper[k] = b if a < b else a
            apart >>= 1
        run <<= 1


@part
def serve_columns(words: Words, grid: Grid, tally: Tally, n: int) -> int:
    """Serve what arrives at each core in order; return when the last is done."""
    end = total = 0
    largest = tally.latency[1]
    for column in range(words.core.shape[0]):
        free = waiting = 0
        for place in range(n):
            key = grid.key[place, column]
            if key == NOTHING:
                break
            word = grid.word[key & ((1 << ROW_BITS) - 1), column]
            arrival = key >> ROW_BITS
            start = max(arrival, free)
            waiting += start - arrival
            free = start + ((word >> COLUMN_BITS) & ((1 << SERVICE_BITS) - 1))
            latency = free - arrival + (word >> (COLUMN_BITS + SERVICE_BITS))
            total += latency
            largest = max(largest, latency)
            tally.histogram[bucket_of(latency)] += 1
        tally.waiting[words.core[column]] += waiting
        end = max(end, free)
    tally.latency[0] += total
    tally.latency[1] = largest
    return end


@kernel
def run_grid_ticks(
    sent: Sent, words: Words, times: UnitTimes, units: Units, grid: Grid, tally: Tally, work: Ints
) -> None:
    """Write work[k], ps: how long after its begin the work of each tick is done, before the barrier.

    No tick has more senders than the grid has rows.
    """
    at = out = 0
    for tick in range(work.shape[0]):
        n, core, made = 0, -1, 0
        while out < sent.outer.shape[0] and sent.outer[out] == tick:
            row = sent.outer_row[out]
            lay(words, grid, n, words.indptr[row], words.indptr[row + 1], 0, 0)
            n += 1
            out += 1
        while at < sent.row.shape[0] and sent.row[at] == tick:
            slot = sent.slot[at]
            start, stop = words.indptr[slot], words.indptr[slot + 1]
            if at + AHEAD < sent.slot.shape[0]:
                fetch(words, sent.slot[at + AHEAD])
            if sent.core[at] != core:
                core, made = sent.core[at], 0
            made += times.spike_out
            now = made + (slot - units.start[core] + 1) * times.access + sent.upto[at] * times.update
            lay(words, grid, n, start, stop, now, times.message_out)
            made += (stop - start) * times.message_out
            units.ps[tick, core] += times.spike_out + (stop - start) * times.message_out
            n += 1
            at += 1
        sort_columns(grid.key, n)
        end = serve_columns(words, grid, tally, n)
        for core in range(units.ps.shape[1]):
            end = max(end, units.ps[tick, core])
        work[tick] = end
