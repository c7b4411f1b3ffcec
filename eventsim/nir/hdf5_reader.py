"""A program of its own that reads NIR files for the package: damaged HDF5 can crash or hang HDF5's library.

Runs alone (`python -P hdf5_reader.py`) and imports nothing of the package. Each line of standard input is a
JSON string, a path; an answer on standard output is two little-endian int64, the lengths of what follows: a
JSON header (`{"error": text}` or `{"version": ..., "node": tree}`) and the bytes of all arrays, in order. The
first answer, `{"ready": ...}`, comes before any question.
"""

import contextlib
import json
import struct
import sys
from typing import Any

import numpy as np

MAX_DEPTH = 32
MAX_OBJECTS = 50_000
MAX_BYTES = 2**30
"""Largest content taken from one file, in bytes; declared sizes are added up before anything is read."""

_FRAME = struct.Struct("<qq")


class RefusedError(Exception):
    """What is wrong with the file, as one line."""


class Reading:
    """One file being read: counts objects and bytes, collects the arrays."""

    def __init__(self, h5py: Any) -> None:
        self.h5py = h5py
        self.objects = 0
        self.declared = 0
        self.length = 0
        self.payload: list[bytes] = []

    def node(self, group: Any, depth: int) -> dict[str, Any]:
        """Return a node: its fields, its metadata's keys, and its nodes where it is a graph."""
        if depth > MAX_DEPTH:
            raise RefusedError(f"graphs are nested more than {MAX_DEPTH} deep (a cycle of links?)")
        tree: dict[str, Any] = {"fields": {}, "metadata": [], "nodes": None}
        for name, item in self._items(group):
            if not isinstance(item, self.h5py.Group):
                tree["fields"][name] = self.dataset(item)
            elif name == "metadata":
                tree["metadata"] = sorted(map(str, item))
            elif name == "nodes":
                tree["nodes"] = {
                    str(inner): self.node(one, depth + 1) if isinstance(one, self.h5py.Group) else None
                    for inner, one in self._items(item)
                }
            else:
                raise RefusedError(f"group {item.name!r} is not part of a NIR file")
        return tree

    def dataset(self, item: Any) -> dict[str, Any]:
        """Return {"text", "shape"}, or {"array": dtype, "shape", "at": offset}, or {} where empty."""
        if not isinstance(item, self.h5py.Dataset):
            raise RefusedError(f"{item.name!r} is neither a group nor a dataset")
        if item.shape is None:
            return {}
        self.declared += int(np.prod([1, *map(int, item.shape)], dtype=object)) * max(item.dtype.itemsize, 1)
        if self.declared > MAX_BYTES:
            raise RefusedError(f"declares more than {MAX_BYTES} bytes of content, at {item.name!r}")
        if self.h5py.check_string_dtype(item.dtype) is not None:
            texts = np.asarray(item.asstr("utf-8")[()], dtype=object)
            return {"text": [str(text) for text in texts.ravel()], "shape": list(texts.shape)}
        if item.dtype.kind not in "biuf" or item.dtype.itemsize > 8:
            raise RefusedError(f"{item.name!r} holds {item.dtype}: numbers of up to 64 bits or text must be")
        values = np.asarray(item[()])
        values = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        at = self.length
        self.payload.append(values.tobytes())
        self.length += values.nbytes
        return {"array": values.dtype.str, "shape": list(item.shape), "at": at}

    def _items(self, group: Any) -> Any:
        for name in group:
            self.objects += 1
            if self.objects > MAX_OBJECTS:
                raise RefusedError(f"holds more than {MAX_OBJECTS} objects (a cycle of links?)")
            if not isinstance(group.get(name, getlink=True), self.h5py.HardLink):
                raise RefusedError(
                    f"{group.name}/{name} is a link to elsewhere: only the file's own content is read"
                )
            yield name, group[name]


def read(path: str) -> tuple[dict[str, Any], bytes]:
    """Return the header and the array bytes for the file at `path`; what goes wrong is in the header."""
    import h5py

    reading = Reading(h5py)
    try:
        with h5py.File(path, "r") as file:
            if not isinstance(file.get("node"), h5py.Group):
                raise RefusedError("is an HDF5 file without the group 'node': no NIR file")
            version = reading.dataset(file["version"]) if "version" in file else {}
            if "array" in version:
                raise RefusedError("has a version that is no text")
            header = {"version": "".join(version.get("text", [])), "node": reading.node(file["node"], 0)}
        return header, b"".join(reading.payload)
    except RefusedError as refusal:
        return {"error": str(refusal)}, b""
    except Exception as error:  # h5py passes on whatever HDF5 trips over: a dozen kinds of exception
        told = " ".join(str(error).split()) or type(error).__name__
        return {"error": f"is damaged: {told}"}, b""


def main() -> None:
    """Answer every path on standard input until it ends."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (4 * MAX_BYTES, 4 * MAX_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import h5py  # before the first answer, which says that files can be read now

    _answer({"ready": h5py.__version__}, b"")
    for line in sys.stdin.buffer:
        _answer(*read(json.loads(line)))


def _answer(header: dict[str, Any], payload: bytes) -> None:
    encoded = json.dumps(header).encode()
    sys.stdout.buffer.write(_FRAME.pack(len(encoded), len(payload)))
    sys.stdout.buffer.write(encoded)
    sys.stdout.buffer.write(payload)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
