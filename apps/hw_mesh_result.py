"""What inferences on a mesh chip took, as a result: means, quantiles, cores, links, and what nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from apps.hw_chip_time import ChipTime, MeshSetup, fastest_tick_ps
from apps.hw_inference import Inference
from apps.hw_mesh import MeshRun
from apps.hw_model import HwModel
from apps.hw_options import HwOptions
from apps.hw_result import (
    INCLUDED,
    UNKNOWN,
    Amount,
    ChipLatency,
    ClosedLoopUse,
    CoreUse,
    DecisionSummary,
    EnergyPart,
    HwResult,
    LinkUse,
    NetworkWork,
    PlacementUse,
    Quantiles,
    quantiles,
)
from hwmodels.chip import OPERATIONS, Chip
from hwmodels.costs import PS_PER_NS
from hwmodels.energy import COMPONENT_OF, Energy, energy_per_core_pj

Ints = NDArray[np.int64]
_STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))
"""Where a link leads, by its direction: east, west, north, south."""


def mesh_result(
    run: MeshRun,
    model: HwModel,
    inferences: Sequence[Inference],
    options: HwOptions,
    work: NetworkWork,
    decisions: DecisionSummary | None,
    closed_loop: ClosedLoopUse | None = None,
) -> HwResult:
    """Return the result of `run`, means over its windows."""
    setup, n = run.setup, len(inferences)
    chip, placement = setup.chip, setup.placement
    window_ns = sum(i.activity.n_ticks * i.activity.tick_ns for i in inferences) / n
    elapsed_known = time_passes(setup)
    cores, links = tuple(_cores(run)), tuple(_links(run))
    return HwResult(
        model=model.name,
        chip=chip.name,
        title=chip.title,
        kind=chip.kind,
        boundary=chip.boundary,
        windows=n,
        window_ms=window_ns / 1e6,
        tick_ns=model.network.tick_ns,
        chip_tick_ns=setup.tick_ns if setup.barrier else None,
        pace=options.pace,
        mesh=options.mesh,
        mode=setup.costs.mode,
        energy=energy_part(chip, run.whole, run.counts, n, elapsed_known),
        energy_to_decision=_to_decision(run, elapsed_known),
        latency=_latency(run),
        work=work,
        decisions=decisions,
        real_time=window_ns * n * PS_PER_NS / run.elapsed_ps if run.elapsed_ps and elapsed_known else None,
        chip_ms=run.elapsed_ps / n / 1e9 if elapsed_known else None,
        placement=PlacementUse(
            placement.strategy,
            int(placement.cores_used().size),
            chip.n_cores,
            placement.tiles_used(),
            chip.n_tiles,
        ),
        cores=cores,
        hottest_core=max(cores, key=lambda c: (c.neuron_busy_ns + c.synapse_busy_ns, c.synaptic_events))
        if cores
        else None,
        hottest_link=max(links, key=lambda link: link.messages) if links else None,
        links=links,
        closed_loop=closed_loop,
        notes=tuple(_notes(setup, run, closed_loop is not None)),
    )


def latency_known(setup: MeshSetup) -> bool:
    """Return whether the chip file knows times of neurons, synapses or barriers: hops alone say little."""
    c = setup.costs
    return any((c.neuron_access_ps, c.neuron_update_ps, c.barrier_ps)) or bool(c.synapse_ps().any())


def time_passes(setup: MeshSetup) -> bool:
    """Return whether it is known how long a window takes: by operations, the chip's tick, or real time."""
    return latency_known(setup) or setup.least_ps > 0 or setup.live


def energy_part(
    chip: Chip, spent: Energy, counts: Mapping[str, Ints], n: int, elapsed_known: bool
) -> EnergyPart:
    """Return the mean over n windows or decisions; what nobody has published is said, never shown as 0."""
    held = {component for operation in OPERATIONS for component in _includes(chip, operation)}
    missing, known = _missing(chip, counts, held), {term.component for term in spent.terms}
    left_out = list(spent.left_out)
    if not elapsed_known and "static" in known:
        known.discard("static")
        left_out.append("static power: the time is unknown")
    if "static" not in known and not any(line.startswith("static") for line in spent.included):
        missing.add("static")
    components: dict[str, Amount] = {}
    for name, (value, low, high) in spent.by_component().items():
        if name in known:
            components[name] = Amount(value / n, low / n, high / n, name in missing)
        else:
            components[name] = _without_a_number(name, missing, held)
    dynamic = [a for name, a in components.items() if name != "static"]
    return EnergyPart(
        total=_sum(list(components.values())),
        dynamic=_sum(dynamic),
        components=components,
        left_out=tuple(left_out),
        included=spent.included,
    )


def _without_a_number(name: str, missing: set[str], held: set[str]) -> Amount:
    if name in missing:
        return UNKNOWN
    return INCLUDED if name in held else Amount(0.0, 0.0, 0.0)


def _sum(amounts: Sequence[Amount]) -> Amount:
    """Return the sum of what is known; unknown where nothing is."""
    known = [a for a in amounts if a.pj is not None]
    missing = any(a.missing for a in amounts)
    if not any(a.pj for a in known) and missing:
        return UNKNOWN
    return Amount(
        sum(a.pj or 0.0 for a in known),
        sum(a.low_pj or 0.0 for a in known),
        sum(a.high_pj or 0.0 for a in known),
        missing,
    )


def _missing(chip: Chip, counts: Mapping[str, Ints], held: set[str]) -> set[str]:
    """Return the components of which something happened whose energy is in no published number."""
    found: set[str] = set()
    for name in OPERATIONS:
        component, operation = COMPONENT_OF[name], chip.operation(name)
        happened = name in counts and bool(counts[name].any())
        if happened and component not in held and (operation is None or not operation.energy_pj.known):
            found.add(component)
    return found


def _includes(chip: Chip, name: str) -> tuple[str, ...]:
    operation = chip.operation(name)
    return operation.energy_pj.includes if operation is not None and operation.energy_pj.known else ()


def _to_decision(run: MeshRun, elapsed_known: bool) -> EnergyPart | None:
    if run.decided is None:
        return None
    n = len(run.decided_times)
    return energy_part(run.setup.chip, run.decided, run.decided_counts, n, elapsed_known)


def _latency(run: MeshRun) -> ChipLatency:
    setup = run.setup
    known, passes = latency_known(setup), time_passes(setup)
    ticks = np.concatenate([time.tick_ps for time in run.times]) / PS_PER_NS
    own_tick = setup.barrier and setup.least_ps > 0 and not setup.live
    after = quantiles([t.after_input_ps / PS_PER_NS for t in run.decided_times])
    return ChipLatency(
        decision=quantiles([t.done_ps / PS_PER_NS for t in run.decided_times]) if passes else None,
        after_input=after if known or own_tick else None,
        tick=quantiles(ticks) if known else None,
        message=_message_quantiles(run.times) if known else None,
        left_out=setup.costs.left_out,
    )


def _message_quantiles(times: Sequence[ChipTime]) -> Quantiles | None:
    """Return the quantiles over the messages of all windows, from their histograms."""
    busiest = max((time.timing.latencies for time in times), key=lambda held: held.largest_ps, default=None)
    if busiest is None or not busiest.n_messages:
        return None
    histogram = sum((t.timing.latencies.histogram for t in times), np.zeros_like(busiest.histogram))
    together = type(busiest)(histogram, sum(t.timing.latencies.total_ps for t in times), busiest.largest_ps)
    p50, p90, p99 = (int(together.quantile_ps(share)) / PS_PER_NS for share in (0.5, 0.9, 0.99))
    return Quantiles(together.n_messages, p50, p90, p99, int(busiest.largest_ps) / PS_PER_NS)


def _cores(run: MeshRun) -> Iterator[CoreUse]:
    setup, counts = run.setup, run.counts
    per_core = {
        name: n for name, n in counts.items() if name in OPERATIONS and name not in ("hop_x", "hop_y", "tile")
    }
    spent = energy_per_core_pj(setup.chip, per_core)
    neuron, synapse = (
        sum((getattr(t.timing, name) for t in run.times), np.zeros(setup.chip.n_cores, np.int64))
        for name in ("neuron_busy_ps", "synapse_busy_ps")
    )
    elapsed = run.elapsed_ps if latency_known(setup) else 0
    for core in setup.placement.cores_used().tolist():
        x, y = setup.chip.tile_xy(setup.chip.tile_of_core(core))
        busy = max(int(neuron[core]), int(synapse[core]))
        yield CoreUse(
            core=core,
            x=x,
            y=y,
            neurons=setup.placement.populations_on(core),
            synaptic_events=sum(int(n[core]) for name, n in per_core.items() if name.startswith("synapse")),
            messages_in=int(counts["message_in"][core]),
            energy_pj=float(spent[core]),
            neuron_busy_ns=int(neuron[core]) / PS_PER_NS,
            synapse_busy_ns=int(synapse[core]) / PS_PER_NS,
            utilisation=busy / elapsed if elapsed else None,
        )


def _links(run: MeshRun) -> Iterator[LinkUse]:
    setup, counts = run.setup, run.counts
    messages = counts["hop_x"] + counts["hop_y"]
    busy = sum((t.timing.link_busy_ps for t in run.times), np.zeros(messages.shape, np.int64))
    elapsed = run.elapsed_ps if latency_known(setup) else 0
    for link in np.flatnonzero(messages).tolist():
        x, y = setup.chip.tile_xy(link // 4)
        dx, dy = _STEPS[link % 4]
        share = int(busy[link]) / elapsed if elapsed else None
        yield LinkUse(x, y, x + dx, y + dy, int(messages[link]), share)


def _notes(setup: MeshSetup, run: MeshRun, closed_loop: bool) -> Iterator[str]:
    chip, tick_ps = setup.chip, setup.tick_ns * PS_PER_NS
    own = chip.synchronisation.tick_ns if chip.synchronisation else None
    if not time_passes(setup):
        yield "no time of an operation is published: times, and energies that grow with them, are unknown"
    elif not latency_known(setup):
        yield "no time of an operation is published: only how long ticks last is known"
    if own is not None and own.value is not None and not setup.live:
        model_ms, own_ms = setup.tick_ns / 1e6, own.value / 1e6
        if model_ms != own_ms:
            yield (
                f"the chip's tick takes {own_ms:g} ms and stands for {model_ms:g} ms of the network: "
                f"recordings run {model_ms / own_ms:.3g} times as fast as real time "
                "(--pace live: at real time)"
            )
    if setup.live and fastest_tick_ps(chip) > tick_ps:
        yield (
            f"the chip's fastest tick, {fastest_tick_ps(chip) / 1e9:g} ms, is longer than the "
            f"{tick_ps / 1e9:g} ms of the network it stands for: it cannot follow live input"
        )
    elif setup.live and setup.barrier and any(int(t.tick_ps.max(initial=0)) > tick_ps for t in run.times):
        yield "some ticks take longer than real time allows: the chip falls behind live input"
    if closed_loop and setup.costs.left_out:
        yield (
            f"closed loop: the unknown times of {', '.join(setup.costs.left_out)} count as 0, spikes may "
            "shift more than said"
        )
