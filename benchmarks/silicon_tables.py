"""The comparison with silicon as tables in Markdown, for the terminal and for docs/silicon.md."""

from collections.abc import Iterable, Sequence

from benchmarks.pages import number, table
from benchmarks.silicon_result import Band, ChipPrediction, LoihiSpotter, OwnSpotter, Silicon


def markdown(result: Silicon) -> str:
    """Return all tables, each under its heading."""
    loihi = result.loihi
    parts = [
        _measured(loihi),
        "### The network, 390-256-256-29, dynamic energy per inference",
        _over_shares(loihi.network),
        "### One branch, ten layers of 256, dynamic energy per inference",
        _over_shares(loihi.branch),
        "### How often neurons would have to fire",
        _implied(loihi),
        "### The project's own spotter, per second of sound",
        _own(result.own),
        "### Other keyword networks, measured",
        _published(result),
    ]
    return "\n\n".join(parts)


def band(uj: Band | None, digits: int = 3) -> str:
    """Return a prediction with its band, uJ.

    >>> band(Band(2.0, 1.0, 2.5)), band(Band(2.0, 2.0, 2.0)), band(None)
    ('2.00 (1.00..2.50)', '2.00', 'unknown')
    """
    if uj is None:
        return "unknown"
    value, low, high = (number(each, digits) for each in (uj.value, uj.low, uj.high))
    return value if low == value == high else f"{value} ({low}..{high})"


def _percent(share: float | None) -> str:
    return "above 100" if share is None else number(100.0 * share)


def _measured(loihi: LoihiSpotter) -> str:
    m = loihi.measured
    rows = [
        ("dynamic energy per inference, paper", f"{m.dynamic_mj:g} mJ at {m.inferences_per_s:g} per second"),
        ("of its power, the embedded x86 processors", f"about {m.x86_mw:g} of {m.dynamic_mw:g} mW"),
        ("what is left", f"{band(m.left_mw)} mW, {band(m.left_uj)} uJ per inference"),
        ("slope per branch of 10 x 256", f"{band(m.slope_uj)} uJ per inference"),
        ("idle power", f"{band(m.idle_mw)} mW"),
        ("time per step", f"{number(m.step_us)} us, held up by input and output"),
    ]
    return table(("measured", ""), rows)


def _over_shares(chips: Sequence[ChipPrediction]) -> str:
    heads = ["neurons firing, % of steps"]
    for chip in chips:
        heads += [f"{chip.chip}: uJ", "synapses", "neurons", "spikes and mesh", "time, us"]
    rows = []
    for k, point in enumerate(chips[0].points):
        row = [_percent(point.share)]
        for chip in chips:
            p = chip.points[k]
            sent = Band(
                *(getattr(p.spike, end) + getattr(p.network, end) for end in ("value", "low", "high"))
            )
            row += [band(p.dynamic), number(p.synapse.value), number(p.neuron.value), number(sent.value)]
            row.append(number(p.time_us))
        rows.append(row)
    size = f"{chips[0].neurons:,} neurons, {chips[0].weights:,} weights; cores taken: "
    size += ", ".join(f"{chip.chip} {chip.cores}" for chip in chips)
    left_out = [f"{chip.chip}: {'; '.join(chip.left_out)}" for chip in chips if chip.left_out]
    return f"{size}. Left out: {', '.join(left_out) or 'nothing'}.\n\n" + table(heads, rows)


def _implied(loihi: LoihiSpotter) -> str:
    rows = []
    for network, branch, at_share in zip(
        loihi.network, loihi.branch, loihi.network_at_branch_share, strict=True
    ):
        for name, chip in (("branch", branch), ("network", network)):
            found = chip.implied
            share = f"{_percent(found.value)} ({_percent(found.low)}..{_percent(found.high)})"
            rows.append((chip.chip, name, band(found.measured_uj), share))
        rows.append((network.chip, "network, firing as the branch must", f"predicts {band(at_share)}", ""))
    return table(("chip file", "of", "measured, uJ", "share of steps, %"), rows)


def _own(own: OwnSpotter) -> str:
    said = (
        f"{own.sound}, {own.seconds} s: {own.input_events:,.0f} input events (their values "
        f"add up to {own.input_value:,.0f}), {own.spikes:,.0f} spikes and "
        f"{own.synaptic_events:,.0f} synaptic events per second; dense equivalent {own.dense_macs:,} "
        "multiply-accumulates.\n\n"
    )
    rows: list[Sequence[str]] = []
    for chip in own.chips:
        if chip.refused:
            rows.append((chip.chip, chip.boundary, f"does not fit: {chip.refused}", "", "", "", ""))
            continue
        static = "unknown" if chip.kind == "mesh" else "not apart"
        rows.append(
            (
                chip.chip,
                chip.boundary,
                band(chip.dynamic),
                band(chip.static_own_pace) if chip.static_own_pace else static,
                band(chip.static_live) if chip.static_live else static,
                number(chip.own_pace_ms) if chip.own_pace_ms else "unknown",
                _joined(chip.left_out),
            )
        )
    heads = (
        "chip file",
        "boundary",
        "dynamic, uJ",
        "static at its own pace, uJ",
        "static over the second, uJ",
        "own pace, ms",
        "left out",
    )
    return said + table(heads, rows)


def _joined(left_out: Iterable[str]) -> str:
    """Return operations without a number, those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for what in left_out:
        name, _, reason = what.partition(": ")
        by_reason.setdefault(reason, []).append(name)
    return "; ".join(
        ", ".join(names) + (f": {reason}" if reason else "") for reason, names in by_reason.items()
    )


def _published(result: Silicon) -> str:
    rows = [(p.device, number(p.energy_uj), f"{p.power_mw:g}", f"{p.time_ms:g}") for p in result.published]
    return table(("device", "energy per inference, uJ", "power, mW", "time, ms"), rows)
