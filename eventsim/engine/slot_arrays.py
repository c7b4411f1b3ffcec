"""The arrays in which a session keeps what arrives in slots, and what runs merged with a Poisson source."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from eventsim.engine.advance import after_firing, process
from eventsim.engine.clocks import MANY
from eventsim.engine.compiled import CompiledNetwork
from eventsim.engine.jit import address_of
from eventsim.engine.layout import (
    CLOCK_AFTER_FIRING,
    CLOCK_CLASS,
    CLOCK_MERGED_RUN,
    CLOCK_THEN,
    SPAN,
    WIDTH,
    Floats,
    Words,
)
from eventsim.engine.pool import CHUNK
from eventsim.engine.windows import RADIX

SLOTS: Final = ("slot_chunk", "slot_end", "slot_limit")
POOL: Final = ("pool", "next_chunk")
_CHUNKS: Final = 64
"""Chunks at the start; the pool grows as it must."""
FEW_PER_ARRIVAL: Final = 5.5
"""Synapses per arrival, on average, up to which laying them out is quicker than taking them as they come."""


def slot_arrays(classes: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
    """Return by name the arrays for what arrives in slots; `classes` is the table of delivery classes."""
    slots = int(classes[:, SPAN].sum())
    chunks = min(slots, _CHUNKS)
    pool = np.zeros(chunks * CHUNK, np.uint64)
    return {
        "slotted": np.flatnonzero(classes[:, SPAN]),
        **{name: np.zeros(slots, np.int64) for name in SLOTS},
        "pool": pool,
        "next_chunk": np.zeros(chunks, np.int64),
        "scratch": scratch(classes, pool),
        "histogram": np.zeros(RADIX, np.int64),
    }


def scratch(classes: npt.NDArray[np.int64], pool: Words) -> Words:
    """Return the array in which windows are sorted: twice the pool, or nothing where there are none."""
    return np.zeros(2 * pool.size if np.any(classes[:, WIDTH] > 0) else 0, np.uint64)


def merged_class(compiled: CompiledNetwork, clocks: npt.NDArray[np.int64], rates: list[Floats]) -> int:
    """Return the class in windows that runs merged with the only Poisson source, or -1.

    Writes to `clocks`, the table of sources, the entry that runs them; `rates` are their events per tick.
    """
    if clocks.shape[0] != 1 or clocks[0, CLOCK_CLASS] < 0:
        return -1
    fused = compiled.delivery[clocks[0, CLOCK_CLASS]]
    windows = [k for k, c in enumerate(compiled.delivery) if c.kind == "windows" and c.post == fused.post]
    if len(windows) != 1:
        return -1
    slots = compiled.delivery[windows[0]].slots
    assert slots is not None
    few = slots.starts[-1] <= FEW_PER_ARRIVAL * np.count_nonzero(slots.counts) and rates[0][-1] < MANY
    form = "few_in_windows32" if few else "windows32"
    entry = compiled.forms[fused.post].entries.runs.get(f"{fused.form}+{form}")
    if entry is None:
        return -1
    clocks[0, CLOCK_MERGED_RUN] = address_of(entry)
    if few:
        clocks[0, CLOCK_AFTER_FIRING] = address_of(after_firing)
        if fused.post + 1 < len(compiled.order):
            clocks[0, CLOCK_THEN] = address_of(process)
    return windows[0]
