"""What recorded populations emitted, until somebody reads it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eventsim.engine.jit import kernel
from eventsim.engine.layout import RECORD_INDEX, RECORD_POPULATION, RECORD_TICK, RECORDS, Indices, Ints


@kernel
def drain(
    record: Ints, record_value: npt.NDArray[np.float32], registers: Ints, population: int, tick_ns: int
) -> tuple[Ints, Indices, npt.NDArray[np.float32]]:
    """Take out (time_ns, index, value) of one population, in order; what others emitted stays."""
    total = registers[RECORDS]
    count = 0
    for k in range(total):
        if record[RECORD_POPULATION, k] == population:
            count += 1
    time_ns = np.empty(count, np.int64)
    index = np.empty(count, np.int32)
    value = np.empty(count, np.float32)
    taken = 0
    for k in range(total):
        if record[RECORD_POPULATION, k] == population:
            time_ns[taken] = record[RECORD_TICK, k] * tick_ns
            index[taken] = record[RECORD_INDEX, k]
            value[taken] = record_value[k]
            taken += 1
        elif taken:
            for row in range(3):
                record[row, k - taken] = record[row, k]
            record_value[k - taken] = record_value[k]
    registers[RECORDS] = total - count
    return time_ns, index, value
