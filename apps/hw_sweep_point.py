"""One point of a sweep: the chip, the network and the placement it asks for, and what came out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from apps.hw_chip_change import changed
from apps.hw_chip_time import ticks_per_chip_tick
from apps.hw_data import Sample
from apps.hw_evaluate import evaluate
from apps.hw_inference import Inference, run_all
from apps.hw_model import HwModel
from apps.hw_network_change import scale_from
from apps.hw_options import HwOptions
from apps.hw_sweep_file import Sweep, Value
from eventsim.errors import EventSimError, ParameterError
from hwmodels.chip import Chip, load_chip

_LARGE = ("cores", "links", "title", "format")
"""Fields of a result that a line of a sweep leaves out."""


@dataclass(frozen=True, slots=True, eq=False)
class SweepContext:
    """What all points share, ready to be sent to another process or machine: no file is read there.

    chips : by the name the sweep gives them. chip_digests : what tells a chip from others of its name.
    digest : of model and input, to tell one sweep from another.
    """

    model: HwModel
    samples: tuple[Sample, ...]
    chips: Mapping[str, Chip]
    chip_digests: Mapping[str, str]
    chip_name: str
    options: HwOptions
    digest: str

    def chip_of(self, point: Mapping[str, Value]) -> Chip:
        """Return the chip of a point, as its file has it."""
        return self.chips[self._chip_name(point)]

    def chip_digest(self, point: Mapping[str, Value]) -> str:
        """Return what tells the chip of a point from others of its name."""
        return self.chip_digests[self._chip_name(point)]

    def _chip_name(self, point: Mapping[str, Value]) -> str:
        return str(point.get("chip.name", self.chip_name))


def sweep_context(sweep: Sweep, model: HwModel, samples: list[Sample]) -> SweepContext:
    """Return what the points of `sweep` share, and check that each of its values can be set.

    Raises ParameterError that names file and key, or ChipError for a chip that does not exist.
    """
    fixed = sweep.fixed
    options = HwOptions(
        strategy=fixed.strategy,
        weight_bits=fixed.weight_bits,
        n_cores=fixed.cores,
        mesh=fixed.network,
        mode=fixed.mode,
        pace=fixed.pace,
        chip_tick_ns=fixed.chip_tick_ns,
        updates=fixed.updates,
        threshold=fixed.threshold,
        full=fixed.full,
    )
    if fixed.chip_tick_ns is not None:
        try:
            ticks_per_chip_tick(model.network, fixed.chip_tick_ns)
        except ParameterError as error:
            raise ParameterError(f"{sweep.file}: key sweep.chip_tick_ns: {error}") from None
    names = [str(name) for name in sweep.grid.get("chip.name", (fixed.chip,))]
    chips = {name: load_chip(name) for name in names}
    digests = {
        name: hashlib.sha256(msgspec.json.encode(chip)).hexdigest()[:16] for name, chip in chips.items()
    }
    context = SweepContext(model, tuple(samples), chips, digests, names[0], options, _digest(model, samples))
    for name, values in sweep.grid.items():
        for k, value in enumerate(values):
            try:
                _try_value(context, name, value)
            except EventSimError as error:
                raise ParameterError(f"{sweep.file}: key grid.{name}[{k}]: {error}") from None
    return context


def _try_value(context: SweepContext, name: str, value: Value) -> None:
    if name.startswith("chip.") and name != "chip.name":
        for chip in context.chips.values():
            changed(chip, name.removeprefix("chip."), _number(value))
    elif name.startswith("network."):
        scale_from(context.model.network, {name: _number(value)})
    elif name == "timing.chip_tick_ns":
        ticks_per_chip_tick(context.model.network, int(_number(value)))
    elif name == "decision.threshold":
        context.model.rule(_number(value))


def _number(value: Value) -> float:
    if isinstance(value, str | bool):
        raise ParameterError(f"must be a number, got {value!r}")
    return value


def _digest(model: HwModel, samples: list[Sample]) -> str:
    """Return what tells this model and input from others."""
    found = hashlib.sha256(model.network.summary().encode())
    for projection in model.network.projections:
        found.update(projection.synapses.weights.tobytes())
    for population in model.network.populations.values():
        for name, value in population.model.parameters().items():
            found.update(f"{name}={value if isinstance(value, str | bool) else ''}".encode())
            if hasattr(value, "tobytes"):
                found.update(value.tobytes())
    for sample in samples:
        found.update(f"{sample.name} {sample.start_ns} {sample.until_ns}".encode())
        for name, events in sample.inputs.items():
            found.update(name.encode())
            for column in (events.time_ns, events.address, events.value):
                found.update(column.tobytes())
    return found.hexdigest()[:16]


@dataclass(slots=True)
class PointRunner:
    """Computes points; the inferences of the network of the point before are kept for the next."""

    context: SweepContext
    _key: tuple[Any, ...] | None = None
    _inferences: list[Inference] = field(default_factory=list)
    _model: HwModel | None = None

    def run(self, point: Mapping[str, Value]) -> dict[str, Any]:
        """Return {"result": ...}, or {"refused": why} where network, chip and placement do not fit."""
        try:
            return {"result": self._result(point)}
        except EventSimError as error:
            return {"refused": " ".join(str(error).split())}

    def _result(self, point: Mapping[str, Value]) -> dict[str, Any]:
        context = self.context
        options = _options(context.options, point)
        model = self._network(point, options)
        chip = context.chip_of(point)
        for name, value in point.items():
            if name.startswith("chip.") and name != "chip.name":
                chip = changed(chip, name.removeprefix("chip."), _number(value))
        result, _ = evaluate(chip, model, self._inferences, options)
        told = msgspec.to_builtins(result)
        return {name: value for name, value in told.items() if name not in _LARGE}

    def _network(self, point: Mapping[str, Value], options: HwOptions) -> HwModel:
        changes = {n: _number(v) for n, v in point.items() if n.startswith("network.")}
        key = (tuple(sorted(changes.items())), options.threshold, options.full, options.updates)
        if self._model is None or key != self._key:
            given = self.context.model
            self._model = replace(given, network=scale_from(given.network, changes))
            self._inferences = run_all(
                self._model, self.context.samples, options.threshold, options.full, options.updates
            )
            self._key = key
        return self._model


_OPTION_OF = {
    "placement.strategy": "strategy",
    "placement.weight_bits": "weight_bits",
    "placement.cores": "n_cores",
    "timing.network": "mesh",
    "timing.mode": "mode",
    "timing.pace": "pace",
    "timing.updates": "updates",
    "timing.chip_tick_ns": "chip_tick_ns",
    "decision.threshold": "threshold",
}


def _options(options: HwOptions, point: Mapping[str, Value]) -> HwOptions:
    set_here: dict[str, Any] = {_OPTION_OF[name]: v for name, v in point.items() if name in _OPTION_OF}
    for whole in ("weight_bits", "n_cores", "chip_tick_ns"):
        if whole in set_here:
            set_here[whole] = int(set_here[whole])
    return replace(options, **set_here)


_runners: dict[str, PointRunner] = {}


def run_point(context: SweepContext, point: Mapping[str, Value]) -> dict[str, Any]:
    """Return what `PointRunner.run` does, keeping the runner for the next point in this process."""
    runner = _runners.get(context.digest)
    if runner is None or runner.context.options != context.options or runner.context.chips != context.chips:
        runner = _runners[context.digest] = PointRunner(context)
    return runner.run(point)
