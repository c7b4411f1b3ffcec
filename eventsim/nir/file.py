"""NIR files, read by a process of their own: whatever is in a file, this one neither crashes nor hangs."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import stat
import struct
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from eventsim.errors import NirError
from eventsim.nir.raw import RawNode, edges_from

MAX_FILE_BYTES = 2**30
"""Largest NIR file read, in bytes."""

_PROGRAM = Path(__file__).with_name("hdf5_reader.py")
_FRAME = struct.Struct("<qq")
_SLOWEST_BYTES_PER_S = 5e6
_START_S = 60.0  # for the process to start and import h5py, on a machine that is busy


class NirFileReader:
    """A process that reads NIR files, started when first needed and again when a file has killed it.

    Parameters
    ----------
    limit_s : the time one file may take, s, beyond which it counts as damaged; None: 20 s and more for a
        large one
    """

    def __init__(self, limit_s: float | None = None) -> None:
        self._limit_s = limit_s
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, path: str | os.PathLike[str]) -> tuple[RawNode, str]:
        """Return the graph in the file at `path`, and the version of NIR that wrote it.

        Raises
        ------
        NirError
            if the file is missing, no HDF5, damaged, too large, or no NIR file; or h5py is not installed.
        """
        name, n_bytes = _regular_file(path)
        require("h5py")
        limit_s = 20.0 + n_bytes / _SLOWEST_BYTES_PER_S if self._limit_s is None else self._limit_s
        try:
            header, payload = self._ask(name, limit_s)
        except NirError as error:
            raise NirError(f"{name}: {error}") from None
        if "error" in header:
            raise NirError(f"{name}: {header['error']}")
        try:
            return _tree(header["node"], payload, "graph"), str(header["version"])
        except NirError as error:
            raise NirError(f"{name}: {error}") from None

    def close(self) -> None:
        """End the process; a later read starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, name: str, limit_s: float) -> tuple[dict[str, Any], bytes]:
        if self._process is None:
            self._process = _start()
            try:
                _take_answer(self._process, _START_S)
            except (EOFError, TimeoutError):
                self.close()
                raise NirError("cannot be read: the process that reads NIR files did not start") from None
        process = self._process
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(os.path.abspath(name)).encode() + b"\n")
                process.stdin.flush()
            return _take_answer(process, limit_s)
        except EOFError:
            self.close()
            raise NirError("is damaged: HDF5's library crashed when it read the file") from None
        except TimeoutError:
            self.close()
            raise NirError(f"is damaged: reading it did not end within {limit_s:g} s") from None
        except BaseException:
            self.close()  # half an answer would be taken for the next file's
            raise


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # one per core would count as memory
    )


def _take_answer(process: subprocess.Popen[bytes], limit_s: float) -> tuple[dict[str, Any], bytes]:
    assert process.stdout is not None
    pipe, until = process.stdout.fileno(), time.monotonic() + limit_s
    lengths = _FRAME.unpack(_take(pipe, _FRAME.size, until))
    header = json.loads(_take(pipe, lengths[0], until))
    return header, _take(pipe, lengths[1], until)


def read_nir_file(path: str | os.PathLike[str]) -> tuple[RawNode, str]:
    """Return the graph in the file at `path` and the version of NIR that wrote it; raises NirError."""
    with NirFileReader() as reader:
        return reader.read(path)


def require(module: str) -> None:
    """Raise NirError, saying what to install, where `module` (nir or h5py) is missing."""
    if find_spec(module) is None:
        raise NirError(f"NIR needs the package {module}: pip install 'eventsim[nir]'")


def _take(descriptor: int, n_bytes: int, until: float) -> bytes:
    """Return exactly `n_bytes` from the pipe; EOFError where it ends, TimeoutError at `until`."""
    parts: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while n_bytes > 0:
            if not selector.select(max(until - time.monotonic(), 0)):
                raise TimeoutError
            part = os.read(descriptor, min(n_bytes, 2**20))
            if not part:
                raise EOFError
            parts.append(part)
            n_bytes -= len(part)
    return b"".join(parts)


def _regular_file(path: str | os.PathLike[str]) -> tuple[str, int]:
    name = os.fsdecode(path)
    try:
        status = os.stat(name)
    except OSError as error:
        raise NirError(f"{name}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise NirError(f"{name!r} is no file name: {error}") from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise NirError(f"{name}: is {kind}")
    if status.st_size > MAX_FILE_BYTES:
        raise NirError(f"{name}: is larger than {MAX_FILE_BYTES} bytes")
    return name, status.st_size


def _array(value: dict[str, Any], payload: bytes) -> npt.NDArray[Any]:
    """Return one array of the payload, in the machine's byte order."""
    kind, shape = np.dtype(value["array"]), value["shape"]
    count = int(np.prod([1, *shape], dtype=object))
    values = np.frombuffer(payload, kind, count, value["at"])
    return values.astype(kind.newbyteorder("=")).reshape(shape)


def _tree(tree: dict[str, Any] | None, payload: bytes, where: str) -> RawNode:
    if tree is None:
        raise NirError(f"{where} is a dataset, not a node")
    raw = RawNode("", metadata=tuple(tree["metadata"]))
    for name, value in tree["fields"].items():
        if name == "edges" and value:
            raw.edges = edges_from(_pairs(value), where)
        elif "array" in value:
            raw.fields[name] = _array(value, payload)
        elif name == "type":
            raw.kind = " ".join(value.get("text", []))
        elif "text" in value:
            raw.fields[name] = " ".join(value["text"])
    if tree["nodes"] is not None:
        raw.nodes = {name: _tree(inner, payload, f"node {name!r}") for name, inner in tree["nodes"].items()}
    return raw


def _pairs(value: dict[str, Any]) -> list[list[str]]:
    """Return the pairs of an edge list; anything else but an empty one becomes a pair that is refused."""
    texts, shape = value.get("text", []), value["shape"]
    if 0 in shape:
        return []
    if len(shape) != 2:
        return [[]]
    return [texts[k : k + shape[1]] for k in range(0, shape[0] * shape[1], shape[1])]
