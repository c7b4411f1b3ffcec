"""Calls and arrays by address, as interpreted code makes them, where NUMBA_DISABLE_JIT is set."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Entry = Callable[[int, int, int, int], int]
"""A compiled function called by address."""

_Array = npt.NDArray[Any]

# Interpreted, an address is a place in this list, counted from 1.
_entries: list[Entry] = []


def address_of(function: Entry) -> int:
    """Return the address at which `call` finds an entry."""
    if function not in _entries:
        _entries.append(function)
    return _entries.index(function) + 1


def call(address: int, a: int, b: int, c: int, d: int) -> int:
    """Call the entry at `address`; an exception in it goes on to the caller."""
    return _entries[address - 1](int(a), int(b), int(c), int(d))


def _array_at(c_type: Any) -> Callable[[int, int], _Array]:
    def at(address: int, length: int) -> _Array:
        """Return the array of `length` numbers at `address`, which its owner keeps alive."""
        return np.ctypeslib.as_array((c_type * int(length)).from_address(int(address)))

    return at


def _field(at: Callable[[int, int], _Array]) -> Callable[[npt.NDArray[np.int64], int], _Array]:
    def field(handle: npt.NDArray[np.int64], place: int) -> _Array:
        """Return the array whose address and length stand at `place` of the handle."""
        return at(int(handle[place]), int(handle[place + 1]))

    return field


ints_at, words_at, floats_at = (
    _array_at(ctypes.c_int64),
    _array_at(ctypes.c_uint64),
    _array_at(ctypes.c_double),
)
indices_at, singles_at = _array_at(ctypes.c_int32), _array_at(ctypes.c_float)
positions_at = _array_at(ctypes.c_uint32)
ints, words, floats = _field(ints_at), _field(words_at), _field(floats_at)
indices, singles = _field(indices_at), _field(singles_at)


def copy_eight(target: _Array, at: int, source: _Array, start: int) -> None:
    """Copy eight words, those from `start` of `source` to `at` of `target`."""
    target[at : at + 8] = source[start : start + 8]


def fill_eight(target: _Array, at: int, value: float) -> None:
    """Write `value` to the eight numbers from `at` on."""
    target[at : at + 8] = value


def hidden(value: int) -> int:
    """Return `value`."""
    return value


def prefetch(array: _Array, index: int) -> None:
    """Do nothing: there is no cache line to ask for."""
