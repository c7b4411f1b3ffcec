"""Compiled marking of the neurons that a tick brings up to date, one bit per neuron and tick."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]


@njit(cache=True, nogil=True)
def distinct_ticks(
    ticks: Ints, sources: Indices, indptr: Ints, delay: int, per_chip_tick: int, found: Ints
) -> int:
    """Write the chip's ticks in which spikes reach a target, `delay` after they are sent; return how many.

    ticks, sources : spikes sorted by tick of the network. found : ascending.
    """
    n = 0
    until = ticks[0] if ticks.shape[0] else 0
    for k in range(ticks.shape[0]):
        if (n == 0 or ticks[k] >= until) and indptr[sources[k]] < indptr[sources[k] + 1]:
            found[n] = (ticks[k] + delay) // per_chip_tick
            until = (found[n] + 1) * per_chip_tick - delay
            n += 1
    return n


@njit(cache=True, nogil=True)
def mark_targets(
    ticks: Ints, sources: Indices, indptr: Ints, targets: Indices, until: Ints, bits: Words
) -> None:
    """Set bits[k, slot] where a spike sent before until[k], and not before until[k - 1], reaches the slot.

    ticks, sources : spikes sorted by tick. indptr, targets : the slots each source reaches. until : int64[n],
    ascending, the last one beyond all spikes. bits : uint64[n, n_words].
    """
    row = 0
    for k in range(ticks.shape[0]):
        while until[row] <= ticks[k]:
            row += 1
        for s in range(indptr[sources[k]], indptr[sources[k] + 1]):
            slot = targets[s]
            bits[row, slot >> 6] |= np.uint64(1) << np.uint64(slot & 63)


@njit(cache=True, nogil=True)
def mark_single_targets(ticks: Ints, sources: Indices, target: Indices, until: Ints, bits: Words) -> None:
    """Do what `mark_targets` does where a source reaches one slot, or none: -1."""
    row = 0
    for k in range(ticks.shape[0]):
        while until[row] <= ticks[k]:
            row += 1
        slot = target[sources[k]]
        if slot >= 0:
            bits[row, slot >> 6] |= np.uint64(1) << np.uint64(slot & 63)


@njit(cache=True, nogil=True)
def mark_masks(ticks: Ints, sources: Indices, first: int, masks: Words, until: Ints, bits: Words) -> None:
    """Do what `mark_targets` does with the slots that each source reaches as masks.

    masks : uint64[n_sources, n], from word `first` on.
    """
    row = 0
    for k in range(ticks.shape[0]):
        while until[row] <= ticks[k]:
            row += 1
        mask = masks[sources[k]]
        into = bits[row, first : first + mask.shape[0]]
        for word in range(mask.shape[0]):
            into[word] |= mask[word]


@njit(cache=True, nogil=True)
def write_masks(indptr: Ints, targets: Indices, first: int, masks: Words) -> None:
    """Set the bits of the slots each source reaches; masks : uint64[n_sources, n], from word `first` on."""
    for source in range(masks.shape[0]):
        for s in range(indptr[source], indptr[source + 1]):
            slot = targets[s]
            masks[source, (slot >> 6) - first] |= np.uint64(1) << np.uint64(slot & 63)


@njit(cache=True, nogil=True)
def mark_fired(rows: Ints, slots: Indices, bits: Words) -> None:
    """Set bits[row, slot] of each spike."""
    for k in range(rows.shape[0]):
        slot = slots[k]
        bits[rows[k], slot >> 6] |= np.uint64(1) << np.uint64(slot & 63)


@njit(cache=True, nogil=True)
def ones_in(word: np.uint64) -> np.int64:
    """Return how many bits of a uint64 are set."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True, nogil=True)
def rank(word: np.uint64, before: np.int64, place: int) -> np.int64:
    """Return `before` plus how many of the lowest `place` bits of a word are set."""
    return before + ones_in(word & ((np.uint64(1) << np.uint64(place)) - np.uint64(1)))


@njit(cache=True, nogil=True)
def count_updates(
    bits: Words, mask: Words, core_start: Ints, spikes: tuple[Ints, Indices, Indices], upto: Ints, found: Ints
) -> None:
    """Write found[k, core], the marked neurons of each core, and for each spike those up to its own.

    mask : uint64[n_words], the neurons that count. spikes : row and slot and core of each, sorted by row;
    those outside of the mask are passed over. upto : int64[n_spikes]. found : int64[n_rows, n_cores].
    """
    n_words, n_cores = bits.shape[1], core_start.shape[0] - 1
    before = np.zeros(n_words + 1, np.int64)
    row_of, slot_of, core_of = spikes
    at = 0
    for k in range(bits.shape[0]):
        for w in range(n_words):
            before[w + 1] = before[w] + ones_in(bits[k, w] & mask[w])
        total = np.int64(0)
        for core in range(n_cores):
            stop, word = core_start[core + 1], core_start[core + 1] >> 6
            found[k, core] = -total
            if word < n_words:
                total = rank(bits[k, word] & mask[word], before[word], stop & 63)
            else:
                total = np.int64(before[n_words])
            found[k, core] += total
        while at < row_of.shape[0] and row_of[at] == k:
            slot, start = slot_of[at], core_start[core_of[at]]
            word = slot >> 6
            if (mask[word] >> np.uint64(slot & 63)) & np.uint64(1):
                upto[at] = rank(bits[k, word] & mask[word], before[word], slot & 63) + 1
                word = start >> 6
                upto[at] -= rank(bits[k, word] & mask[word], before[word], start & 63)
            at += 1
