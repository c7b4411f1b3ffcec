"""Asynchronous chips: no barrier; a core works for a tick once all messages for it are served."""

from __future__ import annotations

import numpy as np
from numba import njit

from hwmodels.activity import Activity, Indices, Ints
from hwmodels.costs import PS_PER_NS, HardwareCosts
from hwmodels.engine_arrays import Measures, laid_out, new_measures, queue_arrays
from hwmodels.messages import MessageTable
from hwmodels.queue_kernels import run_without_barriers
from hwmodels.sending import Sending
from hwmodels.timing_result import Groups
from hwmodels.work import Emissions, stretches


def run_asynchronous(
    activity: Activity,
    table: MessageTable,
    costs: HardwareCosts,
    sending: Sending,
    emissions: Emissions,
    queued: bool,
    live: bool,
    keep: bool,
) -> Measures:
    """Return what was measured of the whole activity as one run of the event queue."""
    measures, levels = new_measures(costs, keep), table.n_levels
    step, core, updated, upto = _groups(activity, table, emissions)
    np.add.at(measures.updated, core, updated)
    group_key = core * (activity.n_ticks * levels) + step
    slot = emissions.slot
    spike_core = table.core_of_row[slot].astype(np.int64)
    spike_step = emissions.tick * levels + table.level[slot]
    spike_group = np.searchsorted(group_key, spike_core * (activity.n_ticks * levels) + spike_step)
    order = np.lexsort((slot, spike_group))
    ticks_in, outer_group = np.unique(emissions.outer_tick, return_inverse=True)
    laid = laid_out(
        (spike_group[order], slot[order], np.zeros(order.shape[0], np.int64), upto[order]),
        (np.zeros(core.shape[0], np.int64), updated),
        (outer_group.astype(np.int64), emissions.outer_row),
        ticks_in.shape[0],
        table,
        costs,
    )
    n_outer_messages, n_in = int(laid.outer[-1]), ticks_in.shape[0]
    of_group = np.repeat(np.arange(core.shape[0]), np.diff(laid.inner))
    unit = np.concatenate([np.zeros(n_outer_messages, np.int64), core[of_group] + 1])
    mesh, plan, state = queue_arrays(sending, costs, laid, unit, queued)
    outer_step = ticks_in[np.repeat(np.arange(n_in), np.diff(laid.outer))] * levels
    made_at = np.concatenate([outer_step, step[of_group] // levels * levels])
    _gate(plan.entry, made_at + table.reach[laid.entry], sending.entries.core, (core, step), plan.gate)
    plan.gate[plan.gate >= 0] += n_in
    plan.pending[:] = np.bincount(plan.gate[plan.gate >= 0], minlength=plan.pending.shape[0])
    tick_ps = activity.tick_ns * PS_PER_NS
    if live:
        plan.release[:] = np.concatenate([ticks_in, step // levels]) * tick_ps
    first = np.searchsorted(core, np.arange(costs.n_cores + 1)) + n_in
    state.group[:] = np.concatenate([[0], first[:-1]])
    state.last_group[:] = np.concatenate([[n_in - 1], first[1:] - 1])
    tally = measures.tally(laid.entry.shape[0] if keep else 0)
    end = run_without_barriers(mesh, plan, sending.entries, state, tally)
    measures.blocked += state.blocked_unit
    measures.link_blocked += state.blocked_link[: costs.n_links]
    if keep:
        measures.keep(laid, sending, tally, made_at // levels)
    began, ended = state.began[n_in:], state.ended[n_in:]
    tick = step // levels + activity.start_tick
    measures.groups = Groups(core, tick, step % levels, began, ended)
    measures.tick, inverse = np.unique(step // levels, return_inverse=True)
    measures.start = np.full(measures.tick.shape[0], np.iinfo(np.int64).max)
    measures.end = np.zeros(measures.tick.shape[0], np.int64)
    np.minimum.at(measures.start, inverse, began)
    np.maximum.at(measures.end, inverse, ended)
    measures.total = max(end, activity.n_ticks * tick_ps if live else 0)
    return measures


def _groups(activity: Activity, table: MessageTable, emissions: Emissions) -> tuple[Ints, Ints, Ints, Ints]:
    """Return step, core, updates of each group by (core, step), and each spike's updates up to it."""
    levels = table.n_levels
    upto = np.zeros(emissions.tick.shape[0], np.int64)
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))]
    for stretch in stretches(activity, table, emissions, by_level=True):
        upto[stretch.spikes] = stretch.upto
        level, row, core = np.nonzero(stretch.updated)
        parts.append((stretch.ticks[row] * levels + level, core, stretch.updated[level, row, core]))
    step, core, updated = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((step, core))
    return step[order], core[order], updated[order], upto


@njit(cache=True, nogil=True)
def _gate(entry: Indices, due: Ints, core_of: Indices, groups: tuple[Ints, Ints], gate: Indices) -> None:
    """Write which group waits for each message: the first of its core at or after the step it is due, or -1.

    groups : core and step of each, sorted by (core, step).
    """
    core, step = groups
    for m in range(entry.shape[0]):
        here = core_of[entry[m]]
        low, high = 0, core.shape[0]
        while low < high:
            middle = (low + high) >> 1
            if core[middle] < here or (core[middle] == here and step[middle] < due[m]):
                low = middle + 1
            else:
                high = middle
        gate[m] = low if low < core.shape[0] and core[low] == here else -1
