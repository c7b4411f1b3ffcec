"""Chips without a mesh: Xylo by its maker's cycle model, conventional chips by multiply-accumulates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from apps.hw_inference import Inference, steps_fired
from apps.hw_model import HwModel
from apps.hw_result import (
    UNKNOWN,
    Amount,
    ChipLatency,
    Cycles,
    DecisionSummary,
    EnergyPart,
    HwResult,
    NetworkWork,
)
from hwmodels import xylo
from hwmodels.activity import Activity
from hwmodels.chip import Chip
from hwmodels.conventional import estimate_macs, measured_inference_pj
from hwmodels.metrics import macs_per_tick

PJ_PER_UJ = 1e6
_NO_TIMES = ChipLatency(None, None, None, None)


def xylo_result(
    chip: Chip,
    model: HwModel,
    inferences: Sequence[Inference],
    work: NetworkWork,
    decisions: DecisionSummary | None,
) -> HwResult:
    """Return cycles, clock and energy by measured power on a chip of kind "cycles".

    Raises PlacementError where the network is not of Xylo's form.
    """
    whole = [inference.activity for inference in inferences]
    n_ticks = sum(activity.n_ticks for activity in whole)
    found = xylo.estimate(chip, model.network, steps_fired(model.network, whole), n_ticks)
    cycles = Cycles(found.cycles_per_step, found.worst_cycles_per_step, found.clock_needed_hz)
    assert chip.cycles is not None
    low_uw, high_uw = chip.cycles.dynamic_power_uw.band

    def energy_of(activities: Sequence[Activity]) -> EnergyPart:
        seconds = sum(a.n_ticks for a in activities) * model.network.tick_ns * 1e-9 / len(activities)
        power_uw = chip.cycles.dynamic_power_uw.value if chip.cycles else None
        if power_uw is None:
            return _single(UNKNOWN, found.left_out)
        value, low, high = (uw * seconds * PJ_PER_UJ for uw in (power_uw, low_uw, high_uw))
        return _single(Amount(value, low, high, bool(found.left_out)), found.left_out)

    notes = (
        "dynamic power as measured on another network, times real time: it does not depend on this network's "
        "activity; cycles do",
        "the answer is there before the next tick, as long as the clock is at least the one needed",
    )
    return _result(chip, model, inferences, work, decisions, energy_of, notes, cycles)


def conventional_result(
    chip: Chip,
    model: HwModel,
    inferences: Sequence[Inference],
    work: NetworkWork,
    decisions: DecisionSummary | None,
) -> HwResult:
    """Return the energy of the dense equivalent, every synapse in every tick, on a chip of kind "macs"."""
    dense = macs_per_tick(model.network)

    def energy_of(activities: Sequence[Activity]) -> EnergyPart:
        found = estimate_macs(chip, dense * sum(a.n_ticks for a in activities))
        n = len(activities)
        pj = (found.energy_pj / n, found.low_pj / n, found.high_pj / n)
        known = chip.macs is not None and chip.macs.energy_per_mac_pj.known
        return _single(Amount(*pj) if known else UNKNOWN, found.left_out)

    notes = [f"the dense equivalent: all {dense} synapses in every tick, whatever is heard"]
    if (measured := measured_inference_pj(chip)) is not None and chip.macs is not None:
        macs = chip.macs.macs_per_inference.value
        size = f" of {macs:,.0f} multiply-accumulates" if macs else ""
        notes.append(
            f"the inference{size} that the chip was measured with took {measured[0] / PJ_PER_UJ:g} uJ"
        )
    return _result(chip, model, inferences, work, decisions, energy_of, tuple(notes), None)


def _single(amount: Amount, left_out: tuple[str, ...]) -> EnergyPart:
    """Return an energy that no one takes apart."""
    return EnergyPart(amount, amount, {}, left_out)


def _result(
    chip: Chip,
    model: HwModel,
    inferences: Sequence[Inference],
    work: NetworkWork,
    decisions: DecisionSummary | None,
    energy_of: Callable[[Sequence[Activity]], EnergyPart],
    notes: tuple[str, ...],
    cycles: Cycles | None,
) -> HwResult:
    whole = [inference.activity for inference in inferences]
    decided = [a for a in (inference.until_decision() for inference in inferences) if a is not None]
    return HwResult(
        model=model.name,
        chip=chip.name,
        title=chip.title,
        kind=chip.kind,
        boundary=chip.boundary,
        windows=len(whole),
        window_ms=sum(a.n_ticks for a in whole) * model.network.tick_ns / 1e6 / len(whole),
        tick_ns=model.network.tick_ns,
        pace="live",
        mesh=None,
        mode=None,
        energy=energy_of(whole),
        energy_to_decision=energy_of(decided) if decided else None,
        latency=_NO_TIMES,
        work=work,
        decisions=decisions,
        cycles=cycles,
        notes=notes,
    )
