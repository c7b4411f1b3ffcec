"""Neurons due by themselves: the next tick's list, and a heap of predictions validated when they come up."""

from __future__ import annotations

from eventsim.engine.jit import part
from eventsim.engine.layout import HEAP_SIZE, NEVER, SOON_TICK, Calendar, Indices


@part
def push_heap(calendar: Calendar, tick: int, neuron: int) -> None:
    """Add (tick, neuron) to the heap, which must have room; equal ticks order by neuron."""
    heap = calendar.heap
    hole = calendar.registers[HEAP_SIZE]
    calendar.registers[HEAP_SIZE] = hole + 1
    while hole > 0:
        parent = (hole - 1) >> 1
        t, n = heap[0, parent], heap[1, parent]
        if t < tick or (t == tick and n <= neuron):
            break
        heap[0, hole], heap[1, hole] = t, n
        hole = parent
    heap[0, hole], heap[1, hole] = tick, neuron


@part
def pop_heap(calendar: Calendar) -> None:
    """Remove the least (tick, neuron)."""
    heap = calendar.heap
    size = calendar.registers[HEAP_SIZE] - 1
    calendar.registers[HEAP_SIZE] = size
    tick, neuron = heap[0, size], heap[1, size]
    hole = 0
    while 2 * hole + 1 < size:
        child = 2 * hole + 1
        right = child + 1
        if right < size and (
            heap[0, right] < heap[0, child]
            or (heap[0, right] == heap[0, child] and heap[1, right] < heap[1, child])
        ):
            child = right
        t, n = heap[0, child], heap[1, child]
        if t > tick or (t == tick and n >= neuron):
            break
        heap[0, hole], heap[1, hole] = t, n
        hole = child
    heap[0, hole], heap[1, hole] = tick, neuron


@part
def first_due(calendar: Calendar) -> int:
    """Return the first tick at which a neuron is due, or NEVER; drops stale predictions on the way."""
    if calendar.registers[SOON_TICK] != NEVER:
        return calendar.registers[SOON_TICK]
    while calendar.registers[HEAP_SIZE] > 0:
        tick = calendar.heap[0, 0]
        if calendar.due[calendar.heap[1, 0]] == tick:
            return tick
        pop_heap(calendar)
    return NEVER


@part
def schedule(calendar: Calendar, population: int, first: int, index: int, tick: int, due: int) -> None:
    """Note, while `tick` is being processed, that neuron `first + index` must be looked at by tick `due`.

    A prediction already there for an earlier tick stays: looking early costs little, a new entry costs more.
    """
    neuron = first + index
    if due >= NEVER:
        calendar.due[neuron] = NEVER
        return
    if tick < calendar.due[neuron] <= due:
        return
    calendar.due[neuron] = due
    if due == tick + 1:
        calendar.soon[first + calendar.soon_count[population]] = index
        calendar.soon_count[population] += 1
        calendar.registers[SOON_TICK] = due
        return
    if calendar.registers[HEAP_SIZE] == calendar.heap.shape[1]:
        _rebuild(calendar, tick)
    else:
        push_heap(calendar, due, neuron)


@part
def _rebuild(calendar: Calendar, tick: int) -> None:
    """Rebuild a full heap from the truth; at most one entry per neuron remains, half the capacity."""
    calendar.registers[HEAP_SIZE] = 0
    for neuron in range(calendar.due.shape[0]):
        if tick <= calendar.due[neuron] < NEVER:
            push_heap(calendar, calendar.due[neuron], neuron)


@part
def gather_due(calendar: Calendar, population: int, first: int, size: int, tick: int, due: Indices) -> int:
    """Write the indices of a population's neurons due at `tick` to `due`, once each; return how many."""
    count = 0
    for k in range(calendar.soon_count[population]):
        index = calendar.soon[first + k]
        if calendar.due[first + index] == tick:
            calendar.due[first + index] = NEVER
            due[count] = index
            count += 1
    calendar.soon_count[population] = 0
    heap = calendar.heap
    while calendar.registers[HEAP_SIZE] > 0 and heap[0, 0] == tick and heap[1, 0] < first + size:
        neuron = heap[1, 0]
        pop_heap(calendar)
        if calendar.due[neuron] == tick:
            calendar.due[neuron] = NEVER
            due[count] = neuron - first
            count += 1
    return count
