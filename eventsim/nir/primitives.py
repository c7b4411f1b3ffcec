"""The primitives of NIR 1.0.8: their fields, and one graph without subgraphs made of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from eventsim.errors import NirError
from eventsim.nir.raw import RawNode, Value

FloatArray = npt.NDArray[np.float64]

# Per primitive: fields it must have, and fields it may have.
FIELDS: dict[str, tuple[str, str]] = {
    "Affine": ("weight bias", ""),
    "AvgPool2d": ("kernel_size stride padding", ""),
    "Conv1d": ("weight stride padding dilation groups", "bias input_shape"),
    "Conv2d": ("weight stride padding dilation groups", "bias input_shape"),
    "CubaLI": ("tau_syn tau_mem r v_leak", "w_in"),
    "CubaLIF": ("tau_syn tau_mem r v_leak v_threshold", "v_reset w_in"),
    "Delay": ("delay", ""),
    "Flatten": ("", "input_type start_dim end_dim"),
    "I": ("r", ""),
    "IF": ("r v_threshold", "v_reset"),
    "Input": ("shape", ""),
    "LI": ("tau r v_leak", ""),
    "LIF": ("tau r v_leak v_threshold", "v_reset"),
    "Linear": ("weight", ""),
    "Output": ("shape", ""),
    "Scale": ("scale", ""),
    "SumPool2d": ("kernel_size stride padding", ""),
    "Threshold": ("threshold", ""),
}
"""Source: Pedersen et al. 2024, Nature Communications 15, 8122, and the classes of the package nir 1.0.8."""

INTEGRATORS = ("I", "LI", "CubaLI")
SPIKING = ("IF", "LIF", "CubaLIF", "Threshold")
NEURONS = (*INTEGRATORS, *SPIKING)
UNREAD = ""
"""The kind of a node with which something is wrong: it stands in its place, so that the rest makes sense."""

_WHOLE = {
    *("shape", "input_type", "input_shape", "kernel_size"),
    *("stride", "padding", "dilation", "groups", "start_dim", "end_dim"),
}
_POSITIVE = {"tau", "tau_mem", "tau_syn", "kernel_size", "stride", "dilation", "groups"}
_NOT_NEGATIVE = {"delay", "padding"}


@dataclass
class Problems:
    """Everything wrong with a graph, collected and raised as one error."""

    found: list[str] = field(default_factory=list)

    def add(self, node: str, text: str) -> None:
        """Note what is wrong with `node`."""
        self.found.append(f"node {node!r}: {text}")

    def raise_any(self) -> None:
        """Raise NirError with all problems, where there is one."""
        if not self.found:
            return
        count = f"{len(self.found)} problems: " if len(self.found) > 1 else ""
        raise NirError(count + "; ".join(self.found), self.found)


@dataclass
class Node:
    """A primitive: numbers as arrays (float32 weights stay float32), `padding` perhaps a word.

    `shape_in` and `shape_out` are filled where known; () stands for "whatever comes in".
    """

    name: str
    kind: str
    values: dict[str, npt.NDArray[Any]]
    words: dict[str, str] = field(default_factory=dict)
    shape_in: tuple[int, ...] | None = None
    shape_out: tuple[int, ...] | None = None

    def ints(self, name: str) -> tuple[int, ...]:
        """Return a field of whole numbers as a tuple."""
        return tuple(int(n) for n in np.atleast_1d(self.values[name]).ravel())

    @property
    def size_out(self) -> int:
        """Return the number of addresses that leave the node."""
        return int(np.prod(self.shape_out or (), dtype=np.int64))

    @property
    def size_in(self) -> int:
        """Return the number of addresses that enter the node."""
        return int(np.prod(self.shape_in or (), dtype=np.int64))


class Graph:
    """A graph without subgraphs: nodes by name, and each one's neighbours in the order of the edges."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self._into: dict[str, dict[str, None]] = {}
        self._out_of: dict[str, dict[str, None]] = {}

    def add(self, node: Node) -> None:
        """Add a node without edges."""
        self.nodes[node.name], self._into[node.name], self._out_of[node.name] = node, {}, {}

    def connect(self, pre: str, post: str) -> None:
        """Add an edge; one that is there already stays one."""
        self._out_of[pre][post] = None
        self._into[post][pre] = None

    def remove(self, name: str) -> None:
        """Remove a node and its edges."""
        for pre in self._into.pop(name):
            self._out_of[pre].pop(name, None)
        for post in self._out_of.pop(name):
            self._into.get(post, {}).pop(name, None)
        del self.nodes[name]

    def into(self, name: str) -> list[str]:
        """Return the names of the nodes with an edge to `name`."""
        return list(self._into[name])

    def out_of(self, name: str) -> list[str]:
        """Return the names of the nodes with an edge from `name`."""
        return list(self._out_of[name])

    @property
    def edges(self) -> list[tuple[str, str]]:
        """Return all edges."""
        return [(pre, post) for pre, posts in self._out_of.items() for post in posts]


def parse_node(name: str, raw: RawNode, problems: Problems) -> Node:
    """Return the primitive, of kind UNREAD where something is wrong with it, which is then in `problems`."""
    if raw.kind not in FIELDS:
        told = f"type {raw.kind!r} is not supported; supported are {', '.join(FIELDS)}"
        problems.add(name, told if raw.kind else "has no type")
        return Node(name, UNREAD, {})
    before = len(problems.found)
    needed, possible = (set(names.split()) for names in FIELDS[raw.kind])
    for missing in sorted(needed - raw.fields.keys()):
        problems.add(name, f"{raw.kind} lacks {missing!r}")
    for unknown in sorted(raw.fields.keys() - needed - possible):
        problems.add(name, f"{raw.kind} has no field {unknown!r}; its fields: {_listed(needed | possible)}")
    if raw.nodes is not None or raw.edges:
        problems.add(name, f"{raw.kind} has nodes of its own, as only a NIRGraph can")
    node = Node(name, raw.kind, {})
    for key in sorted(raw.fields.keys() & (needed | possible)):
        _take(node, key, raw.fields[key], problems)
    if len(problems.found) == before:
        _check_together(node, problems)
    return node if len(problems.found) == before else Node(name, UNREAD, {})


def _take(node: Node, key: str, value: Value, problems: Problems) -> None:
    if isinstance(value, str):
        if key == "padding" and node.kind.startswith("Conv") and value in ("same", "valid"):
            node.words[key] = value
        else:
            allowed = "numbers, 'same' or 'valid'" if key == "padding" else "numbers"
            problems.add(node.name, f"{key} is {value!r}; allowed are {allowed}")
        return
    array = np.asarray(value)
    array = array if array.dtype == np.float32 else array.astype(np.float64)
    if not np.isfinite(array).all():
        problems.add(node.name, f"{key} holds {'NaN' if np.isnan(array).any() else 'an infinite value'}")
    elif key in _WHOLE and array.size and (np.any(array != np.floor(array)) or np.abs(array).max() >= 2**31):
        problems.add(node.name, f"{key} must hold whole numbers below 2^31")
    elif key in _POSITIVE and np.any(array <= 0):
        problems.add(node.name, f"{key} must be positive, got {array.min():g}")
    elif key in _NOT_NEGATIVE and np.any(array < 0):
        problems.add(node.name, f"{key} must not be negative, got {array.min():g}")
    elif not array.size and key not in ("shape", "input_type"):
        problems.add(node.name, f"{key} is empty")
    elif key in _WHOLE:
        node.values[key] = array.astype(np.int64)
    else:
        node.values[key] = array


def _check_together(node: Node, problems: Problems) -> None:
    """Note fields that do not fit each other."""
    if node.kind in NEURONS:
        # A single number stands for all neurons, as some exporters write it.
        shapes = {key: value.shape for key, value in node.values.items() if value.ndim}
        if len(set(shapes.values())) > 1:
            listed = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
            problems.add(node.name, f"parameters of one {node.kind} must have one shape, got {listed}")
        return
    weight = node.values.get("weight")
    if weight is None:
        return
    if node.kind in ("Linear", "Affine"):
        if weight.ndim < 2:
            problems.add(node.name, f"weight must have at least 2 dimensions (out, in), got {weight.shape}")
        elif node.kind == "Affine" and node.values["bias"].shape != weight.shape[:-1]:
            found = node.values["bias"].shape
            problems.add(node.name, f"bias must have shape {weight.shape[:-1]}, as weight says, got {found}")
        return
    _check_convolution(node, weight, problems)


def _check_convolution(node: Node, weight: npt.NDArray[Any], problems: Problems) -> None:
    n = int(node.kind[4])
    if weight.ndim != 2 + n:
        problems.add(node.name, f"weight must have {2 + n} dimensions (out, in, ...), got {weight.shape}")
        return
    for key in ("stride", "padding", "dilation", "input_shape"):
        if key in node.values and node.values[key].size not in (1, n):
            problems.add(node.name, f"{key} must be 1 or {n} numbers, got {node.values[key].size}")
    groups = node.ints("groups")
    if len(groups) != 1 or weight.shape[0] % groups[0]:
        problems.add(node.name, f"groups must be one number that divides {weight.shape[0]}, got {groups}")
    if "bias" in node.values and node.values["bias"].shape != weight.shape[:1]:
        found = node.values["bias"].shape
        problems.add(node.name, f"bias must have shape {weight.shape[:1]}, one per channel, got {found}")
    strided = [s for s in node.ints("stride") if s != 1]
    if node.words.get("padding") == "same" and strided:
        problems.add(node.name, f"padding 'same' is defined for stride 1 only, got stride {strided[0]}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
