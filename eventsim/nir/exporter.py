"""From a network to a NIR graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from eventsim.errors import NirError, ParameterError
from eventsim.network import Network
from eventsim.nir.conventions import Conventions, FloatArray, Integration, Reset, Spike, TimeUnit
from eventsim.nir.export_neurons import WrittenNeurons, write_neurons
from eventsim.nir.export_shapes import export_shapes
from eventsim.nir.file import require
from eventsim.projections import Conv2d, Csr, Dense, OneToOne, Projection, SumPool2d

MAX_DENSE = 2**24
"""Most weights of a sparse projection written out as a matrix: NIR has no sparse one."""


def to_nir(
    network: Network,
    *,
    time_unit: TimeUnit,
    spike: Spike = "held",
    integration: Integration = "exact",
    reset: Reset = "hard",
    outputs: Sequence[str] | None = None,
) -> Any:
    """Return a network as a `nir.NIRGraph`, from which `from_nir` with the same arguments makes it again.

    Only what NIR can say is written; nothing is dropped or approximated. Sparse projections become matrices,
    because NIR has no others. `nir.write(path, graph)` makes a file of it.

    Parameters
    ----------
    network : Network
        the network
    time_unit : "s" or "ms"
        the unit of tau and delay in the graph
    spike, integration, reset : str
        what the reader is to take the graph's numbers for, as in `from_nir`; reset="soft" writes soft resets
        for a reader who knows that they are, NIR itself cannot say so
    outputs : names or None
        populations that get an Output; None: those that drive nothing, or all where each drives one

    Raises
    ------
    NirError
        if `nir` is not installed, or the network holds what NIR cannot say; one error lists everything, one
        by one in its `problems`.
    ParameterError
        if an argument is none of those allowed.
    """
    conventions = Conventions(time_unit, network.tick_ns, spike, integration, reset)
    chosen = list(network.outputs or network.populations) if outputs is None else list(outputs)
    for name in chosen:
        if name not in network.populations:
            listed = ", ".join(network.populations) or "none"
            raise ParameterError(f"output {name!r} is no population; populations are {listed}")
    require("nir")
    return _Writing(network, conventions, chosen).run()


class _Writing:
    def __init__(self, network: Network, conventions: Conventions, outputs: Sequence[str]) -> None:
        import nir

        self.nir, self.network, self.conventions, self.outputs = nir, network, conventions, outputs
        self.problems: list[str] = []
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.taken = {*network.inputs, *network.populations}
        self.shapes = export_shapes(network)
        self.neurons: dict[str, WrittenNeurons] = {}

    def run(self) -> Any:
        for name in getattr(self.network, "sources", {}):
            self.problems.append(f"source {name!r}: NIR has no sources; use an input")
        for name, population in self.network.populations.items():
            written = write_neurons(population.model, self.conventions)
            if isinstance(written, str):
                self.problems.append(f"population {name!r}: {written}")
            else:
                self.neurons[name] = written
        carriers = self._choose_carriers()
        if not self.network.inputs:
            self.problems.append("the network has no inputs; NIR needs one")
        plans = [self._plan(k, p, k in carriers) for k, p in enumerate(self.network.projections)]
        if self.problems:
            count = f"{len(self.problems)} problems: " if len(self.problems) > 1 else ""
            raise NirError(f"NIR cannot say {count}{'; '.join(self.problems)}", self.problems)
        for name in self.network.inputs:
            self.nodes[name] = self.nir.Input({"input": np.array(self.shapes[name])})
        for name, neurons in self.neurons.items():
            shaped = {key: v.reshape(self.shapes[name]) for key, v in neurons.parameters.items()}
            self.nodes[name] = getattr(self.nir, neurons.kind)(**shaped)
        for projection, chains in zip(self.network.projections, plans, strict=True):
            for chain in chains:
                self._lay(projection, chain)
        for name in self.outputs:
            node = self._new("output" if len(self.outputs) == 1 else f"output_{name}")
            self.nodes[node] = self.nir.Output({"output": np.array(self.shapes[name])})
            self.edges.append((name, node))
        # nir's own check knows neither groups nor kernels that are not square.
        return self.nir.NIRGraph(self.nodes, self.edges, type_check=False)

    def _choose_carriers(self) -> set[int]:
        """Choose one projection into each population with a bias: NIR keeps biases in linear nodes."""
        carriers: set[int] = set()
        for name, neurons in self.neurons.items():
            if not np.any(neurons.bias):
                continue
            ways = [k for k, p in enumerate(self.network.projections) if p.post == name]
            able = [k for k in ways if self._can_carry(self.network.projections[k], neurons.bias)]
            if able:
                carriers.add(able[0])
            else:
                told = "has a bias, which NIR keeps in a matrix or a convolution, and no such projection"
                self.problems.append(f"population {name!r}: {told} leads to it")
        return carriers

    def _can_carry(self, p: Projection, bias: FloatArray) -> bool:
        if self._as_convolution(p):
            if isinstance(p.synapses, SumPool2d):
                return False
            planes = bias.reshape(self.shapes_of(p)[1][0], -1)
            return bool(np.all(planes == planes[:, :1]))
        return not isinstance(p.synapses, OneToOne)

    def shapes_of(self, p: Projection) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return what a convolution or pooling takes and gives."""
        assert isinstance(p.synapses, Conv2d | SumPool2d)
        return p.synapses.input_shape, p.synapses.output_shape

    def _as_convolution(self, p: Projection) -> bool:
        return isinstance(p.synapses, Conv2d | SumPool2d) and self.shapes[p.pre] == p.synapses.input_shape

    def _plan(self, k: int, p: Projection, carries: bool) -> list[list[tuple[str, Any]]]:
        """Return the chains of nodes of a projection, as (kind, node); one chain per distinct delay."""
        neurons = self.neurons.get(p.post)
        bias = neurons.bias if carries and neurons is not None else None
        if self._as_convolution(p):
            assert isinstance(p.synapses, Conv2d | SumPool2d)
            return [[(self._window_name(p), self._window(p.synapses, bias)), *self._delay(p, p.delay_ns)]]
        flat: list[tuple[str, Any]] = []
        if len(self.shapes[p.pre]) > 1 and not self._one_to_one(p):
            flat = [(f"{p.pre}_flat", self._flatten(self.shapes[p.pre]))]
        if self._one_to_one(p):
            assert isinstance(p.synapses, OneToOne)
            size = self.network.populations[p.post].size
            scale = np.array(np.broadcast_to(p.synapses.weights, (size,))).reshape(self.shapes[p.pre])
            return [[(f"{p.pre}_to_{p.post}", self.nir.Scale(scale)), *self._delay(p, p.delay_ns)]]
        chains: list[list[tuple[str, Any]]] = []
        for delay_ns, weights in self._matrices(p):
            node = self.nir.Linear(weights) if bias is None else self.nir.Affine(weights, bias)
            chains.append([*flat, (f"{p.pre}_to_{p.post}", node), *self._delay(p, delay_ns)])
            bias = None
        return chains

    def _one_to_one(self, p: Projection) -> bool:
        return isinstance(p.synapses, OneToOne) and (
            self.shapes[p.pre] == self.shapes[p.post] or len(self.shapes[p.post]) == 1
        )

    def _matrices(self, p: Projection) -> list[tuple[int, npt.NDArray[np.floating]]]:
        """Return (delay in ns, weights[out, in]) for each distinct delay."""
        if isinstance(p.synapses, Dense):
            assert isinstance(p.delay_ns, int)
            return [(p.delay_ns, np.ascontiguousarray(p.synapses.weights.T))]
        n_pre, n_post = _size(self.network, p.pre), self.network.populations[p.post].size
        rows = p.synapses if isinstance(p.synapses, Csr) else p.synapses.to_csr()
        if n_pre * n_post * len(p.delays_ns) > MAX_DENSE:
            told = f"sparse synapses between {n_pre} and {n_post} neurons: a matrix of more than {MAX_DENSE}"
            self.problems.append(f"{p}: {told} weights")
            return []
        pre = np.repeat(np.arange(n_pre), np.diff(rows.indptr))
        delays = np.broadcast_to(p.delay_ns, pre.shape)
        made: list[tuple[int, npt.NDArray[np.floating]]] = []
        for delay in p.delays_ns:
            chosen = delays == delay
            weights = np.zeros((n_post, n_pre), np.float64)
            np.add.at(weights, (rows.indices[chosen], pre[chosen]), rows.weights[chosen])
            single = weights.astype(np.float32)
            made.append((int(delay), single if np.array_equal(single, weights) else weights))
        return made

    def _window_name(self, p: Projection) -> str:
        return f"{p.pre}_to_{p.post}"

    def _window(self, synapses: Conv2d | SumPool2d, bias: FloatArray | None) -> Any:
        if isinstance(synapses, SumPool2d):
            sides = (synapses.kernel_size, synapses.stride, synapses.padding)
            return self.nir.SumPool2d(*(np.array(_pair(side)) for side in sides))
        channels = synapses.weights.shape[0]
        return self.nir.Conv2d(
            input_shape=tuple(synapses.input_shape[1:]),
            weight=np.array(synapses.weights),
            stride=_pair(synapses.stride),
            padding=_pair(synapses.padding),
            dilation=_pair(synapses.dilation),
            groups=synapses.groups,
            bias=np.zeros(channels) if bias is None else bias.reshape(channels, -1)[:, 0].copy(),
        )

    def _delay(self, p: Projection, delay_ns: Any) -> list[tuple[str, Any]]:
        """Return a Delay node where there is a delay; it keeps the shape of what comes before it."""
        if not isinstance(delay_ns, int) or not delay_ns:
            return []
        if self._as_convolution(p):
            shape = self.shapes_of(p)[1]
        else:
            shape = self.shapes[p.pre] if self._one_to_one(p) else (self.network.populations[p.post].size,)
        times = np.full(shape, float(self.conventions.from_ns(np.array(delay_ns, np.float64))))
        return [(f"{p.pre}_to_{p.post}_delay", self.nir.Delay(times))]

    def _flatten(self, shape: tuple[int, ...]) -> Any:
        return self.nir.Flatten({"input": np.array(shape)}, start_dim=0, end_dim=-1)

    def _lay(self, p: Projection, chain: list[tuple[str, Any]]) -> None:
        """Put a chain between the ends of a projection, flattened behind where the destination is flat."""
        given = self.shapes[p.pre]
        if self._as_convolution(p):
            given = self.shapes_of(p)[1]
        elif not self._one_to_one(p):
            given = self.shapes[p.post]
        if len(given) > 1 and len(self.shapes[p.post]) == 1:
            chain = [*chain, (f"{p.pre}_to_{p.post}_flat", self._flatten(given))]
        last = p.pre
        for name, node in chain:
            new = self._new(name)
            self.nodes[new] = node
            self.edges.append((last, new))
            last = new
        self.edges.append((last, p.post))

    def _new(self, name: str) -> str:
        new, k = name, 1
        while new in self.taken:
            k += 1
            new = f"{name}_{k}"
        self.taken.add(new)
        return new


def _size(network: Network, name: str) -> int:
    return network.inputs[name] if name in network.inputs else network.populations[name].size


def _pair(sides: Any) -> tuple[int, int]:
    return (int(sides), int(sides)) if isinstance(sides, int) else (int(sides[0]), int(sides[1]))
