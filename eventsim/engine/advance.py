"""The engine: works through every tick that has something to do, in one call.

Within a tick: inputs first, then the populations level by level. For each, all packets due are summed in the
order of its delivery classes; then the neurons touched, and those due by themselves, are updated; then their
spikes are sent. Time in which nothing is due costs nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from eventsim.engine.calendar import first_due, gather_due, schedule
from eventsim.engine.delivery import compact, deliver, emit, is_due
from eventsim.engine.jit import kernel, part
from eventsim.engine.layout import (
    CLASS_START,
    CLASS_STOP,
    CODE,
    DELAY,
    FIRST,
    INPUT_EVENTS,
    NEVER,
    PACKET_TICK,
    PACKETS,
    PARAMETER_ROWS,
    PARAMETERS,
    QUEUE_ADDRESS,
    QUEUE_HEAD,
    QUEUE_SOURCE,
    QUEUE_TAIL,
    QUEUE_TICK,
    RECORD_INDEX,
    RECORD_POPULATION,
    RECORD_TICK,
    RECORDABLE,
    RECORDS,
    SIZE,
    SOON_TICK,
    SOURCE,
    SPIKES,
    SPIKING,
    STAMP,
    STATE,
    STATE_ROWS,
    Floats,
    Indices,
    Ints,
    Neurons,
    Plan,
    State,
)
from eventsim.models.alif import ALIF, crossing_alif, earliest_alif, update_alif
from eventsim.models.leaky_integrator import update_leaky_integrator
from eventsim.models.lif import LIF, crossing_lif, earliest_lif, update_lif

DONE: Final = 0
MORE_SPIKES: Final = 1
MORE_PACKETS: Final = 2
MORE_RECORDS: Final = 3

_LIF: Final = LIF.code
_ALIF: Final = ALIF.code


@part
def _neurons(plan: Plan, values: Floats, last: Ints, drive: Floats, p: int) -> Neurons:
    row = plan.populations[p]
    first, n = row[FIRST], row[SIZE]
    return Neurons(
        p,
        first,
        n,
        plan.parameters[row[PARAMETERS] : row[PARAMETERS] + row[PARAMETER_ROWS] * n],
        values[row[STATE] : row[STATE] + row[STATE_ROWS] * n],
        last[first : first + n],
        drive[first : first + n],
    )


@part
def _next_tick(plan: Plan, state: State) -> int:
    """Return the next tick with something to do, or NEVER."""
    registers = state.registers
    tick = first_due(state.calendar)
    if registers[QUEUE_HEAD] < registers[QUEUE_TAIL]:
        tick = min(tick, state.queue[QUEUE_TICK, registers[QUEUE_HEAD]])
    for c in range(plan.classes.shape[0]):
        packet = state.cursor[c]
        if packet >= 0:
            tick = min(tick, state.packets[packet, PACKET_TICK] + plan.classes[c, DELAY])
    return tick


@part
def _room(plan: Plan, state: State, tick: int) -> int:
    """Return DONE where `tick` certainly fits into the buffers, else which one must grow."""
    registers = state.registers
    neurons = state.last.shape[0]
    if registers[RECORDS] + registers[RECORDABLE] > state.record.shape[1]:
        return MORE_RECORDS
    arriving = 0
    while (
        registers[QUEUE_HEAD] + arriving < registers[QUEUE_TAIL]
        and state.queue[QUEUE_TICK, registers[QUEUE_HEAD] + arriving] == tick
    ):
        arriving += 1
    spikes = state.spike_address.shape[0]
    packets = state.packets.shape[0]
    sources = state.tail.shape[0]
    if registers[SPIKES] + neurons + arriving > spikes or registers[PACKETS] + sources > packets:
        compact(state)
        # At least half must be free after compaction, or compaction would be all the engine does.
        if 2 * registers[SPIKES] + neurons + arriving > spikes:
            return MORE_SPIKES
        if 2 * registers[PACKETS] + sources > packets:
            return MORE_PACKETS
    return DONE


@part
def _take_inputs(plan: Plan, state: State, tick: int) -> None:
    """Move the queued inputs of `tick` into packets, one per input."""
    registers, queue = state.registers, state.queue
    while registers[QUEUE_HEAD] < registers[QUEUE_TAIL] and queue[QUEUE_TICK, registers[QUEUE_HEAD]] == tick:
        source = queue[QUEUE_SOURCE, registers[QUEUE_HEAD]]
        wanted = plan.fanout_start[source] < plan.fanout_start[source + 1]
        start = registers[SPIKES]
        k = registers[QUEUE_HEAD]
        while k < registers[QUEUE_TAIL] and queue[QUEUE_TICK, k] == tick and queue[QUEUE_SOURCE, k] == source:
            if wanted:
                state.spike_address[registers[SPIKES]] = queue[QUEUE_ADDRESS, k]
                state.spike_value[registers[SPIKES]] = state.queue_value[k]
                registers[SPIKES] += 1
            k += 1
        registers[INPUT_EVENTS] += k - registers[QUEUE_HEAD]
        registers[QUEUE_HEAD] = k
        if wanted:
            emit(plan, state, source, tick, start)


@part
def _sort(array: Indices) -> None:
    """Sort in place; quick where the array is sorted already, as it is after a dense tick."""
    n = array.shape[0]
    k = 1
    while k < n and array[k - 1] <= array[k]:
        k += 1
    if k >= n:
        return
    # Heapsort: no recursion, no worst case.
    for start in range(n // 2 - 1, -1, -1):
        _sift(array, start, n)
    for end in range(n - 1, 0, -1):
        array[0], array[end] = array[end], array[0]
        _sift(array, 0, end)


@part
def _sift(array: Indices, hole: int, n: int) -> None:
    value = array[hole]
    while 2 * hole + 1 < n:
        child = 2 * hole + 1
        if child + 1 < n and array[child + 1] > array[child]:
            child += 1
        if array[child] <= value:
            break
        array[hole] = array[child]
        hole = child
    array[hole] = value


@part
def _look_at_due(plan: Plan, state: State, p: int, tick: int, stamp: int, touched: int, count: int) -> int:
    """Touch those of the `count` due neurons (in `state.fired`) that act now; predict the others."""
    first, code = plan.populations[p, FIRST], plan.populations[p, CODE]
    neurons = _neurons(plan, state.values, state.last, state.drive, p)
    calendar, mark = state.calendar, state.mark
    for q in range(count):
        i = state.fired[q]
        if mark[first + i] == stamp:
            continue
        last = neurons.last[i]
        k = tick - last
        due = crossing_lif(neurons, i, k) if code == _LIF else crossing_alif(neurons, i, k)
        if due < NEVER:
            due += last
        if due == tick:
            mark[first + i] = stamp
            state.touched[touched] = i
            touched += 1
        else:
            schedule(
                calendar.due,
                calendar.soon,
                calendar.soon_count,
                calendar.heap,
                calendar.registers,
                (p, first, i),
                tick,
                due,
            )
    return touched


@part
def _update(plan: Plan, state: State, p: int, tick: int, touched: Indices) -> int:
    """Update the touched neurons of population p by its model; return how many fired."""
    code = plan.populations[p, CODE]
    neurons = _neurons(plan, state.values, state.last, state.drive, p)
    if code == _LIF:
        return update_lif(neurons, state.calendar, tick, touched, state.fired)
    if code == _ALIF:
        return update_alif(neurons, state.calendar, tick, touched, state.fired)
    return update_leaky_integrator(neurons, tick, touched)


@part
def _send(plan: Plan, state: State, p: int, tick: int, fired: Indices) -> None:
    """Store the spikes of population p at `tick`, and record them where wanted."""
    registers = state.registers
    state.spikes[p] += fired.shape[0]
    source = plan.populations[p, SOURCE]
    if plan.fanout_start[source] < plan.fanout_start[source + 1]:
        start = registers[SPIKES]
        for q in range(fired.shape[0]):
            state.spike_address[start + q] = fired[q]
            state.spike_value[start + q] = 1.0
        registers[SPIKES] = start + fired.shape[0]
        emit(plan, state, source, tick, start)


@part
def _record(plan: Plan, state: State, p: int, tick: int, who: Indices) -> None:
    """Record spikes; of a population that does not spike, membranes (row 0 of its state)."""
    r = state.registers[RECORDS]
    graded, values = plan.populations[p, SPIKING] == 0, state.values[plan.populations[p, STATE] :]
    for q in range(who.shape[0]):
        state.record[RECORD_TICK, r] = tick
        state.record[RECORD_POPULATION, r] = p
        state.record[RECORD_INDEX, r] = who[q]
        state.record_value[r] = values[who[q]] if graded else 1.0
        r += 1
    state.registers[RECORDS] = r


@part
def _process(plan: Plan, state: State, p: int, tick: int, stamp: int) -> None:
    """Work through one population at one tick."""
    row = plan.populations[p]
    first, n = row[FIRST], row[SIZE]
    touched: int = np.int64(0)  # type: ignore[assignment]  # a literal 0 would compile all below twice
    for c in range(row[CLASS_START], row[CLASS_STOP]):
        if is_due(plan, state, c, tick):
            touched = deliver(plan, state, c, first, n, stamp, touched)
    due = gather_due(state.calendar, p, first, n, tick, state.fired)
    if touched >= 0 and due:
        touched = _look_at_due(plan, state, p, tick, stamp, touched, due)
    if touched == 0:
        return
    who = plan.everyone[:n] if touched < 0 else state.touched[:touched]
    state.updates[p] += who.shape[0]
    if row[SPIKING] == 0:
        if touched > 0:
            _sort(who)
        _update(plan, state, p, tick, who)
        if state.recorded[p]:
            _record(plan, state, p, tick, who)
        return
    fired = state.fired[: _update(plan, state, p, tick, who)]
    if fired.shape[0]:
        _sort(fired)
        _send(plan, state, p, tick, fired)
        if state.recorded[p]:
            _record(plan, state, p, tick, fired)


@kernel
def run_until(plan: Plan, state: State, until: int) -> int:
    """Process every tick before `until`; return DONE, or which buffer must grow before it can go on."""
    registers = state.registers
    while True:
        tick = _next_tick(plan, state)
        if tick >= until:
            return DONE
        lacking = _room(plan, state, tick)
        if lacking != DONE:
            return lacking
        registers[SOON_TICK] = NEVER
        registers[STAMP] += 1
        stamp = registers[STAMP]
        _take_inputs(plan, state, tick)
        for p in range(plan.populations.shape[0]):
            _process(plan, state, p, tick, stamp)


@kernel
def predict_all(plan: Plan, values: Floats, last: Ints, drive: Floats, due: Ints) -> None:
    """Write to `due` how many ticks after its initial state each neuron must be looked at, or NEVER."""
    for p in range(plan.populations.shape[0]):
        first, code = plan.populations[p, FIRST], plan.populations[p, CODE]
        neurons = _neurons(plan, values, last, drive, p)
        for i in range(plan.populations[p, SIZE]):
            due[first + i] = NEVER
            if code == _LIF:
                due[first + i] = earliest_lif(neurons, i)
            elif code == _ALIF:
                due[first + i] = earliest_alif(neurons, i)
