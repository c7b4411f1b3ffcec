"""Energy from what was counted: counts x constants, by component, with the band and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsim.errors import ParameterError
from hwmodels.chip_schema import OPERATIONS, Chip, Component, Constant

COMPONENTS: tuple[Component, ...] = ("synapse", "neuron", "spike", "network", "static")

COMPONENT_OF: dict[str, Component] = {
    "neuron_access": "neuron",
    "neuron_update": "neuron",
    "spike_out": "spike",
    "message_out": "network",
    "hop_x": "network",
    "hop_y": "network",
    "tile": "network",
    "message_in": "network",
    "synapse": "synapse",
    "synapse_dense": "synapse",
    "synapse_sparse": "synapse",
    "synapse_conv": "synapse",
}

# 1 mW over 1 ps is 10^-3 pJ.
PJ_PER_MW_PS = 1e-3


@dataclass(frozen=True)
class Term:
    """One addend: an operation so many times at so many pJ, or static power over time (count None)."""

    operation: str
    component: Component
    count: int | None
    energy_pj: float
    low_pj: float
    high_pj: float


@dataclass(frozen=True)
class Energy:
    """What a chip took, pJ.

    Parameters
    ----------
    chip : its name
    boundary : what the energies enclose: "core", "chip", "board" or "system"
    elapsed_ps : the time over which static power was drawn, ps
    terms : the addends
    left_out : what happened but has no published energy, one line each
    included : what another number already holds, one line each
    """

    chip: str
    boundary: str
    elapsed_ps: int
    terms: tuple[Term, ...]
    left_out: tuple[str, ...]
    included: tuple[str, ...]

    @property
    def total_pj(self) -> float:
        """Return the sum of the terms, pJ."""
        return sum(term.energy_pj for term in self.terms)

    @property
    def band_pj(self) -> tuple[float, float]:
        """Return the sums of the low and of the high ends, pJ."""
        return sum(term.low_pj for term in self.terms), sum(term.high_pj for term in self.terms)

    @property
    def dynamic_pj(self) -> float:
        """Return the sum without static power, pJ; a number that holds static power counts whole."""
        return sum(term.energy_pj for term in self.terms if term.component != "static")

    def component_pj(self, component: str) -> float:
        """Return one component's sum, pJ."""
        if component not in COMPONENTS:
            raise ParameterError(f"component must be one of {', '.join(COMPONENTS)}, got {component!r}")
        return sum(term.energy_pj for term in self.terms if term.component == component)

    def by_component(self) -> dict[str, tuple[float, float, float]]:
        """Return (value, low, high) of each component, pJ."""
        sums = dict.fromkeys(COMPONENTS, (0.0, 0.0, 0.0))
        for term in self.terms:
            value, low, high = sums[term.component]
            added = value + term.energy_pj, low + term.low_pj, high + term.high_pj
            sums[term.component] = added
        return {str(name): held for name, held in sums.items()}

    def per(self, n: int) -> dict[str, float]:
        """Return total, low, high and each component over n inferences or decisions, pJ each."""
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ParameterError(f"n must be a whole number of at least 1, got {n!r}")
        low, high = self.band_pj
        shares = {"total": self.total_pj / n, "low": low / n, "high": high / n}
        return shares | {str(name): self.component_pj(name) / n for name in COMPONENTS}

    def table(self) -> str:
        """Return a table for people: components with their band, then what is not in the sum."""
        lines = [f"{self.chip}, {self.boundary}, over {self.elapsed_ps / 1e9:.6g} ms"]
        rows = [*self.by_component().items(), ("total", (self.total_pj, *self.band_pj))]
        for name, (value, low, high) in rows:
            band = f"  ({low:.6g} to {high:.6g})" if (low, high) != (value, value) else ""
            lines.append(f"{name:8s} {value:14.6g} pJ{band}")
        lines += [f"left out: {what}" for what in self.left_out]
        lines += [f"included: {what}" for what in self.included]
        return "\n".join(lines)


def energy(chip: Chip, counts: Mapping[str, npt.ArrayLike], elapsed_ps: int) -> Energy:
    """Return the energy of what was counted: the sum over operations of count x energy, and static power.

    Counts are summed exactly as whole numbers. An operation without a published energy, or that the chip
    file doesn't name, is left out and listed; one whose component another number already holds
    (`Constant.includes`) is listed as included.

    Parameters
    ----------
    chip : Chip
        Of kind "mesh".
    counts : mapping of str to int64 of any shape
        By operation (`hwmodels.chip.OPERATIONS`), per core, per link or in all.
    elapsed_ps : int, ps
        Time over which the chip drew static power.

    Raises
    ------
    ParameterError
        if the chip is of another kind, an operation unknown, a count not whole or negative, or the time
        negative.

    >>> from hwmodels.chip import load_chip
    >>> spent = energy(load_chip("loihi"), {"synapse_dense": [1000, 500], "hop_x": 10}, elapsed_ps=10**6)
    >>> round(spent.component_pj("synapse"), 6), round(spent.component_pj("static"), 6)
    (35400.0, 104000.0)
    """
    if chip.kind != "mesh":
        raise ParameterError(f"chip {chip.name!r} is of kind {chip.kind!r}: operations are those of a mesh")
    if isinstance(elapsed_ps, bool) or not isinstance(elapsed_ps, int | np.integer) or elapsed_ps < 0:
        raise ParameterError(f"elapsed_ps must be whole ps, not negative, got {elapsed_ps!r}")
    totals = {name: _total(name, count) for name, count in counts.items()}
    held = _included(chip)
    terms: list[Term] = []
    left_out: list[str] = []
    included: list[str] = []
    for name in OPERATIONS:
        count, component = totals.get(name, 0), COMPONENT_OF[name]
        if not count:
            continue
        operation = chip.operation(name)
        if component in held:
            included.append(f"{name}, {count} times, within {held[component]}")
        elif operation is None:
            left_out.append(f"{name}, {count} times: not in the chip file")
        elif operation.energy_pj.value is None:
            left_out.append(f"{name}, {count} times: energy unknown")
        else:
            terms.append(_term(name, component, count, operation.energy_pj, count))
    if "static" in held:
        included.append(f"static power, within {held['static']}")
    elif chip.static_power_mw.value is None:
        left_out.append("static power: unknown")
    else:
        factor = int(elapsed_ps) * PJ_PER_MW_PS
        terms.append(_term("static_power", "static", None, chip.static_power_mw, factor))
    return Energy(chip.name, chip.boundary, int(elapsed_ps), tuple(terms), tuple(left_out), tuple(included))


def energy_per_core_pj(chip: Chip, counts: Mapping[str, npt.NDArray[np.int64]]) -> npt.NDArray[np.float64]:
    """Return the dynamic energy of each core, float64[n_cores], from counts that are int64[n_cores].

    Counts of another length (links) are passed over: they belong to no core.
    """
    held, spent = _included(chip), np.zeros(chip.n_cores)
    for name, count in counts.items():
        array, operation = _checked(name, count), chip.operation(name)
        known = operation is not None and operation.energy_pj.value is not None
        if known and array.shape == spent.shape and COMPONENT_OF[name] not in held:
            assert operation is not None
            spent += array * float(operation.energy_pj.value or 0.0)
    return spent


def _term(name: str, component: Component, count: int | None, constant: Constant, factor: float) -> Term:
    low, high = constant.band
    return Term(name, component, count, factor * float(constant.value or 0.0), factor * low, factor * high)


def _included(chip: Chip) -> dict[str, str]:
    """Return for each component that a number of another component already holds: which one that is."""
    held: dict[str, str] = {}
    for name in OPERATIONS:
        operation = getattr(chip.operations, name)
        if operation is not None and operation.energy_pj.value is not None:
            others = (c for c in operation.energy_pj.includes if c != COMPONENT_OF[name])
            held.update(dict.fromkeys(others, name))
    return held


def _checked(name: str, count: npt.ArrayLike) -> npt.NDArray[np.integer]:
    if name not in OPERATIONS:
        raise ParameterError(f"operation {name!r} is unknown; there are {', '.join(OPERATIONS)}")
    array = np.asarray(count)
    if array.dtype.kind not in "iu" and array.size:
        raise ParameterError(f"operation {name!r}: counts must be whole numbers, got {array.dtype}")
    if array.size and int(array.min()) < 0:
        raise ParameterError(f"operation {name!r}: counts must not be negative, got {int(array.min())}")
    return array


def _total(name: str, count: npt.ArrayLike) -> int:
    # Summed as Python's whole numbers, which have no end.
    return sum(int(part) for part in _checked(name, count).reshape(-1).tolist())
