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
    times, decided_times : one per inference, one per decision.
    counts, decided_counts : operations of all windows, until all decisions; per core, per link or per tile.
    elapsed_ps : of all windows.
    """

    setup: MeshSetup
    whole: Energy
    decided: Energy | None
    times: tuple[ChipTime, ...]
    decided_times: tuple[ChipTime, ...]
    counts: Mapping[str, Ints]
    decided_counts: Mapping[str, Ints]
    elapsed_ps: int


def setup_for(chip: Chip, network: Network, inferences: Sequence[Inference], options: HwOptions) -> MeshSetup:
    """Return `network` placed on a chip of kind "mesh", balanced by `inferences` where options say so.

    Raises PlacementError where the network does not fit, ParameterError where activity or options do not.
    """
    fired = fired_in_all(network, (inference.activity for inference in inferences))
    placement = placed(chip, network, options, fired)
    return mesh_setup(chip, network, placement, options)


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
    """Return what `inferences` take on a network already placed.

    Raises ParameterError where activity or options do not fit.
    """
    times = tuple(time_on_chip(setup, inference.activity) for inference in inferences)
    until = [inference.until_decision() for inference in inferences]
    decided = tuple(_until(setup, times[k], inferences[k], a) for k, a in enumerate(until) if a is not None)
    counts, decided_counts = _summed(times), _summed(decided)
    elapsed_ps, decided_ps = (sum(time.elapsed_ps for time in some) for some in (times, decided))
    return MeshRun(
        setup=setup,
        whole=_energy(setup.chip, counts, elapsed_ps),
        decided=_energy(setup.chip, decided_counts, decided_ps) if decided else None,
        times=times,
        decided_times=decided,
        counts=counts,
        decided_counts=decided_counts,
        elapsed_ps=elapsed_ps,
    )


def energy_of(chip: Chip, time: ChipTime) -> Energy:
    """Return the energy of one activity on a chip."""
    return _energy(chip, time.timing.counts, time.elapsed_ps)


def _until(setup: MeshSetup, whole: ChipTime, inference: Inference, activity: Activity) -> ChipTime:
    """Return the time until the decision: that of the window where it fell in its last tick."""
    if activity.stop_tick == inference.activity.stop_tick:
        return whole
    return time_on_chip(setup, activity)


def _summed(times: Sequence[ChipTime]) -> dict[str, Ints]:
    """Return the operations of several activities together."""
    names = times[0].timing.counts if times else {}
    return {
        name: sum((t.timing.counts[name] for t in times[1:]), times[0].timing.counts[name]) for name in names
    }


def _energy(chip: Chip, counts: Mapping[str, Ints], elapsed_ps: int) -> Energy:
    # Messages from outside are counted by themselves, but are in `message_in` as well.
    return energy(chip, {name: n for name, n in counts.items() if name in OPERATIONS}, elapsed_ps)
