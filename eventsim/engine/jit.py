"""How this package compiles: kernels that Python calls, entries that kernels call by address, parts of both.

State is handed in, never allocated. So reference counts are left out (`_nrt=False`); they would cost more
than the neurons' arithmetic. An attempt to allocate does not compile.

Arrays do not cross the border to Python: unpacking thirty of them takes 13 us, longer than the work for one
event. A kernel gets the address of a session's handle, an int64 array that holds the registers and, for each
array, its address and length; it takes from there what it needs, at the cost of two loads.

An entry has one signature, four int64 in and one out. Neuron models and forms of synapses are entries: each
compiles by itself, and only where a network uses it; the engine finds it by its address in a table, and never
needs to be compiled anew for a model it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from numba import config, njit, types

_INTERPRETED = bool(config.DISABLE_JIT)  # type: ignore[attr-defined]

# Interpreted or compiled, they mean the same; the types are those of the interpreted ones.
if TYPE_CHECKING or _INTERPRETED:
    from eventsim.engine.memory_interpreted import (
        Entry,
        call,
        copy_eight,
        fill_eight,
        floats,
        floats_at,
        hidden,
        indices,
        indices_at,
        ints,
        ints_at,
        positions_at,
        prefetch,
        singles,
        singles_at,
        words,
        words_at,
    )
else:
    from eventsim.engine.memory_compiled import (
        call,
        copy_eight,
        fill_eight,
        floats,
        floats_at,
        hidden,
        indices,
        indices_at,
        ints,
        ints_at,
        positions_at,
        prefetch,
        singles,
        singles_at,
        words,
        words_at,
    )

    Entry = Callable[[int, int, int, int], int]

__all__ = [
    "Entry",
    "address_of",
    "call",
    "copy_eight",
    "entry",
    "fill_eight",
    "floats",
    "floats_at",
    "hidden",
    "indices",
    "indices_at",
    "inlined",
    "ints",
    "ints_at",
    "kernel",
    "part",
    "positions_at",
    "prefetch",
    "singles",
    "singles_at",
    "words",
    "words_at",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """Compile a function that Python calls: cached on disk, without the GIL, dividing as numpy does."""
    # Numba's type stubs know neither `_nrt` nor the wrapper options.
    compiled: _F = njit(  # type: ignore[call-overload]
        cache=True, nogil=True, error_model="numpy", _nrt=False, no_cfunc_wrapper=True
    )(function)
    return compiled


def part(function: _F) -> _F:
    """Compile a function that only kernels call; it has no Python wrapper, which halves the compile time."""
    compiled: _F = njit(  # type: ignore[call-overload]
        nogil=True, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    return compiled


def inlined(function: _F) -> _F:
    """Compile a part that is always inlined: for the inside of loops, where a call would cost most."""
    compiled: _F = njit(  # type: ignore[call-overload]
        nogil=True,
        error_model="numpy",
        _nrt=False,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        forceinline=True,
    )(function)
    return compiled


entry = kernel
"""Compile a function ``(int, int, int, int) -> int`` that kernels call by its address."""


def address_of(function: Entry) -> int:
    """Return the address at which `call` finds an entry, compiled now unless it was before."""
    if _INTERPRETED:
        from eventsim.engine import memory_interpreted

        return memory_interpreted.address_of(function)
    dispatcher: Any = function
    signature = (types.int64,) * 4
    dispatcher.compile(signature)
    compiled = dispatcher.overloads[signature]
    # Dispatchers live as long as their modules, and keep the code they compiled.
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))
