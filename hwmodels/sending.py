"""What each message takes on one chip, where input enters it, and how often everything happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from eventsim.errors import ParameterError
from hwmodels.activity import Activity, Indices, Ints
from hwmodels.costs import HardwareCosts
from hwmodels.ideal_kernels import Entries
from hwmodels.messages import FORMS, MessageTable
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

    def rows(self, table: MessageTable, names: frozenset[str]) -> npt.NDArray[np.bool_]:
        """Return bool[n_rows]: the rows of some inputs and sources."""
        chosen = np.zeros(table.n_rows, np.bool_)
        for name in names:
            chosen[table.rows[name]] = True
        return chosen


@dataclass(frozen=True, eq=False)
class Sending:
    """The entries of a table on one chip.

    entries : core, flight and service of each. direct : bool[n_entries], without the mesh. row :
    int32[n_entries].
    place_x, place_y : int64[n_cores + 1], place of the entrance's tile, then of each core's.
    """

    entries: Entries
    direct: npt.NDArray[np.bool_]
    row: Indices
    place_x: Ints
    place_y: Ints


def sending_of(table: MessageTable, costs: HardwareCosts, entrance: Entrance) -> Sending:
    """Return what each message of `table` takes.

    Raises ParameterError where the chip of the costs has another mesh than that of the placement, or the
    entrance is not on it.
    """
    if table.n_cores != costs.n_cores:
        raise ParameterError(
            f"the placement is on a chip of {table.n_cores} cores, the costs are of {costs.n_cores}"
        )
    entrance.check(table, costs)
    x, y = (
        np.concatenate([[at], places]).astype(np.int64)
        for at, places in zip(entrance.tile, costs.places(), strict=True)
    )
    row = np.repeat(np.arange(table.n_rows, dtype=np.int32), np.diff(table.indptr))
    direct = entrance.rows(table, entrance.direct)[row]
    unit, goal = table.core_of_row()[row] + 1, table.core + 1  # int32
    flight = costs.tile_ps + np.abs(x[unit] - x[goal]) * costs.hop_x_ps
    flight += np.abs(y[unit] - y[goal]) * costs.hop_y_ps
    flight[direct] = 0
    service = np.full(row.shape[0], costs.message_in_ps)
    for k, synapse_ps in enumerate(costs.synapse_ps().tolist()):
        service += table.events[:, k] * np.int64(synapse_ps)
    return Sending(Entries(table.core, flight, service), direct, row, x, y)


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
    core_of_slot = table.core_of_row()[: table.n_slots]
    often = (fired + np.bincount(emissions.outer_row, minlength=table.n_rows))[sending.row]
    unit = table.core_of_row()[sending.row]
    inner = unit >= 0
    neurons = np.diff(table.core_start)
    counts = {
        "neuron_access": neurons * activity.n_ticks * (costs.mode == "barrier"),
        "neuron_update": updated.astype(np.int64),
        "spike_out": _sum_by(core_of_slot, fired[: table.n_slots], n_cores),
        "message_out": _sum_by(unit[inner], often[inner], n_cores),
        "message_in": _sum_by(table.core, often, n_cores),
    }
    for k, form in enumerate(FORMS):
        counts[f"synapse_{form}"] = _sum_by(table.core, often * table.events[:, k], n_cores)
    meshed = ~sending.direct
    x, y, goal = sending.place_x, sending.place_y, table.core[meshed] + 1
    tile = x * costs.tiles_y + y
    from_tile, to_tile = tile[unit[meshed] + 1], tile[goal]
    counts["tile"] = _sum_by(from_tile, often[meshed], costs.n_tiles)
    counts |= _hops(costs, from_tile * costs.n_tiles + to_tile, often[meshed])
    return counts


def _sum_by(where: npt.NDArray[np.integer], what: Ints, n: int) -> Ints:
    total = np.zeros(n, np.int64)
    np.add.at(total, where, what)
    return total


def _hops(costs: HardwareCosts, pair: Ints, often: Ints) -> dict[str, Ints]:
    """Return the messages of each link, by direction of the mesh; `pair` is from-tile x n_tiles + to-tile."""
    links = np.zeros(costs.n_links, np.int64)
    if costs.n_tiles <= 1024:
        pairs, inverse = np.arange(costs.n_tiles**2), pair
    else:
        pairs, inverse = np.unique(pair, return_inverse=True)
    messages = _sum_by(inverse, often, pairs.shape[0])
    pairs, messages = pairs[messages > 0], messages[messages > 0]
    for key, n in zip(pairs.tolist(), messages.tolist(), strict=True):
        source, target = divmod(key, costs.n_tiles)
        ends = (divmod(source, costs.tiles_y), divmod(target, costs.tiles_y))
        links[costs.route(*ends)] += n
    along_x = np.arange(costs.n_links) % 4 < 2
    return {"hop_x": np.where(along_x, links, 0), "hop_y": np.where(along_x, 0, links)}


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
