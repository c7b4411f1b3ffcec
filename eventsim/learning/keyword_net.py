"""The twin of the keyword network: delay taps, two adaptive layers, an evidence integrator."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from eventsim.learning.alif import AdaptiveLIFLayer


@dataclass(frozen=True, slots=True)
class KeywordNetConfig:
    """Sizes and delays of the network.

    n_inputs, n_hidden1, n_hidden2, n_labels : neurons per population.
    input_delays, hidden_delays : delay taps in steps, of the input and of the first hidden layer.
    step_ns : length of a step.
    """

    n_inputs: int = 80
    n_hidden1: int = 192
    n_hidden2: int = 192
    n_labels: int = 12
    input_delays: tuple[int, ...] = (0, 3, 6, 9, 12)
    hidden_delays: tuple[int, ...] = (0, 5, 10)
    step_ns: int = 10_000_000


class KeywordNet(nn.Module):
    """Events per step in, evidence per label and step out.

    The readout is a perfect integrator without bias: evidence changes only when a spike arrives, so a
    decision can only fall on an event.
    """

    def __init__(self, config: KeywordNetConfig, dropout: float = 0.1) -> None:
        super().__init__()
        self.config = config
        self.input = TappedDrive(config.n_inputs, config.n_hidden1, config.input_delays)
        self.hidden1 = AdaptiveLIFLayer(config.n_hidden1)
        self.between = TappedDrive(config.n_hidden1, config.n_hidden2, config.hidden_delays)
        self.hidden2 = AdaptiveLIFLayer(config.n_hidden2, recurrent=True)
        self.readout = nn.Linear(config.n_hidden2, config.n_labels, bias=False)
        nn.init.normal_(self.readout.weight, std=0.05)
        self.dropout = dropout

    def forward(self, events: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return evidence [steps, batch, n_labels] and the spikes of both hidden layers [steps, batch, n].

        events : [steps, batch, n_inputs], the summed value of the events per step.
        """
        first = self.hidden1(self.input(events))
        second = self.hidden2(self.between(self._dropped(first)))
        evidence = torch.cumsum(self.readout(self._dropped(second)), dim=0)
        return evidence, first, second

    def _dropped(self, spikes: Tensor) -> Tensor:
        if not self.training or self.dropout == 0.0:
            return spikes
        # A neuron is silent for the whole clip: its next spike would otherwise replace the dropped one.
        kept = torch.rand_like(spikes[0]) >= self.dropout
        return spikes * (kept / (1.0 - self.dropout))


class TappedDrive(nn.Module):
    """A dense projection with several delays, normalised per neuron over batch and time.

    The normalisation is part of the weights once training is over: `folded` gives weights and bias.
    """

    def __init__(self, n_from: int, n_to: int, delays: tuple[int, ...]) -> None:
        super().__init__()
        self.delays = delays
        self.weight = nn.Parameter(torch.empty(len(delays) * n_from, n_to))
        nn.init.xavier_normal_(self.weight)
        self.norm = nn.BatchNorm1d(n_to, momentum=0.05)
        # At unit spread hardly a membrane reaches its threshold of 1, and a silent neuron learns nothing.
        nn.init.constant_(self.norm.weight, 2.5)

    def forward(self, events: Tensor) -> Tensor:
        """Return the input current [steps, batch, n_to]."""
        drive = delayed(events, self.delays).flatten(0, 1) @ self.weight
        result: Tensor = self.norm(drive).unflatten(0, events.shape[:2])
        return result

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return weights [taps, n_from, n_to] and bias [n_to], float64, the normalisation folded in."""
        norm = self.norm
        assert norm.running_var is not None
        assert norm.running_mean is not None
        gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        bias = norm.bias.double() - gain * norm.running_mean.double()
        weight = self.weight.double() * gain
        return weight.unflatten(0, (len(self.delays), -1)).detach(), bias.detach()


def delayed(events: Tensor, delays: tuple[int, ...]) -> Tensor:
    """Return [steps, batch, taps * n]: copies of `events` [steps, batch, n], each later by its delay."""
    steps = events.shape[0]
    longest = max(delays)
    padded = torch.cat((events.new_zeros(longest, *events.shape[1:]), events)) if longest else events
    return torch.cat([padded[longest - delay :][:steps] for delay in delays], dim=-1)
