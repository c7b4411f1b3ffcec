"""What recorded populations emitted, until somebody reads it."""

from __future__ import annotations

from eventsim.engine.jit import kernel
from eventsim.engine.layout import (
    RECORD_INDEX,
    RECORD_POPULATION,
    RECORD_TICK,
    RECORDS,
    Indices,
    Ints,
    Values,
)


@kernel
def count_records(record: Ints, registers: Ints, population: int) -> int:
    """Return how many records of one population wait."""
    count = 0
    for k in range(registers[RECORDS]):
        if record[RECORD_POPULATION, k] == population:
            count += 1
    return count


@kernel
def drain(
    record: Ints,
    record_value: Values,
    registers: Ints,
    population: int,
    tick_ns: int,
    out: tuple[Ints, Indices, Values],
) -> None:
    """Move the records of one population to `out` (time_ns, index, value), in order; others' records stay."""
    time_ns, index, value = out
    taken = 0
    for k in range(registers[RECORDS]):
        if record[RECORD_POPULATION, k] == population:
            time_ns[taken] = record[RECORD_TICK, k] * tick_ns
            index[taken] = record[RECORD_INDEX, k]
            value[taken] = record_value[k]
            taken += 1
        elif taken:
            for row in range(3):
                record[row, k - taken] = record[row, k]
            record_value[k - taken] = record_value[k]
    registers[RECORDS] -= taken
