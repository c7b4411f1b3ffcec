"""The two ways this package compiles a function.

Nothing compiled here allocates: state is handed in. So reference counts are left out (`_nrt=False`); they
would cost more than the neurons' arithmetic. An attempt to allocate does not compile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """Compile a function that Python calls: cached on disk, without the GIL, dividing as numpy does."""
    # Numba's type stubs know neither `_nrt` nor the wrapper options.
    compiled: _F = njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function)  # type: ignore[call-overload]
    return compiled


def part(function: _F) -> _F:
    """Compile a function that only kernels call; it has no Python wrapper, which halves the compile time."""
    compiled: _F = njit(  # type: ignore[call-overload]
        nogil=True, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    return compiled
