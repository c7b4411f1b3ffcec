"""The hardware models beside SANA-FE 2.2.9 on the same networks, mapping and coefficients.

python -m benchmarks.sanafe --python PYTHON [--cases small w1 dvs] [--data FILE] [--fixture FILE]
                            [--json FILE]

PYTHON is that of an environment of its own with `pip install sanafe==2.2.9`. FILE of --data is
`sanafe/examples/dvs_challenge.npz` of that environment. SANA-FE's "simple" model is the project's "sums",
without order; its "detailed" one stands beside the models with order, "none" (no contention) and "queues".
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.command_line import CommandParser
from benchmarks.engine_runs import ROOT
from benchmarks.exit_code import exit_code_of
from benchmarks.machine import this_machine
from benchmarks.result_file import write_result
from benchmarks.said import said_by
from benchmarks.sanafe_cases import export
from benchmarks.sanafe_ours import MODES, case_of
from eventsim.atomic_write import write_atomically
from eventsim.errors import ParameterError

RESULT = ROOT / "benchmarks" / "results" / "sanafe.json"
# What stands beside what: the project's way of timing, and SANA-FE's model.
BESIDE = {"sums": "simple", "none": "detailed", "queues": "detailed"}
TICKS = {"small": 60, "w1": 1000, "dvs": 100}
FIXTURE_KEYS = (
    "energy_j",
    "sim_time_s",
    "step_time_s",
    "spikes",
    "messages",
    "synaptic_events",
    "fired",
    "hops",
)
SPEED_BAR, MEMORY_BAR, EQUAL = 10.0, 5.0, 1e-6


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print and write; return 0, 1 if something differs or a bar is missed, 2 for a named error."""
    return exit_code_of("sanafe", lambda: _run(_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    if "dvs" in options.cases and options.data is None:
        raise ParameterError("the case dvs needs --data FILE, SANA-FE's dvs_challenge.npz")
    result = _compare_all(options)
    write_result(options.json, result)
    print(table(result))
    return 0 if all(case["equal"] and case["bars_met"] for case in result["cases"].values()) else 1


def _compare_all(options: argparse.Namespace) -> dict[str, Any]:
    machine, cases = this_machine(), {}
    for name in options.cases:
        print(name, file=sys.stderr, flush=True)
        theirs, ours = _both_sides(name, options)
        if name == "small" and options.fixture is not None:
            kept = {model: {k: said[k] for k in FIXTURE_KEYS} for model, said in theirs.items()}
            write_atomically(options.fixture, json.dumps(kept).encode() + b"\n")
        cases[name] = compare(name, theirs, ours)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": machine.cpu,
        "cores": machine.cores,
        "load_before": machine.load,
        "load_after": round(os.getloadavg()[0], 2),
        "clock": "CPU time of one thread on both sides; memory is the process's peak",
        "cases": cases,
    }


def _both_sides(name: str, options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what SANA-FE said with either timing model, and what the project says."""
    trace, ticks = ["trace"] * (name == "small"), TICKS[name]
    theirs: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = export(case_of(name, options.data, ticks), Path(folder))
        for model in ("simple", "detailed"):
            side = [str(ROOT / "scripts" / "sanafe_side.py"), *map(str, files), str(ticks), model, *trace]
            # Not resolved: the link in a virtual environment is what makes it one.
            theirs[model] = said_by([str(options.python.absolute()), *side], Path(folder))
    data = ["--data", str(options.data.resolve())] if options.data else []
    extra = ["--trace"] if trace else []
    command = [sys.executable, "-m", "benchmarks.sanafe_ours", name, "--ticks", str(ticks), *data, *extra]
    ours: dict[str, Any] = {"peak_mb": {}}
    for model in MODES:
        # The first process compiles what the sources need, which later ones load; only the second counts.
        for _ in range(2):
            said = said_by([*command, "--models", model], ROOT)
        ours |= {model: said[model], "build_s": said["build_s"]}
        ours["peak_mb"][model] = said["peak_mb"]
    return theirs, ours


def compare(name: str, theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Return what agrees, and the ratios of time and memory."""
    simple, detailed, sums = theirs["simple"], theirs["detailed"], ours["sums"]
    energy = {part: _relative(sums["energy_j"][part], simple["energy_j"][part]) for part in sums["energy_j"]}
    found: dict[str, Any] = {
        "counts_equal": all(sums[k] == simple[k] for k in ("fired", "messages", "synaptic_events")),
        "energy_relative": max(energy.values()),
        "simple_latency_relative": _relative(sums["sim_time_s"], simple["sim_time_s"]),
        "detailed_s": detailed["sim_time_s"],
        "ours_s": {model: ours[model]["sim_time_s"] for model in MODES},
        "energy_j": simple["energy_j"]["total"],
        "fired": simple["fired"],
        "messages": simple["messages"],
        "cpu_s": {
            "simple": simple["cpu_s"],
            "detailed": detailed["cpu_s"],
            **{model: ours[model]["cpu_s"] for model in MODES},
        },
        "build_s": {"sanafe": simple["build_s"], "ours": ours["build_s"]},
        "peak_mb": {"simple": simple["peak_mb"], "detailed": detailed["peak_mb"], **ours["peak_mb"]},
    }
    if "spikes" in simple:
        found["spikes_equal"] = [sorted(step) for step in simple["spikes"]] == [
            sorted(step) for step in sums["spikes"]
        ]
        found["step_latency_relative"] = max(
            _relative(a, b) for a, b in zip(sums["step_time_s"], simple["step_time_s"], strict=True)
        )
    for ratio, taken in (("faster", found["cpu_s"]), ("less_memory", found["peak_mb"])):
        found[ratio] = {f"{mine} to {other}": taken[other] / taken[mine] for mine, other in BESIDE.items()}
    found["equal"] = (
        found["counts_equal"]
        and found.get("spikes_equal", True)
        and max(found["energy_relative"], found["simple_latency_relative"]) <= EQUAL
        and found.get("step_latency_relative", 0.0) <= EQUAL
    )
    large = name != "small"  # a network of 226 neurons says nothing about speed
    found["bars_met"] = not large or (
        min(found["faster"]["sums to simple"], found["faster"]["none to detailed"]) >= SPEED_BAR
        and min(found["less_memory"][k] for k in ("sums to simple", "none to detailed")) >= MEMORY_BAR
    )
    return found


def _relative(a: float, b: float) -> float:
    return abs(a - b) / abs(b) if b else abs(a)


def table(result: dict[str, Any]) -> str:
    """Return the result for people, in Markdown."""
    names = list(result["cases"])
    lines = [
        f"{result['date']}, {result['cores']} cores, load {result['load_before']} to {result['load_after']}",
        "",
        "| | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]

    def row(title: str, value: Any) -> None:
        lines.append(f"| {title} | " + " | ".join(value(result["cases"][n]) for n in names) + " |")

    row("spikes / messages", lambda c: f"{c['fired']:,} / {c['messages']:,}")
    row(
        "counts, and spikes where traced, equal",
        lambda c: str(c["counts_equal"] and c.get("spikes_equal", True)),
    )
    row("energy, largest relative difference", lambda c: f"{c['energy_relative']:.1e}")
    row("latency against simple, relative difference", lambda c: f"{c['simple_latency_relative']:.1e}")
    row("latency, detailed, ms", lambda c: f"{c['detailed_s'] * 1e3:.4f}")
    for model, title in (("sums", "sums"), ("none", "no contention"), ("queues", "queues")):
        row(f"latency, ours, {title}, ms", lambda c, m=model: f"{c['ours_s'][m] * 1e3:.4f}")
    row("CPU s, simple / detailed", lambda c: f"{c['cpu_s']['simple']:.3f} / {c['cpu_s']['detailed']:.3f}")
    row(
        "CPU s, sums / no contention / queues",
        lambda c: " / ".join(f"{c['cpu_s'][m]:.3f}" for m in MODES),
    )
    pairs = [f"{mine} to {other}" for mine, other in BESIDE.items()]
    for key in pairs:
        row(f"times faster, {key}", lambda c, k=key: f"{c['faster'][k]:.1f}")
    row(
        "peak MB, simple / detailed",
        lambda c: " / ".join(f"{c['peak_mb'][m]:.0f}" for m in ("simple", "detailed")),
    )
    row(
        "peak MB, sums / no contention / queues",
        lambda c: " / ".join(f"{c['peak_mb'][m]:.0f}" for m in MODES),
    )
    for key in pairs:
        row(f"times less memory, {key}", lambda c, k=key: f"{c['less_memory'][k]:.1f}")
    row("bars (10x, 5x) met", lambda c: str(c["bars_met"]))
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m benchmarks.sanafe",
        description="The hardware models beside SANA-FE 2.2.9: results, time and memory.",
    )
    parser.add_argument("--python", type=Path, required=True, help="Python that can import sanafe 2.2.9")
    parser.add_argument(
        "--cases", nargs="+", choices=tuple(TICKS), default=["small", "w1"], help="[small w1]"
    )
    parser.add_argument("--data", type=Path, metavar="FILE", help="SANA-FE's dvs_challenge.npz")
    parser.add_argument(
        "--fixture", type=Path, metavar="FILE", help="keep what SANA-FE said of the small case"
    )
    parser.add_argument(
        "--json", type=Path, default=RESULT, metavar="FILE", help="result [benchmarks/results]"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
