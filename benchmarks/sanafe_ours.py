"""The project's side of `python -m benchmarks.sanafe`, in a process of its own.

Prints one JSON object with what `scripts/sanafe_side.py` prints, for each way of timing asked for.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measured import peak_mb
from benchmarks.sanafe_cases import TICK_NS, SanafeCase, dvs, small, w1
from hwmodels.activity import Activity, record_activity
from hwmodels.energy import energy
from hwmodels.messages import build_messages
from hwmodels.timing import Contention, time_activity
from hwmodels.timing_result import Timing

MODES: tuple[Contention, ...] = ("sums", "none", "queues")


def case_of(name: str, data: Path | None, ticks: int | None) -> SanafeCase:
    """Return a case by its name, perhaps over another number of ticks."""
    if name == "dvs":
        assert data is not None
        case = dvs(data)
    else:
        case = w1() if name == "w1" else small()
    return case if ticks is None else SanafeCase(case.network, case.placement, ticks)


def run(
    case: SanafeCase, trace: bool = False, repetitions: int = 3, models: Sequence[Contention] = MODES
) -> dict[str, Any]:
    """Return what the project's models say of a case, and what that took.

    Each way is timed as the whole of what SANA-FE does in a run: the network and the timing of its activity.
    """
    start = time.perf_counter()
    table = build_messages(case.network, case.placement)
    case.network.compile()
    said: dict[str, Any] = {"build_s": time.perf_counter() - start}
    for name in models:
        seconds = []
        for _ in range(repetitions + 1):  # the first compiles, or loads what was compiled
            wall, cpu = time.perf_counter(), time.thread_time()
            activity = record_activity(case.network, {}, case.ticks * TICK_NS, updates="every_tick")
            network_s = time.thread_time() - cpu
            timing = time_activity(activity, table, case.costs, contention=name)
            seconds.append((time.perf_counter() - wall, time.thread_time() - cpu, network_s))
        wall_s, cpu_s, network_s = sorted(seconds[1:])[(repetitions - 1) // 2]
        said[name] = {"wall_s": wall_s, "cpu_s": cpu_s, "network_cpu_s": network_s}
        said[name] |= _told(case, activity, timing, trace)
    said["peak_mb"] = peak_mb()
    return said


def _told(case: SanafeCase, activity: Activity, timing: Timing, trace: bool) -> dict[str, Any]:
    spent = energy(case.placement.chip, timing.counts, timing.total_ps)
    by = {name: spent.component_pj(name) * 1e-12 for name in ("synapse", "neuron", "spike", "network")}
    told: dict[str, Any] = {
        "energy_j": {
            "total": spent.total_pj * 1e-12,
            "synapse": by["synapse"],
            "soma": by["neuron"] + by["spike"],
            "network": by["network"],
        },
        "sim_time_s": timing.total_ps * 1e-12,
        "messages": timing.latencies.n_messages,
        "synaptic_events": sum(int(timing.counts[f"synapse_{f}"].sum()) for f in ("dense", "sparse", "conv")),
        "fired": sum(activity.n_spikes.values()),
    }
    if trace:
        steps = [timing.idle_tick_ps * 1e-12] * case.ticks
        for tick, duration in zip(timing.tick.tolist(), timing.duration_ps.tolist(), strict=True):
            steps[tick] = duration * 1e-12
        told["step_time_s"] = steps
        spikes: list[list[list[int]]] = [[] for _ in range(case.ticks)]
        for k, train in enumerate(activity.spikes.values()):
            for tick, index in zip(train.tick.tolist(), train.index.tolist(), strict=True):
                spikes[tick].append([k, index])
        told["spikes"] = spikes
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the case that the command line names and print what came out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sanafe_ours")
    parser.add_argument("case", choices=("small", "w1", "dvs"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--ticks", type=int)
    parser.add_argument("--models", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args(arguments)
    case = case_of(options.case, options.data, options.ticks)
    print(json.dumps(run(case, options.trace, models=options.models)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
