"""Room for what is under way to slots: chunks of a common pool, a list of them for each slot."""

from __future__ import annotations

from typing import Final

from eventsim.engine.jit import inlined, ints, ints_at, kernel, part
from eventsim.engine.layout import (
    F_NEXT_CHUNK,
    F_SLOT_CHUNK,
    F_SLOT_END,
    F_SLOT_LIMIT,
    FREE_CHUNK,
    FREE_CHUNKS,
    HANDLE_SIZE,
    NEVER,
    TO_SORT,
    Ints,
)

BLOCK: Final = 8
"""Words copied at a time; chunks, and what is copied to them, end in room for as many more."""
FULL: Final = 1024
"""Words of a chunk that are used."""
CHUNK: Final = FULL + BLOCK
"""Words of a chunk; were it a power of two, the chunks would compete for the same places in the caches."""

NO_ROOM: Final = -NEVER
"""A tick that says that the pool must grow first."""

_EMPTY: Final = -2
"""Limit of an empty slot, whose end is -1: it has no room even for nothing."""


@inlined
def extend(handle: Ints, place: int, end: int) -> int:
    """Give the slot at `place`, full up to `end` or empty (-1), one chunk more; return where it starts."""
    following = ints(handle, F_NEXT_CHUNK)
    chunk = handle[FREE_CHUNK]
    handle[FREE_CHUNK] = following[chunk]
    handle[FREE_CHUNKS] -= 1
    following[chunk] = -1
    if end < 0:
        ints(handle, F_SLOT_CHUNK)[place] = chunk
    else:
        following[end // CHUNK] = chunk
    ints(handle, F_SLOT_LIMIT)[place] = chunk * CHUNK + FULL
    return int(chunk * CHUNK)


@inlined
def free_slot(handle: Ints, place: int) -> int:
    """Empty a slot that is not empty; return how many words it held."""
    firsts, ends, limits = ints(handle, F_SLOT_CHUNK), ints(handle, F_SLOT_END), ints(handle, F_SLOT_LIMIT)
    following, chunk, chunks = ints(handle, F_NEXT_CHUNK), firsts[place], 1
    held = ends[place] - limits[place] + FULL
    while following[chunk] >= 0:
        held += FULL
        chunk = following[chunk]
        chunks += 1
    following[chunk] = handle[FREE_CHUNK]
    handle[FREE_CHUNK] = firsts[place]
    handle[FREE_CHUNKS] += chunks
    firsts[place], ends[place], limits[place] = -1, -1, _EMPTY
    return int(held)


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
