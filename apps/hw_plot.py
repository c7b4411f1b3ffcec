"""The result of `eventsim hw` as a picture: energy by component, cores, links, latencies."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from apps.hw_mesh import MeshRun
from apps.hw_result import Amount, HwResult
from eventsim.errors import OutputError
from hwmodels.chip import Chip

SUFFIXES = (".png", ".svg", ".pdf")
_PALETTE = {
    "synapse": "#0072b2",
    "neuron": "#e69f00",
    "spike": "#cc79a7",
    "network": "#009e73",
    "static": "#999999",
    "total": "#0072b2",
}


def check_plot(path: Path) -> None:
    """Raise OutputError, before minutes of work, where the picture cannot be drawn or written there."""
    if path.suffix not in SUFFIXES:
        raise OutputError(
            f"{path}: a picture is {', '.join(SUFFIXES)}, not {path.suffix or 'without a suffix'}"
        )
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}")
    if find_spec("matplotlib") is None:
        raise OutputError("--plot needs matplotlib: pip install 'eventsim[plot]'")


def plot_result(result: HwResult, run: MeshRun | None, path: Path) -> None:
    """Draw the result into `path`: four panels of a mesh chip, the energy alone of another.

    Raises OutputError where the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8) if run is not None else (6, 4), layout="constrained")
    figure.suptitle(f"{result.model} on {result.chip}, mean of {result.windows} windows ({result.boundary})")
    if run is None:
        _draw_energy(figure.subplots(), result)
    else:
        ((energy, cores), (latency, links)) = figure.subplots(2, 2)
        _draw_energy(energy, result)
        _draw_cores(figure, cores, result, run.setup.chip)
        _draw_latency(latency, run)
        _draw_links(figure, links, result, run.setup.chip)
    try:
        # A date in the file would make two runs differ.
        date = {".svg": "Date", ".pdf": "CreationDate"}.get(path.suffix)
        figure.savefig(path, dpi=120, metadata={date: None} if date else None)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None


def _draw_energy(axes: Any, result: HwResult) -> None:
    rows = [("whole window", result.energy)]
    if result.energy_to_decision is not None:
        rows.append(("until decision", result.energy_to_decision))
    for y, (_, part) in enumerate(rows):
        left = 0.0
        components = part.components or {"total": part.total}
        for name, amount in components.items():
            axes.barh(y, _uj(amount), left=left, color=_PALETTE[name], label=name if y == 0 else None)
            left += _uj(amount)
        total = part.total
        if total.low_pj is not None and total.high_pj is not None:
            axes.plot([total.low_pj / 1e6, total.high_pj / 1e6], [y, y], color="black", marker="|")
    unknown = [name for name, amount in result.energy.components.items() if amount.missing]
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.set_xlabel("energy, uJ; line: band" + (f"\nnot all known: {', '.join(unknown)}" if unknown else ""))
    axes.set_title("energy by component")
    axes.legend(fontsize="small")


def _uj(amount: Amount) -> float:
    return (amount.pj or 0.0) / 1e6


def _draw_cores(figure: Any, axes: Any, result: HwResult, chip: Chip) -> None:
    """Draw the cores of a tile beside each other, tiles as they stand on the mesh."""
    limits = chip.limits
    events = np.zeros((limits.tiles_y, limits.tiles_x * limits.cores_per_tile))
    for core in result.cores:
        place = core.x * limits.cores_per_tile + core.core % limits.cores_per_tile
        events[core.y, place] = core.synaptic_events
    shown = np.where(events > 0, events, np.nan)
    image = axes.imshow(shown, aspect="auto", cmap="viridis", origin="lower", vmin=0)
    for edge in range(1, limits.tiles_x):
        axes.axvline(edge * limits.cores_per_tile - 0.5, color="lightgrey", linewidth=0.5)
    figure.colorbar(image, ax=axes, label="synaptic events, all windows")
    axes.set_title("cores (white: no synaptic event)")
    axes.set_xlabel("tile x, its cores side by side")
    axes.set_ylabel("tile y")
    axes.yaxis.get_major_locator().set_params(integer=True)


def _draw_links(figure: Any, axes: Any, result: HwResult, chip: Chip) -> None:
    from matplotlib.collections import LineCollection

    lines = []
    for link in result.links:
        # The two directions of a link stand beside each other.
        aside_x, aside_y = 0.08 * (link.to_y - link.from_y), -0.08 * (link.to_x - link.from_x)
        ends = (link.from_x, link.from_y), (link.to_x, link.to_y)
        lines.append([(x + aside_x, y + aside_y) for x, y in ends])
    tiles = [chip.tile_xy(tile) for tile in range(min(chip.n_tiles, 4096))]
    axes.scatter([x for x, _ in tiles], [y for _, y in tiles], s=8, color="lightgrey", zorder=1)
    if lines:
        messages = np.array([link.messages for link in result.links])
        drawn = LineCollection(lines, array=messages, cmap="plasma", linewidths=3, zorder=2)
        axes.add_collection(drawn)
        figure.colorbar(drawn, ax=axes, label="messages, all windows")
    axes.set_title("links" if lines else "links: no message leaves its tile")
    axes.set_xlabel("tile x")
    axes.set_ylabel("tile y")
    axes.margins(0.1)


def _draw_latency(axes: Any, run: MeshRun) -> None:
    """Draw for each kind of time the share that took at most so long."""
    kinds = {
        "tick": np.concatenate([time.tick_ps for time in run.times]),
        "decision, from its tick's input": np.array([time.after_input_ps for time in run.decided_times]),
        "decision, from the window's begin": np.array([time.done_ps for time in run.decided_times]),
    }
    drawn = False
    for name, times in kinds.items():
        if times.size and int(times.max()) > 0:
            held = np.sort(times) / 1e6
            axes.step(held, np.arange(1, held.size + 1) / held.size, where="post", label=name)
            drawn = True
    axes.set_title("time on the chip" if drawn else "time on the chip: unknown")
    axes.set_xlabel("us")
    axes.set_ylabel("share that took at most so long")
    if drawn:
        axes.set_xscale("log")
        axes.legend(fontsize="small")
