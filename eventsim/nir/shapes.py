"""Shapes of a NIR graph: what each node takes and gives, found from what the nodes and edges say."""

from __future__ import annotations

from collections import deque
from math import prod

import numpy as np

from eventsim.nir.primitives import NEURONS, UNREAD, Graph, Node, Problems
from eventsim.nir.report import NirReport

MAX_ADDRESSES = 2**24
"""Most addresses of one node: a declared shape is refused before anything of its size is made."""

Shape = tuple[int, ...]


def infer_shapes(graph: Graph, problems: Problems, report: NirReport) -> None:
    """Fill in `shape_in` and `shape_out` of every node, and note every edge whose ends do not fit."""
    waiting = deque(graph.nodes)
    for node in graph.nodes.values():
        node.shape_in = declared_shape(node)
    while waiting:
        name = waiting.popleft()
        node = graph.nodes[name]
        if node.shape_out is not None or node.kind == UNREAD:
            continue
        if node.shape_in in (None, ()):
            shapes = [graph.nodes[pre].shape_out for pre in graph.into(name)]
            found = next((shape for shape in shapes if shape is not None), None)
            node.shape_in = found if found is not None else node.shape_in
        if node.shape_in in (None, ()):
            continue
        node.shape_out = _given(node, problems)
        if node.shape_out is not None:
            waiting.extend(graph.out_of(name))
    behind = _behind(graph, [n.name for n in graph.nodes.values() if n.kind == UNREAD or _refused(n)])
    for node in graph.nodes.values():
        _settle(node, problems if node.name not in behind else Problems(), report)
    for pre, post in graph.edges:
        _check_edge(graph.nodes[pre], graph.nodes[post], problems, report)


def declared_shape(node: Node) -> Shape | None:
    """Return what the node says it takes; () for one number for all, None where it says nothing."""
    weight = node.values.get("weight")
    if node.kind in NEURONS:
        return next((value.shape for value in node.values.values() if value.ndim), ())
    if node.kind in ("Linear", "Affine") and weight is not None:
        return (*weight.shape[:-2], weight.shape[-1])
    if node.kind in ("Conv1d", "Conv2d") and weight is not None:
        if "input_shape" not in node.values:
            return None
        sides = _times(node.ints("input_shape"), int(node.kind[4]))
        return (weight.shape[1] * node.ints("groups")[0], *sides)
    for field in ("shape", "input_type"):
        if field in node.values:
            return tuple(int(n) for n in node.values[field].ravel()) or (1,)
    for field in ("scale", "delay"):
        if field in node.values:
            return node.values[field].shape
    return None


def _given(node: Node, problems: Problems) -> Shape | None:
    """Return what the node gives for what it takes, or None where it cannot take that (noted)."""
    taken = node.shape_in or ()
    if any(n < 1 for n in taken) or prod(taken) > MAX_ADDRESSES:
        problems.add(node.name, f"shape {taken} must hold 1 to {MAX_ADDRESSES} elements")
        return None
    if node.kind in ("Linear", "Affine"):
        return node.values["weight"].shape[:-1]
    if node.kind == "Flatten":
        return _flattened(node, taken, problems)
    if node.kind.startswith("Conv"):
        n, weight = int(node.kind[4]), node.values["weight"]
        channels = weight.shape[1] * node.ints("groups")[0]
        if len(taken) != n + 1 or taken[0] != channels:
            problems.add(node.name, f"{node.kind} of {channels} channels in {n} dimensions got shape {taken}")
            return None
        return _windows(node, taken, weight.shape[0], weight.shape[2:], problems)
    if node.kind.endswith("Pool2d"):
        if len(taken) != 3:
            problems.add(node.name, f"{node.kind} wants (channels, height, width), got shape {taken}")
            return None
        sizes = [node.values[key].size for key in ("kernel_size", "stride", "padding")]
        if not set(sizes) <= {1, 2}:
            problems.add(node.name, f"kernel_size, stride, padding must be 1 or 2 numbers each, got {sizes}")
            return None
        return _windows(node, taken, taken[0], _times(node.ints("kernel_size"), 2), problems)
    return taken


def _windows(node: Node, taken: Shape, channels: int, kernel: Shape, problems: Problems) -> Shape | None:
    stride, dilation, before, after = window_geometry(node, kernel)
    sides = tuple(
        (side + lo + hi - d * (k - 1) - 1) // s + 1
        for side, lo, hi, d, k, s in zip(taken[1:], before, after, dilation, kernel, stride, strict=True)
    )
    if any(side < 1 for side in sides):
        problems.add(node.name, f"a kernel of {kernel} does not fit into {taken[1:]}")
        return None
    if channels * prod(sides) > MAX_ADDRESSES:
        problems.add(node.name, f"gives {(channels, *sides)}: at most {MAX_ADDRESSES} elements are allowed")
        return None
    return (channels, *sides)


def window_geometry(node: Node, kernel: Shape) -> tuple[Shape, Shape, Shape, Shape]:
    """Return stride, dilation, and padding before and after, per side, of a convolution or pooling."""
    n = len(kernel)
    dilation = _times(node.ints("dilation"), n) if "dilation" in node.values else (1,) * n
    word = node.words.get("padding")
    if word is None:
        before = after = _times(node.ints("padding"), n)
    elif word == "valid":
        before = after = (0,) * n
    else:  # "same", as PyTorch does it: the odd one goes behind
        total = tuple(d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
        before = tuple(t // 2 for t in total)
        after = tuple(t - b for t, b in zip(total, before, strict=True))
    return _times(node.ints("stride"), n), dilation, before, after


def _flattened(node: Node, taken: Shape, problems: Problems) -> Shape | None:
    n = len(taken)
    ends = []
    for key, default in (("start_dim", 1), ("end_dim", -1)):
        value = node.ints(key) if key in node.values else (default,)
        if len(value) != 1 or not -n <= value[0] < n:
            if key == "start_dim" and key not in node.values:
                value = (0,)
            else:
                problems.add(node.name, f"{key} must lie in {-n}..{n - 1} for shape {taken}, got {value}")
                return None
        ends.append(value[0] % n)
    start, end = ends
    if start > end:
        problems.add(node.name, f"start_dim {start} lies behind end_dim {end}")
        return None
    return (*taken[:start], prod(taken[start : end + 1]), *taken[end + 1 :])


def _refused(node: Node) -> bool:
    return node.shape_in not in (None, ()) and node.shape_out is None


def _behind(graph: Graph, starts: list[str]) -> set[str]:
    """Return the nodes that can be reached from `starts`, and these: nothing can be said of their shapes."""
    found, waiting = set(starts), deque(starts)
    while waiting:
        for post in graph.out_of(waiting.popleft()):
            if post not in found:
                found.add(post)
                waiting.append(post)
    return found


def _settle(node: Node, problems: Problems, report: NirReport) -> None:
    """Spread single numbers over what comes in; note a node whose shape is not known."""
    if node.shape_in == ():
        node.shape_in = node.shape_out = (1,)
    if node.shape_in is None:
        problems.add(
            node.name, f"the shape {node.kind} takes cannot be found: no edge from an Input leads here"
        )
        return
    if node.shape_out is None:
        return
    if node.kind in (*NEURONS, "Scale", "Delay"):
        for key, value in node.values.items():
            if value.ndim == 0:
                node.values[key] = np.broadcast_to(value, node.shape_in)
                if node.shape_in != (1,) and key != "w_in":
                    report.change(node.name, "spread", f"one {key} for all {node.size_in}")


def _check_edge(pre: Node, post: Node, problems: Problems, report: NirReport) -> None:
    given, taken = pre.shape_out, post.shape_in
    if given is None or taken is None or given == taken:
        return
    if prod(given) != prod(taken):
        problems.found.append(f"edge {pre.name} -> {post.name}: shape {given} does not fit {taken}")
        return
    report.change(f"{pre.name} -> {post.name}", "folded", f"shape {given} read row by row as {taken}")


def _times(numbers: Shape, n: int) -> Shape:
    return numbers * n if len(numbers) == 1 else numbers
