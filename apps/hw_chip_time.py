"""When a chip is done with the ticks of one inference, at its own pace or at that of its input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from apps.hw_options import HwOptions
from eventsim.errors import ParameterError
from eventsim.network import Network
from hwmodels.activity import Activity
from hwmodels.chip import Chip
from hwmodels.costs import PS_PER_NS, HardwareCosts
from hwmodels.messages import MessageTable, build_messages
from hwmodels.placement import Placement
from hwmodels.relays import Relays, cut_open
from hwmodels.timing import Contention, time_activity
from hwmodels.timing_result import Timing

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MeshSetup:
    """A network placed on a mesh chip, ready to be timed.

    costs : of the chip, but for its real-time tick. least_ps : how long a tick lasts at least: the chip's own
    tick where it has one; at the pace of the input that of the network, unless the chip's fastest is longer.
    per_chip_tick : how many ticks of the network a chip with a barrier takes as one.
    """

    chip: Chip
    network: Network
    placement: Placement
    table: MessageTable
    costs: HardwareCosts
    least_ps: int
    live: bool
    queued: bool
    per_chip_tick: int = 1

    @cached_property
    def relays(self) -> Relays:
        """The network cut open, as the closed loop runs it."""
        return cut_open(self.table)

    @property
    def barrier(self) -> bool:
        """Whether all cores wait for each other after every tick."""
        return self.costs.mode == "barrier"

    @property
    def tick_ns(self) -> int:
        """How much of the network's time one of the chip's ticks stands for."""
        return self.network.tick_ns * self.per_chip_tick


def mode_of(chip: Chip, options: HwOptions) -> str | None:
    """Return "barrier" or "asynchronous": the option, or the chip's own; None where the chip has no mesh."""
    if options.mode != "chip":
        return options.mode
    return chip.synchronisation.mode if chip.synchronisation else None


def check_chip_tick(chip: Chip, options: HwOptions) -> None:
    """Raise ParameterError where `options` give ticks to a chip that has no barrier."""
    if options.chip_tick_ns is None or (chip.kind == "mesh" and mode_of(chip, options) == "barrier"):
        return
    what = "is asynchronous" if chip.kind == "mesh" else f"is of kind {chip.kind!r}"
    way = f", or {chip.name} with --mode barrier" if chip.kind == "mesh" else ""
    raise ParameterError(f"--chip-tick: chip {chip.name!r} {what}; allowed are chips with a barrier{way}")


def ticks_per_chip_tick(network: Network, chip_tick_ns: int) -> int:
    """Return how many ticks of `network` a tick of the chip takes.

    Raises ParameterError where that is no whole number.
    """
    if chip_tick_ns % network.tick_ns:
        raise ParameterError(
            f"a tick of the chip must be a multiple of the network's, {network.tick_ns} ns, "
            f"got {chip_tick_ns} ns"
        )
    return chip_tick_ns // network.tick_ns


def mesh_setup(chip: Chip, network: Network, placement: Placement, options: HwOptions) -> MeshSetup:
    """Return `network` on `chip` as `placement` and `options` say.

    Raises ParameterError where the chip's tick is no multiple of the network's.
    """
    costs = HardwareCosts.of(chip, placement.tiles_used())
    if options.mode == "barrier":
        barrier_ps = round(chip.barrier_ns(placement.tiles_used()) * PS_PER_NS)
        costs = replace(costs, mode="barrier", barrier_ps=barrier_ps)
    elif options.mode == "asynchronous":
        costs = replace(costs, mode="asynchronous", barrier_ps=0)
    own_ps = costs.real_time_tick_ps or 0
    live = options.pace == "live"
    taken = costs.mode == "barrier" and options.chip_tick_ns is not None
    per_chip_tick = ticks_per_chip_tick(network, options.chip_tick_ns or 0) if taken else 1
    tick_ps = network.tick_ns * per_chip_tick * PS_PER_NS
    return MeshSetup(
        chip=chip,
        network=network,
        placement=placement,
        table=build_messages(network, placement),
        costs=replace(costs, real_time_tick_ps=None),
        least_ps=max(tick_ps, fastest_tick_ps(chip)) if live else own_ps,
        live=live,
        queued=options.mesh == "queued",
        per_chip_tick=per_chip_tick,
    )


def fastest_tick_ps(chip: Chip) -> int:
    """Return the shortest tick the chip file knows of, ps; 0 where ticks take as long as the work does."""
    tick = chip.synchronisation.tick_ns if chip.synchronisation else None
    return round(tick.band[0] * PS_PER_NS) if tick is not None else 0


@dataclass(frozen=True, slots=True, eq=False)
class ChipTime:
    """One activity on a chip; times in ps.

    timing : as the model gives it, without waiting for real time where there are barriers.
    elapsed_ps : until all is done, waiting included. tick_ps : int64[k], work and barrier of each busy tick.
    done_ps : when the last tick's work is done, from the begin. after_input_ps : the same from the begin of
    that tick, when its input is there.
    """

    timing: Timing
    elapsed_ps: int
    tick_ps: Ints
    done_ps: int
    after_input_ps: int


def time_on_chip(setup: MeshSetup, activity: Activity) -> ChipTime:
    """Return when the chip is done with an activity, whose last tick is the one that is waited for.

    Raises ParameterError where the activity doesn't belong to the network.
    """
    contention: Contention = "queues" if setup.queued else "none"
    activity = replace(activity, per_chip_tick=setup.per_chip_tick)
    timing = time_activity(activity, setup.table, setup.costs, contention=contention, live=setup.live)
    return _with_barriers(setup, activity, timing) if setup.barrier else _without(setup, activity, timing)


def _with_barriers(setup: MeshSetup, activity: Activity, timing: Timing) -> ChipTime:
    last = activity.first_chip_tick + activity.n_chip_ticks - 1
    lasts = np.maximum(timing.duration_ps, setup.least_ps)
    idle_ps = max(int(timing.idle_tick_ps), setup.least_ps)
    elapsed = int(lasts.sum()) + (activity.n_chip_ticks - lasts.size) * idle_ps
    busy = timing.tick.size and int(timing.tick[-1]) == last
    work_ps = int(timing.duration_ps[-1]) if busy else int(timing.idle_tick_ps)
    # A chip with a tick of its own gives its answer at the end of it; one that waits for input, at once.
    own_tick = setup.chip.synchronisation is not None and setup.chip.synchronisation.tick_ns is not None
    last_ps = max(work_ps, setup.least_ps)
    after_ps = last_ps if own_tick else work_ps
    return ChipTime(timing, elapsed, timing.duration_ps, elapsed - last_ps + after_ps, after_ps)


def _without(setup: MeshSetup, activity: Activity, timing: Timing) -> ChipTime:
    tick_ps = setup.network.tick_ns * PS_PER_NS
    last = activity.stop_tick - 1
    groups = timing.groups
    done_ps = began_ps = 0
    if groups is not None and groups.tick.size:
        at_last = groups.tick == last
        done_ps = int(groups.ended_ps.max())
        # Where the last tick brings nothing, the answer was there before its input.
        began_ps = int(groups.began_ps[at_last].min()) if at_last.any() else done_ps
    if setup.live:
        began_ps = (last - activity.start_tick) * tick_ps
        done_ps = max(done_ps, began_ps)
    return ChipTime(timing, int(timing.total_ps), timing.duration_ps, done_ps, done_ps - began_ps)
