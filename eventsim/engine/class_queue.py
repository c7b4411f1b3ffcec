"""Which delivery classes are due next: three queues that give the same order, ascending by (tick, class).

Each class with packets under way is in the queue once, for its oldest packet; `head` holds its tick.

- SCAN looks at all heads: nothing to maintain, and eight are compared per instruction. Best for few classes.
- RING has a bucket per tick of the longest delay: constant time, for coarse grids and many classes.
- HEAP is a binary heap: for many classes on a fine grid, and the reference for the other two.
"""

from __future__ import annotations

from typing import Final

from eventsim.engine.jit import inlined, ints, part
from eventsim.engine.layout import (
    DUE_AT,
    F_DUE_CLASS,
    F_HEAD,
    F_QUEUE,
    F_QUEUE_LINK,
    N_CLASSES,
    N_DUE,
    NEVER,
    NOW,
    QUEUE_KIND,
    QUEUE_SIZE,
    RING_SPAN,
    Ints,
)

SCAN: Final = 0
RING: Final = 1
HEAP: Final = 2

BLOCK: Final = 64
"""Buckets of the ring that share one count, so that empty ones are passed 64 at a time."""


@inlined
def put(handle: Ints, c: int, tick: int) -> None:
    """Say that class c, not in the queue, is due at `tick`."""
    ints(handle, F_HEAD)[c] = tick
    if handle[QUEUE_KIND] == SCAN:
        return
    queue = ints(handle, F_QUEUE)
    handle[QUEUE_SIZE] += 1
    if handle[QUEUE_KIND] == RING:
        span = handle[RING_SPAN]
        bucket = tick & (span - 1)
        ints(handle, F_QUEUE_LINK)[c] = queue[bucket]
        queue[bucket] = c
        queue[span + bucket // BLOCK] += 1
        return
    head = ints(handle, F_HEAD)
    hole = handle[QUEUE_SIZE] - 1
    while hole > 0:
        parent = (hole - 1) >> 1
        other = queue[parent]
        if head[other] < tick or (head[other] == tick and other < c):
            break
        queue[hole] = other
        hole = parent
    queue[hole] = c


@inlined
def first_class(handle: Ints) -> int:
    """Return the first tick at which a class is due, or NEVER."""
    head = ints(handle, F_HEAD)
    if handle[QUEUE_KIND] == SCAN:
        least = NEVER
        for c in range(handle[N_CLASSES]):
            least = min(least, head[c])
        return least
    if handle[QUEUE_SIZE] == 0:
        return NEVER
    queue = ints(handle, F_QUEUE)
    if handle[QUEUE_KIND] == HEAP:
        return int(head[queue[0]])
    span = handle[RING_SPAN]
    bucket = (handle[NOW] + 1) & (span - 1)
    while True:
        if bucket % BLOCK == 0 and queue[span + bucket // BLOCK] == 0:
            bucket = (bucket + BLOCK) & (span - 1)
        elif queue[bucket] < 0:
            bucket = (bucket + 1) & (span - 1)
        else:
            return int(head[queue[bucket]])


@inlined
def take(handle: Ints, tick: int) -> None:
    """Move the classes due at `tick` from the queue to the list of due classes, ascending."""
    head, due = ints(handle, F_HEAD), ints(handle, F_DUE_CLASS)
    count = 0
    if handle[QUEUE_KIND] == SCAN:
        # Written for each, kept if due: which class it is cannot be predicted, so a branch would cost more.
        for c in range(handle[N_CLASSES]):
            due[count] = c
            count += head[c] == tick
    elif handle[QUEUE_KIND] == RING:
        queue, link, span = ints(handle, F_QUEUE), ints(handle, F_QUEUE_LINK), handle[RING_SPAN]
        bucket = tick & (span - 1)
        c = queue[bucket]
        # A class due later by whole turns of the ring cannot be here: the ring is longer than any delay.
        while c >= 0:
            k = count
            while k > 0 and due[k - 1] > c:
                due[k] = due[k - 1]
                k -= 1
            due[k] = c
            count += 1
            c = link[c]
        queue[bucket] = -1
        queue[span + bucket // BLOCK] -= count
        handle[QUEUE_SIZE] -= count
    else:
        queue = ints(handle, F_QUEUE)
        while handle[QUEUE_SIZE] > 0 and head[queue[0]] == tick:
            due[count] = queue[0]
            count += 1
            _drop_least(handle, queue, head)
    handle[N_DUE] = count
    handle[DUE_AT] = 0


@part
def _drop_least(handle: Ints, queue: Ints, head: Ints) -> None:
    size = handle[QUEUE_SIZE] - 1
    handle[QUEUE_SIZE] = size
    c = queue[size]
    hole = 0
    while 2 * hole + 1 < size:
        child = 2 * hole + 1
        if child + 1 < size and _before(head, queue[child + 1], queue[child]):
            child += 1
        if _before(head, c, queue[child]):
            break
        queue[hole] = queue[child]
        hole = child
    queue[hole] = c


@part
def _before(head: Ints, a: int, b: int) -> bool:
    return bool(head[a] < head[b] or (head[a] == head[b] and a < b))
