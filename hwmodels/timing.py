"""When a chip is done with each tick of an activity: the compiled timing models.

`hwmodels.timing_simpy` says the same in readable form, and is the truth where the two should ever differ.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from eventsim.errors import ParameterError
from hwmodels.activity import Activity, Ints
from hwmodels.asynchronous import run_asynchronous
from hwmodels.costs import HardwareCosts
from hwmodels.engine_arrays import Measures, laid_out, new_measures, queue_arrays
from hwmodels.ideal_kernels import FEW, STRIDE, Bench, Laid, run_simple_ticks, run_ticks
from hwmodels.messages import MessageTable
from hwmodels.queue_kernels import run_queued_ticks
from hwmodels.sending import Entrance, Sending, busy_times, count_operations, how_often, sending_of
from hwmodels.sums_kernels import Sent, sum_latencies, sum_ticks
from hwmodels.timing_result import Latencies, MessageTimes, Timing
from hwmodels.work import Emissions, Stretch, emissions_of, stretches

Contention = Literal["none", "queues", "sums"]
_FARTHEST_PS = 2.0**61
_SUMMED_PER_STRETCH = 2**19


def time_activity(
    activity: Activity,
    table: MessageTable,
    costs: HardwareCosts,
    *,
    contention: Contention = "none",
    entrance: Entrance | None = None,
    live: bool = True,
    keep_messages: bool = False,
) -> Timing:
    """Return when the chip is done with each tick, how busy it is, and how often everything happens.

    Parameters
    ----------
    activity : Activity
        What the network did; how long the chip takes does not change it (see `hwmodels.closed_loop`).
    table : MessageTable
        The network's messages under a placement.
    costs : HardwareCosts
        The chip.
    contention : "none", "queues" or "sums"
        "none": a message takes its hops, however many there are, and queues at its core; "queues": each link
        is a server with a buffer, and full buffers stop who sends; "sums": no order at all, a tick takes as
        long as the busiest unit.
    entrance : Entrance
        Where input comes in; left out, at tile (0, 0).
    live : bool
        Asynchronous chips: nothing of a tick happens before the tick in real time.
    keep_messages : bool
        Keep when each message was made and served.

    Raises
    ------
    ParameterError
        if activity, table and costs do not belong together, an asynchronous chip is asked for "sums" or for
        updates in every tick, or times would not fit 64 bits.
    """
    if contention not in get_args(Contention):
        raise ParameterError(
            f"contention must be one of {', '.join(get_args(Contention))}, got {contention!r}"
        )
    activity.check(table.network)
    entrance = entrance or Entrance()
    sending = sending_of(table, costs, entrance)
    emissions = emissions_of(activity, table, entrance.absent)
    asynchronous = costs.mode == "asynchronous"
    if asynchronous and (contention == "sums" or activity.updates == "every_tick"):
        raise ParameterError(
            'an asynchronous chip has no ticks: neither contention="sums" nor updates="every_tick"'
        )
    _check_range(activity, table, costs, sending, emissions)
    if asynchronous:
        found = run_asynchronous(
            activity, table, costs, sending, emissions, contention == "queues", live, keep_messages
        )
    else:
        found = _run_barrier(activity, table, costs, sending, emissions, contention, keep_messages)
    return _finished(activity, table, costs, sending, emissions, found)


def _check_range(
    activity: Activity, table: MessageTable, costs: HardwareCosts, sending: Sending, emissions: Emissions
) -> None:
    """Raise ParameterError where even everything after everything else would not fit into int64 ps."""
    per_row = sending.longest_ps(costs.message_out_ps)
    longest = float(per_row[emissions.slot].sum() + per_row[emissions.outer_row].sum())
    longest += costs.spike_out_ps * float(emissions.slot.shape[0])
    a_tick = float(costs.neuron_access_ps + costs.neuron_update_ps) * table.n_slots + costs.barrier_ps
    a_tick += max(costs.real_time_tick_ps or 0, activity.tick_ns * 1000)
    longest += a_tick * (activity.n_ticks + 1)
    if longest > _FARTHEST_PS:
        raise ParameterError(
            f"{activity.n_ticks} ticks could take {longest:.3g} ps, more than 64 bits hold: "
            "take a shorter stretch or a coarser tick"
        )


def _run_barrier(
    activity: Activity,
    table: MessageTable,
    costs: HardwareCosts,
    sending: Sending,
    emissions: Emissions,
    contention: Contention,
    keep: bool,
) -> Measures:
    """Return what was measured over all ticks, each from its own begin."""
    if contention == "sums" and not keep:
        return _sum_up(activity, table, costs, sending, emissions)
    measures = new_measures(costs, keep)
    works, ticks = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for stretch in stretches(activity, table, emissions, by_level=False):
        laid, senders = _laid_ticks(stretch, table, costs, emissions)
        work = np.empty(stretch.ticks.shape[0], np.int64)
        tally = measures.tally(laid.entry.shape[0] if keep else 0)
        if contention == "queues":
            mesh, plan, state = queue_arrays(sending, costs, laid, _units_of(laid, table.n_cores), True)
            run_queued_ticks(mesh, plan, sending.entries, state, tally, work)
            measures.blocked += state.blocked_unit
            measures.link_blocked += state.blocked_link[: costs.n_links]
        elif contention == "sums":
            run_simple_ticks(laid, sending.entries, tally, np.zeros(table.n_cores, np.int64), work)
        else:
            at_once = senders <= FEW
            run_ticks(laid, sending.entries, at_once, tally, _bench(laid, at_once, table.n_cores), work)
        works.append(work)
        ticks.append(stretch.ticks)
        measures.updated += stretch.updated.sum(axis=0)
        if keep:
            measures.keep(laid, sending, tally, _ticks_of(laid, table.n_cores, stretch.ticks))
    measures.tick, work = np.concatenate(ticks), np.concatenate(works)
    _chain(activity, table, costs, measures, work)
    return measures


def _sum_up(
    activity: Activity, table: MessageTable, costs: HardwareCosts, sending: Sending, emissions: Emissions
) -> Measures:
    """Return what `_run_barrier` does without order among messages: none of them is laid out."""
    measures, entries = new_measures(costs, False), sending.entries
    works, ticks = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    neurons, served = np.diff(table.core_start), np.zeros(table.n_cores, np.int64)
    out = np.array([costs.spike_out_ps, costs.message_out_ps], np.int64)
    for stretch in stretches(activity, table, emissions, False, _SUMMED_PER_STRETCH):
        low, high = np.searchsorted(emissions.outer_tick, [stretch.ticks[0], stretch.ticks[-1] + 1]).tolist()
        outer = np.searchsorted(stretch.ticks, emissions.outer_tick[low:high])
        sent = Sent(
            stretch.row, emissions.slot[stretch.spikes], stretch.core, outer, emissions.outer_row[low:high]
        )
        unit = neurons * costs.neuron_access_ps + stretch.updated * costs.neuron_update_ps
        works.append(np.empty(stretch.ticks.shape[0], np.int64))
        sum_ticks(sent, table.indptr, entries, out, unit, served, works[-1])
        ticks.append(stretch.ticks)
        measures.updated += stretch.updated.sum(axis=0)
    often = how_often(emissions, table)
    sum_latencies(table.indptr, often, entries, measures.latency, measures.histogram)
    measures.tick, work = np.concatenate(ticks), np.concatenate(works)
    _chain(activity, table, costs, measures, work)
    return measures


def _laid_ticks(
    stretch: Stretch, table: MessageTable, costs: HardwareCosts, emissions: Emissions
) -> tuple[Laid, Ints]:
    """Return the messages of a stretch as laid out, and how many send in each tick."""
    ticks, row, core, n_cores = stretch.ticks, stretch.row, stretch.core, table.n_cores
    slot = emissions.slot[stretch.spikes]
    low, high = np.searchsorted(emissions.outer_tick, [ticks[0], ticks[-1] + 1]).tolist()
    outer = (np.searchsorted(ticks, emissions.outer_tick[low:high]), emissions.outer_row[low:high])
    over = np.broadcast_to(np.diff(table.core_start), (ticks.shape[0], n_cores)).reshape(-1)
    laid = laid_out(
        (row * n_cores + core, slot, slot - table.core_start[core], stretch.upto),
        (np.ascontiguousarray(over), stretch.updated.reshape(-1)),
        outer,
        ticks.shape[0],
        table,
        costs,
    )
    senders = np.bincount(row, minlength=ticks.shape[0]) + np.bincount(outer[0], minlength=ticks.shape[0])
    return laid, senders


def _units_of(laid: Laid, n_cores: int) -> Ints:
    """Return int64[n_messages], the unit that sends each: 0 from outside, core + 1 for a neuron."""
    units = np.zeros(laid.entry.shape[0], np.int64)
    groups = np.repeat(np.arange(laid.tail.shape[0]), np.diff(laid.inner))
    units[laid.outer[-1] :] = groups % n_cores + 1
    return units


def _ticks_of(laid: Laid, n_cores: int, ticks: Ints) -> Ints:
    """Return int64[n_messages], the tick in which each message is made."""
    outer = np.repeat(np.arange(ticks.shape[0]), np.diff(laid.outer))
    inner = np.repeat(np.arange(laid.tail.shape[0]), np.diff(laid.inner)) // n_cores
    of_message: Ints = ticks[np.concatenate([outer, inner])]
    return of_message


def _bench(laid: Laid, at_once: npt.NDArray[np.bool_], n_cores: int) -> Bench:
    per_tick = np.diff(laid.outer) + np.diff(laid.inner[::n_cores])
    most = int(per_tick[~at_once].max(initial=0))
    return Bench(
        np.zeros(n_cores, np.int64),
        np.zeros(n_cores, np.int64),
        np.zeros(n_cores * STRIDE, np.int64),
        np.zeros(n_cores * STRIDE, np.int32),
        np.zeros(2 * most, np.int64),
        np.zeros(2 * most, np.int32),
    )


def _chain(
    activity: Activity, table: MessageTable, costs: HardwareCosts, measures: Measures, work: Ints
) -> None:
    """Put the ticks one after the other: work, barrier, and no sooner than real time allows."""
    per_neuron = costs.neuron_access_ps
    idle_ticks = activity.n_ticks - work.shape[0]
    if activity.updates == "every_tick":
        per_neuron += costs.neuron_update_ps
        measures.updated += np.diff(table.core_start) * idle_ticks
    least = costs.real_time_tick_ps or 0
    idle = int(np.diff(table.core_start).max(initial=0)) * per_neuron + costs.barrier_ps
    measures.idle_tick = max(idle, least)
    lasts = np.maximum(work + costs.barrier_ps, least)
    before = measures.tick - np.arange(work.shape[0])  # idle ticks before each busy one
    measures.end = np.cumsum(lasts) + before * measures.idle_tick
    measures.start = measures.end - lasts
    measures.total = int(lasts.sum()) + idle_ticks * measures.idle_tick
    if measures.kept:
        begin = measures.start[np.searchsorted(measures.tick, measures.message_ticks())]
        measures.shift_messages(begin)


def _finished(
    activity: Activity,
    table: MessageTable,
    costs: HardwareCosts,
    sending: Sending,
    emissions: Emissions,
    found: Measures,
) -> Timing:
    counts = count_operations(activity, table, costs, sending, emissions, found.updated)
    neuron, synapse, link = busy_times(counts, costs)
    return Timing(
        first_tick=activity.start_tick,
        tick=found.tick + activity.start_tick,
        start_ps=found.start,
        end_ps=found.end,
        total_ps=found.total,
        idle_tick_ps=found.idle_tick,
        counts=counts,
        neuron_busy_ps=neuron,
        synapse_busy_ps=synapse,
        link_busy_ps=link,
        waiting_ps=found.waiting,
        blocked_ps=found.blocked,
        link_blocked_ps=found.link_blocked,
        latencies=Latencies(found.histogram, int(found.latency[0]), int(found.latency[1])),
        messages=MessageTimes(*found.messages()) if found.kept else None,
        groups=found.groups,
        left_out=costs.left_out,
    )
