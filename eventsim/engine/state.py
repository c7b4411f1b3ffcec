"""The state of a session: its tables, arrays and handle; allocated, reset, grown, saved, restored."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from eventsim.engine.advance import MORE_PACKETS, MORE_RECORDS, MORE_ROOM, MORE_SPIKES
from eventsim.engine.class_queue import BLOCK, HEAP, RING
from eventsim.engine.clocks import start_clock
from eventsim.engine.compiled import CompiledNetwork, summed_entry
from eventsim.engine.jit import call, ints, ints_at, kernel
from eventsim.engine.layout import (
    AT,
    CLOCK_CLASS,
    CLOCK_EMITTED,
    CLOCK_EVENTS,
    CLOCK_N_RATES,
    CLOCK_ORIGIN,
    CLOCK_RATES,
    CLOCK_RECORDED,
    CLOCK_RUN,
    CLOCK_SOURCE,
    CLOCK_START,
    CLOCK_STOP,
    CLOCK_TICK,
    COUNT,
    COUNTING,
    CURSOR,
    DELIVERIES,
    DIRECT,
    DRIVE,
    DUE_AT,
    F_CLASSES,
    F_CLOCKS,
    F_DUE,
    F_HEAD,
    F_POPULATIONS,
    F_QUEUE,
    F_TAIL,
    FIELDS,
    FIRST,
    FUSED,
    HANDLE_SIZE,
    HEAP_SIZE,
    INPUT_EVENTS,
    INPUT_HEAD,
    INPUT_TAIL,
    LAST,
    MARK,
    MERGED,
    N_CALENDAR,
    N_CLASS_COLUMNS,
    N_CLASSES,
    N_CLOCK_COLUMNS,
    N_CLOCKS,
    N_DUE,
    N_EMITTABLE,
    N_PACKET_COLUMNS,
    N_POPULATION_COLUMNS,
    N_POPULATIONS,
    N_REGISTERS,
    N_SLOTTED,
    N_SOURCES,
    N_SPIKES,
    N_UPDATES,
    NEVER,
    NOW,
    OWN,
    PACKETS,
    QUEUE_KIND,
    QUEUE_SIZE,
    RECORDABLE,
    RECORDED,
    RECORDS,
    RING_SPAN,
    SIZE,
    SOON_COUNT,
    SOON_TICK,
    SOURCE,
    SPAN,
    SPIKES,
    START,
    STOP,
    TICK_NS,
    UNDER_WAY,
    VALUES,
)
from eventsim.engine.merging import MERGING_SIZE
from eventsim.engine.pool import add_chunks, clear_slots
from eventsim.engine.slot_arrays import POOL, SLOTS, merged_class, scratch, slot_arrays
from eventsim.sources import PoissonSource

_FEW = 1024  # least capacity of a buffer that grows

Array = npt.NDArray[Any]

_INPUTS = ("input_tick", "input_source", "input_address", "input_value")
_RECORDS = ("record_tick", "record_source", "record_index", "record_value")
_SPIKES = ("spike_address", "spike_value")
# What a saved state holds: fields as they are, fields as far as they are used, and columns of tables.
_CHANGING = ("head", "tail", "due", "soon", "queue", "queue_link", "random", "clock_ahead", *SLOTS)
_BUFFERS = ("packets", *_SPIKES, *_INPUTS, *_RECORDS, "heap_tick", "heap_neuron")
_POPULATION_COLUMNS = [SOON_COUNT, N_SPIKES, N_UPDATES]
_CLASS_COLUMNS = [CURSOR, DELIVERIES, UNDER_WAY, AT, STOP]
_CLOCK_COLUMNS = [CLOCK_TICK, CLOCK_EVENTS, CLOCK_ORIGIN, CLOCK_START, CLOCK_STOP, CLOCK_EMITTED]


class State:
    """All that changes while a network runs; `at` is the address of its handle.

    Parameters
    ----------
    compiled : the network
    recorded : names of the sources whose events are kept
    count_updates : whether neuron updates are counted where the model does not list them
    """

    def __init__(self, compiled: CompiledNetwork, recorded: Collection[str], count_updates: bool) -> None:
        self.handle = np.zeros(HANDLE_SIZE, np.int64)
        self.at = self.handle.ctypes.data
        self._fields: dict[str, Array] = {}
        self._compiled = compiled
        self._own: list[dict[str, Array]] = []
        self._clocks = [
            (name, source)
            for name, source in compiled.network.sources.items()
            if isinstance(source, PoissonSource)
        ]
        self._rates: list[Array] = []
        populations, classes = compiled.populations.copy(), compiled.classes.copy()
        self._allocate_populations(populations, count_updates)
        if count_updates:
            for row, c in zip(classes, compiled.delivery, strict=True):
                row[COUNT] = summed_entry(c)
        self._set("populations", populations.ravel())
        self._set("classes", classes.ravel())
        self._set_registers(populations, recorded, count_updates)
        self._set_sources(populations, recorded)
        self._set_clocks(recorded, count_updates)
        self._set_buffers(populations)
        self._set_queue()

    def field(self, name: str) -> Array:
        """Return one of the arrays of the handle."""
        return self._fields[name]

    def populations(self) -> npt.NDArray[np.int64]:
        """Return the table of populations."""
        return self._fields["populations"].reshape(-1, N_POPULATION_COLUMNS)

    def classes(self) -> npt.NDArray[np.int64]:
        """Return the table of delivery classes."""
        return self._fields["classes"].reshape(-1, N_CLASS_COLUMNS)

    def clocks(self) -> npt.NDArray[np.int64]:
        """Return the table of Poisson sources."""
        return self._fields["clocks"].reshape(-1, N_CLOCK_COLUMNS)

    def reset(self, start: int) -> None:
        """Go back to the initial state; the first tick is `start`."""
        for arrays, form in zip(self._own, self._compiled.forms, strict=True):
            arrays["values"][:] = form.values
            if "last" in arrays:
                arrays["last"][:] = start - 1
            if "drive" in arrays:
                arrays["drive"][:] = 0.0
        random, clocks, tick_ns = self._fields["random"], self.clocks(), self._compiled.tick_ns
        for k, (_, source) in enumerate(self._clocks):
            random[4 * k : 4 * k + 4] = np.random.SeedSequence([source.seed, k]).generate_state(4, np.uint64)
            clocks[k, CLOCK_START] = max(start, -(-source.start_ns // tick_ns))
            stop = NEVER if source.stop_ns is None else -(-source.stop_ns // tick_ns)
            clocks[k, CLOCK_STOP] = min(stop, NEVER)
        _reset(self.at, start)

    def grow(self, lacking: int) -> None:
        """Double the buffer that `run_until` asked for."""
        names = {
            MORE_SPIKES: _SPIKES,
            MORE_PACKETS: ("packets",),
            MORE_RECORDS: _RECORDS,
            MORE_ROOM: (*POOL, "scratch"),
        }[lacking]
        for name in names:
            array = self._fields[name]
            self._set(name, np.concatenate([array, np.zeros_like(array)]))
        if lacking == MORE_ROOM:
            add_chunks(self.at, self._fields["next_chunk"].shape[0] // 2)

    def set_inputs(self, tick: Array, source: Array, address: Array, value: Array) -> None:
        """Replace the waiting inputs by these, sorted, with room for as many again."""
        n = tick.shape[0]
        for name, array in zip(_INPUTS, (tick, source, address, value), strict=True):
            if n > self._fields[name].shape[0]:
                self._set(name, np.zeros(2 * n, self._fields[name].dtype))
            self._fields[name][:n] = array
        self.handle[INPUT_HEAD], self.handle[INPUT_TAIL] = 0, n

    def contents(self) -> dict[str, Array]:
        """Return copies of all that changes, by name; addresses are not among it."""
        handle = self.handle
        used = {
            "packets": slice(N_PACKET_COLUMNS * handle[PACKETS]),
            **dict.fromkeys(_SPIKES, slice(handle[SPIKES])),
            **dict.fromkeys(_INPUTS, slice(handle[INPUT_TAIL])),
            **dict.fromkeys(_RECORDS, slice(handle[RECORDS])),
            **dict.fromkeys(("heap_tick", "heap_neuron"), slice(handle[HEAP_SIZE])),
        }
        names = [*_CHANGING, *POOL, *used]
        kept = {name: self._fields[name][used.get(name, slice(None))].copy() for name in names}
        kept["registers"] = handle[:N_REGISTERS].copy()
        kept["population_columns"] = self.populations()[:, _POPULATION_COLUMNS].copy()
        kept["class_columns"] = self.classes()[:, _CLASS_COLUMNS].copy()
        kept["clock_columns"] = self.clocks()[:, _CLOCK_COLUMNS].copy()
        for k, arrays in enumerate(self._own):
            kept |= {f"{name}_{k}": array.copy() for name, array in arrays.items()}
        return kept

    def set_contents(self, kept: dict[str, Array]) -> None:
        """Take over what `contents` returned, of a state of the same network."""
        for name in (*_CHANGING, *_BUFFERS):
            array, mine = kept[name], self._fields[name]
            if array.shape[0] > mine.shape[0]:
                self._set(name, np.zeros(2 * array.shape[0], mine.dtype))
            self._fields[name][: array.shape[0]] = array
        for name in POOL:
            self._set(name, kept[name].copy())
        self._set("scratch", scratch(self.classes(), self._fields["pool"]))
        self.handle[:N_REGISTERS] = kept["registers"]
        self.populations()[:, _POPULATION_COLUMNS] = kept["population_columns"]
        self.classes()[:, _CLASS_COLUMNS] = kept["class_columns"]
        self.clocks()[:, _CLOCK_COLUMNS] = kept["clock_columns"]
        for k, arrays in enumerate(self._own):
            for name, array in arrays.items():
                array[:] = kept[f"{name}_{k}"]

    def _set(self, name: str, array: Array) -> None:
        place = HANDLE_PLACES[name]
        contiguous = np.ascontiguousarray(array, dtype=FIELD_TYPES[name])
        self._fields[name] = contiguous
        self.handle[place], self.handle[place + 1] = contiguous.ctypes.data, contiguous.shape[0]

    def _allocate_populations(self, table: npt.NDArray[np.int64], count_updates: bool) -> None:
        for row, form in zip(table, self._compiled.forms, strict=True):
            n = int(row[SIZE])
            arrays: dict[str, Array] = {
                "values": np.zeros(form.values.size),
                "mark": np.zeros(n, np.int64),
                "own": np.zeros(form.n_own, np.int64),
            }
            if not row[DIRECT]:
                arrays["last"] = np.zeros(n, np.int64)
            if not row[DIRECT] or count_updates:
                arrays["drive"] = np.zeros(n)
            columns = {"values": VALUES, "mark": MARK, "own": OWN, "last": LAST, "drive": DRIVE}
            for name, array in arrays.items():
                row[columns[name]] = array.ctypes.data
            self._own.append(arrays)

    def _set_registers(
        self, table: npt.NDArray[np.int64], recorded: Collection[str], count_updates: bool
    ) -> None:
        compiled, handle = self._compiled, self.handle
        restless = table[:, FIRST] >= 0
        handle[TICK_NS] = compiled.tick_ns
        handle[N_POPULATIONS], handle[N_CLASSES] = len(compiled.order), len(compiled.delivery)
        handle[N_SOURCES], handle[N_CLOCKS] = len(compiled.sources), len(self._clocks)
        handle[N_CALENDAR] = int(table[restless, SIZE].sum())
        handle[RECORDABLE] = sum(
            int(row[SIZE]) for name, row in zip(compiled.order, table, strict=True) if name in recorded
        )
        driving = {c.source for c in compiled.delivery}
        handle[N_EMITTABLE] = sum(int(row[SIZE]) for row in table if row[SOURCE] in driving)
        handle[COUNTING] = int(count_updates)

    def _set_sources(self, table: npt.NDArray[np.int64], recorded: Collection[str]) -> None:
        network, sources = self._compiled.network, self._compiled.sources
        sizes = {**network.inputs, **{name: s.size for name, s in network.sources.items()}}
        sizes |= {name: p.size for name, p in network.populations.items()}
        self._set("source_size", np.array([sizes[name] for name in sources], np.int64))
        self._set("recorded", np.array([name in recorded for name in sources], np.int64))
        for row, name in zip(table, self._compiled.order, strict=True):
            row[RECORDED] = int(name in recorded)
        self._set("populations", table.ravel())
        self._set("tail", np.full(len(sources), -1))

    def _set_clocks(self, recorded: Collection[str], count_updates: bool) -> None:
        compiled = self._compiled
        table = np.zeros((len(self._clocks), N_CLOCK_COLUMNS), np.int64)
        classes_of: dict[int, list[int]] = {}
        classes = self.classes()
        for number, c in enumerate(compiled.delivery):
            classes_of.setdefault(c.source, []).append(number)
        fused: set[int] = set()
        for k, (row, (name, source)) in enumerate(zip(table, self._clocks, strict=True)):
            number = compiled.sources[name]
            rates = source.events_per_tick(compiled.tick_ns)
            self._rates.append(rates)
            row[CLOCK_SOURCE], row[CLOCK_CLASS] = number, -1
            row[CLOCK_RECORDED] = int(name in recorded)
            row[CLOCK_RATES], row[CLOCK_N_RATES] = rates.ctypes.data, rates.size
            mine = classes_of.get(number, [])
            # Without delay: what a source has emitted by a time must not depend on who listens how.
            straight = len(mine) == 1 and compiled.runs[mine[0]] and not compiled.delivery[mine[0]].delay
            if straight and name not in recorded and not count_updates:
                row[CLOCK_CLASS], row[CLOCK_RUN] = mine[0], compiled.runs[mine[0]]
                classes[mine[0], FUSED] = k + 1
                fused.add(number)
        self.handle[MERGED] = merged_class(compiled, table, self._rates)
        self._set("clocks", table.ravel())
        self._set("random", np.zeros(4 * len(self._clocks), np.uint64))
        self._set("clock_ahead", np.zeros(len(self._clocks)))
        fanout = [[] if s in fused else classes_of.get(s, []) for s in range(len(compiled.sources))]
        self._set("fanout_start", np.cumsum([0, *(len(f) for f in fanout)]))
        self._set("fanout", np.array([k for f in fanout for k in f], np.int64))

    def _set_buffers(self, table: npt.NDArray[np.int64]) -> None:
        handle = self.handle
        largest = int(table[:, SIZE].max(initial=0))
        spikes = 2 * int(handle[N_EMITTABLE]) + _FEW
        records = 2 * int(handle[RECORDABLE]) + _FEW
        restless = int(handle[N_CALENDAR])
        sizes = {
            "packets": N_PACKET_COLUMNS * (4 * int(handle[N_SOURCES]) + _FEW),
            **dict.fromkeys(_SPIKES, spikes),
            **dict.fromkeys(_INPUTS, _FEW),
            **dict.fromkeys(_RECORDS, records),
            **dict.fromkeys(("touched", "fired", "fired_value"), largest),
            **dict.fromkeys(("due", "soon"), restless),
            **dict.fromkeys(("heap_tick", "heap_neuron"), 2 * restless + 1),
        }
        for name, size in sizes.items():
            self._set(name, np.zeros(size, FIELD_TYPES[name]))
        summed = [int(row[SIZE]) for row in table if not row[DIRECT]]
        dense = [
            self._compiled.populations[c.post, SIZE] for c in self._compiled.delivery if c.kind == "dense"
        ]
        self._set("everyone", np.arange(max([0, *summed, *map(int, dense)]), dtype=np.int32))

    def _set_queue(self) -> None:
        compiled, classes = self._compiled, len(self._compiled.delivery)
        self.handle[QUEUE_KIND], self.handle[RING_SPAN] = compiled.queue, compiled.ring_span
        size = classes if compiled.queue == HEAP else 0
        if compiled.queue == RING:
            size = compiled.ring_span + compiled.ring_span // BLOCK
        self._set("queue", np.zeros(size, np.int64))
        self._set("head", np.full(classes, NEVER))
        self._set("due_class", np.zeros(classes + 1, np.int64))
        self._set("queue_link", np.zeros(classes, np.int64))
        self.handle[N_SLOTTED] = np.count_nonzero(self.classes()[:, SPAN])
        for name, array in slot_arrays(self.classes()).items():
            self._set(name, array)
        self._set("merging", np.zeros(MERGING_SIZE if self.handle[MERGED] >= 0 else 0, np.uint64))


FIELD_TYPES: dict[str, Any] = dict(FIELDS)
HANDLE_PLACES = {name: HANDLE_SIZE - 2 * (len(FIELDS) - k) for k, (name, _) in enumerate(FIELDS)}


@kernel
def _reset(at: int, start: int) -> None:
    """Empty all queues and buffers, set all counters to 0, and let sources and populations start."""
    handle = ints_at(at, HANDLE_SIZE)
    for register in (INPUT_HEAD, INPUT_TAIL, HEAP_SIZE, PACKETS, SPIKES, RECORDS, INPUT_EVENTS):
        handle[register] = 0
    for register in (N_DUE, DUE_AT, QUEUE_SIZE):
        handle[register] = 0
    handle[NOW], handle[SOON_TICK] = start - 1, NEVER
    due, queue = ints(handle, F_DUE), ints(handle, F_QUEUE)
    for n in range(due.shape[0]):
        due[n] = NEVER
    for b in range(queue.shape[0]):
        queue[b] = -1 if b < handle[RING_SPAN] else 0
    head, tail, classes = ints(handle, F_HEAD), ints(handle, F_TAIL), ints(handle, F_CLASSES)
    for c in range(handle[N_CLASSES]):
        head[c] = NEVER
        classes[c * N_CLASS_COLUMNS + CURSOR] = -1
        classes[c * N_CLASS_COLUMNS + DELIVERIES] = 0
        classes[c * N_CLASS_COLUMNS + UNDER_WAY] = 0
        classes[c * N_CLASS_COLUMNS + AT] = -1
    clear_slots(handle)
    for s in range(handle[N_SOURCES]):
        tail[s] = -1
    clocks = ints(handle, F_CLOCKS)
    for k in range(handle[N_CLOCKS]):
        clocks[k * N_CLOCK_COLUMNS + CLOCK_EMITTED] = 0
        start_clock(handle, k)
    populations = ints(handle, F_POPULATIONS)
    for p in range(handle[N_POPULATIONS]):
        row = populations[p * N_POPULATION_COLUMNS : (p + 1) * N_POPULATION_COLUMNS]
        row[SOON_COUNT] = 0
        row[N_SPIKES] = 0
        row[N_UPDATES] = 0
        if row[START]:
            call(row[START], at, p, start, 0)
