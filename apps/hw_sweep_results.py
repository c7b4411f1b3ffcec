"""The results of a sweep as JSON lines: appended one by one, taken up again after a kill."""

from __future__ import annotations

import fcntl
import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from apps.hw_sweep_file import Value
from eventsim.errors import DataError, OutputError

FORMAT = 1


def point_key(point: Mapping[str, Value], chip: str) -> str:
    """Return what tells a point from another, whatever the order of its parameters; 1 and 1.0 are the same.

    >>> point_key({"b": 1, "a": 2.5}, "f00d") == point_key({"a": 2.5, "b": 1.0}, "f00d")
    True
    """
    plain = {k: v if isinstance(v, str | bool) else float(v) for k, v in point.items()}
    return f"{chip} {json.dumps(plain, sort_keys=True)}"


class ResultFile:
    """The file of one sweep: a head that says what the sweep is of, then a line for each point.

    path : made where it is missing. head : what may not differ between the runs that share the file.
    Half a line at the end, left by a kill, is cut off; `repaired` says so.

    Raises DataError where the file holds something else, OutputError where it cannot be written, or another
    process is writing it.
    """

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        self.path = path
        self.repaired = False
        self.lines: dict[str, dict[str, Any]] = {}
        try:
            # Read and append: what is there is never written over.
            self._file = path.open("a+b")
            if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                # What is no file may be read without end.
                self._file.close()
                raise ValueError("it is no regular file")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise OutputError(f"{path}: another sweep is writing it") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"{path}: cannot be written ({reason})") from None
        try:
            self._take_up(json.loads(json.dumps(head)))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> ResultFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, point: Mapping[str, Value], chip: str, outcome: Mapping[str, Any]) -> dict[str, Any]:
        """Append one point and return its line; it is on the disk when this returns.

        chip : digest of the chip's file, so that a changed file is computed anew.
        """
        line = {"point": dict(point), "chip_digest": chip, **_finite(outcome)}
        self._write(line)
        self.lines[point_key(point, chip)] = line
        return line

    def _take_up(self, head: dict[str, Any]) -> None:
        self._file.seek(0)
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            self._file.truncate(whole)
            self.repaired = True
        rows = data[:whole].splitlines()
        if not rows:
            self._write({"format": FORMAT, "sweep": head})
            return
        first = self._parsed(rows[0], 1)
        if first.get("format") != FORMAT or not isinstance(first.get("sweep"), dict):
            raise DataError(f"{self.path}: line 1: is not the head of a sweep of format {FORMAT}")
        for key in sorted({*first["sweep"], *head}):
            there, here = first["sweep"].get(key), head.get(key)
            if there != here:
                raise DataError(
                    f"{self.path}: is of another sweep: {key} is {json.dumps(there)} there, "
                    f"{json.dumps(here)} here; name another file with --output, or delete this one"
                )
        for k, row in enumerate(rows[1:], 2):
            line = self._parsed(row, k)
            point = line.get("point")
            if not isinstance(point, dict) or not {"result", "refused"} & line.keys():
                raise DataError(f"{self.path}: line {k}: is not a result of a sweep")
            self.lines[self._key(point, str(line.get("chip_digest")), k)] = line

    def _key(self, point: dict[str, Any], chip: str, k: int) -> str:
        try:
            return point_key(point, chip)
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"{self.path}: line {k}: point {point!r} holds no plain values") from None

    def _parsed(self, row: bytes, k: int) -> dict[str, Any]:
        try:
            line = json.loads(row)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            raise DataError(f"{self.path}: line {k}: is no JSON object; delete the line to compute it again")
        return line

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror or error})") from None


def _finite(value: Any) -> Any:
    """Return a value as JSON can hold it: what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
