"""What each operation of a chip takes, as whole picoseconds, and the mesh its messages travel."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from eventsim.errors import ParameterError
from hwmodels.activity import Ints
from hwmodels.chip_schema import Chip

PS_PER_NS = 1000
EAST, WEST, NORTH, SOUTH = range(4)
"""Directions of the links that leave a tile: x + 1, x - 1, y + 1, y - 1. Link = 4 x tile + direction."""

_LONGEST_PS = 2**40
_OPERATIONS = (
    "neuron_access",
    "neuron_update",
    "spike_out",
    "message_out",
    "tile",
    "hop_x",
    "hop_y",
    "message_in",
    "synapse_dense",
    "synapse_sparse",
    "synapse_conv",
)


@dataclass(frozen=True)
class HardwareCosts:
    """A chip as the timing models see it: times in whole picoseconds, and its mesh.

    Tile t stands at x = t // tiles_y, y = t % tiles_y; core c is on tile c // cores_per_tile.

    Parameters
    ----------
    tiles_x, tiles_y, cores_per_tile : the mesh
    mode : "barrier" (all cores wait for each other after every tick) or "asynchronous"
    *_ps : time of one operation, ps, at most 2^40 (1.1 s)
    barrier_ps : time of the barrier after a tick
    real_time_tick_ps : a tick begins no sooner than this after the one before; None: as soon as it may
    link_buffer : messages a link and the entrance of a core can hold; None: any number
    left_out : operations whose time is not known and counts as 0

    Raises
    ------
    ParameterError
        if a number is not whole, negative or too large, or the mode is another word.
    """

    tiles_x: int
    tiles_y: int
    cores_per_tile: int
    mode: Literal["barrier", "asynchronous"] = "barrier"
    neuron_access_ps: int = 0
    neuron_update_ps: int = 0
    spike_out_ps: int = 0
    message_out_ps: int = 0
    tile_ps: int = 0
    hop_x_ps: int = 0
    hop_y_ps: int = 0
    message_in_ps: int = 0
    synapse_dense_ps: int = 0
    synapse_sparse_ps: int = 0
    synapse_conv_ps: int = 0
    barrier_ps: int = 0
    real_time_tick_ps: int | None = None
    link_buffer: int | None = None
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in ("barrier", "asynchronous"):
            raise ParameterError(f'mode must be "barrier" or "asynchronous", got {self.mode!r}')
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("mode", "left_out") or (value is None and field.default is None):
                continue
            counted = field.name in ("tiles_x", "tiles_y", "cores_per_tile", "link_buffer")
            if isinstance(value, bool) or not isinstance(value, int) or not counted <= value <= _LONGEST_PS:
                what = "number of at least 1" if counted else f"number of ps from 0 to {_LONGEST_PS}"
                raise ParameterError(f"{field.name} must be a whole {what}, got {value!r}")
        if self.n_cores > 2**20:
            raise ParameterError(f"at most {2**20} cores are modelled, the mesh has {self.n_cores}")

    @classmethod
    def of(cls, chip: Chip, tiles_used: int, real_time_tick_ns: float | None = None) -> HardwareCosts:
        """Return the costs of a mesh chip with so many tiles in use.

        Times are rounded to whole ps. What the chip file does not know counts as 0 and is named in
        `left_out`. `real_time_tick_ns` holds ticks to real time; left out, the chip file decides.
        """
        if chip.kind != "mesh" or chip.synchronisation is None:
            raise ParameterError(f"chip {chip.name!r} is of kind {chip.kind!r}: only a mesh has timing here")
        times, left_out = {}, []
        for name in _OPERATIONS:
            operation = chip.operation(name)
            if operation is not None and operation.latency_ns.value is not None:
                times[f"{name}_ps"] = round(operation.latency_ns.value * PS_PER_NS)
            elif operation is not None:
                left_out.append(name)
        if real_time_tick_ns is None and (tick := chip.synchronisation.tick_ns) is not None:
            real_time_tick_ns = tick.value
        barrier = chip.synchronisation.mode == "barrier"
        buffer = chip.network.link_buffer
        limits = chip.limits
        return cls(
            tiles_x=limits.tiles_x,
            tiles_y=limits.tiles_y,
            cores_per_tile=limits.cores_per_tile,
            mode=chip.synchronisation.mode,
            barrier_ps=round(chip.barrier_ns(tiles_used) * PS_PER_NS) if barrier else 0,
            real_time_tick_ps=None if real_time_tick_ns is None else round(real_time_tick_ns * PS_PER_NS),
            link_buffer=int(buffer.value) if buffer is not None and buffer.value is not None else None,
            left_out=tuple(left_out),
            **times,
        )

    @property
    def n_tiles(self) -> int:
        """Return the number of tiles."""
        return self.tiles_x * self.tiles_y

    @property
    def n_cores(self) -> int:
        """Return the number of cores."""
        return self.n_tiles * self.cores_per_tile

    @property
    def n_links(self) -> int:
        """Return the number of links, those that would leave the mesh included: 4 per tile."""
        return 4 * self.n_tiles

    def synapse_ps(self) -> Ints:
        """Return int64[3], the time of one synaptic event by form (dense, sparse, conv)."""
        return np.array([self.synapse_dense_ps, self.synapse_sparse_ps, self.synapse_conv_ps], np.int64)

    def places(self) -> tuple[Ints, Ints]:
        """Return int64[n_cores] twice: x and y of the tile of each core."""
        tile = np.arange(self.n_cores) // self.cores_per_tile
        return tile // self.tiles_y, tile % self.tiles_y

    def route(self, source: tuple[int, int], target: tuple[int, int]) -> list[int]:
        """Return the links from one tile to another, first along x, then along y.

        >>> HardwareCosts(3, 3, 1).route((0, 0), (2, 1))
        [0, 12, 26]
        """
        (x, y), links = source, []
        while x != target[0]:
            step = 1 if target[0] > x else -1
            links.append(4 * (x * self.tiles_y + y) + (EAST if step > 0 else WEST))
            x += step
        while y != target[1]:
            step = 1 if target[1] > y else -1
            links.append(4 * (x * self.tiles_y + y) + (NORTH if step > 0 else SOUTH))
            y += step
        return links

    def link_ps(self, link: int) -> int:
        """Return how long a link takes over one message."""
        return self.hop_x_ps if link % 4 in (EAST, WEST) else self.hop_y_ps
