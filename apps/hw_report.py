"""The result of `eventsim hw` as lines for a person, the same on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from rich.console import Console

from apps.hw_amounts import amount_text, band_text
from apps.hw_result import Amount, ClosedLoopUse, CoreUse, HwResult, Quantiles
from apps.quantities import count_text, energy_text, share_text, time_text

_BAR = 24
_HEAD = "bold"
MAX_CORES_SHOWN = 8


def print_json(result: msgspec.Struct) -> None:
    """Print one JSON object on one line."""
    print(msgspec.json.encode(result).decode())  # noqa: T201


def print_result(result: HwResult, console: Console) -> None:
    """Print the tables of one result."""
    for line, style in lines_of(result):
        console.print(line, style=style)


def lines_of(result: HwResult) -> Iterator[tuple[str, str | None]]:
    """Yield each line with its style."""
    r = result
    yield f"{r.model} on {r.chip}: {r.title}", _HEAD
    yield from ((line, None) for line in _what_ran(r))
    yield from _energy(r)
    yield from _latency(r)
    yield from _cores(r)
    loop = r.closed_loop is not None
    yield "network, in the closed loop with the chip" if loop else "network, whatever the chip", _HEAD
    yield from ((line, None) for line in _work(r))
    yield from ((f"note: {note}", "yellow") for note in r.notes)


def _what_ran(r: HwResult) -> Iterator[str]:
    own = r.chip_tick_ns is not None and r.chip_tick_ns != r.tick_ns
    chip_tick = f" (of the chip {time_text(r.chip_tick_ns or 0)})" if own else ""
    tick = f"tick {time_text(r.tick_ns)}{chip_tick}"
    yield f"{r.windows} windows of {r.window_ms:.4g} ms (mean), {tick}, each from rest"
    if r.decisions is not None:
        d = r.decisions
        right = "" if d.right is None else f", {share_text(d.right)} right"
        when = f"{d.mean_ms:.4g} ms after a window's begin (mean)"
        yield f"decisions: {d.n}, {d.early} of them early, {when}{right}"
    else:
        yield "decisions: none, the model has no decision rule"
    if r.placement is not None:
        p = r.placement
        yield (
            f"placement: {p.cores_used} of {p.cores} cores, {p.tiles_used} of {p.tiles} tiles "
            f"({p.strategy}); {r.mode}, {r.mesh} network"
        )
    if r.closed_loop is not None:
        yield _closed_loop(r.closed_loop, r.windows)
    if r.cycles is not None:
        c = r.cycles
        yield (
            f"cycles: {c.cycles_per_tick:,.0f} per tick, at worst {c.worst_cycles_per_tick:,.0f}; clock "
            f"needed {c.clock_needed_hz / 1e6:.3g} MHz"
        )
    if r.chip_ms is not None and r.real_time is not None:
        yield f"time on the chip: {time_text(r.chip_ms * 1e6)} per window ({r.real_time:.3g} x real time)"


def _closed_loop(c: ClosedLoopUse, n_windows: int) -> str:
    decided = "nothing decides"
    if c.other_label is not None:
        later = "" if c.mean_later_ms is None else f" (mean of all {c.mean_later_ms:+.4g} ms)"
        decided = (
            f"{c.other_label} of {n_windows} windows decide for another label than without the chip, "
            f"{c.other_time} at another time{later}"
        )
    most = f", by at most {c.latest_ticks} tick{'s' * (c.latest_ticks > 1)}" if c.late_parts else ""
    return f"closed loop: {decided}; {c.late_parts} of {c.parts} parts of messages came late{most}"


def _energy(r: HwResult) -> Iterator[tuple[str, str | None]]:
    yield (
        f"{'energy (' + r.boundary + ')':<18}{'whole window':>14}  {'until decision':>15}  "
        "band, whole window",
        _HEAD,
    )
    decided = r.energy_to_decision
    whole = r.energy.total.pj or 0.0
    for name, amount in r.energy.components.items():
        until = decided.components[name] if decided else None
        yield _energy_line(name, amount, until, _bar(amount.pj, whole)), None
    if r.energy.components:
        yield _energy_line("dynamic", r.energy.dynamic, decided.dynamic if decided else None), None
    yield _energy_line("total", r.energy.total, decided.total if decided else None), _HEAD
    yield from ((f"  left out: {line}", "yellow") for line in _told(r.energy.left_out))
    yield from ((f"  included: {line}", None) for line in _told(r.energy.included))


def _told(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return all in one line, where there is anything."""
    return ("; ".join(lines),) if lines else ()


def _energy_line(name: str, whole: Amount, until: Amount | None, bar: str = "") -> str:
    later = amount_text(until) if until is not None else "-"
    band = band_text(whole)
    return f"  {name:<16}{amount_text(whole):>14}  {later:>15}  {band:<22}{bar}".rstrip()


def _bar(part: float | None, whole: float) -> str:
    return "#" * round(_BAR * part / whole) if part and whole else ""


def _latency(r: HwResult) -> Iterator[tuple[str, str | None]]:
    held = r.latency
    rows = (
        ("decision, from the window's begin", held.decision),
        ("decision, from its tick's input", held.after_input),
        ("tick", held.tick),
        ("message", held.message),
    )
    if r.kind != "mesh":
        return
    yield f"{'time on the chip':<36}{'p50':>10}{'p90':>10}{'p99':>10}{'most':>10}", _HEAD
    for name, found in rows:
        if found is not None:
            yield f"  {name:<34}{_row(found)}", None
        elif r.decisions is not None or not name.startswith("decision"):
            yield f"  {name:<34}{'unknown':>10}", None
    if held.left_out:
        yield f"  left out: the times of {', '.join(held.left_out)} are unknown", "yellow"


def _row(q: Quantiles) -> str:
    return "".join(f"{time_text(ns):>10}" for ns in (q.p50_ns, q.p90_ns, q.p99_ns, q.max_ns))


def _cores(r: HwResult) -> Iterator[tuple[str, str | None]]:
    if not r.cores:
        return
    yield "cores, over all windows", _HEAD
    busiest = sorted(r.cores, key=lambda c: c.synaptic_events, reverse=True)[:MAX_CORES_SHOWN]
    for core in sorted(busiest, key=lambda c: c.core):
        hottest = "  <- hottest" if r.hottest_core and core.core == r.hottest_core.core else ""
        yield _core_line(core) + hottest, None
    if len(r.cores) > MAX_CORES_SHOWN:
        yield f"  ... and {len(r.cores) - MAX_CORES_SHOWN} more (--json has all)", None
    link = r.hottest_link
    if link is None:
        yield "  no message leaves its tile", None
    else:
        busy = "" if link.utilisation is None else f", busy {share_text(link.utilisation)}"
        yield (
            f"  hottest link: ({link.from_x}, {link.from_y}) -> ({link.to_x}, {link.to_y}), "
            f"{count_text(link.messages)} messages{busy}",
            None,
        )


def _core_line(core: CoreUse) -> str:
    held = ", ".join(f"{name} {n}" for name, n in core.neurons.items())
    return (
        f"  core {core.core:4d} at ({core.x}, {core.y})  busy {share_text(core.utilisation):>8}  "
        f"{count_text(core.synaptic_events):>7} synaptic  {energy_text(core.energy_pj):>8} known  {held}"
    )


def _work(r: HwResult) -> Iterator[str]:
    w = r.work
    until = _until(w.synaptic_events_to_decision)
    yield (
        f"  synaptic events {count_text(w.synaptic_events)} per window, {until}; "
        f"spikes {count_text(w.spikes)}"
    )
    yield (
        f"  dense equivalent {count_text(w.dense_macs)} multiply-accumulates per window, "
        f"{_until(w.dense_macs_to_decision)}"
    )
    bench = w.neurobench
    operations = bench["synaptic_operations"]
    assert isinstance(operations, dict)
    n = r.windows
    yield (
        f"  NeuroBench: footprint {bench['footprint']} bytes, parameter_count {bench['parameter_count']}, "
        f"connection_sparsity {bench['connection_sparsity']:.3f}, "
        f"activation_sparsity {bench['activation_sparsity']:.4f};"
    )
    yield (
        f"  per window Effective_MACs {count_text(operations['Effective_MACs'] / n)}, "
        f"Effective_ACs {count_text(operations['Effective_ACs'] / n)}, "
        f"Dense {count_text(operations['Dense'] / n)}, membrane_updates {_updates(bench, n)}"
    )


def _updates(bench: dict[str, object], n: int) -> str:
    updates = bench["membrane_updates"]
    return count_text(updates / n) if isinstance(updates, int) else "unknown"


def _until(count: float | None) -> str:
    return "no decision" if count is None else f"{count_text(count)} until the decision"


class Headline(NamedTuple):
    """What a table with a row per result shows of each, as text."""

    per_window: str
    to_decision: str
    answer: str
    on_chip: str
    cores: str


def headline(result: HwResult) -> Headline:
    """Return energy per window and to the decision, median time of the answer, time per window, cores."""
    until, after, used = result.energy_to_decision, result.latency.after_input, result.placement
    return Headline(
        amount_text(result.energy.total),
        "-" if until is None else amount_text(until.total),
        time_text(None if after is None else after.p50_ns),
        time_text(None if result.chip_ms is None else result.chip_ms * 1e6),
        "-" if used is None else str(used.cores_used),
    )
