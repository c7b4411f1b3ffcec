"""Which neuron sits on which core of a chip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from eventsim.errors import PlacementError
from hwmodels.chip_schema import Chip
from hwmodels.core_loads import CoreLoads

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True, eq=False)
class Placement:
    """Neurons on cores; `place` makes one that fits, tests may make one by hand.

    Cores are numbered tile by tile, tiles column by column: core c is on tile c // cores_per_tile, at
    x = tile // tiles_y, y = tile % tiles_y (`Chip.tile_of_core`, `Chip.tile_xy`).

    Parameters
    ----------
    chip : a chip of kind "mesh"
    core_of : for each population by name, int32[size], the core of each neuron
    strategy : how it came about
    loads : how full the cores are, where `place` made it

    Raises
    ------
    PlacementError
        if the chip has no mesh, an array is not one of whole numbers, or a core is beyond the chip.
    """

    chip: Chip
    core_of: Mapping[str, npt.NDArray[np.int32]]
    strategy: str = "by hand"
    loads: CoreLoads | None = None

    def __post_init__(self) -> None:
        if self.chip.kind != "mesh":
            raise PlacementError(
                f"chip {self.chip.name!r} is of kind {self.chip.kind!r}: only a mesh takes a placement"
            )
        held = {name: self._checked(name, cores) for name, cores in self.core_of.items()}
        object.__setattr__(self, "core_of", MappingProxyType(held))

    def _checked(self, name: str, cores: npt.ArrayLike) -> npt.NDArray[np.int32]:
        array = np.asarray(cores)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise PlacementError(
                f"population {name!r}: cores must be whole numbers in one dimension, "
                f"got {array.dtype} {array.shape}"
            )
        if array.size and not 0 <= int(array.min()) <= int(array.max()) < self.chip.n_cores:
            worst = int(array.max()) if int(array.min()) >= 0 else int(array.min())
            raise PlacementError(
                f"population {name!r}: core {worst} is not on {self.chip.name}, which has cores "
                f"0 to {self.chip.n_cores - 1}"
            )
        fixed = array.astype(np.int32)
        fixed.flags.writeable = False
        return fixed

    def cores_used(self) -> npt.NDArray[np.int32]:
        """Return the cores that hold a neuron, ascending, int32."""
        parts = [*self.core_of.values(), np.zeros(0, np.int32)]
        return np.unique(np.concatenate(parts))

    def tiles_used(self) -> int:
        """Return how many tiles hold a neuron: the barrier takes longer the more there are."""
        return int(np.unique(self.cores_used() // self.chip.limits.cores_per_tile).size)

    def populations_on(self, core: int) -> dict[str, int]:
        """Return how many neurons of each population sit on a core."""
        counts = {name: int((cores == core).sum()) for name, cores in self.core_of.items()}
        return {name: n for name, n in counts.items() if n}

    def table(self) -> str:
        """Return a table for people: each used core with its tile, place, populations and load."""
        lines = [
            f"{self.chip.name}: {self.cores_used().size} of {self.chip.n_cores} cores, "
            f"{self.tiles_used()} of {self.chip.n_tiles} tiles ({self.strategy})"
        ]
        for core in self.cores_used().tolist():
            tile = self.chip.tile_of_core(core)
            x, y = self.chip.tile_xy(tile)
            held = ", ".join(f"{name} {n}" for name, n in self.populations_on(core).items())
            lines.append(f"core {core:4d}  tile {tile:3d} at ({x}, {y})  {held}{self._load_of(core)}")
        return "\n".join(lines)

    def grid(self) -> list[dict[str, object]]:
        """Return what a drawing needs: for each used core its core, tile, x, y, and neurons by population."""
        cells: list[dict[str, object]] = []
        for core in self.cores_used().tolist():
            tile = self.chip.tile_of_core(core)
            x, y = self.chip.tile_xy(tile)
            cells.append(
                {"core": core, "tile": tile, "x": x, "y": y, "populations": self.populations_on(core)}
            )
        return cells

    def drawing(self) -> str:
        """Return the mesh as text: one character per core, a letter for its largest population.

        A dot is a core without neurons; rows go from y = 0 down, and the cores of a tile stand together.
        """
        letters = dict(zip(self.core_of, _LETTERS, strict=False))
        marks = ["."] * self.chip.n_cores
        for core in self.cores_used().tolist():
            held = self.populations_on(core)
            marks[core] = letters.get(max(held, key=lambda name: held[name]), "?")
        per_tile, limits = self.chip.limits.cores_per_tile, self.chip.limits
        rows = []
        for y in range(limits.tiles_y):
            tiles = [x * limits.tiles_y + y for x in range(limits.tiles_x)]
            rows.append(" ".join("".join(marks[t * per_tile : (t + 1) * per_tile]) for t in tiles))
        return "\n".join([*rows, "  ".join(f"{letter} {name}" for name, letter in letters.items())])

    def _load_of(self, core: int) -> str:
        if self.loads is None:
            return ""
        loads = self.loads
        return (
            f"; axons {int(loads.axons_in[core])} in, {int(loads.axons_out[core])} out; "
            f"{int(loads.synapses[core])} synapses, {int(loads.memory_bits[core])} bits"
        )
