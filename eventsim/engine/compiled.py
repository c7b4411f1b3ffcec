"""From a network's description to flat arrays and compiled entries; done once, shared by sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eventsim.engine import summed
from eventsim.engine.class_queue import HEAP, RING, SCAN
from eventsim.engine.delivery_classes import DeliveryClass, delivery_classes, slots_possible, slots_quicker
from eventsim.engine.jit import Entry, address_of
from eventsim.engine.layout import (
    CLASS_START,
    CLASS_STOP,
    CLASS_ZERO,
    COUNTS,
    CURSOR,
    DELAY,
    DELAYS,
    DELIVER,
    DIRECT,
    EMITS,
    FIRST,
    GEOMETRY,
    GRADED_SPIKES,
    INDICES,
    INDPTR,
    LEAVE,
    LOOK,
    MEMBRANE,
    N_CLASS_COLUMNS,
    N_DELAYS,
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
    SLOTS,
    SORT,
    SOURCE,
    SPAN,
    START,
    STRIDE,
    UNIT_SPIKES,
    UPDATE,
    WEIGHTS,
    WIDTH,
    Ints,
)
from eventsim.engine.slots import leave_slot, sort_to_slots
from eventsim.engine.windows import leave_window, sort_to_windows
from eventsim.errors import ParameterError
from eventsim.models.model import Form, NeuronModel
from eventsim.network import Network, Population
from eventsim.projections import Projection
from eventsim.sources import PoissonSource

QUEUES = {"fifo": SCAN, "ring": RING, "heap": HEAP}
"""Queues by name: a FIFO per delay class, a bucket ring, a binary heap. All three give the same bits."""

QUEUE_NAMES = (*QUEUES, "slots")
"""What a network can be compiled with; slots replace the queue for projections of many delays."""

_FEW_CLASSES = 64
_SHORT_RING = 4096
_LONGEST_RING = 2**24
_HUGE = 1e150

_SUMMED: dict[str, Entry] = {
    "dense32": summed.deliver_dense32,
    "dense64": summed.deliver_dense64,
    "sparse32": summed.deliver_sparse32,
    "sparse64": summed.deliver_sparse64,
    "slots32": summed.deliver_slots32,
    "windows32": summed.deliver_windows32,
    "one_to_one32": summed.deliver_one_to_one32,
    "one_to_one64": summed.deliver_one_to_one64,
    "convolution32": summed.deliver_convolution32,
    "convolution64": summed.deliver_convolution64,
}

_SORTED: dict[str, tuple[Entry, Entry]] = {
    "slots": (sort_to_slots, leave_slot),
    "windows": (sort_to_windows, leave_window),
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


def compile_network(network: Network, queue: str | None = None) -> CompiledNetwork:
    """Return `network` as flat arrays, the entries it needs compiled.

    `queue` is "fifo", "ring" or "heap", or "slots" to sort what arrives by projections of many delays into
    slots wherever that can be done; left out, the fastest for the delays and the grid. Raises ParameterError
    where it is another, or the ring would be too long.
    """
    if queue is not None and queue not in QUEUE_NAMES:
        raise ParameterError(f"queue must be one of {', '.join(QUEUE_NAMES)}, got {queue!r}")
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
                ends, slotted = (sources[projection.pre], k), _in_slots(projection, network, queue)
                mine += delivery_classes(projection, number, ends, network.tick_ns, slotted)
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


def _in_slots(projection: Projection, network: Network, queue: str | None) -> bool:
    """Return whether what arrives by a projection is sorted into slots."""
    if queue in QUEUES or not (queue == "slots" or slots_quicker(projection, network.tick_ns)):
        return False
    pre, post = network.populations.get(projection.pre), network.populations[projection.post]
    if pre is None or _emits(pre.model) != UNIT_SPIKES or not slots_possible(projection, network.tick_ns):
        return False
    forms = {"slots32", "windows32"}
    direct = post.model.form(network.tick_ns, forms).entries.deliveries
    return not direct or forms <= set(direct)


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


def _lay_out_classes(delivery: Sequence[DeliveryClass], forms: Sequence[Form]) -> Ints:
    table, slots = np.zeros((len(delivery), N_CLASS_COLUMNS), np.int64), 0
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
        if c.slots is not None:
            rows = c.slots
            row[WEIGHTS], row[N_WEIGHTS] = rows.packed.ctypes.data, rows.packed.size
            row[INDPTR], row[COUNTS] = rows.starts.ctypes.data, rows.counts.ctypes.data
            row[DELAYS], row[N_DELAYS] = rows.delays.ctypes.data, rows.delays.size
            row[SPAN], row[SLOTS], row[WIDTH] = rows.span, slots, rows.width
            slots += rows.span
            sort, leave = _SORTED[c.kind]
            row[SORT], row[LEAVE] = address_of(sort), address_of(leave)
    return table


def _run_of(c: DeliveryClass, form: Form) -> int:
    entry = form.entries.runs.get(c.form)
    return address_of(entry) if entry else 0


def summed_entry(c: DeliveryClass) -> int:
    """Return the address of the entry that sums what class c delivers, whatever the model."""
    return address_of(_SUMMED[c.form])


def _choose_queue(name: str | None, delivery: Sequence[DeliveryClass]) -> tuple[int, int]:
    """Return the kind of queue and, for a ring, its span: a power of two above the longest delay."""
    delayed = [c.delay for c in delivery if c.delay > 0 and c.slots is None]
    longest = max(delayed, default=1)
    span = max(64, 1 << int(longest).bit_length())
    if name is None or name not in QUEUES:
        if len(delayed) <= _FEW_CLASSES:
            return SCAN, 0
        return (RING, span) if span <= _SHORT_RING else (HEAP, 0)
    if name == "ring" and span > _LONGEST_RING:
        raise ParameterError(
            f'queue "ring" holds delays of up to {_LONGEST_RING - 1} ticks, the longest here is {longest}'
        )
    return QUEUES[name], span if name == "ring" else 0
