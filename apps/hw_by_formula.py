"""Chips without a mesh: Xylo by its maker's cycle model, conventional chips by multiply-accumulates."""

from __future__ import annotations

from collections.abc import Sequence

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
from eventsim.network import Network
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
    notes = (
        "dynamic power as measured on another network, times real time: it does not depend on this network's "
        "activity; cycles do",
        "the answer is there before the next tick, as long as the clock is at least the one needed",
    )
    return _result(chip, model, inferences, work, decisions, notes, cycles)


def conventional_result(
    chip: Chip,
    model: HwModel,
    inferences: Sequence[Inference],
    work: NetworkWork,
    decisions: DecisionSummary | None,
) -> HwResult:
    """Return the energy of the dense equivalent, every synapse in every tick, on a chip of kind "macs"."""
    dense = macs_per_tick(model.network)
    notes = [f"the dense equivalent: all {dense} synapses in every tick, whatever is heard"]
    if (measured := measured_inference_pj(chip)) is not None and chip.macs is not None:
        macs = chip.macs.macs_per_inference.value
        size = f" of {macs:,.0f} multiply-accumulates" if macs else ""
        notes.append(
            f"the inference{size} that the chip was measured with took {measured[0] / PJ_PER_UJ:g} uJ"
        )
    return _result(chip, model, inferences, work, decisions, tuple(notes), None)


def energy_by_formula(chip: Chip, network: Network, n_ticks: int) -> EnergyPart:
    """Return the energy of so many ticks on a chip of kind "cycles" or "macs", whatever was heard in them."""
    if chip.macs is not None:
        found = estimate_macs(chip, macs_per_tick(network) * n_ticks)
        amount = Amount(found.energy_pj, found.low_pj, found.high_pj)
        return _single(amount if chip.macs.energy_per_mac_pj.known else UNKNOWN, found.left_out)
    assert chip.cycles is not None
    power = chip.cycles.dynamic_power_uw
    left_out = () if chip.static_power_mw.known else ("static power: unknown",)
    if power.value is None:
        return _single(UNKNOWN, ("dynamic power: unknown", *left_out))
    seconds = n_ticks * network.tick_ns * 1e-9
    value, low, high = (uw * seconds * PJ_PER_UJ for uw in (power.value, *power.band))
    return _single(Amount(value, low, high, bool(left_out)), left_out)


def _single(amount: Amount, left_out: tuple[str, ...]) -> EnergyPart:
    """Return an energy that no one takes apart."""
    dynamic = amount if amount.pj is None else Amount(amount.pj, amount.low_pj, amount.high_pj)
    return EnergyPart(amount, dynamic, {}, left_out)


def _result(
    chip: Chip,
    model: HwModel,
    inferences: Sequence[Inference],
    work: NetworkWork,
    decisions: DecisionSummary | None,
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
        energy=_mean_energy(chip, model.network, whole),
        energy_to_decision=_mean_energy(chip, model.network, decided) if decided else None,
        latency=_NO_TIMES,
        work=work,
        decisions=decisions,
        cycles=cycles,
        notes=notes,
    )


def _mean_energy(chip: Chip, network: Network, activities: Sequence[Activity]) -> EnergyPart:
    """Return the energy of the mean number of ticks; it grows with them and with nothing else."""
    n = len(activities)
    found = energy_by_formula(chip, network, sum(a.n_ticks for a in activities))
    total = found.total
    if total.pj is None or total.low_pj is None or total.high_pj is None:
        return found
    return _single(Amount(total.pj / n, total.low_pj / n, total.high_pj / n, total.missing), found.left_out)
