"""The twin of the adaptive LIF neuron (S1): a layer over a whole sequence, differentiable in PyTorch.

One step, primes for the step before:
    a = rho a' + (1 - rho) S';  theta = b0 + beta a;
    u = alpha u' + (1 - alpha) I - theta S';  S = [u > theta]

Source: Yin, Corradi, Bohté 2021, official code GSC/SRNN_layers/spike_neuron.py.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn

from eventsim.learning.alif_scan import alif_scan_cpu
from eventsim.learning.surrogate import Spike


class AdaptiveLIFLayer(nn.Module):
    """Adaptive LIF neurons, optionally recurrent, with trainable time constants kept positive through exp.

    n : neurons. tau_mem, tau_adp : initial (low, high) in steps, drawn log-uniformly per neuron.
    base_threshold, beta : theta = base_threshold + beta * a.
    recurrent : whether S' comes back through weights.
    """

    def __init__(
        self,
        n: int,
        *,
        tau_mem: tuple[float, float] = (1.5, 20.0),
        tau_adp: tuple[float, float] = (4.0, 40.0),
        base_threshold: float = 1.0,
        beta: float = 1.8,
        recurrent: bool = False,
    ) -> None:
        super().__init__()
        self.n = n
        self.base_threshold = base_threshold
        self.beta = beta
        self.log_tau_mem = nn.Parameter(log_uniform(n, *tau_mem))
        self.log_tau_adp = nn.Parameter(log_uniform(n, *tau_adp))
        self.recurrent_weight = nn.Parameter(torch.empty(n, n)) if recurrent else None
        if self.recurrent_weight is not None:
            nn.init.orthogonal_(self.recurrent_weight, gain=0.5)

    def decays(self) -> tuple[Tensor, Tensor]:
        """Return alpha and rho, the membrane's and the adaptation's decay per step, each [n]."""
        return torch.exp(-torch.exp(-self.log_tau_mem)), torch.exp(-torch.exp(-self.log_tau_adp))

    def forward(self, drive: Tensor) -> Tensor:
        """Return the spikes, [steps, batch, n] of 0 and 1, for the input current `drive`."""
        alpha, rho = self.decays()
        if drive.device.type == "cpu" and drive.dtype == torch.float32:
            return alif_scan_cpu(drive, alpha, rho, self.recurrent_weight, self.base_threshold, self.beta)
        return alif_scan(drive, alpha, rho, self.recurrent_weight, self.base_threshold, self.beta)


def alif_scan(
    drive: Tensor,
    alpha: Tensor,
    rho: Tensor,
    recurrent_weight: Tensor | None,
    base_threshold: float,
    beta: float,
) -> Tensor:
    """Return the spikes [steps, batch, n], step by step through autograd: the plain form.

    drive : [steps, batch, n]; alpha, rho : [n]; recurrent_weight : [from, to] or None.
    """
    spike = membrane = adaptation = torch.zeros_like(drive[0])
    spikes = []
    for current in drive:
        if recurrent_weight is not None:
            current = current + spike @ recurrent_weight
        adaptation = rho * adaptation + (1.0 - rho) * spike
        threshold = base_threshold + beta * adaptation
        membrane = alpha * membrane + (1.0 - alpha) * current - threshold * spike
        spike = cast(Tensor, Spike.apply(membrane - threshold))
        spikes.append(spike)
    return torch.stack(spikes)


def log_uniform(n: int, low: float, high: float) -> Tensor:
    """Return the logarithms [n] of numbers drawn log-uniformly from low to high."""
    return torch.rand(n) * (math.log(high) - math.log(low)) + math.log(low)
