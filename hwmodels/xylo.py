"""Xylo: clock cycles per step by its maker's model, the clock it needs, and energy by measured power.

Source: Rockpool at 42cee1c9, power_cycles_model.py of syns61201 (XyloAudio 2) and syns63300 (XyloIMU and
XyloAudio 3); the formula is stated in `cycles_per_step`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsim import Network
from eventsim.errors import ParameterError, PlacementError
from hwmodels.chip_schema import Chip
from hwmodels.spike_counts import checked_counts

# Source: the formula's clock estimate adds a fifth to the worst case.
CLOCK_MARGIN = 0.2


@dataclass(frozen=True)
class XyloShape:
    """What the cycle model needs to know of a network.

    Parameters
    ----------
    n_input, n_hidden, n_output : sizes
    n_input_enabled : hidden neurons that the input is added to; XyloAudio 2 counts all, later chips those
        with an input weight that is not zero
    n_output_enabled : hidden neurons the readout reads, counted likewise
    fan_out : mean number of recurrent weights, not zero, of a hidden neuron
    alias_targets, alias_sources : mean number of alias targets and sources of a hidden neuron
    """

    n_input: int
    n_hidden: int
    n_output: int
    n_input_enabled: int
    n_output_enabled: int
    fan_out: float
    alias_targets: float = 0.0
    alias_sources: float = 0.0

    def __post_init__(self) -> None:
        for name in ("n_input", "n_hidden", "n_output", "n_input_enabled", "n_output_enabled"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ParameterError(f"{name} must be a whole number, not negative, got {value!r}")
        for name in ("n_input_enabled", "n_output_enabled"):
            if getattr(self, name) > self.n_hidden:
                raise ParameterError(f"{name} must be at most n_hidden, {self.n_hidden}")
        for name in ("fan_out", "alias_targets", "alias_sources"):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise ParameterError(f"{name} must be a number, not negative, got {value!r}")


def cycles_per_step(shape: XyloShape, p_input: float, p_hidden: float) -> float:
    """Return the mean clock cycles of one step.

    n_input (1 + 3.5 p_in n_ien) + n_hid (3 + 7 p_h F) + n_oen p_h (1 + 8 n_out) + n_hid (19 + var)
    + 12 n_out, where var = 2 max(p_h, t s) + 3 max(p_h t, t s) + p_h + s max(p_h, t), which is 3 p_h without
    aliases. Several events of one address in one step cost as one. A second synapse works beside the first
    and adds no cycles.

    Parameters
    ----------
    shape : XyloShape
        Of the network.
    p_input : float
        Probability that an input channel has an event in a step, 0 to 1.
    p_hidden : float
        Probability that a hidden neuron fires in a step, 0 to 1.

    Raises
    ------
    ParameterError
        if a probability is outside 0 to 1.

    Source: Rockpool at 42cee1c9, power_cycles_model.py.

    >>> round(cycles_per_step(XyloShape(16, 63, 2, 63, 63, fan_out=10.0), p_input=0.1, p_hidden=0.05), 6)
    2062.3
    """
    for name, p in (("p_input", p_input), ("p_hidden", p_hidden)):
        if not 0.0 <= p <= 1.0:
            raise ParameterError(f"{name} must be a probability from 0 to 1, got {p!r}")
    t, s = shape.alias_targets, shape.alias_sources
    aliases = 2 * max(p_hidden, t * s) + 3 * max(p_hidden * t, t * s) + p_hidden + s * max(p_hidden, t)
    return (
        shape.n_input * (1 + 3.5 * p_input * shape.n_input_enabled)
        + shape.n_hidden * (3 + 7 * p_hidden * shape.fan_out)
        + shape.n_output_enabled * p_hidden * (1 + 8 * shape.n_output)
        + shape.n_hidden * (19 + aliases)
        + 12 * shape.n_output
    )


def clock_needed_hz(shape: XyloShape, step_ns: int, margin: float = CLOCK_MARGIN) -> float:
    """Return the clock at which even a step in which all fires is done in time, with a margin on top, Hz.

    Source: Rockpool at 42cee1c9: worst case x (1 + 0.2) / dt; the worst case is taken here as p = 1.
    """
    if isinstance(step_ns, bool) or not isinstance(step_ns, int) or step_ns < 1:
        raise ParameterError(f"step_ns must be whole ns, at least 1, got {step_ns!r}")
    return cycles_per_step(shape, 1.0, 1.0) * (1.0 + margin) / (step_ns * 1e-9)


@dataclass(frozen=True)
class XyloEstimate:
    """What a network takes on Xylo.

    `energy_uj` is the dynamic power measured on the maker's task times the time, whatever the cycles; None
    where the chip file has no power. `left_out` says what is not in it.
    """

    cycles_per_step: float
    worst_cycles_per_step: float
    clock_needed_hz: float
    duration_ns: int
    energy_uj: float | None
    left_out: tuple[str, ...]


def estimate(chip: Chip, network: Network, fired: Mapping[str, npt.ArrayLike], n_steps: int) -> XyloEstimate:
    """Return cycles, clock and energy of a network's measured activity, one step being the network's tick.

    Parameters
    ----------
    chip : Chip
        Of kind "cycles".
    network : Network
        Inputs, hidden populations and one output population (`xylo_shape`).
    fired : mapping of str to int[size]
        For inputs and hidden populations by name, in how many steps each address fired.
    n_steps : int
        Steps over which that was counted.

    Raises
    ------
    ParameterError
        if the activity doesn't belong to the network, or exceeds one event per address and step.
    PlacementError
        if the network is not of Xylo's form.
    """
    if isinstance(n_steps, bool) or not isinstance(n_steps, int) or n_steps < 1:
        raise ParameterError(f"n_steps must be a whole number of at least 1, got {n_steps!r}")
    shape = xylo_shape(chip, network)
    cycles = chip.cycles
    assert cycles is not None
    (output,) = network.outputs
    counts = checked_counts(network, fired)
    p_input = _probability(counts, network.inputs, n_steps)
    p_hidden = _probability(counts, [name for name in network.populations if name != output], n_steps)
    duration_ns = n_steps * network.tick_ns
    power = cycles.dynamic_power_uw.value
    left_out = [] if chip.static_power_mw.known else ["static power: unknown"]
    if power is None:
        left_out.append("dynamic power: unknown")
    margin = cycles.clock_margin.value
    return XyloEstimate(
        cycles_per_step(shape, p_input, p_hidden),
        cycles_per_step(shape, 1.0, 1.0),
        clock_needed_hz(shape, network.tick_ns, CLOCK_MARGIN if margin is None else margin),
        duration_ns,
        None if power is None else power * duration_ns * 1e-9,
        tuple(left_out),
    )


def xylo_shape(chip: Chip, network: Network) -> XyloShape:
    """Return the shape of a network in Xylo's terms: inputs, all hidden populations as one, one output.

    Layers are parts of one hidden population whose recurrent weights hold the projections between them.

    Raises PlacementError where the chip has no cycle model, or the network has sources inside the engine, not
    exactly one output population, projections other than input to hidden, hidden to hidden and hidden to
    output, or more neurons than the chip.
    """
    if chip.cycles is None:
        raise PlacementError(f"chip {chip.name!r} is of kind {chip.kind!r}: it has no cycle model")
    if len(network.outputs) != 1 or network.sources:
        raise PlacementError(
            f"{chip.name} takes inputs, hidden populations and one output; the network has "
            f"{len(network.outputs)} outputs and {len(network.sources)} sources of its own"
        )
    (output,) = network.outputs
    reads, read, recurrent = _connections(chip, network, output)
    n_hidden = sum(p.size for name, p in network.populations.items() if name != output)
    everyone = chip.cycles.counts_all_hidden
    shape = XyloShape(
        n_input=sum(network.inputs.values()),
        n_hidden=n_hidden,
        n_output=network.populations[output].size,
        n_input_enabled=n_hidden if everyone else len(reads),
        n_output_enabled=n_hidden if everyone else len(read),
        fan_out=len(recurrent) / n_hidden if n_hidden else 0.0,
    )
    for what in ("input", "hidden", "output"):
        n, limit = getattr(shape, f"n_{what}"), getattr(chip.cycles, f"{what}_neurons").value
        if limit is not None and n > limit:
            raise PlacementError(f"{chip.name}: {n} {what} neurons, more than the {limit:g} it has")
    return shape


def _connections(
    chip: Chip, network: Network, output: str
) -> tuple[set[tuple[str, int]], set[tuple[str, int]], set[tuple[str, int, str, int]]]:
    """Return hidden neurons that hear the input, those the output reads, and the recurrent pairs."""
    reads: set[tuple[str, int]] = set()
    read: set[tuple[str, int]] = set()
    recurrent: set[tuple[str, int, str, int]] = set()
    for projection in network.projections:
        csr = projection.synapses.to_csr()
        pre = np.repeat(np.arange(csr.n_pre), np.diff(csr.indptr))[csr.weights != 0].tolist()
        post = csr.indices[csr.weights != 0].tolist()
        if projection.pre in network.inputs and projection.post != output:
            reads |= {(projection.post, j) for j in post}
        elif projection.pre not in network.inputs and projection.post == output:
            read |= {(projection.pre, i) for i in pre}
        elif projection.pre not in network.inputs:
            recurrent |= {(projection.pre, i, projection.post, j) for i, j in zip(pre, post, strict=True)}
        else:
            raise PlacementError(f"{projection}: {chip.name} connects no input straight to the output")
    return reads, read, recurrent


def _probability(fired: Mapping[str, npt.NDArray[np.int64]], names: Iterable[str], n_steps: int) -> float:
    total = places = 0
    for name in names:
        counts = fired[name]
        if (counts > n_steps).any():
            raise ParameterError(
                f"activity: {name!r} fired in {int(counts.max())} of {n_steps} steps; several events in one "
                "step count as one"
            )
        total, places = total + int(counts.sum()), places + counts.size * n_steps
    return total / places if places else 0.0
