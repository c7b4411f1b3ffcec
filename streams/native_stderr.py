"""Diagnostics of C libraries kept off the terminal, without touching what Python writes there."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

_lock = threading.Lock()
_nowhere: int | None = None
_kept: int | None = None
_mutes = 0


class NativeStderrMute:
    """Keeps the C library's `stderr` on the null device until released; several may be held at a time.

    PortAudio prints failed expressions from a thread of its own when a device is unplugged, and offers no way
    to ask it not to. The C variable `stderr` is redirected, not descriptor 2: Python's own messages and
    tracebacks still arrive. Where the C library has no such variable nothing is muted.
    """

    def __init__(self) -> None:
        self._held = True
        _change(+1)

    def release(self) -> None:
        """Let C libraries speak again, unless another mute is held; may be called more than once."""
        if self._held:
            self._held = False
            _change(-1)

    def __enter__(self) -> "NativeStderrMute":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@contextmanager
def native_stderr_muted() -> Iterator[None]:
    """Keep C libraries silent within a `with` statement."""
    with NativeStderrMute():
        yield


def _change(by: int) -> None:
    global _mutes, _kept
    with _lock:
        before, _mutes = _mutes, _mutes + by
        variable = _stderr_variable()
        if variable is None:
            return
        if before == 0 and (nowhere := _null_file()) is not None:
            _kept, variable.value = variable.value, nowhere
        elif _mutes == 0 and _kept is not None:
            variable.value, _kept = _kept, None


def _stderr_variable() -> ctypes.c_void_p | None:
    try:
        return ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stderr")
    except (OSError, TypeError, ValueError):
        return None


def _null_file() -> int | None:
    """Return a FILE on the null device; opened once and never closed, a library may still write to it."""
    global _nowhere
    if _nowhere is None:
        fopen = ctypes.CDLL(None).fopen
        fopen.restype, fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
        _nowhere = fopen(b"/dev/null", b"w")
    return _nowhere
