"""Compiled timing of barrier-synchronised ticks on a mesh without contention: sort arrivals, serve them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eventsim.engine.jit import inlined, kernel, part

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]

FEW = 256
"""Up to so many senders in a tick, arrivals are put in order as they are made; above, sorted afterwards."""
STRIDE = FEW + 8
"""Places per core: not a power of two, or the cores' first places would share few lines of the cache."""
RUN = 16
"""So many are sorted by insertion before runs are merged."""
SUB_BUCKETS = 32
"""Buckets per factor of two in a histogram of latencies."""
N_BUCKETS = 64 * SUB_BUCKETS


class Entries(NamedTuple):
    """For each entry of the table: destination core, time on the way and time of service, ps.

    The times are int32 where even their sum fits.
    """

    core: Indices
    flight: Ints | Indices
    service: Ints | Indices


class Laid(NamedTuple):
    """Messages of a stretch of ticks, those from outside first, and the groups that make them.

    entry, gap : for each message its entry, and the work before it, ps. outer : int64[n_ticks + 1], messages
    from outside of each tick. inner : int64[n_ticks * n_cores + 1], messages of each core in each tick.
    tail : int64[n_ticks * n_cores], work after the last message, ps.
    """

    entry: Indices
    gap: Ints
    outer: Ints
    inner: Ints
    tail: Ints


class Sent(NamedTuple):
    """What is sent in some ticks, in order, not laid out.

    row, slot, core, upto : int64, int32, int32, int64, of each spike which tick, which neuron, where, and
    neurons updated there up to it. outer, outer_row : int64 twice, of each event from outside which tick, and
    which row of the table.
    """

    row: Ints
    slot: Indices
    core: Indices
    upto: Ints
    outer: Ints
    outer_row: Ints


class Tally(NamedTuple):
    """What is measured: latency (sum, largest; ps), histogram of it, waiting per core, ps; each message.

    sent, served : int64[n_messages] from the begin of the tick, ps; empty where nobody asked.
    """

    latency: Ints
    histogram: Ints
    waiting: Ints
    sent: Ints
    served: Ints


class Bench(NamedTuple):
    """Room to work in: how many messages each core gets, where they begin, and their arrivals in order.

    arrived, place : int64[n_cores]. few_key, few_message : [n_cores * STRIDE]. key, message : two halves of
    [largest number of messages in a tick] each.
    """

    arrived: Ints
    place: Ints
    few_key: Ints
    few_message: Indices
    key: Ints
    message: Indices


@inlined
def bucket_of(latency: int) -> int:
    """Return the bucket of a latency: 0 for 0, then 32 per factor of two (relative width 1/32)."""
    if latency < 1:
        return 0
    return int((np.float64(latency).view(np.int64) >> np.int64(47)) - np.int64(1023 * 32) + np.int64(1))


@inlined
def note(tally: Tally, message: int, sent: int, served: int) -> None:
    """Add one message to the tally."""
    latency = served - sent
    tally.latency[0] += latency
    if latency > tally.latency[1]:
        tally.latency[1] = latency
    tally.histogram[bucket_of(latency)] += 1
    if tally.sent.shape[0]:
        tally.sent[message] = sent
        tally.served[message] = served


@inlined
def serve(
    laid: Laid, entries: Entries, tally: Tally, core: int, key: Ints, message: Indices, low: int, high: int
) -> int:
    """Serve a core's messages [low, high) in order of arrival; return when the last is done."""
    free = waiting = total = 0
    largest, kept = tally.latency[1], tally.sent.shape[0] > 0
    for k in range(low, high):
        arrival, m = key[k], message[k]
        e = laid.entry[m]
        start = max(arrival, free)
        waiting += start - arrival
        free = start + entries.service[e]
        latency = free - arrival + entries.flight[e]
        total += latency
        largest = max(largest, latency)
        tally.histogram[bucket_of(latency)] += 1
        if kept:
            tally.sent[m], tally.served[m] = free - latency, free
    tally.waiting[core] += waiting
    tally.latency[0] += total
    tally.latency[1] = largest
    return free


@inlined
def put(count: Ints, few_key: Ints, few_message: Indices, core: int, arrival: int, message: int) -> None:
    """Put an arrival into its place among those of its core; equal ones by number."""
    base = core * STRIDE
    at = base + count[core]
    while at > base and (
        few_key[at - 1] > arrival or (few_key[at - 1] == arrival and few_message[at - 1] > message)
    ):
        few_key[at] = few_key[at - 1]
        few_message[at] = few_message[at - 1]
        at -= 1
    few_key[at] = arrival
    few_message[at] = message
    count[core] += 1


@part
def few(laid: Laid, entries: Entries, tally: Tally, bench: Bench, tick: int) -> int:
    """Return when the servers are done with a tick in which each gets at most `FEW` messages."""
    count, few_key, few_message = bench.arrived, bench.few_key, bench.few_message
    n_cores = count.shape[0]
    count[:] = 0
    end = 0
    for m in range(laid.outer[tick], laid.outer[tick + 1]):
        e = laid.entry[m]
        put(count, few_key, few_message, entries.core[e], entries.flight[e], m)
    # Taken by their first messages, groups make arrivals nearly in order: that halves the time.
    order, n_groups = bench.place, 0
    stop = laid.inner[tick * n_cores]
    for group in range(tick * n_cores, (tick + 1) * n_cores):
        start, stop = stop, laid.inner[group + 1]
        if start == stop:
            end = max(end, laid.tail[group])
            continue
        first, at = laid.gap[start], n_groups
        while at > 0 and laid.gap[laid.inner[order[at - 1]]] > first:
            order[at] = order[at - 1]
            at -= 1
        order[at] = group
        n_groups += 1
    for k in range(n_groups):
        group, now = order[k], 0
        for m in range(laid.inner[group], laid.inner[group + 1]):
            e = laid.entry[m]
            now += laid.gap[m]
            put(count, few_key, few_message, entries.core[e], now + entries.flight[e], m)
        end = max(end, now + laid.tail[group])
    for core in range(n_cores):
        n, low = count[core], core * STRIDE
        if n:
            end = max(end, serve(laid, entries, tally, core, few_key, few_message, low, low + n))
    return end


@part
def sort_stable(key: Ints, message: Indices, first: int, n: int, spare: int) -> None:
    """Sort n messages from `first` on by key, equal ones in the order they stand; room from `spare` on."""
    for i in range(first + 1, first + n):
        start = first + (i - first) // RUN * RUN
        k, m, at = key[i], message[i], i
        while at > start and key[at - 1] > k:
            key[at], message[at] = key[at - 1], message[at - 1]
            at -= 1
        key[at], message[at] = k, m
    width = RUN
    source, target = first, spare
    while width < n:
        for low in range(0, n, 2 * width):
            i, j = source + low, source + min(low + width, n)
            middle, high = j, source + min(low + 2 * width, n)
            for at in range(target + low, target + min(low + 2 * width, n)):
                if i < middle and (j >= high or key[i] <= key[j]):
                    key[at], message[at] = key[i], message[i]
                    i += 1
                else:
                    key[at], message[at] = key[j], message[j]
                    j += 1
        source, target = target, source
        width *= 2
    if source != first:
        for at in range(n):
            key[first + at], message[first + at] = key[spare + at], message[spare + at]


@part
def many(laid: Laid, entries: Entries, tally: Tally, bench: Bench, tick: int) -> int:
    """Return when the servers are done with a tick of any size."""
    n_cores = bench.arrived.shape[0]
    place, half = bench.place, bench.key.shape[0] // 2
    ranges = (
        (laid.outer[tick], laid.outer[tick + 1]),
        (laid.inner[tick * n_cores], laid.inner[(tick + 1) * n_cores]),
    )
    bench.arrived[:] = 0
    end = total = 0
    for start, stop in ranges:
        for m in range(start, stop):
            bench.arrived[entries.core[laid.entry[m]]] += 1
    for core in range(n_cores):
        place[core] = total
        total += bench.arrived[core]
    for m in range(ranges[0][0], ranges[0][1]):
        e = laid.entry[m]
        at = place[entries.core[e]]
        bench.key[at], bench.message[at] = entries.flight[e], m
        place[entries.core[e]] = at + 1
    for group in range(tick * n_cores, (tick + 1) * n_cores):
        now = 0
        for m in range(laid.inner[group], laid.inner[group + 1]):
            e = laid.entry[m]
            now += laid.gap[m]
            at = place[entries.core[e]]
            bench.key[at], bench.message[at] = now + entries.flight[e], m
            place[entries.core[e]] = at + 1
        end = max(end, now + laid.tail[group])
    for core in range(n_cores):
        n = bench.arrived[core]
        if n:
            first = place[core] - n
            sort_stable(bench.key, bench.message, first, n, half)
            end = max(end, serve(laid, entries, tally, core, bench.key, bench.message, first, first + n))
    return end


@kernel
def run_ticks(
    laid: Laid, entries: Entries, at_once: npt.NDArray[np.bool_], tally: Tally, bench: Bench, work: Ints
) -> None:
    """Write work[k], ps: how long after its begin the work of each tick is done, before the barrier.

    at_once : bool[n_ticks], True only where at most `FEW` spikes and events from outside are sent.
    """
    for tick in range(work.shape[0]):
        if at_once[tick]:
            work[tick] = few(laid, entries, tally, bench, tick)
        else:
            work[tick] = many(laid, entries, tally, bench, tick)


@kernel
def run_simple_ticks(laid: Laid, entries: Entries, tally: Tally, served: Ints, work: Ints) -> None:
    """Write work[k], ps: the sum of what the busiest neuron unit or synapse unit does in each tick.

    No message waits for another; its latency is its time on the way and in service. served : int64[n_cores],
    room to work in.
    """
    n_cores = tally.waiting.shape[0]
    for tick in range(work.shape[0]):
        served[:] = 0
        end = 0
        for m in range(laid.outer[tick], laid.outer[tick + 1]):
            e = laid.entry[m]
            served[entries.core[e]] += entries.service[e]
            note(tally, m, 0, entries.flight[e] + entries.service[e])
        for group in range(tick * n_cores, (tick + 1) * n_cores):
            now = 0
            for m in range(laid.inner[group], laid.inner[group + 1]):
                e = laid.entry[m]
                now += laid.gap[m]
                served[entries.core[e]] += entries.service[e]
                note(tally, m, now, now + entries.flight[e] + entries.service[e])
            end = max(end, now + laid.tail[group])
        for core in range(n_cores):
            end = max(end, served[core])
        work[tick] = end
