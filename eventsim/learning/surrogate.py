"""The multi-Gaussian surrogate: the slope that stands in for the derivative of a spike."""

import math

import torch
from torch import Tensor

# Source: Yin, Corradi, Bohté 2021, official code GSC/SRNN_layers/spike_neuron.py.
SIGMA = 0.5
SIDE_HEIGHT = 0.15
SIDE_WIDTH = 6.0
GAMMA = 0.5


def multi_gaussian(distance: Tensor) -> Tensor:
    """Return the surrogate slope at `distance` = membrane - threshold, elementwise.

    gamma * [(1 + h) N(x; 0, sigma) - h N(x; sigma, s sigma) - h N(x; -sigma, s sigma)]: positive near the
    threshold, slightly negative far from it.

    Source: Yin, Corradi, Bohté 2021 (arXiv 2103.12593), multi-Gaussian surrogate gradient.
    """
    side_sigma = SIDE_WIDTH * SIGMA
    centre = _gaussian(distance, SIGMA)
    sides = _gaussian(distance - SIGMA, side_sigma) + _gaussian(distance + SIGMA, side_sigma)
    return GAMMA * ((1.0 + SIDE_HEIGHT) * centre - SIDE_HEIGHT * sides)


def _gaussian(x: Tensor, sigma: float) -> Tensor:
    return torch.exp(x.square() * (-0.5 / sigma**2)) / (sigma * math.sqrt(2.0 * math.pi))


class Spike(torch.autograd.Function):
    """Step function forward (strict: 1 where distance > 0), multi-Gaussian slope backward."""

    @staticmethod
    def forward(ctx, distance: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        """Return 1.0 where `distance` > 0, else 0.0."""
        ctx.save_for_backward(distance)
        return (distance > 0).to(distance.dtype)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        """Return the incoming gradient times the surrogate slope."""
        (distance,) = ctx.saved_tensors
        return grad * multi_gaussian(distance)
