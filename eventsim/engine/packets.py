"""Packets: what one source emitted in one tick, stored once, and read by each delivery class in its time."""

from __future__ import annotations

from eventsim.engine.class_queue import put
from eventsim.engine.jit import indices, inlined, ints, ints_at, part, prefetch, singles
from eventsim.engine.layout import (
    CURSOR,
    DELAY,
    F_CLASSES,
    F_FANOUT,
    F_FANOUT_START,
    F_HEAD,
    F_PACKETS,
    F_SPIKE_ADDRESS,
    F_SPIKE_VALUE,
    F_TAIL,
    INDPTR,
    N_CLASS_COLUMNS,
    N_CLASSES,
    N_PACKET_COLUMNS,
    N_SOURCES,
    NEVER,
    OFFSET,
    PACKET_COUNT,
    PACKET_NEXT,
    PACKET_START,
    PACKET_TICK,
    PACKETS,
    SPAN,
    SPIKES,
    STRIDE,
    TO_SORT,
    Ints,
)


@inlined
def has_fanout(handle: Ints, source: int) -> bool:
    """Return whether anything listens to a source through packets."""
    start = ints(handle, F_FANOUT_START)
    return bool(start[source] < start[source + 1])


@part
def emit(handle: Ints, source: int, tick: int, start: int) -> None:
    """Close the packet of `source` at `tick`: its spikes are those stored from `start` on."""
    packets, tail = ints(handle, F_PACKETS), ints(handle, F_TAIL)
    packet = handle[PACKETS]
    handle[PACKETS] = packet + 1
    row = packet * N_PACKET_COLUMNS
    packets[row + PACKET_TICK], packets[row + PACKET_START] = tick, start
    packets[row + PACKET_COUNT], packets[row + PACKET_NEXT] = handle[SPIKES] - start, -1
    if tail[source] >= 0:
        packets[tail[source] * N_PACKET_COLUMNS + PACKET_NEXT] = packet
    tail[source] = packet
    fanout_start, fanout, classes = (
        ints(handle, F_FANOUT_START),
        ints(handle, F_FANOUT),
        ints(handle, F_CLASSES),
    )
    for k in range(fanout_start[source], fanout_start[source + 1]):
        c = fanout[k]
        slotted = classes[c * N_CLASS_COLUMNS + SPAN] > 0
        handle[TO_SORT] += slotted
        if classes[c * N_CLASS_COLUMNS + CURSOR] < 0:
            classes[c * N_CLASS_COLUMNS + CURSOR] = packet
            if not slotted:
                _wait(handle, c, tick, classes[c * N_CLASS_COLUMNS + DELAY])


@inlined
def pass_on(handle: Ints, c: int) -> None:
    """Move the cursor of class c to its next packet, or to none."""
    classes, packets = ints(handle, F_CLASSES), ints(handle, F_PACKETS)
    row = c * N_CLASS_COLUMNS
    packet = packets[classes[row + CURSOR] * N_PACKET_COLUMNS + PACKET_NEXT]
    classes[row + CURSOR] = packet
    if packet < 0:
        ints(handle, F_HEAD)[c] = NEVER
    else:
        if classes[row + STRIDE] > 1:
            # Many short rows: by the time this one is due, its pointer is at hand.
            source = indices(handle, F_SPIKE_ADDRESS)[packets[packet * N_PACKET_COLUMNS + PACKET_START]]
            place = classes[row + INDPTR] + 8 * (source * classes[row + STRIDE] + classes[row + OFFSET])
            prefetch(ints_at(place, 1), 0)
        _wait(handle, c, packets[packet * N_PACKET_COLUMNS + PACKET_TICK], classes[row + DELAY])


@inlined
def _wait(handle: Ints, c: int, tick: int, delay: int) -> None:
    if delay > 0:
        put(handle, c, tick + delay)
    else:
        ints(handle, F_HEAD)[c] = tick  # due within this tick: it never enters the queue


@part
def compact(handle: Ints) -> None:
    """Forget packets, and their spikes, that every class has delivered; the rest moves to the front."""
    packets, tail, classes = ints(handle, F_PACKETS), ints(handle, F_TAIL), ints(handle, F_CLASSES)
    address, value = indices(handle, F_SPIKE_ADDRESS), singles(handle, F_SPIKE_VALUE)
    oldest = handle[PACKETS]
    for c in range(handle[N_CLASSES]):
        cursor = classes[c * N_CLASS_COLUMNS + CURSOR]
        if 0 <= cursor < oldest:
            oldest = cursor
    kept = handle[PACKETS] - oldest
    spike = packets[oldest * N_PACKET_COLUMNS + PACKET_START] if kept else handle[SPIKES]
    for k in range(kept * N_PACKET_COLUMNS):
        packets[k] = packets[k + oldest * N_PACKET_COLUMNS]
    for k in range(kept):
        packets[k * N_PACKET_COLUMNS + PACKET_START] -= spike
        if packets[k * N_PACKET_COLUMNS + PACKET_NEXT] >= 0:
            packets[k * N_PACKET_COLUMNS + PACKET_NEXT] -= oldest
    for k in range(handle[SPIKES] - spike):
        address[k], value[k] = address[k + spike], value[k + spike]
    handle[PACKETS], handle[SPIKES] = kept, handle[SPIKES] - spike
    for c in range(handle[N_CLASSES]):
        if classes[c * N_CLASS_COLUMNS + CURSOR] >= 0:
            classes[c * N_CLASS_COLUMNS + CURSOR] -= oldest
    for s in range(handle[N_SOURCES]):
        tail[s] = tail[s] - oldest if tail[s] >= oldest else -1
