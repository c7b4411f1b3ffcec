"""From a network's description to flat arrays and compiled entries; done once, shared by sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsim.convolutions import Conv2d, SumPool2d
from eventsim.engine import summed
from eventsim.engine.class_queue import HEAP, RING, SCAN
from eventsim.engine.jit import Entry, address_of
from eventsim.engine.layout import (
    CLASS_START,
    CLASS_STOP,
    CLASS_ZERO,
    CURSOR,
    DELAY,
    DELIVER,
    DIRECT,
    EMITS,
    FIRST,
    GEOMETRY,
    GRADED_SPIKES,
    INDICES,
    INDPTR,
    LOOK,
    MEMBRANE,
    N_CLASS_COLUMNS,
    N_OWN,
    N_PARAMETERS,
    N_POPULATION_COLUMNS,
    N_PRE,
    N_SYNAPSES,
    N_VALUES,
    N_WEIGHTS,
    OFFSET,
    PARAMETERS,
    POST,
    PROJECTION,
    READOUT,
    SIZE,
    SOURCE,
    START,
    STRIDE,
    UNIT_SPIKES,
    UPDATE,
    WEIGHTS,
    Ints,
)
from eventsim.errors import ParameterError
from eventsim.models.model import Form, NeuronModel
from eventsim.network import Network, Population
from eventsim.projections import Csr, Dense, OneToOne, Projection
from eventsim.sources import PoissonSource
from eventsim.weights import Weights

QUEUES = {"fifo": SCAN, "ring": RING, "heap": HEAP}
"""Queues by name: a FIFO per delay class, a bucket ring, a binary heap. All three give the same bits."""

_FEW_CLASSES = 64
_SHORT_RING = 4096
_LONGEST_RING = 2**24
_HUGE = 1e150

_SUMMED: dict[str, Entry] = {
    "dense32": summed.deliver_dense32,
    "dense64": summed.deliver_dense64,
    "sparse32": summed.deliver_sparse32,
    "sparse64": summed.deliver_sparse64,
    "one_to_one32": summed.deliver_one_to_one32,
    "one_to_one64": summed.deliver_one_to_one64,
    "convolution32": summed.deliver_convolution32,
    "convolution64": summed.deliver_convolution64,
}


@dataclass(frozen=True, eq=False)
class CompiledNetwork:
    """A network as flat arrays, with what a session needs to start from and to find names by.

    `sources` numbers every name that emits: inputs and sources inside the engine, then populations in the
    order in which a tick works through them. `populations` and `classes` are the tables a session copies;
    the arrays to which they point are kept alive by `forms` and `delivery`. `runs` holds, per class, the
    address of the entry that takes a Poisson source's events straight to the neurons, or 0.
    """

    network: Network
    tick_ns: int
    sources: Mapping[str, int]
    order: tuple[str, ...]
    forms: tuple[Form, ...]
    delivery: tuple[DeliveryClass, ...]
    populations: Ints
    classes: Ints
    runs: Ints
    queue: int
    ring_span: int

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the populations that drive nothing, which every session records."""
        return self.network.outputs


@dataclass(frozen=True, eq=False)
class DeliveryClass:
    """The synapses of one projection that share one delay (in ticks)."""

    projection: int
    source: int
    post: int
    delay: int
    kind: str
    weights: Weights
    n_pre: int
    indptr: Ints | None = None
    indices: npt.NDArray[np.int32] | None = None
    geometry: Ints | None = None
    stride: int = 1
    offset: int = 0

    @property
    def form(self) -> str:
        """Return the name of the entry that delivers it."""
        return self.kind + ("32" if self.weights.dtype == np.float32 else "64")


def compile_network(network: Network, queue: str | None = None) -> CompiledNetwork:
    """Return `network` as flat arrays, the entries it needs compiled.

    `queue` is "fifo", "ring" or "heap"; left out, the fastest for the number of delay classes and the grid.
    Raises ParameterError where it is another, or the ring would be too long.
    """
    levels = network.levels()
    order = sorted(network.populations.values(), key=lambda p: levels[p.name])
    names = [*network.inputs, *network.sources, *(p.name for p in order)]
    sources = {name: k for k, name in enumerate(names)}
    clocked = {sources[name] for name, s in network.sources.items() if isinstance(s, PoissonSource)}
    delivery: list[DeliveryClass] = []
    table = np.zeros((len(order), N_POPULATION_COLUMNS), np.int64)
    for k, p in enumerate(order):
        mine: list[DeliveryClass] = []
        for number, projection in enumerate(network.projections):
            if projection.post == p.name:
                mine += _split(projection, number, (sources[projection.pre], k), network.tick_ns)
        groups = [
            [c for c in mine if c.source not in clocked and c.delay > 0],
            [c for c in mine if c.source not in clocked and c.delay == 0],
            [c for c in mine if c.source in clocked],
        ]
        table[k, CLASS_START] = len(delivery)
        table[k, CLASS_ZERO] = len(delivery) + len(groups[0])
        delivery += [c for group in groups for c in group]
        table[k, CLASS_STOP] = len(delivery)
    forms = tuple(
        p.model.form(network.tick_ns, {_form_or_huge(c) for c in delivery if c.post == k})
        for k, p in enumerate(order)
    )
    _lay_out_populations(table, order, forms, sources)
    kind, span = _choose_queue(queue, delivery)
    return CompiledNetwork(
        network=network,
        tick_ns=network.tick_ns,
        sources=sources,
        order=tuple(p.name for p in order),
        forms=forms,
        delivery=tuple(delivery),
        populations=table,
        classes=_lay_out_classes(delivery, forms),
        runs=np.array([_run_of(c, forms[c.post]) for c in delivery], np.int64),
        queue=kind,
        ring_span=span,
    )


def _form_or_huge(c: DeliveryClass) -> str:
    """Return the form of a class, or "huge" where a weight leaves no room for scaling time out of sums."""
    double = c.weights.dtype == np.float64 and c.weights.size > 0
    huge = double and max(float(c.weights.max()), -float(c.weights.min())) > _HUGE
    return "huge" if huge else c.form


def _lay_out_populations(
    table: Ints, order: Sequence[Population], forms: Sequence[Form], sources: Mapping[str, int]
) -> None:
    first = 0
    for row, p, form in zip(table, order, forms, strict=True):
        entries = form.entries
        row[SIZE], row[SOURCE], row[EMITS] = p.size, sources[p.name], _emits(p.model)
        row[UPDATE], row[MEMBRANE] = address_of(entries.update), address_of(entries.membrane)
        row[LOOK] = address_of(entries.look) if entries.look else 0
        row[START] = address_of(entries.start) if entries.start else 0
        row[FIRST] = first if entries.look else -1
        first += p.size if entries.look else 0
        row[PARAMETERS], row[N_PARAMETERS] = form.parameters.ctypes.data, form.parameters.size
        row[N_VALUES], row[N_OWN] = form.values.size, form.n_own
        row[DIRECT] = bool(entries.deliveries)


def _emits(model: NeuronModel) -> int:
    if not model.spiking:
        return READOUT
    return GRADED_SPIKES if model.graded else UNIT_SPIKES


def _split(
    projection: Projection, number: int, ends: tuple[int, int], tick_ns: int
) -> Iterator[DeliveryClass]:
    """Yield the delivery classes of a projection, shortest delay first; rows keep their order."""
    synapses, delay, (source, post) = projection.synapses, projection.delay_ns, ends
    if isinstance(delay, int):
        parts = (number, source, post, delay // tick_ns)
        if isinstance(synapses, Csr):
            arrays = (synapses.indptr, synapses.indices)
            yield DeliveryClass(*parts, "sparse", synapses.weights, synapses.n_pre, *arrays)
        elif isinstance(synapses, Dense):
            yield DeliveryClass(*parts, "dense", synapses.weights, synapses.n_pre)
        elif isinstance(synapses, OneToOne):
            yield DeliveryClass(*parts, "one_to_one", synapses.weights, 0)
        else:
            assert isinstance(synapses, Conv2d | SumPool2d)
            weights, geometry = synapses.weights, synapses.geometry
            yield DeliveryClass(*parts, "convolution", weights, synapses.n_pre, geometry=geometry)
        return
    assert isinstance(synapses, Csr)
    delays = np.array(projection.delays_ns, np.int64)
    row_of = np.repeat(np.arange(synapses.n_pre), np.diff(synapses.indptr))
    key = row_of * delays.shape[0] + np.searchsorted(delays, delay)
    order = np.argsort(key, kind="stable")
    indptr = np.zeros(synapses.n_pre * delays.shape[0] + 1, np.int64)
    np.cumsum(np.bincount(key, minlength=indptr.shape[0] - 1), out=indptr[1:])
    weights, indices = synapses.weights[order], synapses.indices[order]
    for k, one in enumerate(projection.delays_ns):
        ticks = one // tick_ns
        yield DeliveryClass(
            *(number, source, post, ticks, "sparse", weights, synapses.n_pre, indptr, indices),
            stride=delays.shape[0],
            offset=k,
        )


def _lay_out_classes(delivery: Sequence[DeliveryClass], forms: Sequence[Form]) -> Ints:
    table = np.zeros((len(delivery), N_CLASS_COLUMNS), np.int64)
    for row, c in zip(table, delivery, strict=True):
        row[POST], row[DELAY], row[PROJECTION] = c.post, c.delay, c.projection
        direct = forms[c.post].entries.deliveries
        row[DELIVER] = address_of(direct[c.form] if direct else _SUMMED[c.form])
        row[WEIGHTS], row[N_WEIGHTS], row[N_PRE] = c.weights.ctypes.data, c.weights.size, c.n_pre
        row[CURSOR] = -1
        if c.indptr is not None and c.indices is not None:
            row[INDPTR], row[INDICES] = c.indptr.ctypes.data, c.indices.ctypes.data
            row[N_SYNAPSES], row[STRIDE], row[OFFSET] = c.indices.size, c.stride, c.offset
        if c.geometry is not None:
            row[GEOMETRY] = c.geometry.ctypes.data
    return table


def _run_of(c: DeliveryClass, form: Form) -> int:
    entry = form.entries.runs.get(c.form)
    return address_of(entry) if entry else 0


def summed_entry(c: DeliveryClass) -> int:
    """Return the address of the entry that sums what class c delivers, whatever the model."""
    return address_of(_SUMMED[c.form])


def _choose_queue(name: str | None, delivery: Sequence[DeliveryClass]) -> tuple[int, int]:
    """Return the kind of queue and, for a ring, its span: a power of two above the longest delay."""
    delayed = [c.delay for c in delivery if c.delay > 0]
    longest = max(delayed, default=1)
    span = max(64, 1 << int(longest).bit_length())
    if name is None:
        if len(delayed) <= _FEW_CLASSES:
            return SCAN, 0
        return (RING, span) if span <= _SHORT_RING else (HEAP, 0)
    if name not in QUEUES:
        raise ParameterError(f"queue must be one of {', '.join(QUEUES)}, got {name!r}")
    if name == "ring" and span > _LONGEST_RING:
        raise ParameterError(
            f'queue "ring" holds delays of up to {_LONGEST_RING - 1} ticks, the longest here is {longest}'
        )
    return QUEUES[name], span if name == "ring" else 0
