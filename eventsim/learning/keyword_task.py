"""What a keyword network is trained on and for: balanced batches of event clips, losses, evaluation."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from eventsim.learning.keyword_net import KeywordNet
from eventsim.learning.losses import anytime_loss, decision_steps, distillation_loss, rank_coding_loss

_EVALUATION_BATCH = 256


@dataclass(frozen=True, slots=True)
class ClipArrays:
    """Encoded clips.

    steps : int8[n, frames, bands], signed steps of change per frame; log_mel : float16 of the same shape;
    labels : int64[n]; teacher_logits : float32[n, n_labels] or None.
    """

    steps: NDArray[np.int8]
    log_mel: NDArray[np.float16]
    labels: NDArray[np.int64]
    teacher_logits: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """Weights of the parts of the loss.

    end : cross-entropy at the last step; anytime : mean cross-entropy at `anytime_steps`;
    rank : cross-entropy where the softmax first exceeds `rank_threshold`; distillation : towards the
    teacher at the last step, softened by `temperature`; activity : mean spikes per neuron and step.
    """

    end: float = 1.0
    anytime: float = 0.5
    anytime_steps: tuple[int, ...] = (45, 55, 65, 75, 85)
    rank: float = 0.0
    rank_threshold: float = 0.9
    distillation: float = 1.0
    temperature: float = 2.0
    activity: float = 0.0


class BalancedBatches:
    """Draws batches in which every class has its share, each batch a function of the seed and its number.

    shares : how often each class is drawn, relative to the others.
    """

    def __init__(self, clips: ClipArrays, shares: list[float], batch: int, seed: int) -> None:
        self.clips = clips
        self._members = [np.flatnonzero(clips.labels == label) for label in range(len(shares))]
        self._shares = np.array(shares) / sum(shares)
        self._batch = batch
        self._seed = seed

    def draw(self, step: int) -> tuple[NDArray[np.int64], np.random.Generator]:
        """Return the clip indices of batch number `step` and the generator to vary them with."""
        rng = np.random.default_rng([self._seed, step])
        labels = rng.choice(self._shares.size, self._batch, p=self._shares)
        return np.array([rng.choice(self._members[label]) for label in labels]), rng


def event_tensor(steps: NDArray[np.int8]) -> Tensor:
    """Return [frames, batch, 2 * bands] float32 of signed `steps` [batch, frames, bands]: ups, then downs."""
    signed = torch.from_numpy(steps.transpose(1, 0, 2).astype(np.float32))
    return torch.cat((signed.clamp(min=0.0), (-signed).clamp(min=0.0)), dim=2)


def spiking_loss(net: nn.Module, batches: BalancedBatches, step: int, objective: Objective) -> Tensor:
    """Return the loss of batch number `step`, a few bands of each clip silenced at random."""
    index, rng = batches.draw(step)
    clips = batches.clips
    evidence, first, second = net(event_tensor(bands_silenced(clips.steps[index], rng)))
    labels = torch.from_numpy(clips.labels[index])
    loss = objective.end * F.cross_entropy(evidence[-1], labels)
    if objective.anytime:
        loss = loss + objective.anytime * anytime_loss(evidence, labels, list(objective.anytime_steps))
    if objective.rank:
        loss = loss + objective.rank * rank_coding_loss(evidence, labels, objective.rank_threshold)
    if objective.distillation and clips.teacher_logits is not None:
        teacher = torch.from_numpy(clips.teacher_logits[index])
        loss = loss + objective.distillation * distillation_loss(evidence[-1], teacher, objective.temperature)
    if objective.activity:
        loss = loss + objective.activity * (first.mean() + second.mean())
    return loss


def conventional_loss(net: nn.Module, batches: BalancedBatches, step: int) -> Tensor:
    """Return the cross-entropy of batch number `step` for a network on log-mel frames, partly masked."""
    index, rng = batches.draw(step)
    log_mel = _masked(batches.clips.log_mel[index].astype(np.float32), rng)
    labels = torch.from_numpy(batches.clips.labels[index])
    logits = net(torch.from_numpy(log_mel))
    if logits.ndim == 2:
        return F.cross_entropy(logits, labels, label_smoothing=0.05)
    # A network that answers per frame is to be right at the end and, less, on the way.
    late = [45, 55, 65, 75, 85]
    return F.cross_entropy(logits[:, -1], labels) + 0.5 * anytime_loss(logits.transpose(0, 1), labels, late)


@torch.no_grad()
def spiking_evidence(net: nn.Module, steps: NDArray[np.int8]) -> Tensor:
    """Return the evidence [frames, clips, n_labels] of every clip, steps int8[clips, frames, bands]."""
    chunks = range(0, steps.shape[0], _EVALUATION_BATCH)
    return torch.cat([net(event_tensor(steps[i : i + _EVALUATION_BATCH]))[0] for i in chunks], dim=1)


@torch.no_grad()
def conventional_logits(net: nn.Module, log_mel: NDArray[np.float16]) -> Tensor:
    """Return the logits of every clip: [clips, n_labels]; of a recurrent network for every frame."""
    chunks = range(0, log_mel.shape[0], _EVALUATION_BATCH)
    return torch.cat(
        [net(torch.from_numpy(log_mel[i : i + _EVALUATION_BATCH].astype(np.float32))) for i in chunks]
    )


def balanced_accuracy(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Return the mean over classes of the share of their clips that were named rightly.

    >>> balanced_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]))
    0.75
    """
    return float(np.mean([(predicted[labels == label] == label).mean() for label in np.unique(labels)]))


@dataclass(frozen=True, slots=True)
class EarlyPoint:
    """What a threshold gives: balanced accuracy, and mean decision step counted from 1."""

    threshold: float
    balanced_accuracy: float
    mean_step: float


def early_point(evidence: Tensor, labels: NDArray[np.int64], threshold: float) -> EarlyPoint:
    """Return accuracy and time of decisions at the first softmax above `threshold`."""
    steps = decision_steps(evidence, threshold)
    decided = evidence[steps, torch.arange(labels.size)].argmax(dim=1).numpy()
    return EarlyPoint(threshold, balanced_accuracy(decided, labels), float(steps.double().mean()) + 1.0)


def end_score(net: KeywordNet | nn.Module, clips: ClipArrays) -> float:
    """Return the balanced accuracy at the end of the clips."""
    evidence = spiking_evidence(net, clips.steps)
    return balanced_accuracy(evidence[-1].argmax(dim=1).numpy(), clips.labels)


def early_score(net: KeywordNet | nn.Module, clips: ClipArrays, deadline_step: float) -> float:
    """Return the best balanced accuracy of the thresholds that decide by `deadline_step` in the mean."""
    evidence = spiking_evidence(net, clips.steps)
    points = [early_point(evidence, clips.labels, threshold) for threshold in THRESHOLDS]
    in_time = [point for point in points if point.mean_step <= deadline_step]
    return max((point.balanced_accuracy for point in in_time), default=0.0)


THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)


def bands_silenced(steps: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int8]:
    """Return a copy of `steps` [clips, frames, bands], up to four neighbouring bands of each clip at 0."""
    steps = steps.copy()
    for clip in steps:
        width = rng.integers(0, 5)
        first = rng.integers(0, clip.shape[1] - width)
        clip[:, first : first + width] = 0
    return steps


def _masked(log_mel: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the clips with a stripe of bands and a stripe of frames at their mean level.

    Source: Park et al. 2019 (arXiv 1904.08779), SpecAugment, without time warping.
    """
    for clip in log_mel:
        level = clip.mean()
        bands, frames = rng.integers(0, 8), rng.integers(0, 15)
        first = rng.integers(0, clip.shape[1] - bands)
        clip[:, first : first + bands] = level
        first = rng.integers(0, clip.shape[0] - frames)
        clip[first : first + frames] = level
    return log_mel
