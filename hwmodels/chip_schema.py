"""What a chip file holds, as structs: constants with their source, capacity, operations, synchronisation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Literal

import msgspec

FORMAT_VERSION = 1

Status = Literal["measured", "fitted", "simulated", "published", "assumed", "unknown"]
Seen = Literal["first hand", "abstract", "secondary", "memory"]
Component = Literal["synapse", "neuron", "spike", "network", "static"]

OPERATIONS = (
    "neuron_access",
    "neuron_update",
    "spike_out",
    "message_out",
    "hop_x",
    "hop_y",
    "tile",
    "message_in",
    "synapse",
    "synapse_dense",
    "synapse_sparse",
    "synapse_conv",
)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a number was published, and how it was read by those who wrote the chip file."""

    citation: str
    seen: Seen
    note: str = ""


class Constant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number of a chip, its unit being in the name of its key.

    Parameters
    ----------
    value : the number, None where nothing is published (status "unknown")
    source : a key of the file's `[sources]`
    status : how the number came about
    low, high : where sources disagree, the span of what they say
    includes : components whose cost this number already holds, which are therefore not added to it
    note : what a reader must know before trusting it
    """

    status: Status
    source: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    includes: tuple[Component, ...] = ()
    note: str = ""

    @property
    def known(self) -> bool:
        """Return whether there is a number."""
        return self.value is not None

    @property
    def band(self) -> tuple[float, float]:
        """Return (low, high), each of which is the value where no other is given; (0, 0) if unknown."""
        if self.value is None:
            return 0.0, 0.0
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low, high


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one operation takes."""

    energy_pj: Constant
    latency_ns: Constant


class Operations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operations of a mesh chip; one that is absent is as unknown: left out, and listed so."""

    synapse: Operation
    neuron_access: Operation | None = None
    neuron_update: Operation | None = None
    spike_out: Operation | None = None
    message_out: Operation | None = None
    hop_x: Operation | None = None
    hop_y: Operation | None = None
    tile: Operation | None = None
    message_in: Operation | None = None
    synapse_dense: Operation | None = None
    synapse_sparse: Operation | None = None
    synapse_conv: Operation | None = None


class Capacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much fits; a limit that is absent or unknown does not bind."""

    tiles_x: Constant
    tiles_y: Constant
    cores_per_tile: Constant
    neurons_per_core: Constant | None = None
    axons_in_per_core: Constant | None = None
    axons_out_per_core: Constant | None = None
    synapses_per_core: Constant | None = None
    synapse_memory_bits_per_core: Constant | None = None
    fan_in_per_neuron: Constant | None = None
    weight_bits_min: Constant | None = None
    weight_bits_max: Constant | None = None


class Limits(msgspec.Struct, frozen=True):
    """The capacity as plain whole numbers; None does not bind."""

    tiles_x: int
    tiles_y: int
    cores_per_tile: int
    neurons_per_core: int | None
    axons_in_per_core: int | None
    axons_out_per_core: int | None
    synapses_per_core: int | None
    synapse_memory_bits_per_core: int | None
    fan_in_per_neuron: int | None
    weight_bits_min: int | None
    weight_bits_max: int | None


class BarrierPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one barrier takes when so many tiles are in use."""

    tiles: int
    latency_ns: Constant


class Synchronisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How time goes on: a barrier after every tick, or no barrier; `tick_ns` is the tick of real time."""

    mode: Literal["barrier", "asynchronous"]
    tick_ns: Constant | None = None
    barrier: tuple[BarrierPoint, ...] = ()
    note: str = ""


class MeshNetwork(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mesh; a link without `link_buffer` holds any number of messages."""

    link_buffer: Constant | None = None


class Cycles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the cycle model of Xylo needs besides its formula (`hwmodels.xylo`)."""

    counts_all_hidden: bool
    clock_margin: Constant
    dynamic_power_uw: Constant
    energy_per_inference_uj: Constant
    energy_per_cycle_pj: Constant
    input_neurons: Constant
    hidden_neurons: Constant
    output_neurons: Constant
    weight_bits: Constant
    state_bits: Constant


class Macs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a conventional chip takes by its multiply-accumulates (`hwmodels.conventional`)."""

    energy_per_mac_pj: Constant
    energy_per_inference_uj: Constant
    macs_per_inference: Constant
    latency_per_inference_ms: Constant


class Chip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A chip: kind "mesh" (cores on a mesh), "cycles" (Xylo's model) or "macs" (conventional).

    `boundary` says what the energies enclose. `static_power_mw` is what the chip takes while doing nothing.
    """

    format: int
    name: str
    title: str
    kind: Literal["mesh", "cycles", "macs"]
    boundary: Literal["core", "chip", "board", "system"]
    sources: dict[str, Source]
    technology_nm: Constant
    static_power_mw: Constant
    note: str = ""
    capacity: Capacity | None = None
    synchronisation: Synchronisation | None = None
    operations: Operations | None = None
    network: MeshNetwork = MeshNetwork()
    cycles: Cycles | None = None
    macs: Macs | None = None

    @property
    def limits(self) -> Limits:
        """Return the capacity of a mesh chip as whole numbers."""
        assert self.capacity is not None, f"{self.name} has no mesh"
        held = {name: getattr(self.capacity, name) for name in Limits.__struct_fields__}
        numbers = {name: int(c.value) if c and c.value is not None else None for name, c in held.items()}
        return msgspec.convert(numbers, Limits)

    @property
    def n_tiles(self) -> int:
        """Return the number of tiles of the mesh."""
        return self.limits.tiles_x * self.limits.tiles_y

    @property
    def n_cores(self) -> int:
        """Return the number of cores of the mesh."""
        return self.n_tiles * self.limits.cores_per_tile

    def tile_of_core(self, core: int) -> int:
        """Return the tile that holds a core: cores are numbered tile by tile."""
        return core // self.limits.cores_per_tile

    def tile_xy(self, tile: int) -> tuple[int, int]:
        """Return a tile's place on the mesh: tiles are numbered column by column, as SANA-FE does."""
        return tile // self.limits.tiles_y, tile % self.limits.tiles_y

    def operation(self, name: str) -> Operation | None:
        """Return an operation; a form of synapse the file doesn't tell apart is the plain `synapse`."""
        assert self.operations is not None, f"{self.name} has no operations"
        found: Operation | None = getattr(self.operations, name)
        return self.operations.synapse if found is None and name.startswith("synapse_") else found

    def barrier_ns(self, tiles: int, edge: Literal["value", "low", "high"] = "value") -> float:
        """Return what one barrier takes with so many tiles in use, ns.

        Between two points of the file's table it is linear in the number of tiles (assumed: no source says);
        outside, the nearest point holds. Points without a number are passed over; 0 where none has one.
        """
        table = self.synchronisation.barrier if self.synchronisation else ()
        points = [(p.tiles, _edge(p.latency_ns, edge)) for p in table if p.latency_ns.known]
        if not points:
            return 0.0
        if tiles <= points[0][0]:
            return points[0][1]
        for (n0, t0), (n1, t1) in itertools.pairwise(points):
            if tiles <= n1:
                return t0 + (t1 - t0) * (tiles - n0) / (n1 - n0)
        return points[-1][1]

    def constants(self) -> Iterator[tuple[str, Constant]]:
        """Yield every constant with its key, in the order of the file's sections."""
        yield from _constants(self, "")


def _edge(constant: Constant, edge: str) -> float:
    low, high = constant.band
    return low if edge == "low" else high if edge == "high" else float(constant.value or 0.0)


def _constants(struct: msgspec.Struct, at: str) -> Iterator[tuple[str, Constant]]:
    for name in struct.__struct_fields__:
        held = getattr(struct, name)
        if isinstance(held, Constant):
            yield at + name, held
        elif isinstance(held, msgspec.Struct):
            yield from _constants(held, f"{at}{name}.")
        elif isinstance(held, tuple):
            for point in held:
                if isinstance(point, BarrierPoint):
                    yield f"{at}{name}[tiles={point.tiles}].latency_ns", point.latency_ns
