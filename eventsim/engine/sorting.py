"""Sorting of the few neurons that fired, in place, inside kernels."""

from __future__ import annotations

import numpy as np

from eventsim.engine.jit import part
from eventsim.engine.layout import Indices, Values


@part
def sort(array: Indices) -> None:
    """Sort in place; quick where the array is short, or sorted already, as it is after a dense tick."""
    n = array.shape[0]
    k = 1
    while k < n and array[k - 1] <= array[k]:
        k += 1
    if k >= n:
        return
    if n <= 32:
        for k in range(1, n):
            value, hole = array[k], k
            while hole > 0 and array[hole - 1] > value:
                array[hole] = array[hole - 1]
                hole -= 1
            array[hole] = value
        return
    # Heapsort: no recursion, no worst case.
    for start in range(n // 2 - 1, -1, -1):
        _sift(array, start, n)
    top: int = np.int64(0)  # type: ignore[assignment]  # a literal 0 would compile `_sift` twice
    for end in range(n - 1, 0, -1):
        array[top], array[end] = array[end], array[top]
        _sift(array, top, end)


@part
def _sift(array: Indices, hole: int, n: int) -> None:
    value = array[hole]
    while 2 * hole + 1 < n:
        child = 2 * hole + 1
        if child + 1 < n and array[child + 1] > array[child]:
            child += 1
        if array[child] <= value:
            break
        array[hole] = array[child]
        hole = child
    array[hole] = value


@part
def sort_with_values(array: Indices, values: Values) -> None:
    """Sort `array` in place, moving `values` along."""
    for k in range(1, array.shape[0]):
        index, value, hole = array[k], values[k], k
        while hole > 0 and array[hole - 1] > index:
            array[hole], values[hole] = array[hole - 1], values[hole - 1]
            hole -= 1
        array[hole], values[hole] = index, value
