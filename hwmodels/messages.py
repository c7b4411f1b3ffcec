"""Which cores a spike is sent to, and how many synapses it passes there, as flat arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from eventsim.convolutions import Conv2d, SumPool2d
from eventsim.errors import PlacementError
from eventsim.network import Network
from eventsim.projections import Csr, Dense, Projection
from hwmodels.activity import Indices, Ints, emitters
from hwmodels.delayed_synapses import DelayedSynapses
from hwmodels.message_kernels import NO_REACH, add_synapses, lower_reach, write_messages, write_reach
from hwmodels.placement import Placement

FORMS = ("dense", "sparse", "conv")
"""The forms of synapses a chip may charge differently: all-to-all, sparse or one-to-one, shared windows."""

_CELLS_PER_BLOCK = 2**16


@dataclass(frozen=True, eq=False)
class MessageTable:
    """For every neuron and every address from outside, its messages: one per destination core.

    Neurons have slots: all neurons in the order (core, population as added, index), which on a core is the
    order in which it works through them. Row r of the table is slot r; after the slots come the addresses of
    inputs and sources. A message is one entry; entries of a row are ordered by core.

    Parameters
    ----------
    core_start : int64[n_cores + 1], the slots of each core
    rows : for each emitter and population by name, int64[size], the row of each of its neurons or addresses
    level : int32[n_slots], level of the neuron's population (`Network.levels`)
    n_levels : how many levels there are
    indptr : int64[n_rows + 1], the entries of each row
    core : int32[n_entries], destination core
    forms : numbers in `FORMS` of the forms of synapses that the network has
    events : int32[n_entries, n_forms], synaptic events the message causes there, by form
    """

    network: Network
    placement: Placement
    core_start: Ints
    rows: Mapping[str, Ints]
    level: Indices
    n_levels: int
    indptr: Ints
    core: Indices
    forms: tuple[int, ...]
    events: Indices

    @property
    def n_cores(self) -> int:
        """Return how many cores the chip has."""
        return int(self.core_start.shape[0]) - 1

    @property
    def n_slots(self) -> int:
        """Return how many neurons are placed."""
        return int(self.core_start[-1])

    @property
    def n_rows(self) -> int:
        """Return the number of neurons and addresses that may send."""
        return int(self.indptr.shape[0]) - 1

    @cached_property
    def reach(self) -> Ints:
        """Return int64[n_entries], the first step at which the synapses of each message take effect.

        Counted from (tick of the spike) x n_levels; a step is tick x n_levels + level. Only chips without a
        barrier ask for it.
        """
        reach, levels = np.empty(self.core.shape[0], np.int64), self.network.levels()
        for row, here, projections in _blocks(self.network, self.placement, self.rows):
            lowest = np.full((row.shape[0], self.n_cores), NO_REACH)
            for p, csr in projections:
                steps = delay_ticks(p, self.network.tick_ns) * self.n_levels + levels[p.post]
                lower_reach(csr.indptr[here], csr.indices, self.placement.core_of[p.post], steps, lowest)
            write_reach(row, self.indptr, lowest, reach)
        return reach

    @cached_property
    def delayed_synapses(self) -> list[DelayedSynapses]:
        """Return all synapses of the network by source and delay, targets as slots."""
        found = []
        for p in self.network.projections:
            csr = p.synapses.to_csr()
            targets = self.rows[p.post].astype(np.int32)[csr.indices]
            delays = delay_ticks(p, self.network.tick_ns)
            if delays.shape[0] == 1:
                found.append(DelayedSynapses(p.pre, int(delays[0]), csr.indptr, targets))
                continue
            row_of = np.repeat(np.arange(csr.n_pre), np.diff(csr.indptr))
            for delay in np.unique(delays).tolist():
                mine = delays == delay
                indptr = np.concatenate([[0], np.cumsum(np.bincount(row_of[mine], minlength=csr.n_pre))])
                found.append(DelayedSynapses(p.pre, delay, indptr.astype(np.int64), targets[mine]))
        return found

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """Return what was worked out from this table for the latest chip: one table is timed many times."""
        return {}

    @cached_property
    def core_of_row(self) -> Indices:
        """Return int32[n_rows]: the core a row sends from, -1 for what comes from outside."""
        cores = np.full(self.n_rows, -1, np.int32)
        cores[: self.n_slots] = np.repeat(np.arange(self.n_cores), np.diff(self.core_start))
        return cores

    def most_events(self) -> list[int]:
        """Return the most synaptic events that a message causes, by form."""
        return [int(most) for most in self.events.max(axis=0, initial=0)]

    def messages_of(self, name: str, index: int) -> list[tuple[int, int]]:
        """Return (destination core, synaptic events) of one neuron's or address's messages."""
        row = int(self.rows[name][index])
        here = slice(int(self.indptr[row]), int(self.indptr[row + 1]))
        return list(zip(self.core[here].tolist(), self.events[here].sum(axis=1).tolist(), strict=True))


def build_messages(network: Network, placement: Placement) -> MessageTable:
    """Return the table of messages of `network` placed as `placement` says.

    A spike goes once to each core that holds one of its targets, whatever their delays, which are kept at
    the destination.

    Raises
    ------
    PlacementError
        if a population is not placed, or by another number of neurons than it has, or the placement names
        one the network does not have.
    """
    check_placement(network, placement)
    levels = network.levels()
    n_levels = max(levels.values(), default=0) + 1
    core_start, slots = _number_neurons(network, placement)
    rows, n_rows = dict(slots), int(core_start[-1])
    for name, size in emitters(network).items():
        if name not in slots:
            rows[name] = np.arange(n_rows, n_rows + size)
            n_rows += size
    level = np.zeros(int(core_start[-1]), np.int32)
    for name in network.populations:
        level[slots[name]] = levels[name]
    forms = tuple(sorted({form_of(p) for p in network.projections}))
    lengths = np.zeros(n_rows, np.int64)
    for row, counts in _counted(network, placement, rows, forms):
        lengths[row] = np.count_nonzero(counts.any(axis=2), axis=1)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    # Counted first, then written where they belong: nothing is held twice.
    core = np.empty(int(indptr[-1]), np.int32)
    events = np.empty((core.shape[0], len(forms)), np.int32)
    for row, counts in _counted(network, placement, rows, forms):
        write_messages(row, indptr, counts, core, events)
    return MessageTable(
        network=network,
        placement=placement,
        core_start=core_start,
        rows=MappingProxyType(rows),
        level=level,
        n_levels=n_levels,
        indptr=indptr,
        core=core,
        forms=forms,
        events=events,
    )


def check_placement(network: Network, placement: Placement) -> None:
    """Raise PlacementError where `placement` is not one of `network`'s populations, neuron by neuron."""
    for name, population in network.populations.items():
        cores = placement.core_of.get(name)
        if cores is None:
            raise PlacementError(f"population {name!r} is not placed; placed are {_list(placement.core_of)}")
        if cores.shape[0] != population.size:
            raise PlacementError(
                f"population {name!r} has {population.size} neurons, {cores.shape[0]} are placed"
            )
    for name in placement.core_of:
        if name not in network.populations:
            raise PlacementError(
                f"{name!r} is placed but no population; there are {_list(network.populations)}"
            )


def form_of(projection: Projection) -> int:
    """Return the number of the projection's form in `FORMS`."""
    if isinstance(projection.synapses, Dense):
        return 0
    return 2 if isinstance(projection.synapses, Conv2d | SumPool2d) else 1


def delay_ticks(projection: Projection, tick_ns: int) -> Ints:
    """Return int64[1] or int64[n_synapses]: the projection's delays in ticks."""
    return np.atleast_1d(np.asarray(projection.delay_ns, np.int64)) // tick_ns


def _list(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "none"


def _number_neurons(network: Network, placement: Placement) -> tuple[Ints, dict[str, Ints]]:
    """Return the slots of each core, and the slot of each neuron by population."""
    names = list(network.populations)
    cores = [np.asarray(placement.core_of[name], np.int64) for name in names]
    together = np.concatenate([*cores, np.zeros(0, np.int64)])
    order = np.argsort(together, kind="stable")
    slot = np.empty(order.shape[0], np.int64)
    slot[order] = np.arange(order.shape[0])
    counts = np.bincount(together, minlength=placement.chip.n_cores)
    core_start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    ends = np.cumsum([c.shape[0] for c in cores], dtype=np.int64)
    return core_start, dict(zip(names, np.split(slot, ends[:-1]) if names else [], strict=True))


def _blocks(
    network: Network, placement: Placement, rows: Mapping[str, Ints]
) -> Iterator[tuple[Ints, slice, list[tuple[Projection, Csr]]]]:
    """Yield some rows at a time: their numbers, their part of an indptr, and the projections they drive."""
    block = max(1, _CELLS_PER_BLOCK // placement.chip.n_cores)
    for name, size in emitters(network).items():
        projections = [(p, p.synapses.to_csr()) for p in network.projections if p.pre == name]
        for first in range(0, size if projections else 0, block):
            last = min(first + block, size)
            yield rows[name][first:last], slice(first, last + 1), projections


def _counted(
    network: Network, placement: Placement, rows: Mapping[str, Ints], forms: tuple[int, ...]
) -> Iterator[tuple[Ints, Indices]]:
    """Yield the numbers of some rows and their synapses, int32[n, n_cores, n_forms]."""
    for row, here, projections in _blocks(network, placement, rows):
        counts = np.zeros((row.shape[0], placement.chip.n_cores, len(forms)), np.int32)
        for p, csr in projections:
            form = forms.index(form_of(p))
            add_synapses(csr.indptr[here], csr.indices, placement.core_of[p.post], form, counts)
        yield row, counts
