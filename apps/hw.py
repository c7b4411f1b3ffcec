"""`eventsim hw MODEL`: what a network takes on a chip."""

from __future__ import annotations

import argparse
from pathlib import Path

from msgspec import structs
from rich.console import Console

from apps.hw_chip_time import check_chip_tick
from apps.hw_closed_loop import check_closed_loop
from apps.hw_data import DataChoice, Sample, samples_of
from apps.hw_evaluate import evaluate
from apps.hw_inference import Inference, run_all
from apps.hw_mesh import MeshRun
from apps.hw_model import HwModel, load_hw_model
from apps.hw_options import HwOptions
from apps.hw_report import print_json, print_result
from apps.nir_options import nir_options
from eventsim.errors import ParameterError
from hwmodels.chip import load_chip


def run(arguments: argparse.Namespace) -> int:
    """Evaluate as the parsed `arguments` say; return the exit code.

    Raises an EventSimError that names what is wrong with a file, an option or the placement.
    """
    chip = load_chip(arguments.chip)
    if arguments.placement and chip.kind != "mesh":
        raise ParameterError(
            f"--placement: chip {chip.name!r} is of kind {chip.kind!r}, it has no cores to fill"
        )
    if arguments.plot is not None:
        from apps.hw_plot import check_plot

        check_plot(arguments.plot)
    check_closed_loop(chip, hw_options(arguments))
    check_chip_tick(chip, hw_options(arguments))
    model, samples, inferences, options = prepared(arguments)
    result, mesh = evaluate(chip, model, inferences, options, samples)
    if moved := sum(sample.moved for sample in samples):
        note = f"{moved} events were off the grid of {model.network.tick_ns} ns, and moved up to it"
        result = structs.replace(result, notes=(*result.notes, note))
    if arguments.json:
        print_json(result)
    else:
        console = Console(highlight=False, soft_wrap=True, markup=False)
        print_result(result, console)
        if arguments.placement and mesh is not None:
            print_placement(mesh, console)
    if arguments.plot is not None:
        from apps.hw_plot import plot_result

        plot_result(result, mesh, arguments.plot)
    return 0


def prepared(arguments: argparse.Namespace) -> tuple[HwModel, list[Sample], list[Inference], HwOptions]:
    """Return model, inputs and inferences as the parsed `arguments` say."""
    options = hw_options(arguments)
    model = load_hw_model(arguments.model, **nir_options(arguments))
    samples = samples_of(model, data_choice(arguments))
    inferences = run_all(model, samples, options.threshold, options.full, options.updates)
    return model, samples, inferences, options


def data_choice(arguments: argparse.Namespace) -> DataChoice:
    """Return the choice of input in parsed arguments."""
    return DataChoice(
        paths=tuple(Path(path) for path in arguments.data or ()),
        split=arguments.split,
        clips=arguments.clips,
        seed=arguments.seed,
        poisson_hz=arguments.poisson,
        duration_ns=arguments.duration,
        input_name=arguments.input,
    )


def hw_options(arguments: argparse.Namespace) -> HwOptions:
    """Return how the chip is used, from parsed arguments."""
    return HwOptions(
        strategy=arguments.strategy,
        weight_bits=arguments.weight_bits,
        n_cores=arguments.cores,
        mesh=arguments.network,
        mode=arguments.mode,
        pace=arguments.pace or ("live" if arguments.closed_loop else "chip"),
        chip_tick_ns=arguments.chip_tick,
        updates=arguments.updates,
        threshold=arguments.threshold,
        full=arguments.full,
        closed_loop=arguments.closed_loop,
    )


def print_placement(run: MeshRun, console: Console) -> None:
    """Print which neurons sit where: a table, and the mesh as a drawing."""
    console.print("placement", style="bold")
    console.print(run.setup.placement.table())
    console.print(run.setup.placement.drawing())
