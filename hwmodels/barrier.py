"""Barrier-synchronised chips: each tick from its own begin, then a barrier."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwmodels.activity import Activity, Ints
from hwmodels.arrival_grid import ArrivalGrid
from hwmodels.costs import HardwareCosts
from hwmodels.engine_arrays import Measures, laid_out, new_measures, queue_arrays, unit_times
from hwmodels.grid_kernels import Units, run_grid_ticks
from hwmodels.ideal_kernels import FEW, STRIDE, Bench, Laid, Sent, run_simple_ticks, run_ticks
from hwmodels.messages import MessageTable
from hwmodels.queue_kernels import run_queued_ticks
from hwmodels.sending import Sending, how_often
from hwmodels.sums_kernels import sum_latencies, sum_ticks
from hwmodels.work import Emissions, Stretch, stretches

_SUMMED_PER_STRETCH = 2**19
_QUEUED_PER_STRETCH = 2**15
"""Each takes some hundred bytes."""


def run_barrier(
    activity: Activity,
    table: MessageTable,
    costs: HardwareCosts,
    sending: Sending,
    emissions: Emissions,
    contention: str,
    keep: bool,
) -> Measures:
    """Return what was measured over all ticks, each from its own begin."""
    measures = new_measures(costs, keep)
    works, ticks = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    grid = ArrivalGrid.of(table, costs, sending) if contention == "none" and not keep else None
    alone = contention == "sums" and not keep
    most = _SUMMED_PER_STRETCH if alone else _QUEUED_PER_STRETCH if contention == "queues" else None
    for stretch in stretches(activity, table, emissions, False, most):
        senders = _senders(stretch, emissions)
        if alone:
            work = _sum_ticks(stretch, table, costs, sending, emissions)
        elif grid is not None and grid.holds(senders, stretch.messages):
            work = _grid_ticks(stretch, table, costs, grid, senders, emissions, measures)
        else:
            work = _laid_ticks(stretch, table, costs, sending, emissions, contention, measures)
        works.append(work)
        ticks.append(stretch.ticks)
        measures.updated += stretch.updated.sum(axis=0)
    if alone:
        often = how_often(emissions, table)
        sum_latencies(table.indptr, often, sending.entries, measures.latency, measures.histogram)
    measures.tick, work = np.concatenate(ticks), np.concatenate(works)
    _chain(activity, table, costs, measures, work)
    return measures


def _sum_ticks(
    stretch: Stretch, table: MessageTable, costs: HardwareCosts, sending: Sending, emissions: Emissions
) -> Ints:
    """Return how long the busiest unit of each tick works, ps; no message is laid out."""
    work = np.empty(stretch.ticks.shape[0], np.int64)
    out = np.array([costs.spike_out_ps, costs.message_out_ps], np.int64)
    served = np.zeros(table.n_cores, np.int64)
    unit = _neuron_ps(stretch, table, costs)
    sum_ticks(_sent(stretch, emissions), table.indptr, sending.entries, out, unit, served, work)
    return work


def _grid_ticks(
    stretch: Stretch,
    table: MessageTable,
    costs: HardwareCosts,
    grid: ArrivalGrid,
    senders: Ints,
    emissions: Emissions,
    measures: Measures,
) -> Ints:
    """Return how long each tick works, ps; arrivals are sorted on a grid."""
    work = np.empty(stretch.ticks.shape[0], np.int64)
    units = Units(table.core_start, _neuron_ps(stretch, table, costs))
    sent, times, tally = _sent(stretch, emissions), unit_times(costs), measures.tally(0)
    run_grid_ticks(sent, grid.words, times, units, grid.room_for(senders), tally, work)
    return work


def _laid_ticks(
    stretch: Stretch,
    table: MessageTable,
    costs: HardwareCosts,
    sending: Sending,
    emissions: Emissions,
    contention: str,
    measures: Measures,
) -> Ints:
    """Return how long each tick works, ps; every message is laid out."""
    laid = _lay_out(stretch, table, costs, emissions)
    work = np.empty(stretch.ticks.shape[0], np.int64)
    tally = measures.tally(laid.entry.shape[0] if measures.kept else 0)
    if contention == "queues":
        mesh, plan, state = queue_arrays(sending, costs, laid, _units_of(laid, table.n_cores), True)
        run_queued_ticks(mesh, plan, sending.entries, state, tally, work)
        measures.blocked += state.blocked_unit
        measures.link_blocked += state.blocked_link[: costs.n_links]
    elif contention == "sums":
        run_simple_ticks(laid, sending.entries, tally, np.zeros(table.n_cores, np.int64), work)
    else:
        at_once = _senders(stretch, emissions) <= FEW
        run_ticks(laid, sending.entries, at_once, tally, _bench(laid, at_once, table.n_cores), work)
    if measures.kept:
        measures.keep(laid, sending, tally, _ticks_of(laid, table.n_cores, stretch.ticks))
    return work


def _sent(stretch: Stretch, emissions: Emissions) -> Sent:
    """Return what is sent in a stretch, in order."""
    slot = emissions.slot[stretch.spikes]
    outer, outer_row = _from_outside(stretch, emissions)
    return Sent(stretch.row, slot, stretch.core, stretch.upto, outer, outer_row)


def _from_outside(stretch: Stretch, emissions: Emissions) -> tuple[Ints, Ints]:
    """Return tick of the stretch and row of the table of what comes from outside in it."""
    ticks = stretch.ticks
    low, high = np.searchsorted(emissions.outer_tick, [ticks[0], ticks[-1] + 1]).tolist()
    return np.searchsorted(ticks, emissions.outer_tick[low:high]), emissions.outer_row[low:high]


def _senders(stretch: Stretch, emissions: Emissions) -> Ints:
    """Return int64[k], how many spikes and events from outside are sent in each tick."""
    n = stretch.ticks.shape[0]
    outer, _ = _from_outside(stretch, emissions)
    senders: Ints = np.bincount(stretch.row, minlength=n) + np.bincount(outer, minlength=n)
    return senders


def _neuron_ps(stretch: Stretch, table: MessageTable, costs: HardwareCosts) -> Ints:
    """Return int64[k, n_cores], what going over and updating neurons takes in each tick, ps."""
    neurons = np.diff(table.core_start)
    took: Ints = neurons * costs.neuron_access_ps + stretch.updated * costs.neuron_update_ps
    return took


def _lay_out(stretch: Stretch, table: MessageTable, costs: HardwareCosts, emissions: Emissions) -> Laid:
    """Return the messages of a stretch as laid out."""
    ticks, core, n_cores = stretch.ticks, stretch.core, table.n_cores
    slot = emissions.slot[stretch.spikes]
    over = np.broadcast_to(np.diff(table.core_start), (ticks.shape[0], n_cores)).reshape(-1)
    return laid_out(
        (stretch.row * n_cores + core, slot, slot - table.core_start[core], stretch.upto),
        (np.ascontiguousarray(over), stretch.updated.reshape(-1)),
        _from_outside(stretch, emissions),
        ticks.shape[0],
        table,
        costs,
    )


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
    idle_ticks = activity.n_chip_ticks - work.shape[0]
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
