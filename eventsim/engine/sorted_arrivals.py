"""Classes whose arrivals are sorted when their source spikes, by the entries of `slots` or of `windows`."""

from __future__ import annotations

from eventsim.engine.class_queue import SCAN
from eventsim.engine.jit import call, inlined, ints, part
from eventsim.engine.layout import (
    CURSOR,
    DELAY,
    F_CLASSES,
    F_DUE_CLASS,
    F_HEAD,
    F_PACKETS,
    F_SLOTTED,
    LEAVE,
    MERGED,
    N_CLASS_COLUMNS,
    N_DUE,
    N_PACKET_COLUMNS,
    N_SLOTTED,
    NEVER,
    PACKET_NEXT,
    PACKET_TICK,
    QUEUE_KIND,
    SORT,
    TO_SORT,
    WIDTH,
    Ints,
)
from eventsim.engine.pool import NO_ROOM


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
def sort_in(at: int, handle: Ints) -> bool:
    """Sort the synapses of all new spikes into slots; return False where the pool must grow first."""
    slotted, packets, head = ints(handle, F_SLOTTED), ints(handle, F_PACKETS), ints(handle, F_HEAD)
    for k in range(handle[N_SLOTTED]):
        c = slotted[k]
        row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
        while row[CURSOR] >= 0:
            tick = call(row[SORT], at, c, row[CURSOR], head[c])
            if tick == NO_ROOM:
                return False
            head[c] = tick
            row[CURSOR] = packets[row[CURSOR] * N_PACKET_COLUMNS + PACKET_NEXT]
    handle[TO_SORT] = 0
    return True


@inlined
def first_unsorted(handle: Ints) -> int:
    """Return the first tick whose slot, or window, may lack what new spikes bring, or NEVER."""
    if handle[TO_SORT] == 0:
        return NEVER
    slotted, packets, least = ints(handle, F_SLOTTED), ints(handle, F_PACKETS), NEVER
    for k in range(handle[N_SLOTTED]):
        start = slotted[k] * N_CLASS_COLUMNS
        row = ints(handle, F_CLASSES)[start : start + N_CLASS_COLUMNS]
        if row[CURSOR] >= 0:
            tick = packets[row[CURSOR] * N_PACKET_COLUMNS + PACKET_TICK] + row[DELAY]
            least = min(least, (tick >> row[WIDTH]) << row[WIDTH])
    return int(least)


@inlined
def leave(at: int, handle: Ints, c: int, tick: int) -> None:
    """Remove what class c, whose arrivals are sorted, has delivered at `tick`."""
    ints(handle, F_HEAD)[c] = call(ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS + LEAVE], at, c, tick, 0)


@inlined
def merged_tick(handle: Ints) -> int:
    """Return when the class that runs merged with a Poisson source is due, or NEVER."""
    return int(ints(handle, F_HEAD)[handle[MERGED]]) if handle[MERGED] >= 0 else NEVER


@inlined
def set_merged(handle: Ints, tick: int) -> None:
    """Say when the class that runs merged with a Poisson source is due, where there is one."""
    if handle[MERGED] >= 0:
        ints(handle, F_HEAD)[handle[MERGED]] = tick
