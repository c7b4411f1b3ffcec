"""Compiled timing of barrier-synchronised ticks on a mesh without contention: sort arrivals, serve them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]

FEW = 64
"""Up to so many senders in a tick, arrivals are put in order as they are made; above, sorted afterwards."""
SUB_BUCKETS = 32
"""Buckets per factor of two in a histogram of latencies."""
N_BUCKETS = 64 * SUB_BUCKETS


class Entries(NamedTuple):
    """For each entry of the table: destination core, time on the way and time of service, ps."""

    core: Indices
    flight: Ints
    service: Ints


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

    count, place : int64[n_cores]. few_key, few_message : [n_cores * FEW]. key, message : two halves of
    [largest number of messages in a tick] each.
    """

    count: Ints
    place: Ints
    few_key: Ints
    few_message: Indices
    key: Ints
    message: Indices


@njit(cache=True, nogil=True)
def bucket_of(latency: int) -> int:
    """Return the bucket of a latency: 0 for 0, then 32 per factor of two (relative width 1/32)."""
    if latency < 1:
        return 0
    return (np.float64(latency).view(np.int64) >> np.int64(47)) - np.int64(1023 * 32) + np.int64(1)


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def serve(laid: Laid, entries: Entries, tally: Tally, core: int, key: Ints, message: Indices) -> int:
    """Serve a core's messages in order of arrival; return when the last is done."""
    free = 0
    waiting = 0
    for k in range(key.shape[0]):
        arrival, m = key[k], message[k]
        e = laid.entry[m]
        start = arrival if arrival > free else free
        waiting += start - arrival
        free = start + entries.service[e]
        note(tally, m, arrival - entries.flight[e], free)
    tally.waiting[core] += waiting
    return free


@njit(cache=True, nogil=True)
def put(bench: Bench, core: int, arrival: int, message: int) -> None:
    """Put an arrival into its place among those of its core; equal ones stay in the order they came."""
    base = core * FEW
    at = base + bench.count[core]
    while at > base and bench.few_key[at - 1] > arrival:
        bench.few_key[at] = bench.few_key[at - 1]
        bench.few_message[at] = bench.few_message[at - 1]
        at -= 1
    bench.few_key[at] = arrival
    bench.few_message[at] = message
    bench.count[core] += 1


@njit(cache=True, nogil=True)
def few(laid: Laid, entries: Entries, tally: Tally, bench: Bench, tick: int) -> int:
    """Return when the servers are done with a tick in which each gets at most `FEW` messages."""
    n_cores = bench.count.shape[0]
    bench.count[:] = 0
    end = 0
    for m in range(laid.outer[tick], laid.outer[tick + 1]):
        e = laid.entry[m]
        put(bench, entries.core[e], entries.flight[e], m)
    for group in range(tick * n_cores, (tick + 1) * n_cores):
        now = 0
        for m in range(laid.inner[group], laid.inner[group + 1]):
            e = laid.entry[m]
            now += laid.gap[m]
            put(bench, entries.core[e], now + entries.flight[e], m)
        end = max(end, now + laid.tail[group])
    for core in range(n_cores):
        n, low = bench.count[core], core * FEW
        if n:
            key, message = bench.few_key[low : low + n], bench.few_message[low : low + n]
            end = max(end, serve(laid, entries, tally, core, key, message))
    return end


@njit(cache=True, nogil=True)
def sort_stable(key: Ints, message: Indices, spare_key: Ints, spare_message: Indices) -> None:
    """Sort messages by key, equal ones in the order they stand; `spare_*` are as long."""
    n = key.shape[0]
    for i in range(1, n):
        if i & 15:  # runs of 16 by insertion
            k, m, at = key[i], message[i], i
            while at & 15 and key[at - 1] > k:
                key[at], message[at] = key[at - 1], message[at - 1]
                at -= 1
            key[at], message[at] = k, m
    width = 16
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            i, j = low, middle
            for at in range(low, high):
                if i < middle and (j >= high or key[i] <= key[j]):
                    spare_key[at], spare_message[at] = key[i], message[i]
                    i += 1
                else:
                    spare_key[at], spare_message[at] = key[j], message[j]
                    j += 1
        key[:], message[:] = spare_key, spare_message
        width *= 2


@njit(cache=True, nogil=True)
def many(laid: Laid, entries: Entries, tally: Tally, bench: Bench, tick: int) -> int:
    """Return when the servers are done with a tick of any size."""
    n_cores = bench.count.shape[0]
    place, half = bench.place, bench.key.shape[0] // 2
    ranges = (
        (laid.outer[tick], laid.outer[tick + 1]),
        (laid.inner[tick * n_cores], laid.inner[(tick + 1) * n_cores]),
    )
    bench.count[:] = 0
    end = total = 0
    for start, stop in ranges:
        for m in range(start, stop):
            bench.count[entries.core[laid.entry[m]]] += 1
    for core in range(n_cores):
        place[core] = total
        total += bench.count[core]
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
        n = bench.count[core]
        if n:
            first = place[core] - n
            key, message = bench.key[first : first + n], bench.message[first : first + n]
            sort_stable(key, message, bench.key[half : half + n], bench.message[half : half + n])
            end = max(end, serve(laid, entries, tally, core, key, message))
    return end


@njit(cache=True, nogil=True)
def run_ticks(laid: Laid, entries: Entries, senders: Ints, tally: Tally, bench: Bench, work: Ints) -> None:
    """Write work[k], ps: how long after its begin the work of each tick is done, before the barrier.

    senders : int64[n_ticks], how many spikes and events from outside each tick has.
    """
    for tick in range(work.shape[0]):
        if senders[tick] <= FEW:
            work[tick] = few(laid, entries, tally, bench, tick)
        else:
            work[tick] = many(laid, entries, tally, bench, tick)


@njit(cache=True, nogil=True)
def run_simple_ticks(laid: Laid, entries: Entries, tally: Tally, work: Ints) -> None:
    """Write work[k], ps: the sum of what the busiest neuron unit or synapse unit does in each tick.

    No message waits for another; its latency is its time on the way and in service.
    """
    n_cores = tally.waiting.shape[0]
    served = np.zeros(n_cores, np.int64)
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
