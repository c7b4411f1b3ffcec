"""`eventsim hw sweep`: a grid over parameters of chip, placement, network and decision."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from apps.hw_data import DataChoice, samples_of
from apps.hw_model import HwModel, load_hw_model
from apps.hw_report import headline
from apps.hw_result import HwResult
from apps.hw_sweep_file import Fixed, Sweep, Value, load_sweep
from apps.hw_sweep_point import SweepContext, sweep_context
from apps.hw_sweep_results import ResultFile, point_key
from apps.hw_sweep_workers import Outcome, check_cluster, run_here, run_in_processes, run_on_cluster
from apps.quantities import share_text
from apps.termination import exit_code, sigterm_interrupts

MAX_ROWS = 200


def run(arguments: argparse.Namespace) -> int:
    """Sweep as the parsed `arguments` say; return the exit code, 130 after Ctrl-C.

    Raises ParameterError for the sweep file, DataError or OutputError for the file of results.
    """
    if arguments.cluster is not None:
        check_cluster()
    sweep = load_sweep(arguments.file)
    model = _model(sweep.fixed)
    context = sweep_context(sweep, model, samples_of(model, _data(sweep.fixed)))
    output = arguments.output or arguments.file.with_suffix(".jsonl")
    console = Console(highlight=False, soft_wrap=True, markup=False)
    with sigterm_interrupts(), ResultFile(output, _head(sweep.fixed, context)) as results:
        if results.repaired:
            Console(stderr=True, highlight=False, soft_wrap=True).print(
                f"{output}: half a line at the end was cut off"
            )
        wanted = {point_key(point, context.chip_digest(point)): point for point in sweep.points()}
        before = wanted.keys() & results.lines.keys()
        left = [point for key, point in wanted.items() if key not in before]
        code = _compute(_outcomes(context, left, arguments), results, context, len(left), arguments)
        _tell(sweep, wanted, results, len(before), arguments.json, console)
    return code


def _compute(
    outcomes: Generator[Outcome, None, None],
    results: ResultFile,
    context: SweepContext,
    n: int,
    arguments: argparse.Namespace,
) -> int:
    """Write the outcomes as they come; return the exit code: 130 after Ctrl-C, 143 after SIGTERM."""
    progress = Console(stderr=True, highlight=False)
    try:
        with closing(outcomes):
            for k, (point, outcome) in enumerate(outcomes, 1):
                with _interrupts_later():
                    line = results.add(point, context.chip_digest(point), outcome)
                if arguments.json:
                    print(json.dumps(line), flush=True)  # noqa: T201
                elif progress.is_terminal:
                    progress.print(f"{k} of {n} points", end="\r")
    except KeyboardInterrupt as interrupt:
        return exit_code(interrupt)
    return 0


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Let Ctrl-C wait until a line is both written and counted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if seen:
        raise KeyboardInterrupt


def _outcomes(
    context: SweepContext, points: Sequence[Mapping[str, Value]], arguments: argparse.Namespace
) -> Generator[Outcome, None, None]:
    if not points:
        return
    workers = min(arguments.workers or os.cpu_count() or 1, len(points))
    if arguments.cluster is not None:
        yield from run_on_cluster(context, points, arguments.cluster)
    elif workers == 1:
        yield from run_here(context, points)
    else:
        yield from run_in_processes(context, points, workers)


def _model(fixed: Fixed) -> HwModel:
    return load_hw_model(fixed.model, time_unit=fixed.time_unit, tick_ns=fixed.tick_ns)


def _data(fixed: Fixed) -> DataChoice:
    return DataChoice(
        paths=tuple(Path(path) for path in fixed.data),
        split=fixed.split,
        clips=fixed.clips,
        seed=fixed.seed,
        poisson_hz=fixed.poisson_hz,
        duration_ns=None if fixed.duration_ms is None else max(1, round(fixed.duration_ms * 1e6)),
        input_name=fixed.input,
    )


def _head(fixed: Fixed, context: SweepContext) -> dict[str, Any]:
    """Return what may not change while results are added to one file; where the files lie may."""
    told: dict[str, Any] = msgspec.to_builtins(fixed)
    return {k: v for k, v in told.items() if k not in ("model", "data")} | {"model and input": context.digest}


def _tell(
    sweep: Sweep,
    wanted: Mapping[str, Mapping[str, Value]],
    results: ResultFile,
    before: int,
    as_json: bool,
    console: Console,
) -> None:
    """Print a row per point that is done, and where the results are."""
    done = [results.lines[key] for key in wanted if key in results.lines]
    if as_json:
        return
    names = list(sweep.grid)
    widths = [max(len(name), 10) + 2 for name in names]
    head = "".join(f"{name:<{width}}" for name, width in zip(names, widths, strict=True))
    console.print(
        f"{head}{'per window':>15}{'to decision':>15}{'answer p50':>12}{'time/window':>13}{'cores':>7}"
        f"{'right':>9}",
        style="bold",
    )
    for line in done[:MAX_ROWS]:
        values = "".join(
            f"{_text(line['point'][name]):<{width}}" for name, width in zip(names, widths, strict=True)
        )
        console.print(values + _row(line))
    if len(done) > MAX_ROWS:
        console.print(f"... and {len(done) - MAX_ROWS} more in the file")
    refused = sum("refused" in line for line in done)
    console.print(
        f"{len(wanted)} points: {len(done) - before} computed now, {before} before, "
        f"{len(wanted) - len(done)} not yet; {refused} do not fit; results in {results.path}"
    )


def _text(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _row(line: Mapping[str, Any]) -> str:
    if "refused" in line:
        return f"  cannot: {line['refused']}"
    r = msgspec.convert({"title": "", **line["result"]}, HwResult)
    h = headline(r)
    right = "-" if r.decisions is None or r.decisions.right is None else share_text(r.decisions.right)
    return f"{h.per_window:>15}{h.to_decision:>15}{h.answer:>12}{h.on_chip:>13}{h.cores:>7}{right:>9}"
