"""What each message takes on one chip, where input enters it, and how often everything happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from eventsim.errors import ParameterError
from hwmodels.activity import Activity, Indices, Ints
from hwmodels.costs import HardwareCosts
from hwmodels.grid_kernels import COLUMN_BITS, FLIGHT_BITS, SERVICE_BITS, Words
from hwmodels.ideal_kernels import Entries
from hwmodels.messages import FORMS, MessageTable
from hwmodels.sending_kernels import (
    Mesh,
    Rows,
    Sums,
    pack_messages,
    sum_messages,
    sum_times,
    time_messages,
)
from hwmodels.work import Emissions


@dataclass(frozen=True)
class Entrance:
    """Where events from outside (inputs and sources) come onto the chip.

    Parameters
    ----------
    tile : (x, y) of the tile at which they enter the mesh
    direct : names of inputs and sources whose messages reach their cores without the mesh
    absent : names of those that send no messages: they arise where they are needed, like noise made on a core

    A message that enters takes no time to be made; in a tick they enter in the order of inputs and sources as
    added, address, destination core.
    """

    tile: tuple[int, int] = (0, 0)
    direct: frozenset[str] = field(default_factory=frozenset)
    absent: frozenset[str] = field(default_factory=frozenset)

    def check(self, table: MessageTable, costs: HardwareCosts) -> None:
        """Raise ParameterError where the tile is beyond the mesh or a name is no input or source."""
        x, y = self.tile
        if not (0 <= x < costs.tiles_x and 0 <= y < costs.tiles_y):
            raise ParameterError(
                f"input enters at tile {self.tile}, the mesh has (0, 0) to "
                f"({costs.tiles_x - 1}, {costs.tiles_y - 1})"
            )
        known = {*table.network.inputs, *table.network.sources}
        for name in sorted({*self.direct, *self.absent} - known):
            raise ParameterError(
                f"{name!r} is no input or source; there are {', '.join(sorted(known)) or 'none'}"
            )

    def direct_rows(self, table: MessageTable) -> npt.NDArray[np.bool_]:
        """Return bool[n_rows]: the rows of the table whose messages reach their cores without the mesh."""
        chosen = np.zeros(table.n_rows, np.bool_)
        for name in self.direct:
            chosen[table.rows[name]] = True
        return chosen


@dataclass(frozen=True, eq=False)
class Sending:
    """The entries of a table on one chip.

    rows : the table, and who sends each row's messages. mesh : where units stand, and what messages take.
    longest_message_ps : no message takes longer.
    """

    rows: Rows
    mesh: Mesh
    longest_message_ps: int

    @cached_property
    def entries(self) -> Entries:
        """Return core, flight and service of each entry."""
        # Half the memory, and the kernels load less; sums of the two fit as well.
        n, fits = self.rows.core.shape[0], self.longest_message_ps < 2**31
        flight, service = (np.empty(n, np.int32) if fits else np.empty(n, np.int64) for _ in range(2))
        time_messages(self.rows, self.mesh, flight, service)
        return Entries(self.rows.core, flight, service)

    @cached_property
    def words(self) -> Words | None:
        """Return the messages as words, columns for the cores that get any; None where one is too large."""
        rows = self.rows
        heard = np.zeros(self.mesh.x.shape[0] - 1, np.bool_)
        heard[rows.core] = True
        cores = np.flatnonzero(heard)
        if cores.shape[0] > 1 << COLUMN_BITS:
            return None
        column = np.cumsum(heard) - 1
        word = np.empty(rows.core.shape[0], np.int64)
        bits = (COLUMN_BITS, SERVICE_BITS, FLIGHT_BITS)
        return Words(rows.indptr, word, cores) if pack_messages(rows, self.mesh, column, bits, word) else None

    def row_of(self, entry: Indices) -> Ints:
        """Return int64[n], the row that each of some entries stands in."""
        return np.searchsorted(self.rows.indptr, entry, side="right") - 1

    @cached_property
    def direct(self) -> npt.NDArray[np.bool_]:
        """Return bool[n_entries]: the messages that reach their core without the mesh."""
        return np.repeat(self.rows.direct, np.diff(self.rows.indptr))

    def longest_ps(self, each_ps: int) -> npt.NDArray[np.float64]:
        """Return float64[n_rows]: what all messages of a row take together, and `each_ps` for each, ps."""
        total = np.empty(self.rows.unit.shape[0])
        sum_times(self.rows, self.mesh, float(each_ps), total)
        return total


def sending_of(table: MessageTable, costs: HardwareCosts, entrance: Entrance) -> Sending:
    """Return what each message of `table` takes.

    Raises ParameterError where the chip of the costs has another mesh than that of the placement, the
    entrance is not on it, or a message takes more than 64 bits of ps.
    """
    if table.n_cores != costs.n_cores:
        raise ParameterError(
            f"the placement is on a chip of {table.n_cores} cores, the costs are of {costs.n_cores}"
        )
    entrance.check(table, costs)
    found: Sending | None = table.kept.get((costs, entrance))
    if found is None:
        found = _sending(table, costs, entrance)
        table.kept.clear()
        table.kept[costs, entrance] = found
    return found


def _sending(table: MessageTable, costs: HardwareCosts, entrance: Entrance) -> Sending:
    x, y = (
        np.concatenate([[at], places]).astype(np.int64)
        for at, places in zip(entrance.tile, costs.places(), strict=True)
    )
    mesh = Mesh(
        x,
        y,
        np.array([costs.tiles_y], np.int64),
        np.array([costs.hop_x_ps, costs.hop_y_ps], np.int64),
        np.array([costs.tile_ps, costs.message_in_ps], np.int64),
        costs.synapse_ps()[list(table.forms)],
    )
    unit, direct = table.core_of_row + np.int32(1), entrance.direct_rows(table)
    rows = Rows(table.indptr, table.core, table.events, unit, direct)
    ends = costs.tile_ps + costs.message_in_ps
    longest = ends + costs.tiles_x * costs.hop_x_ps + costs.tiles_y * costs.hop_y_ps
    longest += sum(int(most) * int(ps) for most, ps in zip(table.most_events(), mesh.synapse_ps, strict=True))
    if longest >= 2**61:
        raise ParameterError(f"a message could take {longest:.3g} ps, more than 64 bits hold")
    return Sending(rows, mesh, int(longest))


def how_often(emissions: Emissions, table: MessageTable) -> Ints:
    """Return int64[n_rows]: how often each row of the table sends its messages."""
    sent = [np.bincount(rows, minlength=table.n_rows) for rows in (emissions.slot, emissions.outer_row)]
    return (sent[0] + sent[1]).astype(np.int64)


def count_operations(
    activity: Activity,
    table: MessageTable,
    costs: HardwareCosts,
    sending: Sending,
    emissions: Emissions,
    updated: Ints,
) -> dict[str, Ints]:
    """Return how often each operation happens: int64 per core, per link (hop_x, hop_y) or per tile (tile).

    `updated` : int64[n_cores], neurons updated. `message_out` counts what neurons send, `message_in` what
    cores get; what enters from outside is the difference of their sums.
    """
    n_cores = table.n_cores
    fired = np.bincount(emissions.slot, minlength=table.n_rows).astype(np.int64)
    spike_out = np.zeros(n_cores, np.int64)
    np.add.at(spike_out, table.core_of_row[: table.n_slots], fired[: table.n_slots])
    sums = Sums(
        message_out=np.zeros(n_cores, np.int64),
        message_in=np.zeros(n_cores, np.int64),
        synapses=np.zeros((len(table.forms), n_cores), np.int64),
        tiles=np.zeros(costs.n_tiles, np.int64),
        links=np.zeros(costs.n_links, np.int64),
    )
    sum_messages(sending.rows, how_often(emissions, table), sending.mesh, sums)
    counts = {
        "neuron_access": np.diff(table.core_start) * activity.n_chip_ticks * (costs.mode == "barrier"),
        "neuron_update": updated.astype(np.int64),
        "spike_out": spike_out,
        "message_out": sums.message_out,
        "message_in": sums.message_in,
    }
    for k, form in enumerate(FORMS):
        counts[f"synapse_{form}"] = (
            sums.synapses[table.forms.index(k)] if k in table.forms else np.zeros(n_cores, np.int64)
        )
    along_x = np.arange(costs.n_links) % 4 < 2
    counts["tile"] = sums.tiles
    counts["hop_x"], counts["hop_y"] = np.where(along_x, sums.links, 0), np.where(along_x, 0, sums.links)
    return counts


def busy_times(counts: Mapping[str, Ints], costs: HardwareCosts) -> tuple[Ints, Ints, Ints]:
    """Return how long neuron units and synapse units (int64[n_cores]) and links (int64[n_links]) work, ps."""
    neuron = sum(
        (
            counts[name] * getattr(costs, f"{name}_ps")
            for name in ("neuron_access", "neuron_update", "spike_out", "message_out")
        ),
        start=np.zeros(costs.n_cores, np.int64),
    )
    synapse = sum(
        (
            counts[name] * getattr(costs, f"{name}_ps")
            for name in ("message_in", *(f"synapse_{form}" for form in FORMS))
        ),
        start=np.zeros(costs.n_cores, np.int64),
    )
    return neuron, synapse, counts["hop_x"] * costs.hop_x_ps + counts["hop_y"] * costs.hop_y_ps
