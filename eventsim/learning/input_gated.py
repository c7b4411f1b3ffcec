"""The twin of the input-gated multi-bit neuron (S3): a layer over a whole sequence, in PyTorch.

One step, primes for the step before: F = sigmoid(x W_f + Y' U_f + b_f); C = relu(x W_c + Y' U_c + b_c);
I = F I' + (1 - F) C; V = alpha V' + I - Y'; Y = min(floor(V), 2^bits - 1) where V > 1, else 0.

Source: Ponghiran and Roy 2021 (arXiv 2109.01905), versions 1 (U = 0) and 2, as a public reproduction has
them.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from eventsim.learning.alif import log_uniform
from eventsim.models import InputGated, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Dense

THRESHOLD = 1.0


class InputGatedLayer(nn.Module):
    """Input-gated cells of multi-bit output, the membrane's time constants trainable through exp.

    n_in, n : inputs and cells. bits : of the output. recurrent : version 2 of the paper, else version 1.
    """

    def __init__(
        self,
        n_in: int,
        n: int,
        *,
        bits: int = 3,
        recurrent: bool = True,
        tau: tuple[float, float] = (1.0, 8.0),
    ) -> None:
        super().__init__()
        self.n, self.bits = n, bits
        # Candidates, then gates.
        self.weight = nn.Parameter(torch.empty(n_in, 2 * n))
        nn.init.xavier_uniform_(self.weight)
        keep = torch.rand(n) * 4.0
        self.bias = nn.Parameter(torch.cat((torch.zeros(n), keep)))
        self.log_tau = nn.Parameter(log_uniform(n, *tau))
        self.recurrent_weight = nn.Parameter(torch.empty(n, 2 * n)) if recurrent else None
        if self.recurrent_weight is not None:
            nn.init.orthogonal_(self.recurrent_weight, gain=0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output [steps, batch, n], whole numbers, for the events x [steps, batch, n_in]."""
        alpha = torch.exp(-torch.exp(-self.log_tau))
        drive = x @ self.weight + self.bias
        current = membrane = spikes = torch.zeros_like(drive[0, :, : self.n])
        out = []
        for both in drive:
            if self.recurrent_weight is not None:
                both = both + spikes @ self.recurrent_weight
            candidate, gate = both.split(self.n, dim=1)
            current = torch.lerp(torch.relu(candidate), current, torch.sigmoid(gate))
            membrane = alpha * membrane + current - THRESHOLD * spikes
            spikes = MultiBit.apply(membrane, 2**self.bits - 1)
            out.append(spikes)
        return torch.stack(out)

    def neurons(self, step_ns: int) -> InputGated:
        """Return the event neurons."""
        bias = self.bias.detach().double().numpy()
        return InputGated(
            tau_ns=np.exp(self.log_tau.detach().double().numpy()) * step_ns,
            threshold=THRESHOLD,
            bits=float(self.bits),
            gate_bias=bias[self.n :],
            candidate_bias=bias[: self.n],
        )


class MultiBit(torch.autograd.Function):
    """Whole thresholds of a membrane that exceeds one, at most `top`; backward straight through, in range."""

    @staticmethod
    def forward(ctx, membrane: Tensor, top: int) -> Tensor:  # type: ignore[no-untyped-def]
        """Return the output."""
        # Half a threshold below the first step as well, or a silent cell would learn nothing.
        ctx.save_for_backward((membrane > -0.5 * THRESHOLD) & (membrane < (top + 1) * THRESHOLD))
        whole = torch.floor(membrane / THRESHOLD).clamp(max=top)
        return torch.where(membrane > THRESHOLD, whole, 0.0)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        """Return the incoming gradient where the membrane is in range."""
        (within,) = ctx.saved_tensors
        return grad * within / THRESHOLD, None


@dataclass(frozen=True, slots=True)
class InputGatedConfig:
    """Sizes of the network. recurrent : version 2 of the paper, else version 1."""

    n_bands: int = 40
    n_hidden: Sequence[int] = (64, 64)
    n_labels: int = 12
    bits: int = 3
    recurrent: bool = True


class InputGatedNet(nn.Module):
    """Changes of sound bands in, evidence per label and step out: input-gated layers and an integrator."""

    def __init__(self, config: InputGatedConfig) -> None:
        super().__init__()
        self.config = config
        sizes = [2 * config.n_bands, *config.n_hidden]
        self.layers = nn.ModuleList(
            InputGatedLayer(a, b, bits=config.bits, recurrent=config.recurrent)
            for a, b in itertools.pairwise(sizes)
        )
        self.readout = nn.Linear(sizes[-1], config.n_labels, bias=False)
        nn.init.normal_(self.readout.weight, std=0.03)

    def forward(self, steps: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return evidence [steps, batch, n_labels] and what each layer sends [steps, batch, n].

        steps : [steps, batch, n_bands], signed changes; the layer hears ups and downs at addresses apart.
        """
        sent, spikes = [], torch.cat((steps.clamp(min=0.0), (-steps).clamp(min=0.0)), dim=2)
        for layer in self.layers:
            spikes = layer(spikes)
            sent.append(spikes)
        return torch.cumsum(self.readout(spikes), dim=0), sent

    def to_network(self, step_ns: int) -> Network:
        """Return the event network: input `mel`, `hidden1` ..., `readout`; float32 weights."""
        network = Network(tick_ns=step_ns)
        network.add_input("mel", 2 * self.config.n_bands)
        source, from_gated = "mel", False
        for number, layer in enumerate(self.layers, 1):
            name = f"hidden{number}"
            network.add_population(name, 2 * layer.n, layer.neurons(step_ns))
            network.connect(source, name, _synapses(layer.weight, layer.n, from_gated))
            if layer.recurrent_weight is not None:
                back = _synapses(layer.recurrent_weight, layer.n, True)
                network.connect(name, name, back, delay_ns=step_ns)
            source, from_gated = name, True
        weight = self.readout.weight.detach().numpy().T
        readout = np.concatenate([weight, np.zeros_like(weight)])  # gate addresses never spike
        integrator = LeakyIntegrator(tau_ns=np.inf, bias=0.0, normalised=False)
        network.add_population("readout", self.config.n_labels, integrator)
        network.connect(source, "readout", Dense(np.ascontiguousarray(readout, np.float32)))
        return network


def _synapses(weight: Tensor, n: int, from_gated: bool) -> Dense:
    onto = weight.detach().numpy().astype(np.float32)
    return InputGated.synapses(onto[:, :n], onto[:, n:], from_gated=from_gated)
