"""The adaptive LIF layer as two fused kernels, forward and backward: the fast form on a CPU.

Same meaning as `eventsim.learning.alif.alif_scan`, which tests hold it against; autograd over a hundred steps
of small operations spends its time on bookkeeping.
"""

import functools
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numba import njit
from torch import Tensor

from eventsim.learning.surrogate import multi_gaussian

# The surrogate as a table with linear interpolation: its three exponentials per neuron and step would cost
# more than everything else. Beyond the table's ends (8 side-lobe widths) the slope is below 1e-14.
_SLOPE_HALF_WIDTH = 24.0
_SLOPE_PER_UNIT = 128.0


@functools.cache
def _slope_table() -> Any:
    """Return the surrogate slope float32[n] at even distances over +-_SLOPE_HALF_WIDTH."""
    count = int(2 * _SLOPE_HALF_WIDTH * _SLOPE_PER_UNIT) + 1
    distance = torch.linspace(-_SLOPE_HALF_WIDTH, _SLOPE_HALF_WIDTH, count, dtype=torch.float64)
    return multi_gaussian(distance).float().numpy()


class _Trace(NamedTuple):
    """What the forward pass leaves behind, each float32[steps, batch, n]."""

    current: Any
    membrane: Any
    adaptation: Any
    spike: Any


class _Neuron(NamedTuple):
    """Parameters: alpha, rho float32[n]; base_threshold, beta float32."""

    alpha: Any
    rho: Any
    base_threshold: Any
    beta: Any


class _Carry(NamedTuple):
    """Gradients that travel back from step to step, float32[batch, n]."""

    membrane: Any
    adaptation: Any
    recurrent: Any


@njit(cache=True, nogil=True)
def _forward_step(t, trace, neuron):  # type: ignore[no-untyped-def]
    zero, one = np.float32(0.0), np.float32(1.0)
    batch, n = trace.current.shape[1:]
    for b in range(batch):
        for i in range(n):
            fired = trace.spike[t - 1, b, i] if t > 0 else zero
            adaptation = trace.adaptation[t - 1, b, i] if t > 0 else zero
            membrane = trace.membrane[t - 1, b, i] if t > 0 else zero
            adaptation = neuron.rho[i] * adaptation + (one - neuron.rho[i]) * fired
            threshold = neuron.base_threshold + neuron.beta * adaptation
            membrane = (
                neuron.alpha[i] * membrane
                + (one - neuron.alpha[i]) * trace.current[t, b, i]
                - threshold * fired
            )
            trace.adaptation[t, b, i] = adaptation
            trace.membrane[t, b, i] = membrane
            trace.spike[t, b, i] = one if membrane > threshold else zero


@njit(cache=True, nogil=True)
def _forward(trace, neuron):  # type: ignore[no-untyped-def]
    for t in range(trace.current.shape[0]):
        _forward_step(t, trace, neuron)


@njit(cache=True, nogil=True)
def _backward_step(t, trace, neuron, slope, grad_spike, carry, grad_current, grad_alpha, grad_rho):  # type: ignore[no-untyped-def]
    zero, one = np.float32(0.0), np.float32(1.0)
    half, per_unit = np.float32(_SLOPE_HALF_WIDTH), np.float32(_SLOPE_PER_UNIT)
    last = np.float32(slope.size - 2)
    steps, batch, n = trace.current.shape
    for b in range(batch):
        for i in range(n):
            next_threshold = zero
            if t + 1 < steps:
                next_threshold = neuron.base_threshold + neuron.beta * trace.adaptation[t + 1, b, i]
            from_spike = (
                grad_spike[t, b, i]
                + carry.recurrent[b, i]
                + (one - neuron.rho[i]) * carry.adaptation[b, i]
                - next_threshold * carry.membrane[b, i]
            )
            distance = (
                trace.membrane[t, b, i] - neuron.base_threshold - neuron.beta * trace.adaptation[t, b, i]
            )
            place = min(max((distance + half) * per_unit, zero), last)
            cell = int(place)
            rest = place - np.float32(cell)
            through = (slope[cell] + rest * (slope[cell + 1] - slope[cell])) * from_spike
            fired = trace.spike[t - 1, b, i] if t > 0 else zero
            membrane = through + neuron.alpha[i] * carry.membrane[b, i]
            threshold = -through - fired * membrane
            adaptation = neuron.beta * threshold + neuron.rho[i] * carry.adaptation[b, i]
            carry.membrane[b, i] = membrane
            carry.adaptation[b, i] = adaptation
            grad_current[t, b, i] = (one - neuron.alpha[i]) * membrane
            before = trace.membrane[t - 1, b, i] if t > 0 else zero
            grad_alpha[i] += membrane * (before - trace.current[t, b, i])
            before = trace.adaptation[t - 1, b, i] if t > 0 else zero
            grad_rho[i] += adaptation * (before - fired)


@njit(cache=True, nogil=True)
def _backward(trace, neuron, slope, grad_spike, carry, grad_current, grad_alpha, grad_rho):  # type: ignore[no-untyped-def]
    for t in range(trace.current.shape[0] - 1, -1, -1):
        _backward_step(t, trace, neuron, slope, grad_spike, carry, grad_current, grad_alpha, grad_rho)


class _AlifScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, drive, alpha, rho, weight, base_threshold, beta):  # type: ignore[no-untyped-def]
        drive = drive.contiguous()
        current = drive.clone() if weight is not None else drive
        tensors = (current, torch.empty_like(drive), torch.empty_like(drive), torch.empty_like(drive))
        trace = _Trace(*(tensor.detach().numpy() for tensor in tensors))
        neuron = _Neuron(
            alpha.detach().numpy(), rho.detach().numpy(), np.float32(base_threshold), np.float32(beta)
        )
        if weight is None:
            _forward(trace, neuron)
        else:
            spike = tensors[3]
            for t in range(drive.shape[0]):
                if t > 0:
                    current[t].addmm_(spike[t - 1], weight)
                _forward_step(t, trace, neuron)
        ctx.save_for_backward(*tensors, alpha, rho, weight)
        ctx.neuron = neuron
        return tensors[3]

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        *tensors, alpha, _, weight = ctx.saved_tensors
        neuron = ctx.neuron
        trace = _Trace(*(tensor.detach().numpy() for tensor in tensors))
        membrane, spike = tensors[1], tensors[3]
        carry_tensors = [torch.zeros_like(membrane[0]) for _ in range(3)]
        carry = _Carry(*(tensor.numpy() for tensor in carry_tensors))
        grad_current = torch.empty_like(membrane)
        grad_alpha, grad_rho = torch.zeros_like(alpha), torch.zeros_like(alpha)
        arguments = (
            trace, neuron, _slope_table(), grad.contiguous().numpy(), carry,
            grad_current.numpy(), grad_alpha.numpy(), grad_rho.numpy(),
        )  # fmt: skip
        if weight is None:
            _backward(*arguments)
            return grad_current, grad_alpha, grad_rho, None, None, None
        for t in range(grad.shape[0] - 1, -1, -1):
            _backward_step(t, *arguments)
            if t > 0:
                torch.mm(grad_current[t], weight.t(), out=carry_tensors[2])
        n = alpha.numel()
        grad_weight = spike[:-1].reshape(-1, n).t() @ grad_current[1:].reshape(-1, n)
        return grad_current, grad_alpha, grad_rho, grad_weight, None, None


def alif_scan_cpu(
    drive: Tensor,
    alpha: Tensor,
    rho: Tensor,
    recurrent_weight: Tensor | None,
    base_threshold: float,
    beta: float,
) -> Tensor:
    """Return the spikes [steps, batch, n] for `drive` float32; differentiable in all tensors.

    alpha, rho : float32[n]; recurrent_weight : float32[from, to] or None.
    """
    return cast(Tensor, _AlifScan.apply(drive, alpha, rho, recurrent_weight, base_threshold, beta))  # type: ignore[no-untyped-call]
