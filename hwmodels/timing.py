"""When a chip is done with each tick of an activity: the compiled timing models.

`hwmodels.timing_simpy` says the same in readable form, and is the truth where the two should ever differ.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from eventsim.errors import ParameterError
from hwmodels.activity import Activity
from hwmodels.asynchronous import run_asynchronous
from hwmodels.barrier import run_barrier
from hwmodels.costs import HardwareCosts
from hwmodels.engine_arrays import Measures
from hwmodels.messages import MessageTable
from hwmodels.sending import Entrance, Sending, busy_times, count_operations, sending_of
from hwmodels.timing_result import Latencies, MessageTimes, Timing
from hwmodels.work import Emissions, emissions_of

Contention = Literal["none", "queues", "sums"]
_FARTHEST_PS = 2.0**61


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
        if activity, table and costs do not belong together, an asynchronous chip is asked for "sums", for
        updates in every tick or for ticks of its own, or times would not fit 64 bits.
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
    if asynchronous and activity.per_chip_tick > 1:
        raise ParameterError(
            f"an asynchronous chip has no ticks: per_chip_tick must be 1, got {activity.per_chip_tick}"
        )
    _check_range(activity, table, costs, sending, emissions)
    if asynchronous:
        found = run_asynchronous(
            activity, table, costs, sending, emissions, contention == "queues", live, keep_messages
        )
    else:
        found = run_barrier(activity, table, costs, sending, emissions, contention, keep_messages)
    return _finished(activity, table, costs, sending, emissions, found)


def _check_range(
    activity: Activity, table: MessageTable, costs: HardwareCosts, sending: Sending, emissions: Emissions
) -> None:
    """Raise ParameterError where even everything after everything else would not fit into int64 ps."""
    rows, lengths = (emissions.slot, emissions.outer_row), np.diff(table.indptr)
    longest = sum(float(lengths[some].sum()) for some in rows)
    longest *= sending.longest_message_ps + costs.message_out_ps
    if longest > _FARTHEST_PS / 2:
        per_row = sending.longest_ps(costs.message_out_ps)
        longest = sum(float(per_row[some].sum()) for some in rows)
    longest += costs.spike_out_ps * float(emissions.slot.shape[0])
    a_tick = float(costs.neuron_access_ps + costs.neuron_update_ps) * table.n_slots + costs.barrier_ps
    a_tick += max(costs.real_time_tick_ps or 0, activity.tick_ns * activity.per_chip_tick * 1000)
    longest += a_tick * (activity.n_chip_ticks + 1)
    if longest > _FARTHEST_PS:
        raise ParameterError(
            f"{activity.n_chip_ticks} ticks could take {longest:.3g} ps, more than 64 bits hold: "
            "take a shorter stretch or a coarser tick"
        )


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
        first_tick=activity.first_chip_tick,
        tick=found.tick + activity.first_chip_tick,
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
