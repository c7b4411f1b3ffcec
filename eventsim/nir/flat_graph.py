"""From nested raw nodes to one graph of primitives: subgraphs are put in place, names made plain."""

from __future__ import annotations

import re

from eventsim.errors import NirError
from eventsim.nir.primitives import Graph, Problems, parse_node
from eventsim.nir.raw import MAX_NODES, RawNode
from eventsim.nir.report import NirReport

MAX_EDGES = 100_000

_FORBIDDEN = re.compile(r"[^\w.\-]")


def flatten(raw: RawNode, problems: Problems, report: NirReport) -> Graph:
    """Return the graph of primitives in `raw`; a node `lif` of a subgraph `rnn` is called `rnn.lif`.

    The Input and Output of a subgraph vanish: its edges lead straight through. Nodes that cannot be read are
    noted in `problems`.

    Raises
    ------
    NirError
        if `raw` is no graph, or too large a one.
    """
    if raw.kind != "NIRGraph" or raw.nodes is None:
        raise NirError(f"holds {raw.kind or 'nothing'!s} where a NIRGraph with nodes and edges must be")
    return _Flattening(problems, report).run(raw)


class _Flattening:
    def __init__(self, problems: Problems, report: NirReport) -> None:
        self.problems, self.report = problems, report
        self.graph = Graph()
        self.taken: set[str] = set()
        # The doors of subgraphs: nodes that are there only until the edges lead past them.
        self.doors: set[str] = set()

    def run(self, raw: RawNode) -> Graph:
        self._add(raw, "")
        if len(self.graph.nodes) > MAX_NODES:
            raise NirError(f"the graph has {len(self.graph.nodes)} nodes, at most {MAX_NODES} are allowed")
        for door in sorted(self.doors):
            self._lead_past(door)
        return self.graph

    def _add(self, raw: RawNode, prefix: str) -> dict[str, tuple[str, str]]:
        """Add the nodes and edges of one graph; return per node (where edges arrive, where they leave)."""
        if raw.metadata:
            self.report.change(prefix.rstrip(".") or "graph", "metadata", _unused(raw))
        ends: dict[str, tuple[str, str]] = {}
        for name, inner in (raw.nodes or {}).items():
            if inner.kind == "NIRGraph":
                ends[name] = self._add_subgraph(inner, prefix + name)
                continue
            plain = self._plain(prefix + name)
            if inner.metadata:
                self.report.change(plain, "metadata", _unused(inner))
            self.graph.add(parse_node(plain, inner, self.problems))
            ends[name] = (plain, plain)
        self._add_edges(raw, ends, prefix)
        return ends

    def _add_edges(self, raw: RawNode, ends: dict[str, tuple[str, str]], prefix: str) -> None:
        seen: set[tuple[str, str]] = set()
        for edge in raw.edges:
            where = f"{prefix}{edge[0]} -> {prefix}{edge[1]}"
            if edge in seen:
                self.problems.found.append(f"edge {where} is there twice")
                continue
            seen.add(edge)
            unknown = [name for name in edge if name not in ends]
            for name in unknown:
                self.problems.found.append(f"edge {where}: there is no node {prefix + name!r}")
            if not unknown:
                pre, post = (ends[name] for name in edge)
                if not (pre[1] and post[0]):
                    missing = "Output" if not pre[1] else "Input"
                    self.problems.found.append(f"edge {where}: the subgraph has not exactly one {missing}")
                    continue
                self.graph.connect(pre[1], post[0])

    def _add_subgraph(self, raw: RawNode, name: str) -> tuple[str, str]:
        if raw.nodes is None:
            self.problems.add(name, "is a NIRGraph without nodes")
            return "", ""
        ends = self._add(raw, f"{name}.")
        inlets = [ends[n] for n, inner in raw.nodes.items() if inner.kind == "Input"]
        outlets = [ends[n] for n, inner in raw.nodes.items() if inner.kind == "Output"]
        self.doors |= {end[0] for end in (*inlets, *outlets)}
        self.report.change(self._plain_of(name), "folded", "subgraph: its nodes are part of one network now")
        return (inlets[0][0] if len(inlets) == 1 else ""), (outlets[0][0] if len(outlets) == 1 else "")

    def _lead_past(self, door: str) -> None:
        """Take a subgraph's Input or Output out of the graph."""
        node = self.graph.nodes[door]
        before, after = self.graph.into(door), self.graph.out_of(door)
        if door in before:
            self.problems.add(door, f"an {node.kind} cannot lead to itself")
            return
        if (not before and after) if node.kind == "Input" else (before and not after):
            return  # nothing comes in from outside, or goes out: it stays as the network's own
        if len(before) * len(after) > MAX_EDGES:
            self.problems.add(door, f"joins {len(before)} edges with {len(after)}: at most {MAX_EDGES} pairs")
            return
        self.graph.remove(door)
        for pre in before:
            for post in after:
                self.graph.connect(pre, post)

    def _plain_of(self, name: str) -> str:
        plain = _FORBIDDEN.sub("_", name) or "_"
        return plain if re.match(r"\w", plain) else f"_{plain}"

    def _plain(self, name: str) -> str:
        """Return a name a network takes, no other node has, and is the node's own wherever possible."""
        plain = base = self._plain_of(name)
        k = 1
        while plain in self.taken:
            k += 1
            plain = f"{base}_{k}"
        self.taken.add(plain)
        if plain != name:
            self.report.change(plain, "renamed", f"was {name!r}")
        return plain


def _unused(raw: RawNode) -> str:
    return f"metadata is not used: {', '.join(raw.metadata[:8])}"
