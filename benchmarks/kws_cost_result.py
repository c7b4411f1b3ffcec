"""What the cost measurement of the keyword spotter found, and how a person reads it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine

# What the keyword spotter is held to.
MAX_CPU_PERCENT = 5.0
MAX_LATENCY_MS = 5.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles in ms: each is a value that was measured, the next one up where the rank falls between."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class BlockCost:
    """A stream pushed in blocks of one length.

    cpu_percent : CPU time per time of sound for encoder, gate, network and decision, in percent of a core.
    push : wall time of every push. latency : of the pushes that returned a decision, once per decision: from
    handing over the block that carries its last event to having the decision; latency_cpu : the same in CPU
    time. decisions counts these; decisions_at_end were made by the end of the stream alone.
    in_later_block : decisions that came later than with the block that holds their tick; must be 0.
    """

    block_ms: int
    cpu_percent: float
    push: Spread
    decisions: int
    decisions_at_end: int
    in_later_block: int
    latency: Spread | None
    latency_cpu: Spread | None


@dataclass(frozen=True, slots=True)
class Activity:
    """Work per second of sound; share_of_dense compares its synaptic events, network_share its ticks."""

    network_share: float
    spikes_per_s: float
    synaptic_events_per_s: float
    share_of_dense: float


@dataclass(frozen=True, slots=True)
class CutInvariance:
    """How many outcomes (decisions and ends of words) were compared between cuts, and how many differed.

    An outcome differs where anything does: label, times, confidence, rank, counts. work_differing counts the
    cuts after which the sums of work differed.
    """

    cuts: int
    outcomes: int
    compared: int
    differing: int
    work_differing: int


@dataclass(frozen=True, slots=True)
class SoundCost:
    """All about one stream; dense is what evaluating every synapse in every tick would do."""

    name: str
    audio_s: float
    recordings: int
    input_events_per_s: float
    dense_synaptic_events_per_s: float
    gated: Activity
    ungated: Activity
    ungated_cpu_percent: float
    blocks: list[BlockCost]
    cut_invariance: CutInvariance


@dataclass(frozen=True, slots=True)
class Model:
    """The network measured."""

    file: str
    sha256: str
    info: dict[str, Any]
    threshold: float | None
    synapses: int


@dataclass(frozen=True, slots=True)
class KwsCost:
    """One run of the measurement; all_decisions pools the latencies of all streams, by length of block."""

    date: str
    seed: int
    seconds: float
    machine: Machine
    model: Model
    sounds: list[SoundCost]
    all_decisions: list[BlockCost]


def spread(milliseconds: ArrayLike) -> Spread | None:
    """Return the percentiles of some times in ms, None where there are none.

    >>> spread([3.0, 1.0, 2.0])
    Spread(p50=2.0, p99=3.0, max=3.0)
    """
    times = np.asarray(milliseconds, np.float64)
    if not times.size:
        return None
    return Spread(*(round(float(q), 4) for q in np.percentile(times, (50, 99, 100), method="higher")))


def print_cost(cost: KwsCost, console: Console) -> None:
    """Print the tables."""
    machine, model = cost.machine, cost.model
    console.print(
        f"{cost.date}, seed {cost.seed}; {machine.cpu}, {machine.cores} cores, load {machine.load}; "
        f"model {model.file} {model.sha256[:12]}, made by {model.info.get('made_by', 'unknown')}"
    )
    console.print(_time_table(cost))
    console.print(_event_table(cost))
    console.print(_cut_table(cost))


def _time_table(cost: KwsCost) -> Table:
    table = _table(
        "CPU, and time from handing over the block with a decision's last event to having the decision",
        "sound",
        "s",
        "block\nms",
        f"CPU %\n(bar {MAX_CPU_PERCENT:g})",
        "decisions",
        "ms: p50",
        "\np99",
        f"max\n(bar {MAX_LATENCY_MS:g})",
        "CPU ms:\np50",
        "\np99",
        "\nmax",
    )
    rows = [(sound.name, sound.audio_s, block) for sound in cost.sounds for block in sound.blocks]
    whole_s = sum(sound.audio_s for sound in cost.sounds)
    rows += [("all", whole_s, block) for block in cost.all_decisions]
    for name, audio_s, block in rows:
        table.add_row(
            name,
            f"{audio_s:.0f}",
            str(block.block_ms),
            _judged(block.cpu_percent, MAX_CPU_PERCENT),
            str(block.decisions),
            *_cells(block.latency, MAX_LATENCY_MS),
            *_cells(block.latency_cpu, None),
        )
    return table


def _event_table(cost: KwsCost) -> Table:
    dense = cost.sounds[0].dense_synaptic_events_per_s
    table = _table(
        f"Events per second of sound; dense, tick by tick: {dense:,.0f} synaptic",
        "sound",
        "network",
        "runs %",
        "input",
        "spikes",
        "synaptic",
        "% of\ndense",
        "CPU %",
    )
    for sound in cost.sounds:
        for network, activity, cpu_percent in (
            ("gated", sound.gated, sound.blocks[0].cpu_percent),
            ("always on", sound.ungated, sound.ungated_cpu_percent),
        ):
            table.add_row(
                sound.name,
                network,
                f"{100 * activity.network_share:.1f}",
                f"{sound.input_events_per_s:,.1f}",
                f"{activity.spikes_per_s:,.1f}",
                f"{activity.synaptic_events_per_s:,.0f}",
                f"{100 * activity.share_of_dense:.2f}",
                f"{cpu_percent:.2f}",
            )
    return table


def _cut_table(cost: KwsCost) -> Table:
    table = _table(
        "The same sound cut otherwise", "sound", "outcomes", "cuts", "compared", "differ", "work differs"
    )
    for sound in cost.sounds:
        cut = sound.cut_invariance
        counts = (cut.outcomes, cut.cuts, cut.compared, cut.differing, cut.work_differing)
        table.add_row(sound.name, *(str(count) for count in counts))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in ("sound", "network") else "right", no_wrap=True)
    return table


def _cells(times: Spread | None, bar: float | None) -> tuple[str, str, str]:
    if times is None:
        return "-", "-", "-"
    return (
        f"{times.p50:.3f}",
        f"{times.p99:.3f}",
        _judged(times.max, bar, 3) if bar is not None else f"{times.max:.3f}",
    )


def _judged(value: float, bar: float, digits: int = 2) -> str:
    colour = "green" if value <= bar else "red"
    return f"[{colour}]{value:.{digits}f}[/]"
