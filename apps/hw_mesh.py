"""Inferences on a chip with a mesh: energy of the whole window and until the decision, and all counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.hw_chip_time import ChipTime, MeshSetup, mesh_setup, time_on_chip
from apps.hw_inference import Inference, fired_in_all
from apps.hw_options import HwOptions
from eventsim.network import Network
from hwmodels.activity import Activity
from hwmodels.chip import OPERATIONS, Chip
from hwmodels.energy import Energy, energy
from hwmodels.placement import Placement
from hwmodels.placing import place

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class MeshRun:
    """What all inferences took together.

    whole, decided : energy of all windows, and until all decisions (None where there is no decision).
    per_inference_pj, per_decision_pj : float64[n], totals one by one.
    times, decided_times : one per inference, one per decision.
    counts : operations of all windows; per core, per link or per tile.
    elapsed_ps : of all windows.
    """

    setup: MeshSetup
    whole: Energy
    decided: Energy | None
    per_inference_pj: NDArray[np.float64]
    per_decision_pj: NDArray[np.float64]
    times: tuple[ChipTime, ...]
    decided_times: tuple[ChipTime, ...]
    counts: Mapping[str, Ints]
    elapsed_ps: int


def run_on_mesh(chip: Chip, network: Network, inferences: Sequence[Inference], options: HwOptions) -> MeshRun:
    """Return what `inferences` take on a chip of kind "mesh".

    Raises PlacementError where the network does not fit, ParameterError where activity or options do not.
    """
    fired = fired_in_all(network, (inference.activity for inference in inferences))
    placement = placed(chip, network, options, fired)
    return run_placed(mesh_setup(chip, network, placement, options), inferences)


def placed(chip: Chip, network: Network, options: HwOptions, fired: Mapping[str, Ints]) -> Placement:
    """Return the placement that the options ask for, balanced by the activity where they say so."""
    return place(
        network,
        chip,
        options.strategy,
        weight_bits=options.weight_bits,
        n_cores=options.n_cores,
        spikes=fired if options.strategy != "fill" else None,
    )


def run_placed(setup: MeshSetup, inferences: Sequence[Inference]) -> MeshRun:
    """Return what `inferences` take on a network already placed."""
    times = tuple(time_on_chip(setup, inference.activity) for inference in inferences)
    until = [inference.until_decision() for inference in inferences]
    decided = tuple(_until(setup, times[k], inferences[k], a) for k, a in enumerate(until) if a is not None)
    return MeshRun(
        setup=setup,
        whole=_together(setup.chip, times),
        decided=_together(setup.chip, decided) if decided else None,
        per_inference_pj=np.array([energy_of(setup.chip, time).total_pj for time in times]),
        per_decision_pj=np.array([energy_of(setup.chip, time).total_pj for time in decided]),
        times=times,
        decided_times=decided,
        counts=summed_counts(times),
        elapsed_ps=sum(time.elapsed_ps for time in times),
    )


def energy_of(chip: Chip, time: ChipTime) -> Energy:
    """Return the energy of one activity on a chip."""
    return energy(chip, operations_of(time), time.elapsed_ps)


def operations_of(time: ChipTime) -> dict[str, Ints]:
    """Return the operations that cost energy; messages from outside are in `message_in` as well."""
    return {name: counts for name, counts in time.timing.counts.items() if name in OPERATIONS}


def _until(setup: MeshSetup, whole: ChipTime, inference: Inference, activity: Activity) -> ChipTime:
    """Return the time until the decision: that of the window where it fell in its last tick."""
    if activity.stop_tick == inference.activity.stop_tick:
        return whole
    return time_on_chip(setup, activity)


def summed_counts(times: Sequence[ChipTime]) -> dict[str, Ints]:
    """Return the operations of several activities together."""
    names = times[0].timing.counts if times else {}
    return {
        name: sum((t.timing.counts[name] for t in times[1:]), times[0].timing.counts[name]) for name in names
    }


def _together(chip: Chip, times: Sequence[ChipTime]) -> Energy:
    counts = {name: n for name, n in summed_counts(times).items() if name in OPERATIONS}
    return energy(chip, counts, sum(time.elapsed_ps for time in times))
