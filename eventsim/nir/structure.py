"""What a graph must be for a network: ends, order of its linear nodes, the way from inputs to outputs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

import numpy as np

from eventsim.nir.primitives import INTEGRATORS, NEURONS, Graph, Node, Problems
from eventsim.nir.report import NirReport
from eventsim.nir.shapes import MAX_ADDRESSES, declared_shape

LINEAR = ("Affine", "AvgPool2d", "Conv1d", "Conv2d", "Delay", "Flatten", "Linear", "Scale", "SumPool2d")


def add_missing_inputs(graph: Graph, report: NirReport) -> None:
    """Put an Input before every node into which no edge leads, as the package nir does."""
    for node in list(graph.nodes.values()):
        if node.kind in ("Input", "Output") or graph.into(node.name):
            continue
        shape = _shape_taken(node)
        if shape is None:
            continue  # noted when shapes are looked for
        name, k = f"input_{node.name}", 1
        while name in graph.nodes:
            k += 1
            name = f"input_{node.name}_{k}"
        graph.add(Node(name, "Input", {"shape": np.array(shape, np.int64)}))
        graph.connect(name, node.name)
        report.change(node.name, "assumed", f"no edge leads here: it gets the input {name!r}")


def _shape_taken(node: Node) -> tuple[int, ...] | None:
    shape = declared_shape(node)
    return (1,) if shape == () else shape


def check_ends(graph: Graph, problems: Problems) -> None:
    """Note edges into an Input, out of an Output, out of what never spikes, and a graph without neurons."""
    for node in graph.nodes.values():
        into, out_of = graph.into(node.name), graph.out_of(node.name)
        if node.kind == "Input" and into:
            problems.add(node.name, f"an Input cannot be the destination of an edge (from {into[0]!r})")
        if node.kind == "Output" and out_of:
            problems.add(node.name, f"an Output cannot be the source of an edge (to {out_of[0]!r})")
        if node.kind == "Output" and not into:
            problems.add(node.name, "no edge leads to this Output")
        if node.kind in INTEGRATORS:
            for post in out_of:
                if graph.nodes[post].kind != "Output" or len(graph.into(post)) != 1:
                    told = f"{node.kind} gives a value at every time, not events: its edges can lead to an"
                    problems.add(node.name, f"{told} Output of its own only, this one leads to {post!r}")
        n_values = sum(value.size for value in node.values.values())
        if n_values > 2 * MAX_ADDRESSES * 16:
            problems.add(node.name, f"holds {n_values} numbers, more than can be run")
    if not any(node.kind in NEURONS for node in graph.nodes.values()) and not problems.found:
        problems.found.append("the graph has no neurons: there is nothing to simulate")


def linear_order(graph: Graph, problems: Problems) -> list[str]:
    """Return the linear nodes so that each comes after those before it; notes those on a loop."""
    linear = {name for name, node in graph.nodes.items() if node.kind in LINEAR}
    missing = {name: sum(pre in linear for pre in graph.into(name)) for name in linear}
    ready = deque(name for name in graph.nodes if missing.get(name) == 0)
    order: list[str] = []
    while ready:
        name = ready.popleft()
        order.append(name)
        for post in graph.out_of(name):
            if post in linear:
                missing[post] -= 1
                if not missing[post]:
                    ready.append(post)
    if len(order) < len(linear):
        stuck = sorted(linear - set(order))
        names = ", ".join(map(repr, stuck[:8])) + (" ..." if len(stuck) > 8 else "")
        problems.found.append(
            f"a loop of linear nodes without a neuron cannot be run: on or behind it are {names}"
        )
    return order


def edges_to_delay(links: list[tuple[str, str, bool]], inputs: list[str]) -> set[int]:
    """Return which projections need a tick of delay so that no cycle is without one.

    Parameters
    ----------
    links : list of (source, destination, whether any synapse has no delay)
        one per projection
    inputs : list of names
        from which distances are counted

    A projection without delay that lies on a cycle of such projections is delayed where it does not lead
    farther from the inputs (in projections) than it starts: every cycle has one, and a chain from the
    inputs keeps its timing.
    """
    distance = _distances(links, inputs)
    instant: dict[str, list[str]] = {}
    for pre, post, without in links:
        if without:
            instant.setdefault(pre, []).append(post)
    component = strong_components(instant)
    return {
        k
        for k, (pre, post, without) in enumerate(links)
        if without
        and component.get(pre, -1) == component.get(post, -2)
        and distance.get(post, 0) <= distance.get(pre, 0)
    }


def instant_levels(links: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return per name the longest chain of projections without delay that ends in it; they form no cycle."""
    following: dict[str, list[str]] = {}
    missing: dict[str, int] = {}
    for pre, post in links:
        following.setdefault(pre, []).append(post)
        missing[post] = missing.get(post, 0) + 1
    level = {name: 0 for name in following if not missing.get(name)}
    ready = deque(level)
    while ready:
        name = ready.popleft()
        for post in following.get(name, []):
            level[post] = max(level.get(post, 0), level[name] + 1)
            missing[post] -= 1
            if not missing[post]:
                ready.append(post)
    return level


def _distances(links: list[tuple[str, str, bool]], inputs: list[str]) -> dict[str, int]:
    following: dict[str, list[str]] = {}
    for pre, post, _ in links:
        following.setdefault(pre, []).append(post)
    distance, waiting = dict.fromkeys(inputs, 0), deque(inputs)
    while waiting:
        name = waiting.popleft()
        for post in following.get(name, []):
            if post not in distance:
                distance[post] = distance[name] + 1
                waiting.append(post)
    return distance


def strong_components(following: Mapping[str, list[str]]) -> dict[str, int]:
    """Return a number per node, the same for two nodes exactly where each can be reached from the other.

    Source: Tarjan 1972, SIAM Journal on Computing 1(2), 146-160, without recursion.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    component: dict[str, int] = {}
    stack: list[str] = []
    for root in following:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        work = [(root, iter(following.get(root, [])))]
        while work:
            name, rest = work[-1]
            for post in rest:
                if post not in index:
                    index[post] = low[post] = len(index)
                    stack.append(post)
                    work.append((post, iter(following.get(post, []))))
                    break
                if post not in component:
                    low[name] = min(low[name], index[post])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    number = len(component)
                    while True:
                        member = stack.pop()
                        component[member] = number
                        if member == name:
                            break
    return component
