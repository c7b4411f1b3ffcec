"""Conventional networks on the same clips: what the spiking network is compared with, and taught by."""

import itertools

import torch
from torch import Tensor, nn

# The log-mel energies have a natural scale of nats: this brings them near zero mean and unit spread.
LOG_MEL_MEAN, LOG_MEL_STD = -11.0, 4.2


class ResidualConvNet(nn.Module):
    """Temporal convolutions with residual blocks over log-mel frames.

    Source: Choi et al. 2019 (arXiv 1904.03814), TC-ResNet8, channels 16-24-32-48 times `width`.
    """

    def __init__(self, n_bands: int = 40, n_labels: int = 12, width: float = 1.5) -> None:
        super().__init__()
        channels = [round(c * width) for c in (16, 24, 32, 48)]
        self.first = nn.Conv1d(n_bands, channels[0], 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*(_Block(a, b) for a, b in itertools.pairwise(channels)))
        self.dropout = nn.Dropout(0.3)
        self.last = nn.Linear(channels[-1], n_labels)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Return logits [batch, n_labels] of log-mel frames [batch, frames, n_bands]."""
        x = (log_mel.transpose(1, 2) - LOG_MEL_MEAN) / LOG_MEL_STD
        x = self.blocks(self.first(x)).mean(dim=2)
        logits: Tensor = self.last(self.dropout(x))
        return logits


class _Block(nn.Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(n_in, n_out, 9, stride=2, padding=4, bias=False),
            nn.BatchNorm1d(n_out),
            nn.ReLU(),
            nn.Conv1d(n_out, n_out, 9, padding=4, bias=False),
            nn.BatchNorm1d(n_out),
        )
        self.shortcut = nn.Sequential(nn.Conv1d(n_in, n_out, 1, stride=2, bias=False), nn.BatchNorm1d(n_out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class RecurrentBaseline(nn.Module):
    """One GRU or LSTM layer over log-mel frames, its last state classified; also gives logits per frame."""

    def __init__(self, kind: str, n_bands: int = 40, n_labels: int = 12, n_hidden: int = 128) -> None:
        super().__init__()
        cell = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
        self.layer = cell(n_bands, n_hidden, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.last = nn.Linear(n_hidden, n_labels)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Return logits [batch, frames, n_labels] of log-mel frames [batch, frames, n_bands]."""
        x = (log_mel - LOG_MEL_MEAN) / LOG_MEL_STD
        states, _ = self.layer(x)
        logits: Tensor = self.last(self.dropout(states))
        return logits
