"""Kernels of the pixel model: the events of one frame, and their order in time."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

_DIGIT_BITS = 11


@njit(cache=True, nogil=True)
def most_events(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    on: NDArray[np.float64],
    off: NDArray[np.float64],
    per_pixel: float,
) -> int:
    """Return a bound on the number of events between two frames; no pixel has more than `per_pixel`."""
    n = 0
    for i in range(before.size):
        change = after[i] - before[i]
        if change > 0.0:
            n += int(min(change / on[i], per_pixel)) + 2
        elif change < 0.0:
            n += int(min(-change / off[i], per_pixel)) + 2
    return n


@njit(cache=True, nogil=True)
def frame_events(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    reference: NDArray[np.float64],
    release_ns: NDArray[np.int64],
    thresholds: tuple[NDArray[np.float64], NDArray[np.float64]],
    refractory_ns: int,
    span: tuple[int, int],
    time: NDArray[np.int64],
    pixel: NDArray[np.int32],
    polarity: NDArray[np.bool_],
) -> int:
    """Write what happens while each pixel's level goes straight from `before` to `after`; return the number.

    reference : level each pixel compares with; release_ns : when its refractory time is over. Both move on.
    """
    start_ns, end_ns = span
    span_ns = float(end_ns - start_ns)
    n = 0
    for i in range(before.size):
        a, b = before[i], after[i]
        if release_ns[i] > start_ns:
            if release_ns[i] > end_ns:
                continue
            reference[i] = a + (b - a) * (float(release_ns[i] - start_ns) / span_ns)
        if a == b:
            continue
        rising = b > a
        while True:
            level = reference[i] + thresholds[0][i] if rising else reference[i] - thresholds[1][i]
            if (rising and level > b) or (not rising and level < b):
                break
            t = start_ns + int((level - a) / (b - a) * span_ns)
            # Rounding must not place an event before the pixel was ready for it.
            t = min(max(t, start_ns, release_ns[i]), end_ns)
            time[n], pixel[n], polarity[n] = t, i, rising
            n += 1
            reference[i] = level
            if refractory_ns > 0:
                release_ns[i] = t + refractory_ns
                if release_ns[i] > end_ns:
                    break
                reference[i] = a + (b - a) * (float(release_ns[i] - start_ns) / span_ns)
    return n


@njit(cache=True, nogil=True)
def order_of(time: NDArray[np.int64], start_ns: int) -> NDArray[np.int64]:
    """Return the stable order of `time` (none before `start_ns`), by digits from the lowest: a radix sort."""
    n = time.size
    order = np.arange(n)
    other = np.empty_like(order)
    largest = 0
    for i in range(n):
        largest = max(largest, time[i] - start_ns)
    shift = 0
    while largest >> shift:
        count = np.zeros((1 << _DIGIT_BITS) + 1, np.int64)
        for i in range(n):
            count[(((time[i] - start_ns) >> shift) & ((1 << _DIGIT_BITS) - 1)) + 1] += 1
        for digit in range(1 << _DIGIT_BITS):
            count[digit + 1] += count[digit]
        for k in range(n):
            i = order[k]
            digit = ((time[i] - start_ns) >> shift) & ((1 << _DIGIT_BITS) - 1)
            other[count[digit]] = i
            count[digit] += 1
        order, other = other, order
        shift += _DIGIT_BITS
    return order
