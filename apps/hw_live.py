"""What each decision of a running spotter takes on a chip, computed from the spikes of its window."""

from __future__ import annotations

import time
from collections.abc import Mapping

from apps.decision_cost import ChipCost, ChipTotals, CostedDecision
from apps.hw_by_formula import energy_by_formula
from apps.hw_chip_time import MeshSetup, mesh_setup, time_on_chip
from apps.hw_mesh import energy_of
from apps.hw_mesh_result import energy_part, latency_known
from apps.hw_options import HwOptions
from apps.hw_result import EnergyPart
from apps.spotter import KeywordDecision
from eventsim.events import Events
from eventsim.network import Network
from hwmodels import xylo
from hwmodels.activity import Activity, SpikeTrain, emitters
from hwmodels.chip import Chip
from hwmodels.placing import place


class LiveChip:
    """A chip that listens along with a spotter: placed once, then one cost per decision.

    Raises PlacementError where the network does not fit the chip.
    """

    def __init__(self, chip: Chip, network: Network) -> None:
        self.chip, self._network = chip, network
        self.names = tuple(emitters(network))
        self._setup: MeshSetup | None = None
        if chip.kind == "mesh":
            self._setup = mesh_setup(chip, network, place(network, chip), HwOptions(pace="live"))
        elif chip.kind == "cycles":
            xylo.xylo_shape(chip, network)
        self.reset()

    def reset(self) -> None:
        """Forget the sums."""
        self.totals = ChipTotals(self.chip.name, self.chip.static_power_mw.value)

    def decided(
        self, decision: KeywordDecision, emitted: Mapping[str, Events], start_ns: int, until_ns: int
    ) -> KeywordDecision:
        """Return the decision with the cost of its window (`cost`)."""
        return CostedDecision.of(decision, self.cost(emitted, start_ns, until_ns))

    def cost(self, emitted: Mapping[str, Events], start_ns: int, until_ns: int) -> ChipCost:
        """Return the cost of a window whose ticks `start_ns` <= t < `until_ns` have been run.

        emitted : what each of `names` sent in these ticks, as a session that records them reads it.
        """
        began = time.thread_time()
        tick_ns = self._network.tick_ns
        trains = {name: SpikeTrain(e.time_ns // tick_ns, e.address) for name, e in emitted.items()}
        activity = Activity(tick_ns, start_ns // tick_ns, until_ns // tick_ns, trains)
        cost = (
            self._by_formula(activity.n_ticks)
            if self._setup is None
            else self._on_mesh(self._setup, activity)
        )
        totals = self.totals
        totals.decisions += 1
        totals.dynamic_pj += cost.dynamic_pj or 0.0
        totals.complete = totals.complete and cost.complete
        totals.compute_s += time.thread_time() - began
        return cost

    def _on_mesh(self, setup: MeshSetup, activity: Activity) -> ChipCost:
        taken = time_on_chip(setup, activity)
        part = energy_part(self.chip, energy_of(self.chip, taken), taken.timing.counts, 1, True)
        latency = taken.after_input_ps / 1000 if latency_known(setup) else None
        static = part.components["static"]
        return self._cost(part, static.pj if static.pj is not None or static.missing else 0.0, latency)

    def _by_formula(self, n_ticks: int) -> ChipCost:
        part = energy_by_formula(self.chip, self._network, n_ticks)
        return self._cost(part, None, None)

    def _cost(self, part: EnergyPart, static_pj: float | None, latency_ns: float | None) -> ChipCost:
        dynamic = part.dynamic
        return ChipCost(
            name=self.chip.name,
            dynamic_pj=dynamic.pj,
            low_pj=dynamic.low_pj,
            high_pj=dynamic.high_pj,
            static_pj=static_pj,
            complete=not dynamic.missing,
            latency_ns=latency_ns,
        )
