"""The engine: works through every tick that has something to do, in one call.

Within a tick: inputs and sources first, then the populations level by level. For each, all packets due are
delivered in the order of its delivery classes; then the neurons touched, and those due by themselves, are
updated; then their spikes are sent. Time in which nothing is due costs nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from eventsim.engine.calendar import calendar_at, first_due, gather_due, schedule
from eventsim.engine.class_queue import first_class, take
from eventsim.engine.clocks import clock_at, take_clock
from eventsim.engine.counting import count_unreached, count_updates
from eventsim.engine.inputs import take_inputs
from eventsim.engine.jit import call, entry, floats_at, indices, inlined, ints, ints_at, kernel, part, singles
from eventsim.engine.layout import (
    CLASS_STOP,
    CLASS_ZERO,
    CLOCK_CLASS,
    CLOCK_EVENTS,
    CLOCK_MERGED_RUN,
    CLOCK_RUN,
    CLOCK_THEN,
    CLOCK_TICK,
    COUNTING,
    CURSOR,
    DELIVER,
    DIRECT,
    DUE_AT,
    EMITS,
    F_CLASSES,
    F_DUE_CLASS,
    F_FIRED,
    F_FIRED_VALUE,
    F_HEAD,
    F_INPUT_TICK,
    F_PACKETS,
    F_POPULATIONS,
    F_RECORD_TICK,
    F_SPIKE_ADDRESS,
    F_SPIKE_VALUE,
    F_TOUCHED,
    FIRST,
    FUSED,
    GRADED_SPIKES,
    HANDLE_SIZE,
    INPUT_HEAD,
    INPUT_TAIL,
    LOOK,
    MARK,
    MEMBRANE,
    MERGED,
    N_CLASS_COLUMNS,
    N_CLOCKS,
    N_DUE,
    N_EMITTABLE,
    N_PACKET_COLUMNS,
    N_POPULATION_COLUMNS,
    N_POPULATIONS,
    N_SOURCES,
    N_SPIKES,
    N_UPDATES,
    NEVER,
    NOW,
    PACKETS,
    POST,
    READOUT,
    RECORDABLE,
    RECORDED,
    RECORDS,
    SIZE,
    SOON_TICK,
    SOURCE,
    SPAN,
    SPIKES,
    STAMP,
    TO_SORT,
    UPDATE,
    VALUES,
    Ints,
    neurons_at,
)
from eventsim.engine.packets import compact, emit, has_fanout, pass_on
from eventsim.engine.records import record
from eventsim.engine.sorted_arrivals import (
    first_slot,
    first_unsorted,
    leave,
    merged_tick,
    set_merged,
    sort_in,
    take_slots,
)
from eventsim.engine.sorting import sort, sort_with_values

DONE: Final = 0
MORE_SPIKES: Final = 1
MORE_PACKETS: Final = 2
MORE_RECORDS: Final = 3
MORE_ROOM: Final = 4

UNSORTED: Final = 64
"""Packets that may wait to be sorted in while a class runs merged with a Poisson source. Those of one spike
each are sorted quicker together: the memory that one needs is asked for while those before it are sorted."""


@inlined
def _next_tick(handle: Ints) -> int:
    """Return the next tick at which anything but a Poisson source has something to do, or NEVER."""
    tick = min(first_due(handle), min(first_class(handle), first_slot(handle)))
    if handle[INPUT_HEAD] < handle[INPUT_TAIL]:
        tick = min(tick, ints(handle, F_INPUT_TICK)[handle[INPUT_HEAD]])
    return tick


@inlined
def _next_clock(handle: Ints) -> tuple[int, int, int]:
    """Return the Poisson source whose events come first, their tick, and that of the next source's."""
    first, tick, other = 0, NEVER, NEVER
    for k in range(handle[N_CLOCKS]):
        at = clock_at(handle, k).row[CLOCK_TICK]
        if at < tick:
            first, tick, other = k, at, tick
        elif at < other:
            other = at
    return first, tick, other


@inlined
def _room(handle: Ints, tick: int) -> int:
    """Return DONE where `tick` certainly fits into the buffers, else which one must grow."""
    arriving = 0
    if handle[INPUT_HEAD] < handle[INPUT_TAIL]:
        input_tick = ints(handle, F_INPUT_TICK)
        while (
            handle[INPUT_HEAD] + arriving < handle[INPUT_TAIL]
            and input_tick[handle[INPUT_HEAD] + arriving] == tick
        ):
            arriving += 1
    for k in range(handle[N_CLOCKS]):
        row = clock_at(handle, k).row
        if row[CLOCK_TICK] == tick and row[CLOCK_CLASS] < 0:
            arriving += row[CLOCK_EVENTS]
    if handle[RECORDS] + handle[RECORDABLE] + arriving > ints(handle, F_RECORD_TICK).shape[0]:
        return MORE_RECORDS
    spikes = indices(handle, F_SPIKE_ADDRESS).shape[0]
    packets = ints(handle, F_PACKETS).shape[0] // N_PACKET_COLUMNS
    needed = handle[N_EMITTABLE] + arriving
    if handle[SPIKES] + needed > spikes or handle[PACKETS] + handle[N_SOURCES] > packets:
        compact(handle)
        # At least half must be free after compaction, or compaction would be all the engine does.
        if 2 * handle[SPIKES] + needed > spikes:
            return MORE_SPIKES
        if 2 * handle[PACKETS] + handle[N_SOURCES] > packets:
            return MORE_PACKETS
    return DONE


@inlined
def _has_room(handle: Ints) -> bool:
    """Return whether a tick without inputs certainly fits into the buffers as they are."""
    spikes, packets = indices(handle, F_SPIKE_ADDRESS).shape[0], ints(handle, F_PACKETS).shape[0]
    return bool(
        handle[RECORDS] + handle[RECORDABLE] <= ints(handle, F_RECORD_TICK).shape[0]
        and handle[SPIKES] + handle[N_EMITTABLE] <= spikes
        and (handle[PACKETS] + handle[N_SOURCES]) * N_PACKET_COLUMNS <= packets
    )


@part
def _look_at_due(at: int, handle: Ints, p: int, tick: int, touched: int, count: int) -> int:
    """Touch those of the `count` due neurons (in `fired`) that act now; predict the others."""
    calendar, neurons = calendar_at(handle), neurons_at(handle, p)
    row = neurons.row
    fired, listed, stamp = indices(handle, F_FIRED), indices(handle, F_TOUCHED), handle[STAMP]
    mark = ints_at(row[MARK], row[SIZE])
    for q in range(count):
        i = fired[q]
        if mark[i] == stamp:
            continue
        due = call(row[LOOK], at, p, i, tick)
        if due == tick:
            mark[i] = stamp
            listed[touched] = i
            touched += 1
        else:
            schedule(calendar, neurons, i, tick, due)
    return touched


@part
def _send(handle: Ints, row: Ints, tick: int, count: int) -> None:
    """Sort and store the `count` spikes of a population at `tick`, and record them where wanted."""
    fired, values = indices(handle, F_FIRED)[:count], singles(handle, F_FIRED_VALUE)
    graded = row[EMITS] == GRADED_SPIKES
    if graded:
        sort_with_values(fired, values)
    else:
        sort(fired)
    row[N_SPIKES] += count
    source = row[SOURCE]
    if has_fanout(handle, source):
        address, value = indices(handle, F_SPIKE_ADDRESS), singles(handle, F_SPIKE_VALUE)
        start = handle[SPIKES]
        for q in range(count):
            address[start + q] = fired[q]
            value[start + q] = values[q] if graded else 1.0
        handle[SPIKES] = start + count
        emit(handle, source, tick, start)
    if row[RECORDED]:
        for q in range(count):
            record(handle, source, tick, fired[q], values[q] if graded else 1.0)


@part
def _record_readings(handle: Ints, row: Ints, tick: int, count: int) -> None:
    """Record the first row of state of the touched neurons of a population that does not spike."""
    values = floats_at(row[VALUES], row[SIZE])
    if count < 0:
        for i in range(row[SIZE]):
            record(handle, row[SOURCE], tick, i, values[i])
        return
    who = indices(handle, F_TOUCHED)[:count]
    sort(who)
    for q in range(count):
        record(handle, row[SOURCE], tick, who[q], values[who[q]])


@inlined
def _deliver_all(at: int, handle: Ints, row: Ints, tick: int) -> int:
    """Deliver all that reaches a population at `tick`; return how many neurons it touched, -1 for all."""
    classes, head, due = ints(handle, F_CLASSES), ints(handle, F_HEAD), ints(handle, F_DUE_CLASS)
    touched: int = np.int64(0)  # type: ignore[assignment]  # a literal 0 would compile all below twice
    while handle[DUE_AT] < handle[N_DUE] and due[handle[DUE_AT]] < row[CLASS_STOP]:
        c = due[handle[DUE_AT]]
        handle[DUE_AT] += 1
        if c < row[CLASS_ZERO]:
            place = c * N_CLASS_COLUMNS
            touched = call(classes[place + DELIVER], at, c, classes[place + CURSOR], touched)
            if classes[place + SPAN]:
                leave(at, handle, c, tick)
            else:
                pass_on(handle, c)
    for c in range(row[CLASS_ZERO], row[CLASS_STOP]):
        place = c * N_CLASS_COLUMNS
        k = classes[place + FUSED] - 1
        if head[c] == tick:
            touched = call(classes[place + DELIVER], at, c, classes[place + CURSOR], touched)
            pass_on(handle, c)
        elif k >= 0 and clock_at(handle, k).row[CLOCK_TICK] == tick:
            touched = call(clock_at(handle, k).row[CLOCK_RUN], at, k, -1, touched)
    return touched


@inlined
def _process(at: int, handle: Ints, p: int, tick: int) -> None:
    """Work through one population at one tick."""
    row = ints(handle, F_POPULATIONS)[p * N_POPULATION_COLUMNS : (p + 1) * N_POPULATION_COLUMNS]
    if handle[COUNTING] and row[DIRECT]:
        count_updates(at, handle, row, tick)
    touched = _deliver_all(at, handle, row, tick)
    if row[LOOK]:
        due = gather_due(handle, row, row[FIRST], row[SIZE], tick, indices(handle, F_FIRED))
        if touched >= 0 and due:
            touched = _look_at_due(at, handle, p, tick, touched, due)
    if touched == 0:
        return
    if not row[DIRECT]:
        row[N_UPDATES] += touched if touched >= 0 else row[SIZE]
    fired = call(row[UPDATE], at, p, tick, touched)
    if handle[COUNTING] and row[DIRECT]:
        count_unreached(handle, row, fired)
    if row[EMITS] == READOUT:
        if row[RECORDED]:
            _record_readings(handle, row, tick, touched)
    elif fired:
        _send(handle, row, tick, fired)


@inlined
def _send_first(handle: Ints, k: int, count: int) -> int:
    """Send the `count` spikes that Poisson source k, alone, has just made a population emit; return which."""
    p = ints(handle, F_CLASSES)[clock_at(handle, k).row[CLOCK_CLASS] * N_CLASS_COLUMNS + POST]
    row = ints(handle, F_POPULATIONS)[p * N_POPULATION_COLUMNS : (p + 1) * N_POPULATION_COLUMNS]
    _send(handle, row, handle[NOW], count)
    # Without delay, the spikes reach later populations within the tick.
    handle[N_DUE] = 0
    return int(p)


@inlined
def _run_ahead(at: int, handle: Ints, k: int, limit: int) -> int:
    """Take the events of Poisson source k, alone until `limit`, up to those that make neurons fire.

    Returns how many fired, 0 if it came to the limit, or -1 if it stopped at a firing predicted before that;
    merged with arrivals it may go on after firing, and -1 says that it leaves a tick to others.
    """
    clock = clock_at(handle, k).row
    if handle[MERGED] >= 0:
        return int(call(clock[CLOCK_MERGED_RUN], at, k, limit, handle[MERGED]))
    return int(call(clock[CLOCK_RUN], at, k, limit, 0))


@inlined
def _begin(handle: Ints, tick: int) -> None:
    """Begin with a tick: find the classes that are due, and take what inputs and sources bring."""
    handle[NOW] = tick
    handle[SOON_TICK] = NEVER
    handle[STAMP] += 1
    take(handle, tick)
    take_slots(handle, tick)
    if handle[INPUT_HEAD] < handle[INPUT_TAIL]:
        take_inputs(handle, tick)
    for k in range(handle[N_CLOCKS]):
        row = clock_at(handle, k).row
        if row[CLOCK_TICK] == tick and row[CLOCK_CLASS] < 0:
            take_clock(handle, k, tick)


@entry
def process(at: int, p: int, tick: int, _: int) -> int:
    """Work through one population at one tick."""
    _process(at, ints_at(at, HANDLE_SIZE), p, tick)
    return 0


@entry
def after_firing(at: int, k: int, fired: int, limit: int) -> int:
    """Send the spikes that Poisson source k has just caused; return until when it may go on alone.

    That is `limit` or, for what the spikes bring or for buffers that must grow, sooner, even at once.
    """
    handle = ints_at(at, HANDLE_SIZE)
    for later in range(_send_first(handle, k, fired) + 1, handle[N_POPULATIONS]):
        call(clock_at(handle, k).row[CLOCK_THEN], at, later, handle[NOW], 0)
    if handle[TO_SORT] > UNSORTED or not _has_room(handle):
        return int(handle[NOW])
    merged = merged_tick(handle)
    set_merged(handle, NEVER)
    tick = min(_next_tick(handle), first_unsorted(handle))
    set_merged(handle, merged)
    return min(limit, tick)


@kernel
def run_until(at: int, until: int) -> int:
    """Process every tick before `until`; return DONE, or which buffer must grow before it can go on.

    `at` is the address of the session's handle.
    """
    handle, may_wait, ahead = ints_at(at, HANDLE_SIZE), 0, True
    while True:
        if handle[TO_SORT] > may_wait and not sort_in(at, handle):
            return MORE_ROOM
        may_wait, first = 0, 0
        merged = merged_tick(handle)
        set_merged(handle, NEVER)
        tick = _next_tick(handle)  # of all others
        set_merged(handle, merged)
        if handle[N_CLOCKS]:
            k, clock_tick, other_clock = _next_clock(handle)
            others = min(min(tick, other_clock), min(until, first_unsorted(handle)))
            clock_tick = min(clock_tick, merged)
            if ahead and clock_tick < others and clock_at(handle, k).row[CLOCK_CLASS] >= 0:
                lacking = _room(handle, clock_tick)
                if lacking != DONE:
                    return lacking
                fired = _run_ahead(at, handle, k, others)
                if handle[MERGED] >= 0:
                    may_wait, ahead = UNSORTED, fired >= 0
                if fired > 0:
                    first = _send_first(handle, k, fired) + 1
                elif fired or handle[MERGED] >= 0:
                    continue
                clock_tick = min(clock_at(handle, k).row[CLOCK_TICK], merged_tick(handle))
            tick = min(tick, min(clock_tick, other_clock))
        if first == 0:
            if handle[TO_SORT]:
                continue
            if tick >= until:
                return DONE
            lacking = _room(handle, tick)
            if lacking != DONE:
                return lacking
            _begin(handle, tick)
            ahead = True
        for p in range(first, handle[N_POPULATIONS]):
            _process(at, handle, p, handle[NOW])


@kernel
def membranes(at: int, population: int, tick: int, address: int) -> int:
    """Write the membranes of a population at `tick` to the float64 array at `address`; return 0."""
    handle = ints_at(at, HANDLE_SIZE)
    row = ints(handle, F_POPULATIONS)[population * N_POPULATION_COLUMNS :]
    return call(row[MEMBRANE], at, population, tick, address)
