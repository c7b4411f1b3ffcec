"""Neurons due by themselves: the next tick's list, and a heap of predictions validated when they come up."""

from __future__ import annotations

from eventsim.engine.jit import part
from eventsim.engine.layout import HEAP_SIZE, NEVER, SOON_TICK, Calendar, Indices, Ints


@part
def push_heap(heap: Ints, registers: Ints, tick: int, neuron: int) -> None:
    """Add (tick, neuron) to the heap, which must have room; equal ticks order by neuron."""
    hole = registers[HEAP_SIZE]
    registers[HEAP_SIZE] = hole + 1
    while hole > 0:
        parent = (hole - 1) >> 1
        t, n = heap[0, parent], heap[1, parent]
        if t < tick or (t == tick and n <= neuron):
            break
        heap[0, hole], heap[1, hole] = t, n
        hole = parent
    heap[0, hole], heap[1, hole] = tick, neuron


@part
def pop_heap(heap: Ints, registers: Ints) -> None:
    """Remove the least (tick, neuron)."""
    size = registers[HEAP_SIZE] - 1
    registers[HEAP_SIZE] = size
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
    heap, registers, due = calendar.heap, calendar.registers, calendar.due
    if registers[SOON_TICK] != NEVER:
        return int(registers[SOON_TICK])
    while registers[HEAP_SIZE] > 0:
        tick = heap[0, 0]
        if due[heap[1, 0]] == tick:
            return int(tick)
        pop_heap(heap, registers)
    return NEVER


@part
def schedule(
    due: Ints,
    soon: Indices,
    soon_count: Ints,
    heap: Ints,
    registers: Ints,
    who: tuple[int, int, int],
    tick: int,
    when: int,
) -> None:
    """Note, while `tick` is being processed, that a neuron must be looked at by tick `when`.

    The first five are the Calendar's arrays, one by one: a tuple of arrays costs reference counts here, where
    time matters. `who` is (population, number of its first neuron, index). A prediction already there for an
    earlier tick stays: looking early costs little, a new entry costs more.
    """
    population, first, index = who
    neuron = first + index
    if when >= NEVER:
        due[neuron] = NEVER
        return
    if tick < due[neuron] <= when:
        return
    due[neuron] = when
    if when == tick + 1:
        soon[first + soon_count[population]] = index
        soon_count[population] += 1
        registers[SOON_TICK] = when
    elif registers[HEAP_SIZE] == heap.shape[1]:
        _rebuild(due, heap, registers, tick)
    else:
        push_heap(heap, registers, when, neuron)


@part
def _rebuild(due: Ints, heap: Ints, registers: Ints, tick: int) -> None:
    """Rebuild a full heap from the truth; at most one entry per neuron remains, half the capacity."""
    registers[HEAP_SIZE] = 0
    for neuron in range(due.shape[0]):
        if tick <= due[neuron] < NEVER:
            push_heap(heap, registers, due[neuron], neuron)


@part
def gather_due(calendar: Calendar, population: int, first: int, size: int, tick: int, found: Indices) -> int:
    """Write the indices of a population's neurons due at `tick` to `found`, once each; return how many."""
    due, soon, heap, registers = calendar.due, calendar.soon, calendar.heap, calendar.registers
    count = 0
    for k in range(calendar.soon_count[population]):
        index = soon[first + k]
        if due[first + index] == tick:
            due[first + index] = NEVER
            found[count] = index
            count += 1
    calendar.soon_count[population] = 0
    while registers[HEAP_SIZE] > 0 and heap[0, 0] == tick and heap[1, 0] < first + size:
        neuron = heap[1, 0]
        pop_heap(heap, registers)
        if due[neuron] == tick:
            due[neuron] = NEVER
            found[count] = neuron - first
            count += 1
    return count
