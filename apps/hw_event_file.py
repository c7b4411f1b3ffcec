"""Events in numpy's own files: arrays by name in an .npz, fields or columns in an .npy."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import DataError, EventError
from eventsim.events import Events

NAMES = ("time_ns", "address", "value")


def load_events(path: Path) -> Events:
    """Return the events of a file, in the order it holds them.

    An .npz holds arrays time_ns, address and, if they are not all 1, value; an .npy a structured array with
    these fields, or integers of shape (n, 2) with columns time_ns and address.

    Raises DataError, one line, where the file or an array is missing or no array of events.
    """
    try:
        held = np.load(path, allow_pickle=False)
        if isinstance(held, np.lib.npyio.NpzFile):
            with held:
                columns = {name: held[name] for name in NAMES if name in held}
        else:
            columns = _columns(path, held)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, MemoryError):
        raise DataError(f"{path}: is no .npz or .npy file, or a damaged one") from None
    missing = [name for name in NAMES[:2] if name not in columns]
    if missing:
        raise DataError(
            f"{path}: lacks {' and '.join(missing)}; events are arrays time_ns and address, and value "
            "if they are not all 1"
        )
    try:
        return Events.of(columns["time_ns"], columns["address"], columns.get("value"))
    except EventError as error:
        raise DataError(f"{path}: {error}") from None


def _columns(path: Path, array: NDArray[Any]) -> dict[str, NDArray[Any]]:
    if array.dtype.names:
        return {name: array[name] for name in NAMES if name in array.dtype.names}
    if array.ndim == 2 and array.shape[1] == 2:
        return {"time_ns": array[:, 0], "address": array[:, 1]}
    raise DataError(
        f"{path}: an array of {array.dtype} {array.shape}; events are (n, 2) integers, time_ns and address, "
        "or a structured array with these fields"
    )
