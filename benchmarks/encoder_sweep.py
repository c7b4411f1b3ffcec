"""Accuracy against events per second of the send-on-delta encoder, over the size of its step.

A small convolutional network (TC-ResNet8) sees nothing but the running sum of the events; it is trained on
the bank that `eventsim train kws` left in its work folder and judged on the validation split. So the table
says what each step leaves of the sound, apart from any spiking network.

    python -m benchmarks.encoder_sweep --data DIR --work runs/kws [--output FILE]
"""

from __future__ import annotations

import argparse
import datetime
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from apps.kws_bank import encode_split
from apps.train_kws import BATCH, CLASS_SHARES
from benchmarks.machine import this_machine
from benchmarks.result_file import write_result
from eventsim.learning.baselines import ResidualConvNet
from eventsim.learning.keyword_task import (
    BalancedBatches,
    ClipArrays,
    balanced_accuracy,
    conventional_logits,
    conventional_loss,
)
from eventsim.learning.training import TrainingPlan, seed_everything, train, use_cores
from streams.encoders import MelDeltaConfig
from streams.encoders.mel_delta import send_on_delta


def levels(log_mel: NDArray[np.float16], step: float) -> tuple[NDArray[np.float16], float, float]:
    """Return what the events tell of the sound: their running sum in nats; and events and value per clip."""
    told = np.empty(log_mel.shape, np.float16)
    events = value = 0.0
    for i, clip in enumerate(log_mel):
        steps = send_on_delta(clip.astype(np.float64), MelDeltaConfig(step=step))
        told[i] = np.cumsum(steps, axis=0) * step
        events += np.count_nonzero(steps)
        value += np.abs(steps).sum()
    # The networks' fixed normalisation expects levels around -11 nats.
    return told - np.float16(11.0), events / len(log_mel), value / len(log_mel)


def accuracy_of(step: float | None, work: Path, val: Any, updates: int, seed: int) -> dict[str, float]:
    """Return balanced validation accuracy and events per second for one step; None is the log-mel itself."""
    labels, log_mel = np.load(work / "bank_labels.npy"), np.load(work / "bank_log_mel.npy")
    told, events, value = val.log_mel, float("nan"), float("nan")
    if step is not None:
        log_mel, *_ = levels(log_mel, step)
        told, events, value = levels(val.log_mel, step)
    seed_everything(seed)
    net = ResidualConvNet(width=1.5)
    batches = BalancedBatches(ClipArrays(np.empty(0, np.int8), log_mel, labels), CLASS_SHARES, BATCH, seed)

    def score(net: Any) -> float:
        return balanced_accuracy(conventional_logits(net, told).argmax(dim=1).numpy(), val.labels)

    plan = TrainingPlan(steps=updates, evaluate_every=max(1, updates // 4), seed=seed)
    checkpoint = work / f"encoder_sweep_{step}_{updates}.pt"
    best = train(
        net, lambda net, at: conventional_loss(net, batches, at), score, plan, checkpoint, lambda _: None
    )
    return {"step_nats": step or 0.0, "events_per_s": events, "value_per_s": value, "val_balanced": best}


def main() -> None:
    """Sweep, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=float, nargs="+", default=[0.35, 0.7, 1.4, 2.8])
    parser.add_argument("--updates", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    use_cores(1)
    val = encode_split(arguments.data, "val", arguments.seed, MelDeltaConfig())
    rows = [
        accuracy_of(step, arguments.work, val, arguments.updates, arguments.seed)
        for step in (None, *arguments.steps)
    ]
    table = Table("step, nats (dB)", "events per s", "their value per s", "balanced accuracy, validation %")
    for row in rows:
        name = (
            f"{row['step_nats']} ({10 * row['step_nats'] / np.log(10):.1f})"
            if row["step_nats"]
            else "log-mel"
        )
        counts = [f"{row[key]:.0f}" if row["step_nats"] else "-" for key in ("events_per_s", "value_per_s")]
        table.add_row(name, *counts, f"{100 * row['val_balanced']:.2f}")
    Console().print(table)
    if arguments.output:
        result = {
            "date": datetime.date.today().isoformat(),
            "seed": arguments.seed,
            "updates": arguments.updates,
            "machine": asdict(this_machine()),
            "rows": [{k: v for k, v in row.items() if v == v} for row in rows],
        }
        write_result(arguments.output, result)


if __name__ == "__main__":
    main()
