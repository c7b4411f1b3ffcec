"""From a NIR graph to a network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from eventsim.errors import EventSimError, NetworkError, NirError
from eventsim.models import LeakyIntegrator
from eventsim.network import Network
from eventsim.nir.conventions import (
    FORGETFUL,
    Conventions,
    FloatArray,
    Integration,
    Reset,
    Spike,
    TimeUnit,
)
from eventsim.nir.file import read_nir_file
from eventsim.nir.flat_graph import flatten
from eventsim.nir.linear_map import LinearMap, apply, own_bias
from eventsim.nir.neurons import NeuronReader, Neurons
from eventsim.nir.primitives import NEURONS, Graph, Node, Problems
from eventsim.nir.raw import RawNode, raw_from_object
from eventsim.nir.report import NirReport, Port
from eventsim.nir.shapes import infer_shapes
from eventsim.nir.structure import (
    add_missing_inputs,
    check_ends,
    edges_to_delay,
    instant_levels,
    linear_order,
)
from eventsim.nir.synapses import Connection, connection_of

MAX_PROJECTIONS = 10_000
MAX_BYTES = 2**32
"""Most weights of one network made of a graph: many inputs can share one matrix, their projections cannot."""


class NirImport(NamedTuple):
    """What `from_nir` returns: the network, and the report of what became of the graph."""

    network: Network
    report: NirReport


def from_nir(
    graph_or_path: object,
    *,
    time_unit: TimeUnit,
    tick_ns: int,
    spike: Spike = "held",
    integration: Integration = "exact",
    reset: Reset = "hard",
) -> NirImport:
    """Return a NIR graph as a network, with a report of everything that is not word for word the same.

    Every population is called as its node in the graph, `subgraph.node` within a subgraph.

    Parameters
    ----------
    graph_or_path : nir.NIRGraph or path
        the graph, or the file that holds it
    time_unit : "s" or "ms"
        the unit of tau and delay in the graph; NIR does not say which
    tick_ns : int, ns
        time grid of the network
    spike : "held", "dirac" or "jump"
        what an event of value x does. "held": an input of x for one tick, as most tools that compute in time
        steps mean it. "dirac": a pulse of area x in `time_unit`, as in the equations. "jump": raises the
        membrane (with a synapse: the current) by r x (w_in x), as tools do that count in steps, and a bias
        does so in every tick
    integration : "exact" or "euler"
        exact over each tick, or what tools with Euler steps of one tick compute
    reset : "hard" or "soft"
        to v_reset, as NIR says, or by subtracting the threshold, as some tools do that write NIR

    Raises
    ------
    NirError
        if the file cannot be read, or the graph is malformed or holds what cannot be run; one error lists
        everything, one by one in its `problems`.
    ParameterError
        if an argument is none of those allowed.
    """
    conventions = Conventions(time_unit, tick_ns, spike, integration, reset)
    report = NirReport(time_unit, int(tick_ns), spike, integration, reset)
    if not isinstance(graph_or_path, str | os.PathLike):
        return NirImport(build_network(raw_from_object(graph_or_path), conventions, report), report)
    raw, report.nir_version = read_nir_file(graph_or_path)
    try:
        return NirImport(build_network(raw, conventions, report), report)
    except NirError as error:
        raise NirError(f"{os.fsdecode(graph_or_path)}: {error}", error.problems) from None


def build_network(raw: RawNode, conventions: Conventions, report: NirReport) -> Network:
    """Return the network of a raw graph, and fill in its report; raises NirError with all that is wrong."""
    problems = Problems()
    graph = flatten(raw, problems, report)
    if not problems.found:
        add_missing_inputs(graph, report)
    infer_shapes(graph, problems, report)
    check_ends(graph, problems)
    order = linear_order(graph, problems)
    if problems.found:
        # Parameters are looked at too, so that one error says all; what depends on whole paths cannot be.
        reader = NeuronReader(conventions, problems, report)
        for node in graph.nodes.values():
            if node.kind in NEURONS and node.shape_in is not None:
                reader.read(node, None)
        problems.raise_any()
    with np.errstate(all="ignore"):  # what overflows is not finite, and refused where it is used
        return _Building(graph, order, conventions, report).run()


@dataclass
class _Link:
    """A projection to be: from a population or input, by way of the last node before the destination."""

    pre: str
    post: str
    last: str
    connection: Connection

    @property
    def where(self) -> str:
        return f"{self.pre} -> {self.post}"


class _Building:
    def __init__(self, graph: Graph, order: list[str], conventions: Conventions, report: NirReport) -> None:
        self.graph, self.order, self.conventions, self.report = graph, order, conventions, report
        self.problems = Problems()
        self.biases: dict[str, FloatArray] = {}
        self.populations: dict[str, tuple[int, Neurons]] = {}
        self.network = Network(int(conventions.tick_ns))

    def run(self) -> Network:
        """Return the network; raises NirError with everything that cannot be built."""
        self._carry_biases()
        self._read_neurons()
        self.problems.raise_any()
        links = self._find_links()
        self.problems.raise_any()
        self._delay_cycles(links)
        self._build(links)
        self._note_times()
        return self.network

    def _carry_biases(self) -> None:
        """Find the constant each linear node adds to what it gives, through all nodes before it."""
        for name in self.order:
            node = self.graph.nodes[name]
            given = self._bias_into(name)
            try:
                total = None if given is None else apply(node, given)
            except NirError as error:
                self.problems.add(name, str(error))
                continue
            own = own_bias(node)
            if own is not None:
                total = own if total is None else total + own
            if given is not None and node.kind == "Delay":
                self.report.change(name, "assumed", "the bias before this delay counts from the start")
            if total is not None:
                self.biases[name] = total

    def _bias_into(self, name: str) -> FloatArray | None:
        parts = [self.biases[pre] for pre in self.graph.into(name) if pre in self.biases]
        return sum(parts[1:], parts[0]) if parts else None

    def _read_neurons(self) -> None:
        reader = NeuronReader(self.conventions, self.problems, self.report)
        for name, node in sorted(self.graph.nodes.items()):
            if node.kind in NEURONS:
                neurons = reader.read(node, self._bias_into(name))
                if neurons is not None:
                    self.populations[name] = (node.size_in, neurons)
                    self.report.populations[name] = name
            elif node.kind == "Input":
                self.report.inputs[name] = Port(name, node.shape_out or ())
                if not self.graph.out_of(name):
                    self.report.change(name, "assumed", "this Input leads nowhere")
            elif node.kind == "Output":
                self._read_output(node)

    def _read_output(self, node: Node) -> None:
        """Take a population for the Output, or make one that adds up what leads there."""
        before = self.graph.into(node.name)
        if len(before) == 1 and self.graph.nodes[before[0]].kind in NEURONS:
            self.report.outputs[node.name] = Port(before[0], node.shape_in or ())
            return
        bias = self._bias_into(node.name)
        tau_ns = np.full(node.size_in, FORGETFUL * self.conventions.tick_ns)
        model = LeakyIntegrator(tau_ns, np.zeros(node.size_in) if bias is None else bias)
        self.populations[node.name] = (node.size_in, Neurons(model))
        self.report.outputs[node.name] = Port(node.name, node.shape_in or ())
        told = "a population of this name emits the sum of what arrives, in each tick in which an event does"
        self.report.change(node.name, "assumed", told)

    def _find_links(self) -> list[_Link]:
        """Follow every source through the linear nodes to every population."""
        links: list[_Link] = []
        n_bytes = 0
        sources = [n for n in self.graph.nodes.values() if n.kind == "Input" or n.kind in NEURONS]
        for source in sources:
            reached = {source.name: LinearMap(source.size_out, source.size_out)}
            for name in self.order:
                maps = [reached[pre] for pre in self.graph.into(name) if pre in reached]
                if maps:
                    made = self._map_through(self.graph.nodes[name], maps)
                    if made is not None:
                        reached[name] = made
            for name, link in reached.items():
                for post in self.graph.out_of(name):
                    if post in self.populations:
                        found = self._link(source.name, post, name, link)
                        n_bytes += sum(one.connection.synapses.n_bytes for one in found)
                        links += found
            if len(links) > MAX_PROJECTIONS or n_bytes > MAX_BYTES:
                self.problems.found.append(
                    f"takes more than {MAX_PROJECTIONS} projections or {MAX_BYTES} bytes of weights"
                )
                break
        return links

    def _map_through(self, node: Node, maps: list[LinearMap]) -> LinearMap | None:
        delay_ns = None
        if node.kind == "Delay":
            delay_ns = self.conventions.to_ns(np.asarray(node.values["delay"]).ravel())
        try:
            total = maps[0]
            for other in maps[1:]:
                total = total.plus(other)
            return total.through(node, delay_ns)
        except NirError as error:
            self.problems.add(node.name, str(error))
            return None

    def _link(self, pre: str, post: str, last: str, link: LinearMap) -> list[_Link]:
        where, gain = f"{pre} -> {post}", self.populations[post][1].gain
        try:
            made = connection_of(link.scaled(gain), self.conventions.tick_ns, where, self.report)
        except EventSimError as error:
            self.problems.found.append(f"{where}: {error}")
            return []
        return [_Link(pre, post, last, made)]

    def _delay_cycles(self, links: list[_Link]) -> None:
        ends = [(link.pre, link.post, link.connection.shortest_ns == 0) for link in links]
        tick_ns = self.conventions.tick_ns
        for k in sorted(edges_to_delay(ends, list(self.report.inputs))):
            link = links[k]
            link.connection = link.connection.at_least(tick_ns)
            told = f"closes a cycle: its synapses without delay get one tick, {tick_ns} ns"
            self.report.change(link.where, "delayed", told)

    def _build(self, links: list[_Link]) -> None:
        instant = [(link.pre, link.post) for link in links if link.connection.shortest_ns == 0]
        level = instant_levels(instant)
        # Into each population in the order of names, which is that of summation: a file keeps no other order
        # of nodes. From the inputs on, so that the network's look for cycles has little to look through.
        links = sorted(links, key=lambda link: (level.get(link.post, 0), link.post, link.last, link.pre))
        try:
            for name, port in self.report.inputs.items():
                self.network.add_input(name, int(np.prod(port.shape, dtype=np.int64)))
            for name, (size, neurons) in self.populations.items():
                self.network.add_population(name, size, neurons.model)
            for link in links:
                made = link.connection
                self.network.connect(link.pre, link.post, made.synapses, made.delay_ns)
        except NetworkError as error:
            raise NirError(f"the graph makes no network: {error}") from None

    def _note_times(self) -> None:
        """Warn where all time constants look as if the unit were the wrong one."""
        unit = self.conventions.time_unit
        taus = [
            self.conventions.to_ns(np.asarray(value, np.float64)).ravel()
            for node in self.graph.nodes.values()
            for key, value in node.values.items()
            if key.startswith("tau")
        ]
        if not taus:
            return
        every = np.concatenate(taus)
        if unit == "s" and every.min() > 2e9:
            told = f"all time constants are {every.min() / 1e9:g} s or more: is the unit ms?"
            self.report.change("graph", "warning", told)
        if unit == "ms" and every.max() < 1e5:
            told = f"all time constants are {every.max():g} ns or less: is the unit s?"
            self.report.change("graph", "warning", told)
