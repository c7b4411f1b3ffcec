"""How fast the hardware timing models are, beside the prototype kernel and the functional simulation.

python -m benchmarks.hw_timing [--prototypes DIR] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from apps.command_line import CommandParser, positive_count
from benchmarks.engine_plan import Entry, Script
from benchmarks.engine_runs import ROOT, RunError, Surroundings, run_entry
from benchmarks.exit_code import exit_code_of
from benchmarks.machine import this_machine
from benchmarks.result_file import write_result
from benchmarks.said import said_by
from eventsim.errors import DataError

RESULT = ROOT / "benchmarks" / "results" / "hw_timing.json"
# in-degree, tick of the network and of the chip in ns, seconds: about 10^7 messages each.
CASES = (
    (100, 1, 100_000, 1.07),
    (1000, 1, 100_000, 0.58),
    (100, 100_000, 100_000, 1.07),
    (1000, 100_000, 100_000, 0.58),
    (100, 500_000, 500_000, 1.07),
)
CASE = (sys.executable, "-m", "benchmarks.hw_timing_case")
BARRED_CASES, BARRED_MODELS = CASES[:4], ("ideal", "ideal, every neuron in every tick")
RATE_BAR = 20.0
RATIO_BAR = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return 0, 1 where a bar is missed, 2 for a named error."""
    return exit_code_of("hw_timing", lambda: _run(_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    result = _measure(options)
    write_result(options.json, result)
    print(tables(result))
    return 0 if all(bar["met"] for bar in result["bars"]) else 1


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    scripts = options.prototypes
    if scripts is not None and not (scripts / "prototypes" / "w1_hw_numba.py").is_file():
        raise DataError(f"{scripts}: holds no prototypes/w1_hw_numba.py")
    surroundings = Surroundings(scripts.resolve() if scripts else None)
    load_before = round(os.getloadavg()[0], 2)
    rounds: dict[str, list[dict[str, Any]]] = {}
    for number in range(options.rounds):
        for case in CASES:
            name = _name(case)
            rounds.setdefault(name, []).append(said_by([*CASE, *map(str, case)], ROOT))
            print(f"round {number + 1}, {name}", file=sys.stderr, flush=True)
        for in_degree in (100, 1000) if scripts else ():
            script = Script("prototypes/w1_hw_numba.py", (str(in_degree),), "wall_s", rate_key="Mmsg_s")
            try:
                measured = run_entry(Entry("prototype", script), surroundings)
            except RunError as error:
                raise DataError(f"prototype: {error}") from None
            rounds.setdefault(f"prototype, {in_degree} inputs", []).append(measured.figures)
    machine = this_machine()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": machine.cpu,
        "cores": machine.cores,
        "load_before": load_before,
        "load_after": machine.load,
        "clock": "time of the thread; the prototype's own: wall time",
        "rounds": rounds,
        "bars": _bars(rounds),
    }


def _name(case: tuple[int, int, int, float]) -> str:
    """Return what a case is called."""
    in_degree, tick_ns, chip_tick_ns, _ = case
    grid = (
        f"{tick_ns / 1e6:g} ms" if tick_ns == chip_tick_ns else f"{tick_ns} ns on {chip_tick_ns / 1e6:g} ms"
    )
    return f"{in_degree} inputs, {grid}"


def _bars(rounds: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the two bars, with queues at the cores, for each network and grid."""
    bars = []
    for case, model in itertools.product(BARRED_CASES, BARRED_MODELS):
        held = [run["models"][model] for run in rounds[_name(case)]]
        rate, ratio = (median(h[key] for h in held) for key in ("million_per_s", "to_functional"))
        what = f"{_name(case)}, {model}"
        bars += [
            {"what": f"{what}: M messages/s", "value": rate, "bar": RATE_BAR, "met": rate >= RATE_BAR},
            {"what": f"{what}: to functional", "value": ratio, "bar": RATIO_BAR, "met": ratio <= RATIO_BAR},
        ]
    return bars


def tables(result: dict[str, Any]) -> str:
    """Return the result for people, in Markdown."""
    lines = [
        f"{result['date']}, {result['cores']} cores, load {result['load_before']} before, "
        f"{result['load_after']} after",
        "",
        "| case | model | messages | s | M messages/s | to functional | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, runs in result["rounds"].items():
        if name.startswith("prototype"):
            wall, rate = (median(run[key] for run in runs) for key in ("wall_s", "Mmsg_s"))
            peak = median(run["rss_mb"] for run in runs)
            messages = median(run["messages"] for run in runs)
            lines.append(
                f"| {name} | with the network | {messages:,.0f} | {wall:.3f} | {rate:.1f} | | {peak:.0f} |"
            )
            continue
        peak = median(run["peak_mb"] for run in runs)
        for kind in ("functional_s", "recorded_s", "table_s"):
            taken = median(median(run[kind]) for run in runs)
            lines.append(f"| {name} | {kind.removesuffix('_s')} | | {taken:.3f} | | | |")
        for model in runs[0]["models"]:
            held = [run["models"][model] for run in runs]
            taken = median(median(h["seconds"]) for h in held)
            rate, ratio = (median(h[key] for h in held) for key in ("million_per_s", "to_functional"))
            lines.append(
                f"| {name} | {model} | {held[0]['messages']:,} | {taken:.3f} | {rate:.1f} | {ratio:.2f} "
                f"| {peak:.0f} |"
            )
    lines += ["", "| bar | measured | asked |", "|---|---|---|"]
    lines += [
        f"| {bar['what']} | {bar['value']:.2f} {'met' if bar['met'] else 'MISSED'} | {bar['bar']:g} |"
        for bar in result["bars"]
    ]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m benchmarks.hw_timing",
        description="Speed of the hardware timing models on W1, beside the prototype and the simulation.",
    )
    parser.add_argument(
        "--prototypes", type=Path, metavar="DIR", help="folder with prototypes/w1_hw_numba.py"
    )
    parser.add_argument("--rounds", type=positive_count, default=3, help="turns of each [%(default)s]")
    parser.add_argument(
        "--json", type=Path, default=RESULT, metavar="FILE", help="result [benchmarks/results]"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
