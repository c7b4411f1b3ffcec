"""Convolution and pooling for event cameras: synapses by shape, none of them stored one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eventsim.errors import NetworkError
from eventsim.weights import Weights, frozen, real_array

if TYPE_CHECKING:
    from eventsim.projections import Csr

Pair = tuple[int, int]
Shape = tuple[int, int, int]


class _Windows:
    """What convolution and pooling share: each output neuron hears a window of the input."""

    input_shape: Shape
    output_shape: Shape
    weights: Weights
    geometry: npt.NDArray[np.int64]

    @property
    def n_pre(self) -> int:
        """Return the number of input addresses."""
        return math.prod(self.input_shape)

    @property
    def n_post(self) -> int:
        """Return the number of output neurons."""
        return math.prod(self.output_shape)

    @property
    def n_bytes(self) -> int:
        """Return the bytes its arrays take."""
        return self.weights.nbytes + self.geometry.nbytes

    @property
    def n_synapses(self) -> int:
        """Return how many pairs of an input address and an output neuron the windows connect."""
        g = self.geometry
        reached = [_reached(*(int(g[k + axis]) for k in (1, 4, 6, 8, 10, 12))) for axis in range(2)]
        return int(g[3] * (g[0] // g[14]) * reached[0] * reached[1])

    def to_csr(self) -> Csr:
        """Return the same synapses in rows, each stored."""
        return _rows(self.geometry, self.weights)


@dataclass(frozen=True, eq=False)
class Conv2d(_Windows):
    """Two-dimensional convolution; addresses are row-major over (channel, y, x).

    An event at an input address reaches the output neurons whose window covers it. As in PyTorch and NIR
    the kernel is not flipped.

    Parameters
    ----------
    weights : float32 or float64[out_channels, in_channels / groups, kernel_height, kernel_width]
    input_shape : (channels, height, width)
    stride, padding, dilation : one number, or (y, x); padding is by zeros
    groups : input and output channels are split into so many separate groups

    Raises
    ------
    NetworkError
        if shapes do not fit, or the kernel does not fit into the padded input.

    >>> conv = Conv2d(np.ones((2, 1, 3, 3), np.float32), input_shape=(1, 5, 5))
    >>> conv.output_shape, conv.n_synapses
    ((2, 3, 3), 162)
    """

    weights: Weights
    input_shape: Shape
    stride: int | Pair = 1
    padding: int | Pair = 0
    dilation: int | Pair = 1
    groups: int = 1
    output_shape: Shape = field(init=False)
    geometry: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        kernel = real_array(self.weights, "Conv2d weights", ndim=4)
        shape = _whole("Conv2d input_shape", self.input_shape, 3, 1)
        pairs = {
            name: _pair(f"Conv2d {name}", getattr(self, name), 0 if name == "padding" else 1)
            for name in ("stride", "padding", "dilation")
        }
        groups = _whole("Conv2d groups", (self.groups,), 1, 1)[0]
        out, within, *window = kernel.shape
        if shape[0] != within * groups or out % groups or not kernel.size:
            raise NetworkError(
                f"Conv2d weights {kernel.shape} in {groups} groups do not fit {shape[0]} input channels"
            )
        size = [
            (shape[k + 1] + 2 * pairs["padding"][k] - pairs["dilation"][k] * (window[k] - 1) - 1)
            // pairs["stride"][k]
            + 1
            for k in range(2)
        ]
        if min(size) < 1:
            raise NetworkError(f"Conv2d kernel {tuple(window)} is larger than its padded input {shape[1:]}")
        if max(math.prod(shape), out * math.prod(size)) >= 2**31:
            raise NetworkError(
                f"Conv2d maps {shape} to {(out, *size)}: at most 2^31 - 1 addresses are allowed"
            )
        geometry = [*shape, out, *size, *window, *pairs["stride"], *pairs["padding"], *pairs["dilation"]]
        object.__setattr__(self, "weights", frozen(kernel.reshape(-1)).reshape(kernel.shape))
        object.__setattr__(self, "input_shape", shape)
        object.__setattr__(self, "output_shape", (out, size[0], size[1]))
        object.__setattr__(self, "geometry", frozen(np.array([*geometry, groups], np.int64)))


@dataclass(frozen=True, eq=False)
class SumPool2d(_Windows):
    """Sum pooling: each output neuron gets the sum over a window of its own channel.

    Parameters
    ----------
    input_shape : (channels, height, width); addresses are row-major
    kernel_size : one number, or (y, x)
    stride : the same; left out, the kernel's size
    padding : the same; by zeros

    Raises
    ------
    NetworkError
        if the window does not fit into the padded input.

    >>> SumPool2d((2, 4, 4), 2).output_shape
    (2, 2, 2)
    """

    input_shape: Shape
    kernel_size: int | Pair
    stride: int | Pair | None = None
    padding: int | Pair = 0
    output_shape: Shape = field(init=False)
    weights: Weights = field(init=False)
    geometry: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        shape = _whole("SumPool2d input_shape", self.input_shape, 3, 1)
        window = _pair("SumPool2d kernel_size", self.kernel_size, 1)
        stride = window if self.stride is None else _pair("SumPool2d stride", self.stride, 1)
        padding = _pair("SumPool2d padding", self.padding, 0)
        # Before a window is made: it may be larger than any memory.
        if any(window[k] > shape[k + 1] + 2 * padding[k] for k in range(2)):
            raise NetworkError(f"SumPool2d window {window} is larger than its padded input {shape[1:]}")
        if shape[0] * math.prod(window) >= 2**31:
            raise NetworkError(f"SumPool2d window {window} over {shape[0]} channels is too large")
        try:
            conv = Conv2d(
                np.ones((shape[0], 1, *window), np.float32), shape, stride, padding, groups=shape[0]
            )
        except NetworkError as error:
            raise NetworkError(str(error).replace("Conv2d kernel", "SumPool2d window")) from None
        for name in ("input_shape", "output_shape", "weights", "geometry"):
            object.__setattr__(self, name, getattr(conv, name))
        for name, pair in (("kernel_size", window), ("stride", stride), ("padding", padding)):
            object.__setattr__(self, name, pair)


def _reached(size: int, out: int, window: int, stride: int, padding: int, dilation: int) -> int:
    """Return how many pairs of an input and an output position one axis connects."""
    at = np.arange(out)[:, None] * stride - padding + np.arange(window)[None, :] * dilation
    return int(((at >= 0) & (at < size)).sum())


def _rows(geometry: npt.NDArray[np.int64], weights: Weights) -> Csr:
    """Return a convolution's synapses in rows, within a row by output channel, then kernel y and x."""
    from eventsim.projections import Csr

    channels, height, width, out, out_height, out_width, *_ = (int(g) for g in geometry)
    window, stride, padding, dilation = (geometry[k : k + 2] for k in (6, 8, 10, 12))
    within, per_group = channels // int(geometry[14]), out // int(geometry[14])
    o, c, ky, kx = np.meshgrid(
        np.arange(out), np.arange(within), np.arange(window[0]), np.arange(window[1]), indexing="ij"
    )
    y = np.arange(out_height)[:, None] * stride[0] - padding[0] + np.arange(window[0]) * dilation[0]
    x = np.arange(out_width)[:, None] * stride[1] - padding[1] + np.arange(window[1]) * dilation[1]
    # Axes: output channel, channel within the group, kernel y and x, output y and x.
    at_y, at_x = y.T[ky][..., :, None], x.T[kx][..., None, :]
    inside = (at_y >= 0) & (at_y < height) & (at_x >= 0) & (at_x < width)
    channel = (o // per_group * within + c)[..., None, None]
    pre = ((channel * height + at_y) * width + at_x)[inside]
    place = np.arange(out_height)[:, None] * out_width + np.arange(out_width)[None, :]
    post = np.broadcast_to(o[..., None, None] * (out_height * out_width) + place, inside.shape)[inside]
    weight = np.broadcast_to(weights[..., None, None], inside.shape)[inside]
    order = np.argsort(pre, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(pre, minlength=channels * height * width))])
    return Csr(indptr, post[order], weight[order], out * out_height * out_width)


def _whole(what: str, values: Any, n: int, least: int) -> Any:
    if not isinstance(values, tuple | list) or len(values) != n:
        raise NetworkError(f"{what} must be {n} whole numbers, got {values!r}")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value < 2**31:
            raise NetworkError(f"{what} must be whole numbers of at least {least}, got {values!r}")
    return tuple(int(value) for value in values)


def _pair(what: str, value: int | Pair, least: int) -> Pair:
    pair = value if isinstance(value, tuple | list) else (value, value)
    y, x = _whole(what, pair, 2, least)
    return y, x
