"""The flat arrays the kernels work on: what a network is (`Plan`) and what changes while it runs (`State`).

Populations stand in the order in which a tick works through them: by level, then as added. A neuron's
number is its population's FIRST plus its index, so ascending numbers are also the order of processing. A
source is an input (numbered first) or a population. A delivery class is the part of one projection that has
one delay.

Spikes are stored once, in packets: one packet holds what one source emitted in one tick, and links to the
next packet of that source. Each delivery class has a cursor into its source's packets; packets that all
cursors have passed are forgotten. So memory follows the spikes under way, whatever the grid and the longest
delay.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Values = npt.NDArray[np.float32]

NEVER: Final = 2**62
"""A tick that does not come."""

# Columns of Plan.populations.
(
    FIRST,
    SIZE,
    CODE,
    PARAMETERS,
    PARAMETER_ROWS,
    STATE,
    STATE_ROWS,
    CLASS_START,
    CLASS_STOP,
    SOURCE,
    SPIKING,
) = range(11)
N_POPULATION_COLUMNS: Final = 11
# Columns of Plan.classes. FORM is one of the four below; OFFSET, POINTERS and INDICES say where the class
# begins in the weights of its type, in indptr and in indices.
CLASS_SOURCE, DELAY, FORM, OFFSET, POINTERS, INDICES, PROJECTION = range(7)
N_CLASS_COLUMNS: Final = 7
DENSE32, DENSE64, SPARSE32, SPARSE64 = range(4)
# Columns of State.packets.
PACKET_TICK, PACKET_START, PACKET_COUNT, PACKET_NEXT = range(4)
# Rows of State.queue and of State.record.
QUEUE_TICK, QUEUE_SOURCE, QUEUE_ADDRESS = range(3)
RECORD_TICK, RECORD_POPULATION, RECORD_INDEX = range(3)
# Places in State.registers.
(
    QUEUE_HEAD,
    QUEUE_TAIL,
    HEAP_SIZE,
    SOON_TICK,
    PACKETS,
    SPIKES,
    RECORDS,
    RECORDABLE,
    STAMP,
    INPUT_EVENTS,
) = range(10)
N_REGISTERS: Final = 10


class Plan(NamedTuple):
    """A compiled network; nothing in it changes, and sessions share it."""

    populations: Ints  # [P, 11]
    classes: Ints  # [C, 7], ordered by destination, then projection, then delay
    fanout_start: Ints  # [S + 1], into fanout
    fanout: Ints  # classes of each source
    weights32: npt.NDArray[np.float32]
    weights64: Floats
    indptr: Ints
    indices: npt.NDArray[np.int32]
    parameters: Floats
    everyone: npt.NDArray[np.int32]  # 0, 1, 2 ... up to the largest population


class Calendar(NamedTuple):
    """When neurons are due by themselves. `due` is the truth; heap entries that disagree are stale."""

    due: Ints  # [N], tick at which the neuron must be looked at, or NEVER
    soon: npt.NDArray[np.int32]  # [N], per population: indices due at the tick after the last
    soon_count: Ints  # [P]
    heap: Ints  # [2, capacity]: tick, neuron
    registers: Ints  # the same array as in State


class Neurons(NamedTuple):
    """One population as its model's kernels see it; parameters and values are rows of `size` numbers."""

    population: int
    first: int
    size: int
    parameters: Floats
    values: Floats
    last: Ints
    drive: Floats


class State(NamedTuple):
    """All that changes while a network runs."""

    values: Floats  # state rows of each population
    last: Ints  # [N], tick at which the neuron's values hold
    drive: Floats  # [N], input summed within the tick, else 0
    mark: Ints  # [N], stamp of the last tick that touched the neuron
    calendar: Calendar
    touched: npt.NDArray[np.int32]  # scratch
    fired: npt.NDArray[np.int32]  # scratch
    cursor: Ints  # [C], the packet each class delivers next, or -1
    tail: Ints  # [S], the newest packet of each source, or -1
    packets: Ints  # [capacity, 4]
    spike_address: npt.NDArray[np.int32]
    spike_value: npt.NDArray[np.float32]
    queue: Ints  # [3, capacity], inputs to come, sorted
    queue_value: npt.NDArray[np.float32]
    recorded: npt.NDArray[np.bool_]  # [P]
    record: Ints  # [3, capacity]
    record_value: npt.NDArray[np.float32]
    spikes: Ints  # [P], counter
    updates: Ints  # [P], counter
    deliveries: Ints  # [C], counter of synaptic events
    registers: Ints
