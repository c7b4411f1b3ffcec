"""A training loop that can be killed at any moment and goes on with the same bits."""

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def seed_everything(seed: int) -> None:
    """Make the draws of PyTorch that follow (initial weights, dropout) a function of `seed`."""
    torch.manual_seed(seed)


def use_cores(count: int) -> None:
    """Let PyTorch compute on `count` processor cores."""
    torch.set_num_threads(count)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How long and how fast to train.

    steps : parameter updates; warmup_steps : linear rise of the rate; learning_rate : its peak, then a
    cosine down to 2 %. weight_decay : of AdamW. average : decay of the running mean of the weights that is
    evaluated and kept. evaluate_every : updates between evaluations, each of which is also a checkpoint.
    """

    steps: int
    learning_rate: float = 3e-3
    warmup_steps: int = 100
    weight_decay: float = 1e-3
    average: float = 0.998
    evaluate_every: int = 250
    clip_norm: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """One evaluation: `step` updates done, mean `loss` since the last one, `score` on validation data."""

    step: int
    loss: float
    score: float
    best: float


def train(
    model: nn.Module,
    loss_at: Callable[[nn.Module, int], Tensor],
    score: Callable[[nn.Module], float],
    plan: TrainingPlan,
    checkpoint: Path,
    report: Callable[[Progress], None],
) -> float:
    """Train `model` in place, leave it with the weights that scored best and return that score.

    loss_at(model, step) draws the batch of that step by itself, from the step's number, so that a resumed
    run sees the same batches. score(model) is taken on validation data; the best score wins. A finished or
    broken off run is taken up from `checkpoint`.
    """
    averaged = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, betas=(0.9, 0.98)
    )
    state: dict[str, Any] = {"step": 0, "best": -1.0, "best_model": copy.deepcopy(model.state_dict())}
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
    losses: list[float] = []
    for step in range(state["step"], plan.steps):
        torch.manual_seed(int(np.random.SeedSequence([plan.seed, step]).generate_state(1)[0]))
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(plan, step)
        model.train()
        loss = loss_at(model, step)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), plan.clip_norm)
        optimizer.step()
        _follow(averaged, model, min(plan.average, (1 + step) / (10 + step)))
        losses.append(float(loss.detach()))
        if (step + 1) % plan.evaluate_every == 0 or step + 1 == plan.steps:
            averaged.eval()
            now = float(score(averaged))
            if now > state["best"]:
                state["best"], state["best_model"] = now, copy.deepcopy(averaged.state_dict())
            state |= {
                "step": step + 1,
                "model": model.state_dict(),
                "averaged": averaged.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            _save(state, checkpoint)
            report(Progress(step + 1, float(np.mean(losses)), now, state["best"]))
            losses.clear()
    model.load_state_dict(state["best_model"])
    model.eval()
    return float(state["best"])


def _learning_rate(plan: TrainingPlan, step: int) -> float:
    warm = min(1.0, (step + 1) / max(1, plan.warmup_steps))
    return float(plan.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1.0 + np.cos(np.pi * step / plan.steps))))


@torch.no_grad()
def _follow(averaged: nn.Module, model: nn.Module, decay: float) -> None:
    for mean, value in zip(averaged.parameters(), model.parameters(), strict=True):
        mean.lerp_(value, 1.0 - decay)
    for kept, buffer in zip(averaged.buffers(), model.buffers(), strict=True):
        kept.copy_(buffer)


def _save(state: dict[str, Any], checkpoint: Path) -> None:
    # A kill while writing must leave the checkpoint before whole.
    partial = checkpoint.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, checkpoint)
