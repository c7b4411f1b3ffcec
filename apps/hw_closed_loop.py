"""Inferences in the closed loop: the chip's delays shift the spikes that follow, and so the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from apps.hw_chip_time import MeshSetup, mode_of
from apps.hw_data import Sample
from apps.hw_inference import Inference, decision_on
from apps.hw_model import HwModel
from apps.hw_options import HwOptions
from apps.hw_result import ClosedLoopUse
from eventsim.decisions import Decision, Rule
from eventsim.errors import EventSimError, ParameterError
from hwmodels.chip import Chip, chip_names, load_chip
from hwmodels.closed_loop import ClosedLoop, run_closed_loop


def check_closed_loop(chip: Chip, options: HwOptions) -> None:
    """Raise ParameterError where `options` ask for the closed loop and chip or other options rule it out."""
    if not options.closed_loop:
        return
    if chip.kind != "mesh" or mode_of(chip, options) != "asynchronous":
        listed = [held.name for held in map(load_chip, chip_names()) if _asynchronous(held)]
        why = (
            "has a barrier, which keeps every spike in its tick"
            if chip.kind == "mesh"
            else f"is of kind {chip.kind!r}"
        )
        way = f", or {chip.name} with --mode asynchronous" if chip.kind == "mesh" else ""
        raise ParameterError(
            f"--closed-loop: chip {chip.name!r} {why}; allowed are asynchronous chips "
            f"({', '.join(listed)}, or a file){way}"
        )
    wanted = (
        ("--pace", options.pace, "live", "its spikes are made in real time"),
        ("--network", options.mesh, "ideal", "its links are without contention"),
        ("--updates", options.updates, "reached", "an asynchronous chip has no ticks"),
    )
    for name, given, allowed, why in wanted:
        if given != allowed:
            raise ParameterError(f"--closed-loop: {why}; allowed is {name} {allowed}, not {given}")


def _asynchronous(chip: Chip) -> bool:
    return chip.kind == "mesh" and mode_of(chip, HwOptions()) == "asynchronous"


def in_closed_loop(
    setup: MeshSetup,
    model: HwModel,
    samples: Sequence[Sample],
    inferences: Sequence[Inference],
    options: HwOptions,
) -> tuple[list[Inference], ClosedLoopUse]:
    """Return what `inferences` become on the chip of `setup`, and how they differ from those without it.

    samples : the input of each inference; recorded activity alone cannot be run anew.

    Raises ParameterError where inputs are missing, and as `run_closed_loop` does, naming the input.
    """
    if len(samples) != len(inferences):
        raise ParameterError(
            f"the closed loop runs every inference anew: {len(inferences)} inputs are wanted, one each, "
            f"got {len(samples)}"
        )
    rule, relays, shifted, loops = model.rule(options.threshold, options.full), setup.relays, [], []
    for sample, inference in zip(samples, inferences, strict=True):
        try:
            loop = run_closed_loop(
                setup.table,
                setup.costs,
                sample.inputs,
                sample.until_ns,
                start_ns=sample.start_ns,
                relays=relays,
            )
        except EventSimError as error:
            raise type(error)(f"{sample.name}: {error}") from None
        loops.append(loop)
        shifted.append(_shifted(loop, model, rule, sample, inference))
    return shifted, _use(inferences, shifted, loops)


def _shifted(
    loop: ClosedLoop, model: HwModel, rule: Rule | None, sample: Sample, without: Inference
) -> Inference:
    """Return an inference with the activity of the closed loop, decided on its outputs."""
    given = {*model.network.inputs, *model.network.sources} & without.valued
    sent = {name for name in loop.activity.spikes if name in loop.outputs}
    name = model.output_name
    return replace(
        without,
        activity=loop.activity,
        decision=decision_on(rule, sample, loop.outputs[name], model.network.tick_ns) if name else None,
        membrane_updates=loop.neuron_updates,
        valued=frozenset({*given, *(n for n in sent if (loop.outputs[n].value != 1.0).any())}),
    )


def _use(
    without: Sequence[Inference], shifted: Sequence[Inference], loops: Sequence[ClosedLoop]
) -> ClosedLoopUse:
    pairs = [(a.decision, b.decision) for a, b in zip(without, shifted, strict=True)]
    some = any(decision is not None for pair in pairs for decision in pair)
    later = [b.time_ns - a.time_ns for a, b in pairs if a is not None and b is not None]
    return ClosedLoopUse(
        other_label=sum(_label(a) != _label(b) for a, b in pairs) if some else None,
        other_time=sum(_time_ns(a) != _time_ns(b) for a, b in pairs) if some else None,
        mean_later_ms=sum(later) / len(later) / 1e6 if later else None,
        parts=sum(loop.n_parts for loop in loops),
        late_parts=sum(loop.n_late for loop in loops),
        latest_ticks=max(loop.latest_ticks for loop in loops),
    )


def _label(decision: Decision | None) -> int | None:
    return None if decision is None else decision.label


def _time_ns(decision: Decision | None) -> int | None:
    return None if decision is None else decision.time_ns
