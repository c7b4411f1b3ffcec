"""What `eventsim hw` tells: the same fields as JSON and as tables."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

FORMAT = 1


class Amount(msgspec.Struct, frozen=True):
    """An energy with its band, pJ; None is unknown, or, with nothing missing, held by another number.

    missing : something that happened is not in the number, as nobody has published what it takes.
    """

    pj: float | None
    low_pj: float | None
    high_pj: float | None
    missing: bool = False


class EnergyPart(msgspec.Struct, frozen=True):
    """Mean energy of one window or one decision, in all and by component; all it leaves out, for all windows.

    dynamic : without static power. arithmetic or conventional chips have a single component.
    included : what another number already holds.
    """

    total: Amount
    dynamic: Amount
    components: dict[str, Amount]
    left_out: tuple[str, ...] = ()
    included: tuple[str, ...] = ()


class Quantiles(msgspec.Struct, frozen=True):
    """Of a number of times, ns."""

    n: int
    p50_ns: float
    p90_ns: float
    p99_ns: float
    max_ns: float


class ChipLatency(msgspec.Struct, frozen=True):
    """Times on the chip.

    decision : from the begin of a window to its decision. after_input : from the begin of the tick that
    decides, when its input is there. tick : work and barrier of a tick in which anything happens. message :
    from made to served, at most 1/32 too long. left_out : operations of unknown time, counted as 0.
    """

    decision: Quantiles | None
    after_input: Quantiles | None
    tick: Quantiles | None
    message: Quantiles | None
    left_out: tuple[str, ...] = ()


class CoreUse(msgspec.Struct, frozen=True):
    """One core over all windows: what it holds, how long its two units work, their share of the time."""

    core: int
    x: int
    y: int
    neurons: dict[str, int]
    synaptic_events: int
    messages_in: int
    energy_pj: float
    neuron_busy_ns: float
    synapse_busy_ns: float
    utilisation: float | None


class LinkUse(msgspec.Struct, frozen=True):
    """One link of the mesh that carried anything, over all windows."""

    from_x: int
    from_y: int
    to_x: int
    to_y: int
    messages: int
    utilisation: float | None


class PlacementUse(msgspec.Struct, frozen=True):
    """Where the network sits."""

    strategy: str
    cores_used: int
    cores: int
    tiles_used: int
    tiles: int


class Cycles(msgspec.Struct, frozen=True):
    """What the cycle model of Xylo says."""

    cycles_per_tick: float
    worst_cycles_per_tick: float
    clock_needed_hz: float


class NetworkWork(msgspec.Struct, frozen=True):
    """What the network did, whatever the chip: means per window; NeuroBench's metrics over all windows."""

    synaptic_events: float
    synaptic_events_to_decision: float | None
    dense_macs: float
    dense_macs_to_decision: float | None
    spikes: float
    neurobench: dict[str, object]


class DecisionSummary(msgspec.Struct, frozen=True):
    """How the windows were decided; times are of the input, not of the chip. right : None where unknown."""

    n: int
    early: int
    mean_ms: float
    right: float | None


class ClosedLoopUse(msgspec.Struct, frozen=True):
    """What the chip's delays changed, over all windows, beside the same windows without the chip.

    other_label, other_time : windows whose decision differs, None where nothing decides. mean_later_ms : how
    much later decisions fell, of windows decided both ways. parts : of messages, one per projection and
    delay. late_parts : whose effect came a tick or more later. latest_ticks : by how many at most.
    """

    other_label: int | None
    other_time: int | None
    mean_later_ms: float | None
    parts: int
    late_parts: int
    latest_ticks: int


class HwResult(msgspec.Struct, frozen=True):
    """A network on a chip, its windows one after the other.

    pace : "chip" or "live". real_time : mean length of a window's input over the chip's time for it; None
    where the time is unknown. chip_tick_ns : what a tick of a chip with a barrier stands for. notes : what a
    reader must know before comparing.
    """

    model: str
    chip: str
    title: str
    kind: str
    boundary: str
    windows: int
    window_ms: float
    tick_ns: int
    pace: str
    mesh: str | None
    mode: str | None
    energy: EnergyPart
    energy_to_decision: EnergyPart | None
    latency: ChipLatency
    work: NetworkWork
    decisions: DecisionSummary | None = None
    real_time: float | None = None
    chip_ms: float | None = None
    chip_tick_ns: int | None = None
    placement: PlacementUse | None = None
    cores: tuple[CoreUse, ...] = ()
    hottest_core: CoreUse | None = None
    hottest_link: LinkUse | None = None
    links: tuple[LinkUse, ...] = ()
    cycles: Cycles | None = None
    closed_loop: ClosedLoopUse | None = None
    notes: tuple[str, ...] = ()
    format: int = FORMAT


def quantiles(times_ns: NDArray[np.float64] | Sequence[float]) -> Quantiles | None:
    """Return the quantiles of some times, each one that occurred; None where there is none.

    >>> quantiles([3.0, 1.0, 2.0])
    Quantiles(n=3, p50_ns=2.0, p90_ns=3.0, p99_ns=3.0, max_ns=3.0)
    """
    times = np.asarray(times_ns, np.float64)
    if not times.size:
        return None
    p50, p90, p99 = np.quantile(times, (0.5, 0.9, 0.99), method="inverted_cdf").tolist()
    return Quantiles(times.size, p50, p90, p99, float(times.max()))


UNKNOWN = Amount(None, None, None, missing=True)
INCLUDED = Amount(None, None, None)
