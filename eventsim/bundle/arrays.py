"""Arrays as .npy entries, each with a record of its dtype, shape and SHA-256 in the manifest."""

import hashlib
import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from eventsim.bundle.manifest import ArrayRecord
from eventsim.errors import BundleError

_DTYPES = ("<f4", "<f8", "<i4", "<i8")


def encode_array(array: npt.NDArray[Any]) -> tuple[bytes, ArrayRecord]:
    """Return the .npy bytes of `array`, little-endian and in C order, and the record that verifies them."""
    portable = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, portable, version=(1, 0), allow_pickle=False)
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    return content, ArrayRecord(portable.dtype.str, portable.shape, digest)


def decode_array(name: str, content: bytes, record: ArrayRecord) -> npt.NDArray[Any]:
    """Return the array in `content`, which must be exactly what `record` says.

    Raises
    ------
    BundleError
        The content is damaged, or its dtype or shape is not the recorded one; the line names the entry.
    """
    if hashlib.sha256(content).hexdigest() != record.sha256:
        raise BundleError(f"entry {name!r} is damaged: its SHA-256 is not the one in the manifest")
    if record.dtype not in _DTYPES:
        raise BundleError(f"entry {name!r} has dtype {record.dtype!r}: allowed are {', '.join(_DTYPES)}")
    buffer = io.BytesIO(content)
    try:
        if np.lib.format.read_magic(buffer) != (1, 0):
            raise ValueError
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(buffer)
    except Exception:  # numpy's parser lets through whatever Python's tokenizer and literals raise
        raise BundleError(f"entry {name!r} is not a .npy array of version 1.0") from None
    found = ("Fortran " if fortran_order else "") + f"{dtype.str} {shape}"
    wanted = f"{record.dtype} {record.shape}"
    if found != wanted:
        raise BundleError(f"entry {name!r} holds {found}, the manifest says {wanted}")
    n_bytes = math.prod(shape) * dtype.itemsize
    if len(content) - buffer.tell() != n_bytes:
        raise BundleError(f"entry {name!r} holds {len(content) - buffer.tell()} bytes of data, not {n_bytes}")
    # A copy, in the machine's byte order: frombuffer alone would keep the whole entry alive.
    values = np.frombuffer(content, dtype, offset=buffer.tell()).astype(dtype.newbyteorder("="))
    try:
        return values.reshape(shape)
    except ValueError:
        raise BundleError(f"entry {name!r} has an impossible shape {shape}") from None
