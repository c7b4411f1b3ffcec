"""The arrays the kernels work on, and where a session's handle says they are.

The handle is an int64 array: first the registers, then the address and the length of each field. A table's
row (of a population, of a delivery class) holds addresses too: of parameters, weights, and of the entries
that do the work. What never changes (parameters, synapses) belongs to the compiled network and is shared by
its sessions; the tables hold counters and places, so each session has its own.

Populations stand in the order in which a tick works through them: by level, then as added. A source is an
input or a source inside the engine (numbered first), or a population. A delivery class is the part of one
projection that has one delay.

Spikes are stored once, in packets: one packet holds what one source emitted in one tick, and links to the
next packet of that source. Each delivery class has a cursor into its source's packets; packets that all
cursors have passed are forgotten. So memory follows the spikes under way, whatever the grid and the longest
delay.

A projection of many delays can be one class instead: what arrives is then sorted into slots, one per tick,
when the source spikes (`slots`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from eventsim.engine.jit import floats_at, indices, inlined, ints, ints_at

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Positions = npt.NDArray[np.uint32]
Values = npt.NDArray[np.float32]

NEVER: Final = 2**62
"""A tick that does not come."""

# Registers.
(
    NOW,
    TICK_NS,
    N_POPULATIONS,
    N_CLASSES,
    N_SOURCES,
    N_CALENDAR,
    INPUT_HEAD,
    INPUT_TAIL,
    HEAP_SIZE,
    SOON_TICK,
    PACKETS,
    SPIKES,
    RECORDS,
    RECORDABLE,
    STAMP,
    INPUT_EVENTS,
    N_DUE,
    DUE_AT,
    QUEUE_KIND,
    QUEUE_SIZE,
    RING_SPAN,
    COUNTING,
    N_CLOCKS,
    N_EMITTABLE,
    N_SLOTTED,
    TO_SORT,
    FREE_CHUNKS,
    FREE_CHUNK,
    MERGED,
) = range(29)
N_REGISTERS: Final = 29

# Fields: name, type. Their order here is their order in the handle.
FIELDS: Final = (
    ("populations", np.int64),  # [P * N_POPULATION_COLUMNS]
    ("classes", np.int64),  # [C * N_CLASS_COLUMNS], by destination
    ("clocks", np.int64),  # [K * N_CLOCK_COLUMNS], sources that make their own events
    ("source_size", np.int64),  # [S]
    ("recorded", np.int64),  # [S], whether what the source emits is kept
    ("fanout_start", np.int64),  # [S + 1], into fanout
    ("fanout", np.int64),  # classes of each source
    ("head", np.int64),  # [C], tick at which the class delivers next, or NEVER
    ("tail", np.int64),  # [S], the newest packet of each source, or -1
    ("packets", np.int64),  # [capacity * 4]
    ("spike_address", np.int32),  # [capacity]
    ("spike_value", np.float32),
    ("input_tick", np.int64),  # [capacity], inputs to come, sorted
    ("input_source", np.int32),
    ("input_address", np.int32),
    ("input_value", np.float32),
    ("record_tick", np.int64),  # [capacity]
    ("record_source", np.int32),
    ("record_index", np.int32),
    ("record_value", np.float32),
    ("touched", np.int32),  # [largest population], scratch
    ("fired", np.int32),  # [largest population], scratch
    ("fired_value", np.float32),  # [largest population], scratch of models that emit graded spikes
    ("everyone", np.int32),  # 0, 1, 2 ... up to the largest population
    ("due", np.int64),  # [N_CALENDAR], tick at which a neuron must be looked at, or NEVER
    ("soon", np.int32),  # [N_CALENDAR], per population: indices due at the tick after the last
    ("heap_tick", np.int64),  # [2 N_CALENDAR + 1], predictions
    ("heap_neuron", np.int64),
    ("due_class", np.int64),  # [C + 1], scratch: classes that deliver at this tick
    ("queue", np.int64),  # the ring or the heap of classes
    ("queue_link", np.int64),  # [C]
    ("random", np.uint64),  # [K * 4]
    ("clock_ahead", np.float64),  # [K], ticks from CLOCK_ORIGIN to the event after the next ones
    ("slotted", np.int64),  # classes whose arrivals are in slots
    ("slot_chunk", np.int64),  # [slots of all these], first chunk of the pool, or -1
    ("slot_end", np.int64),  # where in the pool the next arrival goes, or -1
    ("slot_limit", np.int64),  # where in the pool its last chunk ends
    ("pool", np.uint64),  # [chunks * CHUNK], arrivals
    ("next_chunk", np.int64),  # [chunks], of the same slot or free, or -1
    ("scratch", np.uint64),  # [twice the pool] where there are windows
    ("histogram", np.int64),  # [512], scratch too
    ("merging", np.uint64),  # [MERGING_SIZE], scratch of a class that runs merged with a Poisson source
)
_PLACE = {name: N_REGISTERS + 2 * k for k, (name, _) in enumerate(FIELDS)}
HANDLE_SIZE: Final = N_REGISTERS + 2 * len(FIELDS)

F_POPULATIONS: Final = _PLACE["populations"]
F_CLASSES: Final = _PLACE["classes"]
F_CLOCKS: Final = _PLACE["clocks"]
F_SOURCE_SIZE: Final = _PLACE["source_size"]
F_RECORDED: Final = _PLACE["recorded"]
F_FANOUT_START: Final = _PLACE["fanout_start"]
F_FANOUT: Final = _PLACE["fanout"]
F_HEAD: Final = _PLACE["head"]
F_TAIL: Final = _PLACE["tail"]
F_PACKETS: Final = _PLACE["packets"]
F_SPIKE_ADDRESS: Final = _PLACE["spike_address"]
F_SPIKE_VALUE: Final = _PLACE["spike_value"]
F_INPUT_TICK: Final = _PLACE["input_tick"]
F_INPUT_SOURCE: Final = _PLACE["input_source"]
F_INPUT_ADDRESS: Final = _PLACE["input_address"]
F_INPUT_VALUE: Final = _PLACE["input_value"]
F_RECORD_TICK: Final = _PLACE["record_tick"]
F_RECORD_SOURCE: Final = _PLACE["record_source"]
F_RECORD_INDEX: Final = _PLACE["record_index"]
F_RECORD_VALUE: Final = _PLACE["record_value"]
F_TOUCHED: Final = _PLACE["touched"]
F_FIRED: Final = _PLACE["fired"]
F_FIRED_VALUE: Final = _PLACE["fired_value"]
F_EVERYONE: Final = _PLACE["everyone"]
F_DUE: Final = _PLACE["due"]
F_SOON: Final = _PLACE["soon"]
F_HEAP_TICK: Final = _PLACE["heap_tick"]
F_HEAP_NEURON: Final = _PLACE["heap_neuron"]
F_DUE_CLASS: Final = _PLACE["due_class"]
F_QUEUE: Final = _PLACE["queue"]
F_QUEUE_LINK: Final = _PLACE["queue_link"]
F_RANDOM: Final = _PLACE["random"]
F_CLOCK_AHEAD: Final = _PLACE["clock_ahead"]
F_SLOTTED: Final = _PLACE["slotted"]
F_SLOT_CHUNK: Final = _PLACE["slot_chunk"]
F_SLOT_END: Final = _PLACE["slot_end"]
F_SLOT_LIMIT: Final = _PLACE["slot_limit"]
F_POOL: Final = _PLACE["pool"]
F_NEXT_CHUNK: Final = _PLACE["next_chunk"]
F_SCRATCH: Final = _PLACE["scratch"]
F_HISTOGRAM: Final = _PLACE["histogram"]
F_MERGING: Final = _PLACE["merging"]

# Columns of the table of populations. FIRST numbers the neurons that can act by themselves (-1: none here
# can). Classes of a population: delayed ones from CLASS_START; from CLASS_ZERO those without delay, then
# those of sources inside the engine. DIRECT says that inputs go straight to the neurons, unsummed. OWN is
# scratch of the model's entries.
(
    FIRST,
    SIZE,
    SOURCE,
    EMITS,
    RECORDED,
    CLASS_START,
    CLASS_ZERO,
    CLASS_STOP,
    UPDATE,
    LOOK,
    MEMBRANE,
    START,
    PARAMETERS,
    N_PARAMETERS,
    VALUES,
    N_VALUES,
    LAST,
    DRIVE,
    MARK,
    SOON_COUNT,
    N_SPIKES,
    N_UPDATES,
    OWN,
    N_OWN,
    DIRECT,
) = range(25)
N_POPULATION_COLUMNS: Final = 25
# What a population emits.
READOUT, UNIT_SPIKES, GRADED_SPIKES = range(3)

# Columns of the table of delivery classes. Sparse row i of a class begins at indptr[i STRIDE + OFFSET] and
# ends at the next pointer: the classes of a projection share the arrays, a source's synapses lying together.
# FUSED is the number, from 1, of the clock that hands its events straight to the class. A class in slots has
# SPAN of them (0: it is not in slots), from SLOTS on; its WEIGHTS are synapses as `slots` packs them, INDPTR
# where whole rows start, DELAYS the delays in a row and COUNTS how many synapses have each; UNDER_WAY is the
# number of words in its slots. WIDTH is 0, or the slots are windows of 2^WIDTH ticks; AT is where in the pool
# the front of the open one is (or -1) and STOP where its chunk ends. SORT and LEAVE are the entries that sort
# what a packet brings and that remove what was delivered.
(
    POST,
    DELAY,
    PROJECTION,
    DELIVER,
    COUNT,
    WEIGHTS,
    N_WEIGHTS,
    INDPTR,
    INDICES,
    N_SYNAPSES,
    N_PRE,
    GEOMETRY,
    CURSOR,
    DELIVERIES,
    STRIDE,
    OFFSET,
    FUSED,
    SPAN,
    SLOTS,
    DELAYS,
    COUNTS,
    N_DELAYS,
    UNDER_WAY,
    WIDTH,
    AT,
    STOP,
    SORT,
    LEAVE,
) = range(28)
N_CLASS_COLUMNS: Final = 28

# Columns of the table of clocks: Poisson sources. CLOCK_TICK is the tick of the next events and CLOCK_EVENTS
# their number, at least one; the event after them lies clock_ahead ticks after CLOCK_ORIGIN. RATES is the
# address of the expected events per tick, one number or the running sum over addresses. A fused source hands
# its events straight to one class without delay, CLOCK_CLASS; RUN is the entry that does so, MERGED_RUN the
# one that does so with the arrivals of the class in windows that the register MERGED names (or -1), and
# AFTER_FIRING the one that this calls where it goes on after neurons have fired. THEN works through one of
# the later populations, where there are any (else 0).
(
    CLOCK_SOURCE,
    CLOCK_TICK,
    CLOCK_EVENTS,
    CLOCK_ORIGIN,
    CLOCK_START,
    CLOCK_STOP,
    CLOCK_RATES,
    CLOCK_N_RATES,
    CLOCK_RECORDED,
    CLOCK_CLASS,
    CLOCK_RUN,
    CLOCK_EMITTED,
    CLOCK_MERGED_RUN,
    CLOCK_AFTER_FIRING,
    CLOCK_THEN,
) = range(15)
N_CLOCK_COLUMNS: Final = 15

# Columns of packets.
PACKET_TICK, PACKET_START, PACKET_COUNT, PACKET_NEXT = range(4)
N_PACKET_COLUMNS: Final = 4


class Neurons(NamedTuple):
    """One population as its model's entries see it; parameters and values are rows of `size` numbers."""

    row: Ints
    first: int
    size: int
    parameters: Floats
    values: Floats
    last: Ints
    drive: Floats


@inlined
def neurons_at(handle: Ints, population: int) -> Neurons:
    """Return the view of one population."""
    start = population * N_POPULATION_COLUMNS
    row = ints(handle, F_POPULATIONS)[start : start + N_POPULATION_COLUMNS]
    n = row[SIZE]
    return Neurons(
        row,
        row[FIRST],
        n,
        floats_at(row[PARAMETERS], row[N_PARAMETERS]),
        floats_at(row[VALUES], row[N_VALUES]),
        ints_at(row[LAST], n),
        floats_at(row[DRIVE], n),
    )


class Touched(NamedTuple):
    """The neurons to update."""

    who: Indices


@inlined
def touched_at(handle: Ints, neurons: Neurons, count: int) -> Touched:
    """Return the neurons to update: the first `count` of the touched, or everybody where it is negative."""
    if count < 0:
        return Touched(indices(handle, F_EVERYONE)[: neurons.size])
    return Touched(indices(handle, F_TOUCHED)[:count])
