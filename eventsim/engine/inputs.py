"""Inputs waiting for their tick: checked whole before any of them is taken, held in the canonical order."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from eventsim.engine.jit import kernel, part
from eventsim.engine.layout import (
    QUEUE_ADDRESS,
    QUEUE_HEAD,
    QUEUE_SOURCE,
    QUEUE_TAIL,
    QUEUE_TICK,
    Indices,
    Ints,
    State,
)

ACCEPTED: Final = -1
UNORDERED: Final = -2
BEFORE_CLOCK, OFF_GRID, BAD_ADDRESS, BAD_VALUE = range(4)


@kernel
def check_and_append(
    queue: Ints,
    queue_value: npt.NDArray[np.float32],
    registers: Ints,
    time_ns: Ints,
    address: Indices,
    value: npt.NDArray[np.float32],
    where: tuple[int, int, int, int],
) -> tuple[int, int]:
    """Append events in canonical order to the queue; return (outcome, number of the event at fault).

    `where` is (source, its size, tick_ns, clock_ns). The outcome is ACCEPTED, UNORDERED (all valid, but the
    queue must be sorted or has no room; nothing was appended), or the fault of the first event refused.
    """
    source, size, tick_ns, clock_ns = where
    for k in range(time_ns.shape[0]):
        if time_ns[k] < clock_ns:
            return BEFORE_CLOCK, k
        if time_ns[k] % tick_ns != 0:
            return OFF_GRID, k
        if address[k] < 0 or address[k] >= size:
            return BAD_ADDRESS, k
        if not np.isfinite(value[k]):
            return BAD_VALUE, k
    tail = registers[QUEUE_TAIL]
    if registers[QUEUE_HEAD] == tail:
        registers[QUEUE_HEAD] = 0
        tail = 0
    head = registers[QUEUE_HEAD]
    if tail + time_ns.shape[0] > queue.shape[1]:
        registers[QUEUE_TAIL] = tail
        return UNORDERED, 0
    for k in range(time_ns.shape[0]):
        new = tail + k
        queue[QUEUE_TICK, new] = time_ns[k] // tick_ns
        queue[QUEUE_SOURCE, new] = source
        queue[QUEUE_ADDRESS, new] = address[k]
        queue_value[new] = value[k]
        if new > head and _precedes(queue, queue_value, new, new - 1):
            registers[QUEUE_TAIL] = tail
            return UNORDERED, 0
    registers[QUEUE_TAIL] = tail + time_ns.shape[0]
    return ACCEPTED, 0


@part
def _precedes(queue: Ints, value: npt.NDArray[np.float32], a: int, b: int) -> bool:
    for row in range(3):
        if queue[row, a] != queue[row, b]:
            return bool(queue[row, a] < queue[row, b])
    return bool(value[a] < value[b])


def merge(state: State, source: int, ticks: Ints, address: Indices, value: npt.NDArray[np.float32]) -> State:
    """Return `state` with valid events merged into the queue, sorted by (tick, source, address, value)."""
    head, tail = state.registers[QUEUE_HEAD], state.registers[QUEUE_TAIL]
    new = np.stack([ticks, np.full_like(ticks, source), address.astype(np.int64)])
    events = np.concatenate([state.queue[:, head:tail], new], axis=1)
    values = np.concatenate([state.queue_value[head:tail], value])
    order = np.lexsort((values, *events[::-1]))
    queue, queue_value = state.queue, state.queue_value
    if order.shape[0] > queue.shape[1]:
        capacity = 2 * order.shape[0]
        queue, queue_value = np.zeros((3, capacity), np.int64), np.zeros(capacity, np.float32)
    queue[:, : order.shape[0]] = events[:, order]
    queue_value[: order.shape[0]] = values[order]
    state.registers[QUEUE_HEAD], state.registers[QUEUE_TAIL] = 0, order.shape[0]
    return state._replace(queue=queue, queue_value=queue_value)
