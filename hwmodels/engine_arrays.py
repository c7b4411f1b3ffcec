"""The arrays that the compiled timing models work on, made and read back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hwmodels.activity import Indices, Ints
from hwmodels.costs import HardwareCosts
from hwmodels.ideal_kernels import N_BUCKETS, Laid, Tally
from hwmodels.messages import MessageTable
from hwmodels.plan_kernels import Spikes, UnitTimes, lay_out, lay_out_outer
from hwmodels.queue_kernels import NOWHERE, BufferedMesh, Plan, State
from hwmodels.sending import Sending
from hwmodels.timing_result import Groups

_ANY_NUMBER = 2**60


@dataclass(eq=False)
class Measures:
    """What is added up over the stretches of a run; times in ps, ticks from the start of the activity."""

    latency: Ints
    histogram: Ints
    waiting: Ints
    blocked: Ints
    link_blocked: Ints
    updated: Ints
    tick: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    start: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    end: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    total: int = 0
    idle_tick: int = 0
    kept: list[tuple[Ints, Indices, Ints, Ints, Ints]] = field(default_factory=list)
    groups: Groups | None = None

    def tally(self, n_kept: int) -> Tally:
        """Return what a kernel adds to; it keeps each of `n_kept` messages."""
        return Tally(
            self.latency,
            self.histogram,
            self.waiting,
            np.zeros(n_kept, np.int64),
            np.zeros(n_kept, np.int64),
        )

    def keep(self, laid: Laid, sending: Sending, tally: Tally, tick: Ints) -> None:
        """Keep the messages of a stretch."""
        core = sending.entries.core[laid.entry]
        self.kept.append((sending.row_of(laid.entry), core, tally.sent, tally.served, tick))

    def message_ticks(self) -> Ints:
        """Return the ticks in which the kept messages were made."""
        return np.concatenate([part[4] for part in self.kept])

    def shift_messages(self, begin: Ints) -> None:
        """Count the times of the kept messages from the start, not from the begin of their ticks."""
        at = 0
        for part in self.kept:
            n = part[4].shape[0]
            part[2][:] += begin[at : at + n]
            part[3][:] += begin[at : at + n]
            at += n

    def messages(self) -> tuple[Ints, Indices, Ints, Ints]:
        """Return row, core, sent, served of all kept messages."""
        row, core, sent, served, _ = (np.concatenate(column) for column in zip(*self.kept, strict=True))
        return row, core, sent, served


def new_measures(costs: HardwareCosts, keep: bool) -> Measures:
    """Return measures of nothing yet; they `keep` each message or not."""
    none = np.empty(0, np.int64)
    return Measures(
        kept=[(none, np.empty(0, np.int32), none, none, none)] if keep else [],
        latency=np.zeros(2, np.int64),
        histogram=np.zeros(N_BUCKETS, np.int64),
        waiting=np.zeros(costs.n_cores, np.int64),
        blocked=np.zeros(costs.n_cores + 1, np.int64),
        link_blocked=np.zeros(costs.n_links, np.int64),
        updated=np.zeros(costs.n_cores, np.int64),
    )


def unit_times(costs: HardwareCosts) -> UnitTimes:
    """Return what a neuron unit's operations take; without a barrier, nothing is gone over."""
    return UnitTimes(
        costs.neuron_access_ps if costs.mode == "barrier" else 0,
        costs.neuron_update_ps,
        costs.spike_out_ps,
        costs.message_out_ps,
    )


def laid_out(
    spikes: tuple[Ints, Indices, Ints, Ints],
    totals: tuple[Ints, Ints],
    outer: tuple[Ints, Ints],
    n_outer_groups: int,
    table: MessageTable,
    costs: HardwareCosts,
) -> Laid:
    """Return the messages of some groups of work: those from outside first, then those of neurons.

    spikes : group, slot, position on the core and updates up to it, sorted by group. totals : per group,
    neurons gone over and updated. outer : group and row of events from outside.
    """
    lengths = np.diff(table.indptr)
    n_outer, n_inner = int(lengths[outer[1]].sum()), int(lengths[spikes[1]].sum())
    entry, gap = np.empty(n_outer + n_inner, np.int32), np.zeros(n_outer + n_inner, np.int64)
    outer_first = np.zeros(n_outer_groups + 1, np.int64)
    lay_out_outer(outer[0], outer[1], table.indptr, outer_first, entry)
    inner_first = np.full(totals[0].shape[0] + 1, n_outer, np.int64)
    tail = np.zeros(totals[0].shape[0], np.int64)
    lay_out(Spikes(*spikes), totals, table.indptr, unit_times(costs), inner_first, (entry, gap), tail)
    return Laid(entry, gap, outer_first, inner_first, tail)


def queue_arrays(
    sending: Sending, costs: HardwareCosts, laid: Laid, unit: Ints, queued: bool
) -> tuple[BufferedMesh, Plan, State]:
    """Return mesh, plan and state of the event-driven model for the groups laid out.

    unit : int64[n_messages], who sends each.
    """
    n_outer = laid.outer.shape[0] - 1
    n_units, n_messages = costs.n_cores + 1, laid.entry.shape[0]
    n_groups = n_outer + laid.tail.shape[0]
    n_buffers = costs.n_links + costs.n_cores
    capacity = costs.link_buffer if queued and costs.link_buffer is not None else _ANY_NUMBER
    mesh = BufferedMesh(
        sending.mesh.x,
        sending.mesh.y,
        np.array([costs.tiles_y, costs.n_links, capacity, queued], np.int64),
        sending.mesh.hop_ps,
        sending.mesh.ends_ps[:1],
        sending.direct,
    )
    plan = Plan(
        first=np.concatenate([laid.outer[:-1], laid.inner]),
        gap=laid.gap,
        tail=np.concatenate([np.zeros(n_outer, np.int64), laid.tail]),
        release=np.zeros(n_groups, np.int64),
        entry=laid.entry,
        unit=unit.astype(np.int32),
        gate=np.full(n_messages, NOWHERE, np.int32),
        pending=np.zeros(n_groups, np.int64),
    )
    in_queue = n_units + (n_buffers if queued else costs.n_cores + n_messages)
    state = State(
        heap=np.zeros((2, in_queue + 1), np.int64),
        n_heap=np.zeros(1, np.int64),
        doing=np.zeros(n_units, np.int64),
        group=np.zeros(n_units, np.int64),
        last_group=np.zeros(n_units, np.int64),
        message=np.zeros(n_units, np.int64),
        held=np.zeros(n_buffers, np.int64),
        busy=np.zeros(n_buffers, np.int64),
        head=np.full(n_buffers, NOWHERE, np.int32),
        tail=np.full(n_buffers, NOWHERE, np.int32),
        first_waiting=np.full(n_buffers, NOWHERE, np.int32),
        last_waiting=np.full(n_buffers, NOWHERE, np.int32),
        place=np.full(n_messages, NOWHERE, np.int32),
        behind=np.full(n_messages, NOWHERE, np.int32),
        waiting_behind=np.full(n_messages, NOWHERE, np.int32),
        ready=np.zeros(n_messages, np.int64),
        sent=np.zeros(n_messages, np.int64),
        asked=np.zeros(n_messages, np.int64),
        began=np.zeros(n_groups, np.int64),
        ended=np.zeros(n_groups, np.int64),
        blocked_unit=np.zeros(n_units, np.int64),
        blocked_link=np.zeros(n_buffers, np.int64),
    )
    return mesh, plan, state
