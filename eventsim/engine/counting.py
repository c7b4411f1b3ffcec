"""Neuron updates counted, on request, where the model does not list the neurons that its inputs reach."""

from __future__ import annotations

import numpy as np

from eventsim.engine.jit import call, floats_at, indices, ints, part
from eventsim.engine.layout import (
    CLASS_START,
    CLASS_STOP,
    COUNT,
    CURSOR,
    DELIVERIES,
    DRIVE,
    F_CLASSES,
    F_FIRED,
    F_HEAD,
    F_TOUCHED,
    N_CLASS_COLUMNS,
    N_UPDATES,
    SIZE,
    STAMP,
    Ints,
)


@part
def count_updates(at: int, handle: Ints, row: Ints, tick: int) -> None:
    """Count the neurons that this tick's deliveries reach, where the model does not list them itself."""
    classes, head = ints(handle, F_CLASSES), ints(handle, F_HEAD)
    reached: int = np.int64(0)  # type: ignore[assignment]
    handle[STAMP] += 1
    for c in range(row[CLASS_START], row[CLASS_STOP]):
        if head[c] == tick:
            counted = classes[c * N_CLASS_COLUMNS + DELIVERIES]
            cursor = classes[c * N_CLASS_COLUMNS + CURSOR]
            reached = call(classes[c * N_CLASS_COLUMNS + COUNT], at, c, cursor, reached)
            classes[c * N_CLASS_COLUMNS + DELIVERIES] = counted
    # The sums themselves are of no use here: the reached are noted in their place.
    drive, listed = floats_at(row[DRIVE], row[SIZE]), indices(handle, F_TOUCHED)
    if reached < 0:
        reached = row[SIZE]
        drive[:] = handle[STAMP]
    else:
        for q in range(reached):
            drive[listed[q]] = handle[STAMP]
    row[N_UPDATES] += reached
    handle[STAMP] += 1


@part
def count_unreached(handle: Ints, row: Ints, count: int) -> None:
    """Count those that fired by themselves, no event having reached them."""
    drive, fired = floats_at(row[DRIVE], row[SIZE]), indices(handle, F_FIRED)
    for q in range(count):
        if drive[fired[q]] != handle[STAMP] - 1:
            row[N_UPDATES] += 1
