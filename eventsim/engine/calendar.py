"""Neurons due by themselves: the next tick's list, and a heap of predictions validated when they come up."""

from __future__ import annotations

from typing import NamedTuple

from eventsim.engine.jit import indices, inlined, ints, part
from eventsim.engine.layout import (
    F_DUE,
    F_HEAP_NEURON,
    F_HEAP_TICK,
    F_SOON,
    HEAP_SIZE,
    NEVER,
    SOON_COUNT,
    SOON_TICK,
    Indices,
    Ints,
    Neurons,
)


class Calendar(NamedTuple):
    """When neurons are due by themselves. `due` is the truth; heap entries that disagree are stale."""

    registers: Ints
    due: Ints
    soon: Indices
    heap_tick: Ints
    heap_neuron: Ints


@inlined
def calendar_at(handle: Ints) -> Calendar:
    """Return the calendar of a session."""
    return Calendar(
        handle,
        ints(handle, F_DUE),
        indices(handle, F_SOON),
        ints(handle, F_HEAP_TICK),
        ints(handle, F_HEAP_NEURON),
    )


@part
def push_heap(calendar: Calendar, tick: int, neuron: int) -> None:
    """Add (tick, neuron) to the heap, which must have room; equal ticks order by neuron."""
    ticks, neurons = calendar.heap_tick, calendar.heap_neuron
    hole = calendar.registers[HEAP_SIZE]
    calendar.registers[HEAP_SIZE] = hole + 1
    while hole > 0:
        parent = (hole - 1) >> 1
        t, n = ticks[parent], neurons[parent]
        if t < tick or (t == tick and n <= neuron):
            break
        ticks[hole], neurons[hole] = t, n
        hole = parent
    ticks[hole], neurons[hole] = tick, neuron


@part
def pop_heap(calendar: Calendar) -> None:
    """Remove the least (tick, neuron)."""
    ticks, neurons = calendar.heap_tick, calendar.heap_neuron
    size = calendar.registers[HEAP_SIZE] - 1
    calendar.registers[HEAP_SIZE] = size
    tick, neuron = ticks[size], neurons[size]
    hole = 0
    while 2 * hole + 1 < size:
        child = 2 * hole + 1
        right = child + 1
        if right < size and (
            ticks[right] < ticks[child] or (ticks[right] == ticks[child] and neurons[right] < neurons[child])
        ):
            child = right
        t, n = ticks[child], neurons[child]
        if t > tick or (t == tick and n >= neuron):
            break
        ticks[hole], neurons[hole] = t, n
        hole = child
    ticks[hole], neurons[hole] = tick, neuron


@inlined
def first_due(handle: Ints) -> int:
    """Return the first tick at which a neuron is due, or NEVER; drops stale predictions on the way."""
    if handle[SOON_TICK] != NEVER:
        return int(handle[SOON_TICK])
    return NEVER if handle[HEAP_SIZE] == 0 else _first_prediction(handle)


@part
def _first_prediction(handle: Ints) -> int:
    calendar = calendar_at(handle)
    while handle[HEAP_SIZE] > 0:
        tick = calendar.heap_tick[0]
        if calendar.due[calendar.heap_neuron[0]] == tick:
            return int(tick)
        pop_heap(calendar)
    return NEVER


@inlined
def schedule(calendar: Calendar, neurons: Neurons, index: int, tick: int, when: int) -> None:
    """Note, while `tick` is being processed, that a neuron must be looked at by tick `when`.

    A prediction already there for an earlier tick stays: looking early costs little, a new entry costs more.
    """
    neuron, due = neurons.first + index, calendar.due
    if when >= NEVER:
        due[neuron] = NEVER
        return
    if tick < due[neuron] <= when:
        return
    due[neuron] = when
    if when == tick + 1:
        calendar.soon[neurons.first + neurons.row[SOON_COUNT]] = index
        neurons.row[SOON_COUNT] += 1
        calendar.registers[SOON_TICK] = when
    elif calendar.registers[HEAP_SIZE] == calendar.heap_tick.shape[0]:
        _rebuild(calendar, tick)
    else:
        push_heap(calendar, when, neuron)


@inlined
def forget(calendar: Calendar, neurons: Neurons, index: int) -> None:
    """Withdraw the prediction of a neuron."""
    calendar.due[neurons.first + index] = NEVER


@part
def _rebuild(calendar: Calendar, tick: int) -> None:
    """Rebuild a full heap from the truth; at most one entry per neuron remains, half the capacity."""
    calendar.registers[HEAP_SIZE] = 0
    for neuron in range(calendar.due.shape[0]):
        if tick <= calendar.due[neuron] < NEVER:
            push_heap(calendar, calendar.due[neuron], neuron)


@part
def gather_due(handle: Ints, row: Ints, first: int, size: int, tick: int, found: Indices) -> int:
    """Write the indices of a population's neurons due at `tick` to `found`, once each; return how many."""
    calendar = calendar_at(handle)
    due, soon = calendar.due, calendar.soon
    count = 0
    for k in range(row[SOON_COUNT]):
        index = soon[first + k]
        if due[first + index] == tick:
            due[first + index] = NEVER
            found[count] = index
            count += 1
    row[SOON_COUNT] = 0
    while handle[HEAP_SIZE] > 0 and calendar.heap_tick[0] == tick and calendar.heap_neuron[0] < first + size:
        neuron = calendar.heap_neuron[0]
        pop_heap(calendar)
        if due[neuron] == tick:
            due[neuron] = NEVER
            found[count] = neuron - first
            count += 1
    return count
