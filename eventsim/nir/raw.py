"""A NIR node as it comes from a file or a `nir` object: a type, fields, and nodes where it is a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eventsim.errors import NirError

Value = npt.NDArray[Any] | str | list[tuple[str, str]]
"""Numbers as an array, text as a string, edges as pairs of names."""

_DERIVED = {"input_type", "output_type", "metadata", "nodes", "edges"}
MAX_DEPTH = 32
MAX_NODES = 5_000


@dataclass
class RawNode:
    """A node before anything is checked but that its fields are numbers or text.

    `kind` is the NIR type; `nodes` is None for anything but a graph; `metadata` holds the keys only, because
    nothing in metadata changes what a graph means.
    """

    kind: str
    fields: dict[str, Value] = field(default_factory=dict)
    nodes: dict[str, RawNode] | None = None
    edges: list[tuple[str, str]] = field(default_factory=list)
    metadata: tuple[str, ...] = ()


def raw_from_object(graph: object) -> RawNode:
    """Return a `nir.NIRGraph` as raw nodes; the graph is only looked at, never changed.

    Raises
    ------
    NirError
        if it is no graph, is nested without end, or a field is neither numbers nor text.
    """
    if not (hasattr(graph, "nodes") and hasattr(graph, "edges")):
        raise NirError(f"from_nir wants a nir.NIRGraph or the path of a NIR file, got {type(graph).__name__}")
    return _raw(graph, "graph", 0, [0])


def _raw(node: Any, where: str, depth: int, count: list[int]) -> RawNode:
    count[0] += 1
    if depth > MAX_DEPTH or count[0] > MAX_NODES:
        raise NirError(f"{where}: graphs are nested without end, or hold more than {MAX_NODES} nodes")
    kind = type(node).__name__
    found: dict[str, Value] = {}
    names = [f.name for f in fields(node)] if is_dataclass(node) else sorted(getattr(node, "__dict__", {}))
    for name in names:
        if name not in _DERIVED:
            _keep(found, name, getattr(node, name, None), where)
    if kind in ("Input", "Flatten"):
        _keep(found, "shape" if kind == "Input" else "input_type", _port(node, "input"), where)
    elif kind == "Output":
        _keep(found, "shape", _port(node, "output"), where)
    metadata = getattr(node, "metadata", None)
    raw = RawNode(kind, found, metadata=tuple(map(str, metadata)) if isinstance(metadata, Mapping) else ())
    if kind == "NIRGraph":
        if not isinstance(node.nodes, Mapping):
            raise NirError(f"{where}: nodes must be a dictionary")
        raw.nodes = {
            str(name): _raw(inner, f"node {str(name)!r}", depth + 1, count)
            for name, inner in node.nodes.items()
        }
        raw.edges = edges_from(node.edges, where)
    return raw


def edges_from(pairs: Any, where: str) -> list[tuple[str, str]]:
    """Return edges as pairs of names; raises NirError where they are anything else."""
    try:
        edges = [(pre, post) for pre, post in pairs]
    except (TypeError, ValueError):
        raise NirError(f"{where}: edges must be pairs of node names") from None
    if not all(isinstance(name, str) for edge in edges for name in edge):
        raise NirError(f"{where}: edges must be pairs of node names")
    return edges


def _port(node: Any, name: str) -> Any:
    ports = getattr(node, f"{name}_type", None)
    return ports.get(name) if isinstance(ports, Mapping) else ports


def _keep(found: dict[str, Value], name: str, value: Any, where: str) -> None:
    if value is None:
        return
    if isinstance(value, str):
        found[name] = value
        return
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise NirError(f"{where}: field {name!r} must hold numbers, got {type(value).__name__}")
    found[name] = array
