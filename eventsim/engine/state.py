"""The state of a session: allocated, reset, and its buffers grown."""

from __future__ import annotations

import numpy as np

from eventsim.engine.advance import MORE_PACKETS, MORE_RECORDS, MORE_SPIKES
from eventsim.engine.calendar import push_heap
from eventsim.engine.compiled import CompiledNetwork
from eventsim.engine.jit import kernel
from eventsim.engine.layout import (
    HEAP_SIZE,
    N_REGISTERS,
    NEVER,
    RECORDABLE,
    SOON_TICK,
    STAMP,
    Calendar,
    Floats,
    Ints,
    State,
)

_FEW = 1024  # least capacity of a buffer that grows


def allocate(network: CompiledNetwork, recorded: set[str]) -> State:
    """Return a state with room for `network`, before its first reset."""
    neurons = network.due.shape[0]
    sources, classes = len(network.inputs) + len(network.order), network.plan.classes.shape[0]
    registers = np.zeros(N_REGISTERS, np.int64)
    recordable = sum(n for name, n in zip(network.order, network.sizes, strict=True) if name in recorded)
    registers[RECORDABLE] = recordable
    spikes, packets, records = 2 * neurons + _FEW, 4 * sources + _FEW, 2 * recordable + _FEW
    largest = network.plan.everyone.shape[0]
    return State(
        values=np.zeros_like(network.values),
        last=np.zeros(neurons, np.int64),
        drive=np.zeros(neurons),
        mark=np.zeros(neurons, np.int64),
        calendar=Calendar(
            due=np.zeros(neurons, np.int64),
            soon=np.zeros(neurons, np.int32),
            soon_count=np.zeros(len(network.order), np.int64),
            heap=np.zeros((2, 2 * neurons + 1), np.int64),
            registers=registers,
        ),
        touched=np.zeros(largest, np.int32),
        fired=np.zeros(largest, np.int32),
        cursor=np.zeros(classes, np.int64),
        tail=np.zeros(sources, np.int64),
        packets=np.zeros((packets, 4), np.int64),
        spike_address=np.zeros(spikes, np.int32),
        spike_value=np.zeros(spikes, np.float32),
        queue=np.zeros((3, _FEW), np.int64),
        queue_value=np.zeros(_FEW, np.float32),
        recorded=np.array([name in recorded for name in network.order], np.bool_),
        record=np.zeros((3, records), np.int64),
        record_value=np.zeros(records, np.float32),
        spikes=np.zeros(len(network.order), np.int64),
        updates=np.zeros(len(network.order), np.int64),
        deliveries=np.zeros(classes, np.int64),
        registers=registers,
    )


@kernel
def reset(values: Floats, due: Ints, state: State, start: int) -> None:
    """Bring `state` back to the initial one, its first tick being `start`."""
    registers = state.registers
    for k in range(registers.shape[0]):
        if k != STAMP and k != RECORDABLE:
            registers[k] = 0
    registers[SOON_TICK] = NEVER
    for k in range(values.shape[0]):
        state.values[k] = values[k]
    calendar = state.calendar
    registers[HEAP_SIZE] = 0
    for n in range(due.shape[0]):
        state.last[n] = start - 1
        state.drive[n] = 0.0
        calendar.due[n] = NEVER
        if due[n] < NEVER:
            calendar.due[n] = start - 1 + due[n]
            push_heap(calendar.heap, registers, start - 1 + due[n], n)
    for c in range(state.cursor.shape[0]):
        state.cursor[c] = -1
        state.deliveries[c] = 0
    for s in range(state.tail.shape[0]):
        state.tail[s] = -1
    for p in range(state.spikes.shape[0]):
        state.spikes[p] = 0
        state.updates[p] = 0
        calendar.soon_count[p] = 0


def grow(state: State, lacking: int) -> State:
    """Return `state` with the buffer that `run_until` asked for doubled."""
    if lacking == MORE_SPIKES:
        address, value = state.spike_address, state.spike_value
        return state._replace(
            spike_address=np.concatenate([address, np.zeros_like(address)]),
            spike_value=np.concatenate([value, np.zeros_like(value)]),
        )
    if lacking == MORE_PACKETS:
        return state._replace(packets=np.concatenate([state.packets, np.zeros_like(state.packets)]))
    assert lacking == MORE_RECORDS
    return state._replace(
        record=np.concatenate([state.record, np.zeros_like(state.record)], axis=1),
        record_value=np.concatenate([state.record_value, np.zeros_like(state.record_value)]),
    )
