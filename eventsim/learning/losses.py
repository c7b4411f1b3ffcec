"""Losses on evidence over time: at the end, on the way, where the decision falls, towards a teacher."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (the name PyTorch's own documentation uses)


def decision_steps(evidence: Tensor, threshold: float) -> Tensor:
    """Return, per sample, the first step at which the softmax of the evidence exceeds `threshold` (strictly).

    evidence : [steps, batch, n_labels]. A sample that never crosses decides at the last step.
    Returns int64[batch].

    Source: Jeffares et al. 2022 (arXiv 2110.02865): an output spikes at its first threshold crossing.
    """
    crossed = evidence.softmax(dim=-1).amax(dim=-1) > threshold
    first = crossed.to(torch.uint8).argmax(dim=0)
    return torch.where(crossed.any(dim=0), first, evidence.shape[0] - 1)


def rank_coding_loss(evidence: Tensor, labels: Tensor, threshold: float) -> Tensor:
    """Return the cross-entropy taken where the decision falls, mean over the batch.

    evidence : [steps, batch, n_labels]; labels : int64[batch]. The gradient starts at each sample's own
    decision step, so what comes after the decision does not count.

    Source: Jeffares et al. 2022 (arXiv 2110.02865), rank-coding training.
    """
    steps = decision_steps(evidence.detach(), threshold)
    decided = evidence[steps, torch.arange(labels.numel(), device=evidence.device)]
    return F.cross_entropy(decided, labels)


def anytime_loss(evidence: Tensor, labels: Tensor, at_steps: list[int]) -> Tensor:
    """Return the mean cross-entropy at the given steps: evidence is to be worth something before the end."""
    chosen = evidence[at_steps]
    return F.cross_entropy(chosen.flatten(0, 1), labels.repeat(len(at_steps)))


def distillation_loss(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """Return the Kullback-Leibler divergence of softened predictions [batch, n_labels] from the teacher's.

    Source: Hinton, Vinyals, Dean 2015 (arXiv 1503.02531), Sec. 2, scaled by temperature squared.
    """
    target = (teacher_logits / temperature).softmax(dim=-1)
    found = (logits / temperature).log_softmax(dim=-1)
    return F.kl_div(found, target, reduction="batchmean") * temperature**2
