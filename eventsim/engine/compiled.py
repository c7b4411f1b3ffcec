"""From a network's description to flat arrays; done once, shared by sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsim.engine.advance import predict_all
from eventsim.engine.layout import (
    CLASS_START,
    CLASS_STOP,
    DENSE32,
    DENSE64,
    N_CLASS_COLUMNS,
    N_POPULATION_COLUMNS,
    NEVER,
    SPARSE32,
    SPARSE64,
    Floats,
    Indices,
    Ints,
    Plan,
)
from eventsim.network import Network, Population
from eventsim.projections import Dense, Projection, Weights


@dataclass(frozen=True, eq=False)
class CompiledNetwork:
    """A network as flat arrays, with what a session needs to start from and to find names by.

    `order` names the populations as the plan numbers them (by level, then as added); `inputs` gives each
    input's size in the order of source numbers. `values` and `due` are the initial state and the first look
    at each neuron, in ticks after the initial state.
    """

    tick_ns: int
    inputs: Mapping[str, int]
    order: tuple[str, ...]
    sizes: tuple[int, ...]
    outputs: tuple[str, ...]
    n_projections: int
    plan: Plan
    values: Floats
    due: Ints


@dataclass(frozen=True, eq=False)
class _DeliveryClass:
    """The synapses of one projection that share one delay (in ticks)."""

    projection: int
    source: int
    delay: int
    weights: Weights
    indptr: Ints | None
    indices: Indices | None

    @property
    def form(self) -> int:
        single = self.weights.dtype == np.float32
        if self.indptr is None:
            return DENSE32 if single else DENSE64
        return SPARSE32 if single else SPARSE64


def compile_network(network: Network) -> CompiledNetwork:
    """Return `network` as flat arrays."""
    levels = network.levels()
    order = sorted(network.populations.values(), key=lambda p: levels[p.name])
    sources = {name: k for k, name in enumerate([*network.inputs, *(p.name for p in order)])}
    table, parameters, values = _lay_out_populations(order, sources, network.tick_ns)
    classes: list[_DeliveryClass] = []
    for k, p in enumerate(order):
        table[k, CLASS_START] = len(classes)
        for number, projection in enumerate(network.projections):
            if projection.post == p.name:
                classes += _split(projection, number, sources[projection.pre], network.tick_ns)
        table[k, CLASS_STOP] = len(classes)
    plan = _lay_out_classes(classes, len(sources), table, parameters, max((p.size for p in order), default=0))
    due = np.full(sum(p.size for p in order), NEVER, np.int64)
    predict_all(plan, values, np.zeros_like(due), np.zeros(due.shape[0]), due)
    return CompiledNetwork(
        tick_ns=network.tick_ns,
        inputs=dict(network.inputs),
        order=tuple(p.name for p in order),
        sizes=tuple(p.size for p in order),
        outputs=network.outputs,
        n_projections=len(network.projections),
        plan=plan,
        values=values,
        due=due,
    )


def _lay_out_populations(
    order: Sequence[Population], sources: Mapping[str, int], tick_ns: int
) -> tuple[Ints, Floats, Floats]:
    """Return the table of populations, all kernel parameters, and all initial state values."""
    table = np.zeros((len(order), N_POPULATION_COLUMNS), np.int64)
    parameters: list[Floats] = [np.empty(0)]
    values: list[Floats] = [np.empty(0)]
    first = parameter_offset = value_offset = 0
    for k, p in enumerate(order):
        rows, state = p.model.kernel_parameters(tick_ns), p.model.initial_state()
        table[k] = (
            *(first, p.size, p.model.code, parameter_offset, rows.shape[0], value_offset, state.shape[0]),
            *(0, 0, sources[p.name], int(p.model.spiking)),
        )
        parameters.append(rows.ravel())
        values.append(state.ravel())
        first += p.size
        parameter_offset += rows.size
        value_offset += state.size
    return table, np.concatenate(parameters), np.concatenate(values)


def _split(projection: Projection, number: int, source: int, tick_ns: int) -> Iterator[_DeliveryClass]:
    """Yield the delivery classes of a projection, shortest delay first; rows keep their order."""
    synapses, delay = projection.synapses, projection.delay_ns
    if isinstance(synapses, Dense):
        assert isinstance(delay, int)
        yield _DeliveryClass(number, source, delay // tick_ns, synapses.weights, None, None)
    elif isinstance(delay, int):
        yield _DeliveryClass(
            number, source, delay // tick_ns, synapses.weights, synapses.indptr, synapses.indices
        )
    else:
        row_of = np.repeat(np.arange(synapses.n_pre), np.diff(synapses.indptr))
        for one in projection.delays_ns:
            chosen = np.flatnonzero(delay == one)
            indptr = np.searchsorted(row_of[chosen], np.arange(synapses.n_pre + 1)).astype(np.int64)
            weights: Weights = synapses.weights[chosen]
            yield _DeliveryClass(number, source, one // tick_ns, weights, indptr, synapses.indices[chosen])


def _lay_out_classes(
    classes: Sequence[_DeliveryClass], n_sources: int, populations: Ints, parameters: Floats, largest: int
) -> Plan:
    """Return the plan: every class's row, its synapses in the flat arrays, and each source's classes."""
    table = np.zeros((len(classes), N_CLASS_COLUMNS), np.int64)
    weights32: list[npt.NDArray[np.float32]] = [np.empty(0, np.float32)]
    weights64: list[Floats] = [np.empty(0)]
    indptr: list[Ints] = [np.empty(0, np.int64)]
    indices: list[Indices] = [np.empty(0, np.int32)]
    offset = {np.dtype(np.float32): 0, np.dtype(np.float64): 0}
    pointers = index = 0
    for k, c in enumerate(classes):
        table[k] = (c.source, c.delay, c.form, offset[c.weights.dtype], pointers, index, c.projection)
        if c.weights.dtype == np.float32:
            weights32.append(c.weights.ravel().astype(np.float32, copy=False))
        else:
            weights64.append(c.weights.ravel().astype(np.float64, copy=False))
        offset[c.weights.dtype] += c.weights.size
        if c.indptr is not None and c.indices is not None:
            indptr.append(c.indptr)
            indices.append(c.indices)
            pointers += c.indptr.size
            index += c.indices.size
    fanout = [[k for k, c in enumerate(classes) if c.source == s] for s in range(n_sources)]
    return Plan(
        populations=populations,
        classes=table,
        fanout_start=np.cumsum([0, *(len(f) for f in fanout)]).astype(np.int64),
        fanout=np.array([k for f in fanout for k in f], np.int64),
        weights32=np.concatenate(weights32),
        weights64=np.concatenate(weights64),
        indptr=np.concatenate(indptr),
        indices=np.concatenate(indices),
        parameters=parameters,
        everyone=np.arange(largest, dtype=np.int32),
    )
