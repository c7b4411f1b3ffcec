"""A network's inferences on a chip of any kind, as one result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps.hw_by_formula import conventional_result, xylo_result
from apps.hw_closed_loop import check_closed_loop, in_closed_loop
from apps.hw_data import Sample
from apps.hw_inference import Inference, fired_in_all
from apps.hw_mesh import MeshRun, run_placed, setup_for
from apps.hw_mesh_result import mesh_result
from apps.hw_model import HwModel
from apps.hw_options import HwOptions
from apps.hw_result import DecisionSummary, HwResult, NetworkWork
from eventsim.network import Network
from hwmodels.activity import Activity
from hwmodels.chip import Chip
from hwmodels.metrics import macs_per_tick, network_metrics


def evaluate(
    chip: Chip,
    model: HwModel,
    inferences: Sequence[Inference],
    options: HwOptions,
    samples: Sequence[Sample] = (),
) -> tuple[HwResult, MeshRun | None]:
    """Return the result, and of a mesh chip all that a drawing needs.

    samples : the input of each inference, which only the closed loop asks for.

    Raises PlacementError where the network does not fit the chip, ParameterError where options do not.
    """
    check_closed_loop(chip, options)
    if chip.kind == "mesh":
        setup, loop = setup_for(chip, model.network, inferences, options), None
        if options.closed_loop:
            inferences, loop = in_closed_loop(setup, model, samples, inferences, options)
        work, decisions = network_work(model, inferences), decision_summary(inferences)
        run = run_placed(setup, inferences)
        return mesh_result(run, model, inferences, options, work, decisions, loop), run
    work, decisions = network_work(model, inferences), decision_summary(inferences)
    by_formula = xylo_result if chip.kind == "cycles" else conventional_result
    return by_formula(chip, model, inferences, work, decisions), None


def network_work(model: HwModel, inferences: Sequence[Inference]) -> NetworkWork:
    """Return what the network did, as means per window and under NeuroBench's names."""
    network, n = model.network, len(inferences)
    n_ticks = sum(inference.activity.n_ticks for inference in inferences)
    valued = {name for inference in inferences for name in inference.valued}
    metrics = network_metrics(
        network,
        fired_in_all(network, (inference.activity for inference in inferences)),
        n_ticks,
        valued=valued,
        membrane_updates=sum(inference.membrane_updates for inference in inferences),
    )
    decided = [a for a in (inference.until_decision() for inference in inferences) if a is not None]
    dense = macs_per_tick(network)
    whole = [inference.activity for inference in inferences]
    spikes = sum(len(train) for a in whole for name, train in a.spikes.items() if name in network.populations)
    return NetworkWork(
        synaptic_events=_synaptic_events(network, whole) / n,
        synaptic_events_to_decision=_synaptic_events(network, decided) / len(decided) if decided else None,
        dense_macs=dense * n_ticks / n,
        dense_macs_to_decision=dense * sum(a.n_ticks for a in decided) / len(decided) if decided else None,
        spikes=spikes / n,
        neurobench=metrics.named(),
    )


def decision_summary(inferences: Sequence[Inference]) -> DecisionSummary | None:
    """Return how the windows were decided; None where none was."""
    decided = [(i, i.decision) for i in inferences if i.decision is not None]
    if not decided:
        return None
    ticks = [(i.decided_tick or 0) - i.activity.start_tick + 1 for i, _ in decided]
    known = [(i.label, d.label) for i, d in decided if i.label is not None]
    return DecisionSummary(
        n=len(decided),
        early=sum(d.early for _, d in decided),
        mean_ms=float(np.mean(ticks)) * decided[0][0].activity.tick_ns / 1e6,
        right=sum(a == b for a, b in known) / len(known) if known else None,
    )


def _synaptic_events(network: Network, activities: Sequence[Activity]) -> int:
    """Return the synapses passed, those of weight zero included, as the engine counts them."""
    fired = fired_in_all(network, activities)
    rows = ((p.pre, np.diff(p.synapses.to_csr().indptr)) for p in network.projections)
    return sum(int(fired[pre] @ lengths) for pre, lengths in rows)
