"""Each form of synapses as arrays and whole numbers, and back."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy.typing as npt

from eventsim.errors import BundleError, NetworkError
from eventsim.projections import Conv2d, Csr, Dense, OneToOne, SumPool2d, Synapses

Arrays = Mapping[str, npt.NDArray[Any]]
Shape = Mapping[str, list[int]]

_MOST_ADDRESSES = 2**31
_MOST_WEIGHTS = 2**28  # of a window: more than any file can hold


def describe_synapses(synapses: Synapses) -> tuple[str, dict[str, npt.NDArray[Any]], dict[str, list[int]]]:
    """Return the name of the form, its arrays, and its whole numbers."""
    match synapses:
        case Dense():
            return "dense", {"weights": synapses.weights}, {}
        case Csr():
            held: dict[str, npt.NDArray[Any]] = {"indptr": synapses.indptr, "indices": synapses.indices}
            return "csr", {**held, "weights": synapses.weights}, {}
        case OneToOne():
            return "one_to_one", {"weights": synapses.weights}, {}
        case Conv2d():
            names = ("input_shape", "stride", "padding", "dilation")
            shape = {name: _numbers(getattr(synapses, name)) for name in names}
            return "conv2d", {"weights": synapses.weights}, {**shape, "groups": [synapses.groups]}
        case SumPool2d():
            names = ("input_shape", "kernel_size", "stride", "padding")
            return "sum_pool2d", {}, {name: _numbers(getattr(synapses, name)) for name in names}


def build_synapses(kind: str, held: Arrays, shape: Shape, where: str) -> Synapses:
    """Return the synapses that `describe_synapses` described.

    Raises BundleError, naming `where`, where something is missing, foreign or does not fit.
    """
    if kind not in _FORMS:
        allowed = ", ".join(_FORMS)
        raise BundleError(f"{where}: synapses {kind!r} are unknown: allowed are {allowed}")
    wanted, numbers, build = _FORMS[kind]
    if set(held) != wanted:
        raise BundleError(f"{where}: {kind} synapses need exactly {', '.join(sorted(wanted)) or 'no array'}")
    if {name: len(values) for name, values in shape.items()} != numbers:
        needed = ", ".join(f"{name} ({n})" for name, n in numbers.items()) or "no whole numbers"
        raise BundleError(f"{where}: {kind} synapses need exactly {needed}")
    if "input_shape" in shape and math.prod(shape["input_shape"]) >= _MOST_ADDRESSES:
        raise BundleError(f"{where}: input_shape {tuple(shape['input_shape'])} has too many addresses")
    if math.prod(shape.get("kernel_size", [])) * max(shape.get("input_shape", [1])[0], 1) > _MOST_WEIGHTS:
        raise BundleError(f"{where}: kernel_size {tuple(shape['kernel_size'])} is too large")
    try:
        return build(held, shape)
    except NetworkError as error:
        raise BundleError(f"{where}: {error}") from None


def _conv2d(held: Arrays, shape: Shape) -> Synapses:
    pairs = {name: _pair(shape[name]) for name in ("stride", "padding", "dilation")}
    channels, height, width = shape["input_shape"]
    return Conv2d(held["weights"], (channels, height, width), groups=shape["groups"][0], **pairs)


def _sum_pool2d(held: Arrays, shape: Shape) -> Synapses:
    kernel, stride, padding = (_pair(shape[name]) for name in ("kernel_size", "stride", "padding"))
    channels, height, width = shape["input_shape"]
    return SumPool2d((channels, height, width), kernel, stride, padding)


# By name: the arrays, how many whole numbers of each name, and what builds it.
_FORMS: dict[str, tuple[set[str], dict[str, int], Callable[[Arrays, Shape], Synapses]]] = {
    "dense": ({"weights"}, {}, lambda held, _: Dense(held["weights"])),
    "csr": (
        {"indptr", "indices", "weights"},
        {},
        lambda held, _: Csr(held["indptr"], held["indices"], held["weights"]),
    ),
    "one_to_one": ({"weights"}, {}, lambda held, _: OneToOne(held["weights"])),
    "conv2d": (
        {"weights"},
        {"input_shape": 3, "stride": 2, "padding": 2, "dilation": 2, "groups": 1},
        _conv2d,
    ),
    "sum_pool2d": (set(), {"input_shape": 3, "kernel_size": 2, "stride": 2, "padding": 2}, _sum_pool2d),
}


def _numbers(value: int | tuple[int, ...]) -> list[int]:
    """Return a number, which stands for both axes, or several, as a list."""
    return [int(v) for v in value] if isinstance(value, tuple) else [int(value), int(value)]


def _pair(values: list[int]) -> tuple[int, int]:
    y, x = values
    return y, x
