"""From projections to delivery classes: one per delay, or one for all delays of a projection, in slots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from eventsim.convolutions import Conv2d, SumPool2d
from eventsim.engine.layout import Indices, Ints, Words
from eventsim.engine.pool import BLOCK
from eventsim.engine.windows import COUNT_BITS, WIDEST
from eventsim.projections import Csr, Dense, OneToOne, Projection
from eventsim.weights import Weights

MOST_SLOTS: Final = 4096
"""Slots of a class: where the delays are longer, in ticks, they are windows of many ticks."""
MOST_IN_SLOTS: Final = 2**27
"""Synapses of a projection in slots: should all its sources fire at once, their arrivals take 1 GiB."""
FEW_IN_SLOTS, FEW_IN_WINDOWS = 32, 256
"""Synapses per source and delay, on average, up to which each is quicker than a delivery per delay."""


@dataclass(frozen=True, eq=False)
class SlotRows:
    """Synapses as `slots` and `windows` read them: rows by source, within a row by delay.

    Parameters
    ----------
    packed : uint64[n_synapses + 8], the destination in the lower half of each, the weight in the upper
    starts : int64[n_pre + 1], where the rows start
    delays : int64[n_delays], ticks, ascending
    counts : int32[n_pre * n_delays], synapses of each row and delay
    """

    packed: Words
    starts: Ints
    delays: Ints
    counts: Indices

    @property
    def width(self) -> int:
        """Return 0 where there is a slot per tick, else the bits of a window's ticks."""
        return width_of(int(self.delays[0]), int(self.delays[-1]))

    @property
    def span(self) -> int:
        """Return the number of slots: a power of two above the longest delay."""
        return _span(int(self.delays[-1]), self.width)


def width_of(shortest: int, longest: int) -> int:
    """Return the width of the slots for delays of so many ticks: 0, or the bits of a window's ticks."""
    return 0 if longest < MOST_SLOTS else min(shortest.bit_length() - 1, WIDEST)


def _span(longest: int, width: int) -> int:
    return 1 << ((longest >> width) + (width > 0)).bit_length()


@dataclass(frozen=True, eq=False)
class DeliveryClass:
    """The synapses of one projection that share one delay (in ticks), or, in slots, all of them.

    In slots, `delay` is the shortest.
    """

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
    slots: SlotRows | None = None

    @property
    def form(self) -> str:
        """Return the name of the entry that delivers it."""
        return self.kind + ("32" if self.weights.dtype == np.float32 else "64")


def slots_possible(projection: Projection, tick_ns: int) -> bool:
    """Return whether slots can hold what arrives by a projection whose source emits spikes of value 1."""
    synapses, delays = projection.synapses, projection.delays_ns
    if not isinstance(synapses, Csr) or len(delays) < 2 or delays[0] == 0:
        return False
    if synapses.weights.dtype != np.float32 or synapses.n_synapses > MOST_IN_SLOTS:
        return False
    shortest, longest = delays[0] // tick_ns, delays[-1] // tick_ns
    width = width_of(shortest, longest)
    countable = width == 0 or int(np.diff(synapses.indptr).max()) < 1 << COUNT_BITS
    return countable and _span(longest, width) <= MOST_SLOTS


def slots_quicker(projection: Projection, tick_ns: int) -> bool:
    """Return whether slots are quicker than a delivery per delay: where a delivery brings few synapses."""
    synapses, delays = projection.synapses, projection.delays_ns
    if not isinstance(synapses, Csr) or not delays:
        return False
    few = FEW_IN_WINDOWS if width_of(delays[0] // tick_ns, delays[-1] // tick_ns) else FEW_IN_SLOTS
    return synapses.n_synapses <= few * synapses.n_pre * len(delays)


def delivery_classes(
    projection: Projection, number: int, ends: tuple[int, int], tick_ns: int, in_slots: bool
) -> Iterator[DeliveryClass]:
    """Yield the delivery classes of a projection, longest delay first; rows keep their order.

    So what arrives in one tick is summed in the order in which it was emitted. `ends` are the numbers of the
    source and of the destination.
    """
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
    counts = np.bincount(key, minlength=synapses.n_pre * delays.shape[0])
    if in_slots:
        rows = SlotRows(_pack(synapses, order), synapses.indptr, delays // tick_ns, counts.astype(np.int32))
        shortest = int(rows.delays[0])
        parts = (number, source, post, shortest)
        kind = "windows" if rows.width else "slots"
        yield DeliveryClass(*parts, kind, synapses.weights, synapses.n_pre, slots=rows)
        return
    indptr = np.zeros(counts.shape[0] + 1, np.int64)
    np.cumsum(counts, out=indptr[1:])
    weights, indices = synapses.weights[order], synapses.indices[order]
    for k in reversed(range(delays.shape[0])):
        ticks = int(delays[k]) // tick_ns
        yield DeliveryClass(
            *(number, source, post, ticks, "sparse", weights, synapses.n_pre, indptr, indices),
            stride=delays.shape[0],
            offset=k,
        )


def _pack(synapses: Csr, order: npt.NDArray[np.int64]) -> Words:
    n = synapses.n_synapses
    packed = np.zeros(n + BLOCK, np.uint64)
    packed.view(np.int32)[0 : 2 * n : 2] = synapses.indices[order]
    packed.view(np.float32)[1 : 2 * n : 2] = synapses.weights[order]
    return packed
