"""What a delivery class brings at one tick, as the entries that deliver it see it."""

from __future__ import annotations

from typing import NamedTuple

from eventsim.engine.jit import indices, inlined, ints, ints_at, positions_at, singles
from eventsim.engine.layout import (
    F_CLASSES,
    F_PACKETS,
    F_SPIKE_ADDRESS,
    F_SPIKE_VALUE,
    F_TOUCHED,
    INDICES,
    INDPTR,
    N_CLASS_COLUMNS,
    N_PACKET_COLUMNS,
    N_PRE,
    N_SYNAPSES,
    OFFSET,
    PACKET_COUNT,
    PACKET_START,
    POST,
    STRIDE,
    Indices,
    Ints,
    Positions,
    Values,
)


class Arrivals(NamedTuple):
    """A packet (addresses and values), the class's row, its destination's row, and the list of touched."""

    row: Ints
    population: int
    addresses: Indices
    values: Values
    touched: Indices


class Rows(NamedTuple):
    """Sparse rows: source i reaches the indices from ``indptr[i stride + offset]`` to the next pointer."""

    indptr: Ints
    indices: Positions
    stride: int
    offset: int


@inlined
def arrivals_at(handle: Ints, c: int, packet: int) -> Arrivals:
    """Return packet number `packet` as it arrives by class c."""
    row = ints(handle, F_CLASSES)[c * N_CLASS_COLUMNS : (c + 1) * N_CLASS_COLUMNS]
    packets = ints(handle, F_PACKETS)
    start = packets[packet * N_PACKET_COLUMNS + PACKET_START]
    stop = start + packets[packet * N_PACKET_COLUMNS + PACKET_COUNT]
    return Arrivals(
        row,
        row[POST],
        indices(handle, F_SPIKE_ADDRESS)[start:stop],
        singles(handle, F_SPIKE_VALUE)[start:stop],
        indices(handle, F_TOUCHED),
    )


@inlined
def rows_of(row: Ints) -> Rows:
    """Return the sparse rows of a class."""
    return Rows(
        ints_at(row[INDPTR], row[N_PRE] * row[STRIDE] + 1),
        positions_at(row[INDICES], row[N_SYNAPSES]),
        row[STRIDE],
        row[OFFSET],
    )
