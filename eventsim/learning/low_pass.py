"""The twin of the sigma-delta low-pass neuron (S2): an lpRNN layer, smooth or as it is sent, in PyTorch.

One step, primes for the step before: y = r y' + (1 - r) f(x W + s' U + b), where s is what the layer's
receivers hold: y itself, or with a threshold what sigma-delta spikes have told of it.

Source: Nair and Indiveri 2019 (arXiv 1905.10692); docs/models.md says what of the sigma-delta form is ours.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from eventsim.learning.alif import log_uniform
from eventsim.models import SigmaDelta
from eventsim.network import Network
from eventsim.projections import Dense

# No activation comes near it: a readout that is only looked at sends nothing.
_NEVER_SENT = 1e9


class LowPassLayer(nn.Module):
    """Low-pass units with trainable time constants, kept positive through exp.

    n_in, n : inputs and units. tau : initial (low, high) in steps, drawn log-uniformly per unit.
    activation : "tanh", "relu" or "identity". recurrent : whether what was sent comes back one step later.
    """

    def __init__(
        self,
        n_in: int,
        n: int,
        *,
        tau: tuple[float, float] = (1.0, 20.0),
        activation: str = "tanh",
        recurrent: bool = True,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.empty(n_in, n))
        nn.init.xavier_uniform_(self.weight)
        self.bias = nn.Parameter(torch.zeros(n))
        self.log_tau = nn.Parameter(log_uniform(n, *tau))
        self.recurrent_weight = nn.Parameter(torch.empty(n, n)) if recurrent else None
        if self.recurrent_weight is not None:
            nn.init.orthogonal_(self.recurrent_weight, gain=0.9)

    def retention(self) -> Tensor:
        """Return r per unit, [n]."""
        return torch.exp(-torch.exp(-self.log_tau))

    def forward(self, x: Tensor, threshold: float | None = None) -> tuple[Tensor, Tensor]:
        """Return what receivers hold and what each step sends, both [steps, batch, n].

        x : [steps, batch, n_in], the values the layer holds of its inputs. threshold : of the sigma-delta
        spikes; None sends every change. Through a threshold the gradient passes as if it were not there.
        """
        r, f = self.retention(), _ACTIVATIONS[self.activation]
        drive = x @ self.weight + self.bias
        y = s = torch.zeros_like(drive[0])
        held, sent = [], []
        for current in drive:
            if self.recurrent_weight is not None:
                current = current + s @ self.recurrent_weight
            y = torch.lerp(f(current), y, r)
            before = s
            s = y if threshold is None else _told(y, s, threshold)
            held.append(s)
            sent.append(s - before)
        return torch.stack(held), torch.stack(sent)

    def neurons(self, threshold: float, step_ns: int) -> SigmaDelta:
        """Return the event neurons: unlimited steps per spike."""
        return SigmaDelta(
            tau_ns=np.exp(self.log_tau.detach().double().numpy()) * step_ns,
            threshold=threshold,
            bias=self.bias.detach().double().numpy(),
            activation=self.activation,
        )


_ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "identity": torch.Tensor.clone}


def _told(y: Tensor, s: Tensor, threshold: float) -> Tensor:
    """Return what receivers hold after the spikes of this step, with the gradient of `y`."""
    with torch.no_grad():
        error = y - s
        whole = torch.floor(error.abs() / threshold) * threshold
        # A spike's value travels in float32.
        spike = torch.where(error.abs() > threshold, torch.sign(error) * whole, 0.0).float().to(y.dtype)
        told = s + spike
    return y + (told - y).detach()


@dataclass(frozen=True, slots=True)
class LowPassConfig:
    """Sizes of the network. readout_tau : of the leaky readout, steps."""

    n_bands: int = 40
    n_hidden: Sequence[int] = (64, 64)
    n_labels: int = 12
    readout_tau: float = 100.0


class LowPassNet(nn.Module):
    """Levels of sound bands in, logits per step out: recurrent low-pass layers and a leaky readout."""

    def __init__(self, config: LowPassConfig) -> None:
        super().__init__()
        self.config = config
        sizes = [config.n_bands, *config.n_hidden]
        self.layers = nn.ModuleList(LowPassLayer(a, b) for a, b in itertools.pairwise(sizes))
        tau = (config.readout_tau, config.readout_tau)
        self.readout = LowPassLayer(
            sizes[-1], config.n_labels, tau=tau, activation="identity", recurrent=False
        )
        with torch.no_grad():
            # A level moves by several steps at once: the first layer would saturate.
            self.layers[0].weight.mul_(0.3)
            # What the readout hears counts for a hundredth per step.
            self.readout.weight.mul_(4.0)

    def forward(self, steps: Tensor, threshold: float | None = None) -> tuple[Tensor, list[Tensor]]:
        """Return logits [steps, batch, n_labels] and what each layer sends [steps, batch, n].

        steps : [steps, batch, n_bands], the signed changes of each band's level.
        """
        held, sent = torch.cumsum(steps, dim=0), []
        for layer in self.layers:
            held, spikes = layer(held, threshold)
            sent.append(spikes)
        return self.readout(held)[0], sent

    def to_network(self, threshold: float, step_ns: int) -> Network:
        """Return the event network: input `mel` (ups, then downs), `hidden1` ..., `readout`; float32 weights.

        The events of an encoder that sends changes are what the first layer wants: it adds them up.
        """
        network = Network(tick_ns=step_ns)
        network.add_input("mel", 2 * self.config.n_bands)
        source = "mel"
        for number, layer in enumerate(self.layers, 1):
            name, weight = f"hidden{number}", layer.weight.detach().numpy()
            network.add_population(name, weight.shape[1], layer.neurons(threshold, step_ns))
            onto = np.concatenate([weight, -weight]) if source == "mel" else weight
            network.connect(source, name, Dense(np.ascontiguousarray(onto, np.float32)))
            back = layer.recurrent_weight.detach().numpy()
            network.connect(name, name, Dense(np.ascontiguousarray(back, np.float32)), delay_ns=step_ns)
            source = name
        weight = self.readout.weight.detach().numpy()
        network.add_population("readout", weight.shape[1], self.readout.neurons(_NEVER_SENT, step_ns))
        network.connect(source, "readout", Dense(np.ascontiguousarray(weight, np.float32)))
        return network
