"""Training recurrent networks on the changes of sound bands: one loss, one score, dense baselines beside."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from eventsim.learning.keyword_task import BalancedBatches, ClipArrays, balanced_accuracy, bands_silenced
from eventsim.learning.losses import anytime_loss

_LATE_STEPS = [55, 65, 75, 85]
_EVALUATION_BATCH = 256


class DenseBaseline(nn.Module):
    """GRU or LSTM layers over the levels of sound bands, every state classified.

    kind : "gru" or "lstm". It hears the running sum of the changes, scaled to the range of its gates.
    """

    def __init__(
        self, kind: str, n_bands: int = 40, n_hidden: Sequence[int] = (64, 64), n_labels: int = 12
    ) -> None:
        super().__init__()
        cell = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
        sizes = [n_bands, *n_hidden]
        self.layers = nn.ModuleList(cell(a, b) for a, b in itertools.pairwise(sizes))
        self.readout = nn.Linear(sizes[-1], n_labels)

    def forward(self, steps: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return logits [steps, batch, n_labels], and no spikes, for changes [steps, batch, n_bands]."""
        states = 0.3 * torch.cumsum(steps, dim=0)
        for layer in self.layers:
            states, _ = layer(states)
        return self.readout(states), []


def sequence_loss(net: nn.Module, batches: BalancedBatches, step: int, activity: float) -> Tensor:
    """Return the loss of batch number `step`: cross-entropy at the end and on the way, and activity.

    activity : weight of the mean magnitude that each unit sends per step.
    """
    index, rng = batches.draw(step)
    labels = torch.from_numpy(batches.clips.labels[index])
    logits, sent = net(_steps(bands_silenced(batches.clips.steps[index], rng)))
    loss = F.cross_entropy(logits[-1], labels) + 0.5 * anytime_loss(logits, labels, _LATE_STEPS)
    for spikes in sent:
        loss = loss + activity / len(sent) * spikes.abs().mean()
    return loss


@torch.no_grad()
def sequence_answers(net: nn.Module, clips: ClipArrays, **options: float) -> NDArray[np.int64]:
    """Return the label each clip gets at its last step; `options` go to the network."""
    chunks = range(0, clips.labels.size, _EVALUATION_BATCH)
    answers = [net(_steps(clips.steps[i : i + _EVALUATION_BATCH]), **options)[0][-1] for i in chunks]
    found: NDArray[np.int64] = torch.cat(answers).argmax(dim=1).numpy()
    return found


def sequence_score(net: nn.Module, clips: ClipArrays, **options: float) -> float:
    """Return the balanced accuracy at the end of the clips."""
    return balanced_accuracy(sequence_answers(net, clips, **options), clips.labels)


def _steps(steps: NDArray[np.int8]) -> Tensor:
    return torch.from_numpy(steps.transpose(1, 0, 2).astype(np.float32))
