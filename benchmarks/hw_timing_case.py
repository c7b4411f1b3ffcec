"""One measurement of the hardware models' speed: W1 on 128 cores of a mesh like Loihi's, in its own process.

python -m benchmarks.hw_timing_case IN_DEGREE TICK_NS CHIP_TICK_NS SECONDS; prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np

from benchmarks.measured import peak_mb
from benchmarks.w1_balanced import W1Case
from eventsim.session import Session
from hwmodels.activity import Activity, record_activity
from hwmodels.chip import load_chip
from hwmodels.costs import HardwareCosts
from hwmodels.energy import energy
from hwmodels.messages import build_messages
from hwmodels.placement import Placement
from hwmodels.sending import Entrance
from hwmodels.timing import time_activity

CHIP = "loihi-sanafe"
REPETITIONS = 3


def seconds_of(call: Callable[[], Any]) -> list[float]:
    """Return the thread's own time of each of some calls: others use the machine too."""
    taken = []
    for _ in range(REPETITIONS):
        start = time.thread_time()
        call()
        taken.append(time.thread_time() - start)
    return taken


def measure(in_degree: int, tick_ns: int, chip_tick_ns: int, seconds: float) -> dict[str, Any]:
    """Return times, s, and what was timed; the first call of each, which compiles or loads, is not in it."""
    until_ns = round(seconds * 10**9)
    case = W1Case(in_degree=in_degree, tick_ns=tick_ns)
    network = case.network()
    cores = (np.arange(case.neurons) * 128 // case.neurons).astype(np.int32)
    placement = Placement(load_chip(CHIP), {"cells": cores})
    costs = HardwareCosts.of(placement.chip, placement.tiles_used())
    # The drive is noise made where it is needed, as in the prototype: it reaches neurons, and is no message.
    noise = Entrance(absent=frozenset({"drive"}))
    activity = replace(record_activity(network, {}, until_ns), per_chip_tick=chip_tick_ns // tick_ns)
    bare, recording = Session(network), Session(network, record=["cells", "drive"])
    said: dict[str, Any] = {"in_degree": in_degree, "tick_ns": tick_ns, "seconds": seconds}
    said["chip_tick_ns"] = chip_tick_ns

    def run(session: Session) -> None:
        session.reset()
        session.advance(until_ns)

    run(bare)
    said["functional_s"] = seconds_of(lambda: run(bare))
    said["recorded_s"] = seconds_of(lambda: run(recording))
    build_messages(network, placement)
    said["table_s"] = seconds_of(lambda: build_messages(network, placement))
    table = build_messages(network, placement)
    whole = replace(activity, updates="every_tick")
    models: dict[str, tuple[Activity, Any]] = {
        "ideal": (activity, "none"),
        "ideal, every neuron in every tick": (whole, "none"),
        "sums": (activity, "sums"),
        "sums, every neuron in every tick": (whole, "sums"),
        "queued": (activity, "queues"),
    }
    said["models"] = {}
    for name, (what, contention) in models.items():

        def timed(what: Activity = what, contention: Any = contention) -> Any:
            timing = time_activity(what, table, costs, contention=contention, entrance=noise)
            return timing, energy(placement.chip, timing.counts, timing.total_ps)

        timing, spent = timed()
        said["models"][name] = {
            "seconds": seconds_of(timed),
            "messages": timing.latencies.n_messages,
            "chip_s": timing.total_ps * 1e-12,
            "energy_uj": spent.total_pj * 1e-6,
            "latency_mean_ns": timing.latencies.mean_ps * 1e-3,
            "latency_p99_ns": timing.latencies.quantile_ps(0.99) * 1e-3,
        }
    said["peak_mb"] = peak_mb()
    for model in said["models"].values():
        model["million_per_s"] = model["messages"] / median(model["seconds"]) * 1e-6
        model["to_functional"] = median(model["seconds"]) / median(said["functional_s"])
    return said


if __name__ == "__main__":
    in_degree, tick_ns, chip_tick_ns = map(int, sys.argv[1:4])
    print(json.dumps(measure(in_degree, tick_ns, chip_tick_ns, float(sys.argv[4]))))
