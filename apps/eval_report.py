"""The result of an evaluation, as tables for a person or one JSON object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import msgspec
from rich.console import Console


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """How one threshold fares: accuracies 0..1, decision times in ms from clip start, mean work per clip."""

    threshold: float
    accuracy: float
    balanced_accuracy: float
    mean_ms: float
    median_ms: float
    p90_ms: float
    input_events: float
    spikes: float
    synaptic_events: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured on a split; confusion counts have truth in rows."""

    split: str
    clips: int
    labels: tuple[str, ...]
    end_of_clip: OperatingPoint
    early: OperatingPoint
    confusion_end: list[list[int]]
    confusion_early: list[list[int]]
    curve: list[OperatingPoint]
    by_class: dict[str, float]
    dense_synaptic_events: float
    wall_s: float


def write_evaluation(evaluation: Evaluation, file: IO[str]) -> None:
    """Write one JSON object on one line."""
    file.write(msgspec.json.encode(evaluation).decode() + "\n")


def print_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Print the tables, plain text that stays the same in a pipe."""
    console.print(f"{evaluation.clips} clips of the {evaluation.split} split, {evaluation.wall_s:.1f} s")
    head = (
        f"{'threshold':>10} {'accuracy':>9} {'balanced':>9} {'mean ms':>8} {'median':>7} {'p90':>6} "
        f"{'events':>7} {'spikes':>7} {'synaptic':>9}"
    )
    console.print(head, style="bold")
    console.print(_point(evaluation.end_of_clip, "end"))
    console.print(_point(evaluation.early))
    if evaluation.curve:
        console.print("curve", style="bold")
        for point in evaluation.curve:
            console.print(_point(point))
    console.print(f"dense, time-stepped: {evaluation.dense_synaptic_events:.0f} synaptic events per clip")
    by_class = ", ".join(f"{name} {count:.0f}" for name, count in evaluation.by_class.items())
    console.print(f"synaptic events per whole clip: {by_class}")
    for title, counts in (
        ("confusion at the end of the clip", evaluation.confusion_end),
        ("confusion with early decision", evaluation.confusion_early),
    ):
        console.print(f"{title} (rows: truth)", style="bold")
        _print_confusion(evaluation.labels, counts, console)


def _point(point: OperatingPoint, name: str | None = None) -> str:
    return (
        f"{name or f'{point.threshold:g}':>10} "
        f"{100 * point.accuracy:8.2f}% {100 * point.balanced_accuracy:8.2f}% "
        f"{point.mean_ms:8.0f} {point.median_ms:7.0f} {point.p90_ms:6.0f} {point.input_events:7.0f} "
        f"{point.spikes:7.0f} {point.synaptic_events:9.0f}"
    )


def _print_confusion(labels: Sequence[str], counts: list[list[int]], console: Console) -> None:
    width = max(len(label) for label in labels) + 1
    console.print(" " * width + "".join(f"{label[:7]:>8}" for label in labels))
    for label, row in zip(labels, counts, strict=True):
        cells = "".join(f"{count or '.':>8}" for count in row)
        console.print(f"{label:<{width}}{cells}")
