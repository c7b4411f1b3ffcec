"""`eventsim train kws --baselines`: conventional networks on the same clips, beside the spiking one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from apps.train_kws import TrainingOptions, TrainingRun

if TYPE_CHECKING:
    from torch import Tensor, nn

    from eventsim.learning.keyword_task import ClipArrays, EarlyPoint

NAMES = {"conv": "CNN (TC-ResNet8 x2)", "gru": "GRU-128", "lstm": "LSTM-128"}


class BaselineResult(msgspec.Struct, frozen=True):
    """One conventional network: its size, its accuracy at the end of the clip, its early decisions if any.

    accuracy, balanced_accuracy : by split, 0..1. early : on the test split, one row per threshold with
    balanced accuracy and mean decision time in ms; empty for a network that answers only at the end.
    """

    name: str
    parameters: int
    accuracy: dict[str, float]
    balanced_accuracy: dict[str, float]
    early: list[tuple[float, float, float]]


def train_baselines(options: TrainingOptions, console: Console) -> list[BaselineResult]:
    """Train the networks that are not yet in the work folder, print a table, write baselines.json there."""
    run = TrainingRun(options, console)
    bank = run.bank()
    results = [_result(name, run.conventional(bank, name)[0], run) for name in NAMES]
    (Path(options.work) / "baselines.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(results), indent=1)
    )
    console.print(_table(results))
    return results


def _result(name: str, net: nn.Module, run: TrainingRun) -> BaselineResult:
    from eventsim.learning.keyword_task import balanced_accuracy, conventional_logits

    accuracy, balanced, early = {}, {}, []
    for split in ("val", "test"):
        clips = run.clips("val" if split == "val" else "test")
        logits = conventional_logits(net, clips.log_mel)
        predicted = (logits if logits.ndim == 2 else logits[:, -1]).argmax(dim=1).numpy()
        accuracy[split] = round(float(np.mean(predicted == clips.labels)), 4)
        balanced[split] = round(balanced_accuracy(predicted, clips.labels), 4)
        if split == "test" and logits.ndim == 3:
            early = [_row(point) for point in _early(logits, clips)]
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return BaselineResult(NAMES[name], parameters, accuracy, balanced, early)


def _early(logits: Tensor, clips: ClipArrays) -> list[EarlyPoint]:
    from eventsim.learning.keyword_task import THRESHOLDS, early_point

    return [early_point(logits.transpose(0, 1), clips.labels, threshold) for threshold in THRESHOLDS]


def _row(point: EarlyPoint) -> tuple[float, float, float]:
    return point.threshold, round(point.balanced_accuracy, 4), round(point.mean_step * 10.0, 1)


def _table(results: list[BaselineResult]) -> Table:
    table = Table(
        "network", "parameters", "val bal. %", "test bal. %", "test acc. %", "early: test bal. % @ ms"
    )
    for result in results:
        near: list[Any] = [row for row in result.early if row[0] in (0.8, 0.9, 0.95, 0.98)]
        table.add_row(
            result.name,
            f"{result.parameters:,}",
            f"{100 * result.balanced_accuracy['val']:.2f}",
            f"{100 * result.balanced_accuracy['test']:.2f}",
            f"{100 * result.accuracy['test']:.2f}",
            "\n".join(f"{100 * balanced:.1f}@{ms:.0f}" for _, balanced, ms in near) or "-",
        )
    return table
