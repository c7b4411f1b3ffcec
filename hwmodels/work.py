"""What each core has to do and when: spikes in the order they are made, and neurons brought up to date."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwmodels.activity import Activity, Indices, Ints
from hwmodels.delayed_synapses import DelayedSynapses
from hwmodels.messages import MessageTable
from hwmodels.reached_kernels import count_updates, distinct_ticks, mark_fired

_BITS_PER_STRETCH = 2**25
_CELLS_PER_STRETCH = 2**18
_MESSAGES_PER_STRETCH = 2**17


@dataclass(frozen=True, eq=False)
class Emissions:
    """All that is sent, in ticks of the chip from the start of the activity.

    Parameters
    ----------
    tick, slot : int64[n], int32[n], spikes of neurons, sorted by (tick, slot)
    outer_tick, outer_row : int64[m], int64[m], events from outside and their rows, sorted by (tick, row)
    """

    tick: Ints
    slot: Indices
    outer_tick: Ints
    outer_row: Ints


def emissions_of(activity: Activity, table: MessageTable, absent: frozenset[str] = frozenset()) -> Emissions:
    """Return what the activity sends: neurons' spikes by slot, events from outside by row of the table.

    Inputs and sources named in `absent` send nothing.
    """
    inner = [name for name in activity.spikes if name in table.network.populations]
    outer = [name for name in activity.spikes if name not in inner and name not in absent]
    (tick, slot), (outer_tick, row) = (_in_order(activity, table, names) for names in (inner, outer))
    return Emissions(tick, slot.astype(np.int32), outer_tick, row)


def _in_order(activity: Activity, table: MessageTable, names: list[str]) -> tuple[Ints, Ints]:
    """Return the chip's ticks from the start and rows of what some names emit, sorted by (tick, row)."""
    trains = [activity.spikes[name] for name in names]
    none = np.empty(0, np.int64)
    tick = np.concatenate([none, *(train.tick for train in trains)])
    if activity.per_chip_tick > 1:
        tick //= activity.per_chip_tick
    tick -= activity.first_chip_tick
    row = np.concatenate(
        [none, *(table.rows[name][train.index] for name, train in zip(names, trains, strict=True))]
    )
    key = tick * table.n_rows + row
    if bool((key[1:] >= key[:-1]).all()):
        return tick, row
    order = np.argsort(key)
    return tick[order], row[order]


def busy_ticks(activity: Activity, emissions: Emissions, reaching: list[DelayedSynapses]) -> Ints:
    """Return the ticks, from the start, in which anything is sent or reaches a neuron by some synapses."""
    parts = [_distinct(emissions.tick), _distinct(emissions.outer_tick)]
    for synapses in reaching:
        if synapses.source in activity.spikes:
            train = activity.spikes[synapses.source]
            n = int(np.searchsorted(train.tick, activity.stop_tick - synapses.delay))
            room = np.empty(min(n, activity.n_chip_ticks), np.int64)
            n = distinct_ticks(
                train.tick[:n], train.index, synapses.indptr, synapses.delay, activity.per_chip_tick, room
            )
            parts.append(room[:n] - activity.first_chip_tick)
    return np.unique(np.concatenate(parts))


def _distinct(ticks: Ints) -> Ints:
    """Return each of some ascending ticks once."""
    first = np.ones(ticks.shape[0], np.bool_)
    np.not_equal(ticks[1:], ticks[:-1], out=first[1:])
    return ticks[first]


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some busy ticks: what is made in them.

    Parameters
    ----------
    ticks : int64[k], busy ticks
    messages : int64[k], sent in each
    spikes : slice of the emissions' neuron spikes that fall into them
    row, core : int64[n_spikes], int32[n_spikes], which of the ticks, and the core that fires
    upto : int64[n_spikes], neurons updated on the spike's core in its tick (and level), up to its own
    updated : int64[k, n_cores], or int64[n_levels, k, n_cores] by level: neurons updated
    """

    ticks: Ints
    messages: Ints
    spikes: slice
    row: Ints
    core: Indices
    upto: Ints
    updated: Ints


def stretches(
    activity: Activity,
    table: MessageTable,
    emissions: Emissions,
    by_level: bool,
    most_messages: int | None = None,
) -> Iterator[Stretch]:
    """Yield the busy ticks in stretches small enough to hold their updates and so many messages.

    by_level : for each level of the network by itself; only where neurons are updated as they are reached.
    """
    most_messages = _MESSAGES_PER_STRETCH if most_messages is None else most_messages
    reached = activity.updates == "reached"
    reaching = table.delayed_synapses if reached else []
    busy = busy_ticks(activity, emissions, reaching)
    sent = _messages_before(busy, table, emissions)
    n_words = (table.n_slots + 63) >> 6
    masks = _masks(table, by_level)
    longest = max(1, min(_BITS_PER_STRETCH // max(1, 64 * n_words), _CELLS_PER_STRETCH // table.n_cores))
    first = 0
    while first < busy.shape[0]:
        full = int(np.searchsorted(sent, sent[first] + most_messages, side="right")) - 1
        stop = min(first + longest, max(full, first + 1), busy.shape[0])
        ticks = busy[first:stop]
        begins = np.searchsorted(emissions.tick, np.append(ticks, ticks[-1] + 1))
        low, high = int(begins[0]), int(begins[-1])
        rows = np.repeat(np.arange(ticks.shape[0]), np.diff(begins))
        slots = emissions.slot[low:high]
        core = table.core_of_row[slots]
        updated = np.zeros((len(masks), ticks.shape[0], table.n_cores), np.int64)
        if reached:
            upto = np.zeros(high - low, np.int64)
            bits = np.zeros((ticks.shape[0], n_words), np.uint64)
            for synapses in reaching:
                _mark(synapses, activity, ticks, bits)
            mark_fired(rows, slots, bits)
            for mask, counts in zip(masks, updated, strict=True):
                count_updates(bits, mask, table.core_start, (rows, slots, core), upto, counts)
        else:
            upto = slots - table.core_start[core] + 1
            updated[:] = np.diff(table.core_start)
        found = updated if by_level else updated[0]
        yield Stretch(ticks, np.diff(sent[first : stop + 1]), slice(low, high), rows, core, upto, found)
        first = stop


def _messages_before(busy: Ints, table: MessageTable, emissions: Emissions) -> Ints:
    """Return int64[n_busy + 1]: how many messages are sent before each busy tick, and in all."""
    lengths = np.diff(table.indptr)
    total = np.zeros(busy.shape[0] + 1, np.int64)
    for tick, row in ((emissions.tick, emissions.slot), (emissions.outer_tick, emissions.outer_row)):
        running = np.concatenate([[0], np.cumsum(lengths[row])])
        total[:-1] += running[np.searchsorted(tick, busy)]
        total[-1] += running[-1]
    return total


def _masks(table: MessageTable, by_level: bool) -> list[npt.NDArray[np.uint64]]:
    """Return one mask of all placed neurons, or one for the neurons of each level."""
    levels = [table.level == k for k in range(table.n_levels)] if by_level else [np.ones(table.n_slots, bool)]
    masks = []
    for chosen in levels:
        padded = np.zeros(((table.n_slots + 63) >> 6) << 6, np.uint8)
        padded[: table.n_slots] = chosen
        masks.append(np.packbits(padded, bitorder="little").view(np.uint64))
    return masks


def _mark(synapses: DelayedSynapses, activity: Activity, ticks: Ints, bits: npt.NDArray[np.uint64]) -> None:
    train = activity.spikes.get(synapses.source)
    if train is None:
        return
    every, first = activity.per_chip_tick, activity.first_chip_tick
    until = (ticks + (first + 1)) * every - synapses.delay
    last = min(int(until[-1]), activity.stop_tick - synapses.delay)
    low, high = np.searchsorted(train.tick, [until[0] - every, last]).tolist()
    synapses.mark(train.tick[low:high], train.index[low:high], until, bits)
