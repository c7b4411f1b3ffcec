"""Compiled discrete-event timing: units, links and cores as servers, in the order of one event queue.

Events are taken by (time, key). A key below the number of units stands for a unit (0 for the entrance, core
+ 1 for a core's neuron unit), the others for messages. A message is in one place at a time, so keys are
unique and the order is total.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eventsim.engine.jit import inlined, kernel, part
from hwmodels.costs import EAST, NORTH, SOUTH, WEST
from hwmodels.ideal_kernels import Entries, Tally, note

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]

NOWHERE = -1
IN_FLIGHT = -2
WAITING, WORKING, ENDING = range(3)
"""What a unit does: waits for its next group's messages or time; is in a group; is past its last message."""


class BufferedMesh(NamedTuple):
    """The mesh as links and buffers: where units stand, what links take, how much buffers hold.

    x, y : int64[n_units], place of the tile of each unit; unit 0 is the entrance. size : int64[4], tiles_y,
    n_links, capacity of a buffer, and 1 where links are queues (0: without contention). link_ps : int64[2],
    along x and y. tile_ps : int64[1]. direct : bool[n_entries], entries that reach their core without a mesh.
    """

    x: Ints
    y: Ints
    size: Ints
    link_ps: Ints
    tile_ps: Ints
    direct: npt.NDArray[np.bool_]


class Plan(NamedTuple):
    """Groups of work, per unit in order, and the messages in them.

    first : int64[n_groups + 1], messages of each group. gap, tail : work before each message and after a
    group's last, ps. release : int64[n_groups], ps, no sooner. entry, unit : int32[n_messages],
    entry of the table and unit that sends. gate : int32[n_messages], the group that waits for it, or -1.
    pending : int64[n_groups], messages a group still waits for.
    """

    first: Ints
    gap: Ints
    tail: Ints
    release: Ints
    entry: Indices
    unit: Indices
    gate: Indices
    pending: Ints


class State(NamedTuple):
    """All that changes: the event queue, units, buffers, messages.

    heap : int64[2, n], times and keys. n_heap : int64[1]. doing, group, last_group, message : int64[n_units];
    a unit's groups follow each other. Buffers (links, then the entrances of cores): held, busy, head, tail,
    first_waiting, last_waiting, [n_buffers].
    Messages: place (buffer or -1), behind and waiting_behind (next in line), ready, sent, asked (ps).
    began, ended : int64[n_groups], ps. blocked_unit, blocked_link : ps waited for room.
    """

    heap: Ints
    n_heap: Ints
    doing: Ints
    group: Ints
    last_group: Ints
    message: Ints
    held: Ints
    busy: Ints
    head: Indices
    tail: Indices
    first_waiting: Indices
    last_waiting: Indices
    place: Indices
    behind: Indices
    waiting_behind: Indices
    ready: Ints
    sent: Ints
    asked: Ints
    began: Ints
    ended: Ints
    blocked_unit: Ints
    blocked_link: Ints


@inlined
def push(s: State, time: int, key: int) -> None:
    """Add an event."""
    at = s.n_heap[0]
    s.n_heap[0] = at + 1
    while at > 0:
        above = (at - 1) >> 1
        t, k = s.heap[0, above], s.heap[1, above]
        if t < time or (t == time and k < key):
            break
        s.heap[0, at], s.heap[1, at] = t, k
        at = above
    s.heap[0, at], s.heap[1, at] = time, key


@inlined
def pop(s: State) -> tuple[int, int]:
    """Take the first event: its time and key."""
    time, key = s.heap[0, 0], s.heap[1, 0]
    n = s.n_heap[0] - 1
    s.n_heap[0] = n
    last_time, last_key = s.heap[0, n], s.heap[1, n]
    at, below = 0, 1
    while below < n:
        if below + 1 < n:
            t, u = s.heap[0, below], s.heap[0, below + 1]
            if u < t or (u == t and s.heap[1, below + 1] < s.heap[1, below]):
                below += 1
        t = s.heap[0, below]
        if last_time < t or (last_time == t and last_key < s.heap[1, below]):
            break
        s.heap[0, at], s.heap[1, at] = t, s.heap[1, below]
        at, below = below, 2 * below + 1
    s.heap[0, at], s.heap[1, at] = last_time, last_key
    return time, key


@inlined
def next_buffer(mesh: BufferedMesh, plan: Plan, entries: Entries, s: State, unit: int, message: int) -> int:
    """Return the buffer a message wants to enter next: a link, or the entrance of its core."""
    e = plan.entry[message]
    core = entries.core[e]
    goal_x, goal_y = mesh.x[core + 1], mesh.y[core + 1]
    tiles_y, n_links = mesh.size[0], mesh.size[1]
    if mesh.direct[e]:
        return int(n_links + core)
    if s.place[message] == NOWHERE:
        x, y = mesh.x[unit], mesh.y[unit]
    else:
        tile, direction = s.place[message] >> 2, s.place[message] & 3
        x, y = tile // tiles_y, tile % tiles_y
        x += (1 if direction == EAST else 0) - (1 if direction == WEST else 0)
        y += (1 if direction == NORTH else 0) - (1 if direction == SOUTH else 0)
    tile = x * tiles_y + y
    if x != goal_x:
        return int(4 * tile + (EAST if goal_x > x else WEST))
    if y != goal_y:
        return int(4 * tile + (NORTH if goal_y > y else SOUTH))
    return int(n_links + core)


@inlined
def start_server(
    mesh: BufferedMesh, plan: Plan, entries: Entries, s: State, tally: Tally, buffer: int, now: int
) -> None:
    """Let an idle server begin with the first message in its buffer, if there is one."""
    message = s.head[buffer]
    if s.busy[buffer] or message == NOWHERE:
        return
    s.busy[buffer] = 1
    begin = max(now, s.ready[message])
    if buffer < mesh.size[1]:
        push(s, begin + mesh.link_ps[(buffer & 3) >> 1], message + mesh.x.shape[0])
    else:
        tally.waiting[buffer - mesh.size[1]] += begin - s.ready[message]
        push(s, begin + entries.service[plan.entry[message]], message + mesh.x.shape[0])


@inlined
def append(s: State, buffer: int, message: int) -> None:
    """Put a message at the end of a buffer."""
    s.behind[message] = NOWHERE
    if s.head[buffer] == NOWHERE:
        s.head[buffer] = message
    else:
        s.behind[s.tail[buffer]] = message
    s.tail[buffer] = message


@inlined
def leave(s: State, buffer: int) -> int:
    """Take the first message out of a buffer; return who waits longest for the room, or NOWHERE."""
    s.head[buffer] = s.behind[s.head[buffer]]
    s.busy[buffer] = 0
    s.held[buffer] -= 1
    waiting = s.first_waiting[buffer]
    if waiting != NOWHERE:
        s.first_waiting[buffer] = s.waiting_behind[waiting]
    return int(waiting)


@inlined
def go_on(plan: Plan, s: State, n_units: int, unit: int, now: int) -> None:
    """Let a unit go on after its message has left: to the next one, or to the end of the group."""
    s.message[unit] += 1
    message, group = s.message[unit], s.group[unit]
    if message < plan.first[group + 1]:
        push(s, now + plan.gap[message], message + n_units)
    else:
        s.doing[unit] = ENDING
        push(s, now + plan.tail[group], unit)


@inlined
def begin_group(plan: Plan, s: State, n_units: int, unit: int, now: int) -> None:
    """Let a waiting unit begin its next group if all messages for it were served and its time has come."""
    group = s.group[unit]
    if s.doing[unit] != WAITING or group > s.last_group[unit] or plan.pending[group] > 0:
        return
    if now < plan.release[group]:
        push(s, plan.release[group], unit)
        return
    s.doing[unit] = WORKING
    s.began[group] = now
    s.message[unit] = plan.first[group] - 1
    go_on(plan, s, n_units, unit, now)


@inlined
def admit(
    mesh: BufferedMesh,
    plan: Plan,
    entries: Entries,
    s: State,
    tally: Tally,
    buffer: int,
    message: int,
    now: int,
) -> None:
    """Let a message into a buffer; the room it leaves goes to who waits for it, and so on back."""
    while message != NOWHERE:
        former = s.place[message]
        waiting = leave(s, former) if former >= 0 else NOWHERE
        s.held[buffer] += 1
        s.place[message] = buffer
        append(s, buffer, message)
        s.ready[message] = now
        if former >= 0:
            s.blocked_link[former] += now - s.asked[message]
            start_server(mesh, plan, entries, s, tally, former, now)
        else:
            unit = plan.unit[message]
            s.blocked_unit[unit] += now - s.asked[message]
            if not mesh.direct[plan.entry[message]]:
                s.ready[message] += mesh.tile_ps[0]
            go_on(plan, s, mesh.x.shape[0], unit, now)
        start_server(mesh, plan, entries, s, tally, buffer, now)
        message, buffer = waiting, former


@inlined
def ask(
    mesh: BufferedMesh,
    plan: Plan,
    entries: Entries,
    s: State,
    tally: Tally,
    buffer: int,
    message: int,
    now: int,
) -> None:
    """Let a message into a buffer if there is room, else into the line of those that wait for it."""
    s.asked[message] = now
    if s.held[buffer] < mesh.size[2]:
        admit(mesh, plan, entries, s, tally, buffer, message, now)
        return
    s.waiting_behind[message] = NOWHERE
    if s.first_waiting[buffer] == NOWHERE:
        s.first_waiting[buffer] = message
    else:
        s.waiting_behind[s.last_waiting[buffer]] = message
    s.last_waiting[buffer] = message


@inlined
def send(
    mesh: BufferedMesh, plan: Plan, entries: Entries, s: State, tally: Tally, message: int, now: int
) -> None:
    """Hand a message over to the mesh."""
    unit = plan.unit[message]
    s.sent[message] = now
    if mesh.size[3]:
        ask(mesh, plan, entries, s, tally, next_buffer(mesh, plan, entries, s, unit, message), message, now)
        return
    s.place[message] = IN_FLIGHT
    push(s, now + entries.flight[plan.entry[message]], message + mesh.x.shape[0])
    go_on(plan, s, mesh.x.shape[0], unit, now)


@inlined
def arrive(
    mesh: BufferedMesh, plan: Plan, entries: Entries, s: State, tally: Tally, message: int, now: int
) -> None:
    """Put a message that flew over a mesh without contention at its core's entrance."""
    buffer = mesh.size[1] + entries.core[plan.entry[message]]
    s.held[buffer] += 1
    s.place[message] = buffer
    s.ready[message] = now
    append(s, buffer, message)
    start_server(mesh, plan, entries, s, tally, buffer, now)


@inlined
def finish(
    mesh: BufferedMesh, plan: Plan, entries: Entries, s: State, tally: Tally, message: int, now: int
) -> None:
    """End the service of a message at its core: room for the next, and perhaps the begin of a group."""
    buffer = s.place[message]
    note(tally, message, s.sent[message], now)
    waiting = leave(s, buffer)
    start_server(mesh, plan, entries, s, tally, buffer, now)
    if waiting != NOWHERE:
        admit(mesh, plan, entries, s, tally, buffer, waiting, now)
    gate = plan.gate[message]
    if gate >= 0:
        plan.pending[gate] -= 1
        unit = buffer - mesh.size[1] + 1
        if plan.pending[gate] == 0 and s.group[unit] == gate:
            begin_group(plan, s, mesh.x.shape[0], unit, now)


@part
def run_events(mesh: BufferedMesh, plan: Plan, entries: Entries, s: State, tally: Tally) -> int:
    """Run until nothing is left to do; return the time of the last event, ps."""
    n_units = mesh.x.shape[0]
    for unit in range(n_units):
        s.doing[unit] = WAITING
        begin_group(plan, s, n_units, unit, 0)
    now = 0
    while s.n_heap[0]:
        now, key = pop(s)
        if key >= n_units:
            message = key - n_units
            place = s.place[message]
            if place == NOWHERE:
                send(mesh, plan, entries, s, tally, message, now)
            elif place == IN_FLIGHT:
                arrive(mesh, plan, entries, s, tally, message, now)
            elif place >= mesh.size[1]:
                finish(mesh, plan, entries, s, tally, message, now)
            else:
                buffer = next_buffer(mesh, plan, entries, s, 0, message)
                ask(mesh, plan, entries, s, tally, buffer, message, now)
            continue
        if s.doing[key] == ENDING:
            s.ended[s.group[key]] = now
            s.group[key] += 1
            s.doing[key] = WAITING
        begin_group(plan, s, n_units, key, now)
    return now


@kernel
def run_queued_ticks(
    mesh: BufferedMesh, plan: Plan, entries: Entries, s: State, tally: Tally, work: Ints
) -> None:
    """Write work[k], ps: how long after its begin the work of each tick is done, before the barrier.

    Groups are those of the entrance, one per tick, then those of the cores, tick by tick.
    """
    n_ticks, n_cores = work.shape[0], mesh.x.shape[0] - 1
    for tick in range(n_ticks):
        s.group[0] = s.last_group[0] = tick
        end, sends = 0, plan.first[tick + 1] > plan.first[tick]
        base = n_ticks + tick * n_cores
        for core in range(n_cores):
            s.group[core + 1] = s.last_group[core + 1] = base + core
            end = max(end, plan.tail[base + core])
        sends = sends or plan.first[base + n_cores] > plan.first[base]
        work[tick] = run_events(mesh, plan, entries, s, tally) if sends else end


@kernel
def run_without_barriers(mesh: BufferedMesh, plan: Plan, entries: Entries, s: State, tally: Tally) -> int:
    """Run all groups of all units in one go; return the time of the last event, ps."""
    return run_events(mesh, plan, entries, s, tally)
