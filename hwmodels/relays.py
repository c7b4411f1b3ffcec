"""A network cut open between its populations: what a spike does at one core enters through a relay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsim.network import Network
from eventsim.projections import Csr, Projection
from hwmodels.activity import Indices, Ints
from hwmodels.messages import MessageTable, delay_ticks


@dataclass(frozen=True, eq=False)
class Relay:
    """An input in the place of a projection: one address per source, destination core and delay.

    name : of the input. level : of the population it drives. indptr, slots : targets of each address.
    """

    name: str
    level: int
    indptr: Ints
    slots: Indices


@dataclass(frozen=True, eq=False)
class Relays:
    """The cut network, one per level, and what each message of the table brings about at its core.

    networks : per level, its populations with a relay for each projection that drives them
    relays : per projection
    first : int64[n_entries + 1]; the parts of each entry of the table
    projection, address, delay : for each part, the relay, its address and its delay, ticks
    """

    networks: tuple[Network, ...]
    relays: tuple[Relay, ...]
    first: Ints
    projection: Ints
    address: Ints
    delay: Ints


def cut_open(table: MessageTable) -> Relays:
    """Return the network of `table` with relays in the place of its projections."""
    network, levels = table.network, table.network.levels()
    prefix = "relay-"
    while any(name.startswith(prefix) for name in network.populations):
        prefix += "-"
    networks = tuple(Network(network.tick_ns) for _ in range(table.n_levels))
    for name, population in network.populations.items():
        networks[levels[name]].add_population(name, population.size, population.model)
    entry_row = np.repeat(np.arange(table.n_rows), np.diff(table.indptr))
    entry_key = entry_row * table.n_cores + table.core
    relays, parts = [], []
    for k, p in enumerate(network.projections):
        name, level = f"{prefix}{k}", levels[p.post]
        source, core, delay, synapses = _by_core(p, table)
        networks[level].add_input(name, max(1, source.shape[0]))
        if source.shape[0]:
            networks[level].connect(name, p.post, synapses)
        slots = table.rows[p.post].astype(np.int32)[synapses.indices]
        relays.append(Relay(name, level, synapses.indptr, slots))
        entry = np.searchsorted(entry_key, table.rows[p.pre][source] * table.n_cores + core)
        parts.append(np.stack([entry, np.full(entry.shape, k), np.arange(entry.shape[0]), delay]))
    together = np.concatenate([np.zeros((4, 0), np.int64), *parts], axis=1)
    order = np.argsort(together[0], kind="stable")
    counts = np.bincount(together[0], minlength=table.core.shape[0])
    return Relays(
        networks,
        tuple(relays),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        *(np.ascontiguousarray(column[order]) for column in together[1:]),
    )


def _by_core(p: Projection, table: MessageTable) -> tuple[Ints, Ints, Ints, Csr]:
    """Return source, core and delay of each group of synapses that take effect together, and the synapses."""
    csr = p.synapses.to_csr()
    source = np.repeat(np.arange(csr.n_pre), np.diff(csr.indptr))
    core = table.placement.core_of[p.post][csr.indices].astype(np.int64)
    delay = np.broadcast_to(delay_ticks(p, table.network.tick_ns), source.shape)
    order = np.lexsort((delay, core, source))
    keys = np.stack([source[order], core[order], delay[order]])
    new = np.ones(keys.shape[1], np.bool_)
    new[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    starts: npt.NDArray[np.int64] = np.flatnonzero(new)
    indptr = np.append(starts, keys.shape[1])
    if not starts.shape[0]:
        indptr = np.zeros(2, np.int64)
    synapses = Csr(indptr, csr.indices[order], csr.weights[order], table.network.populations[p.post].size)
    return keys[0, starts], keys[1, starts], keys[2, starts], synapses
