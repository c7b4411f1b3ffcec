"""A child process in which faery decodes one AEDAT4 file: what crashes or hangs there is told here."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import SourceError
from streams.dvs.formats import faery_reader
from streams.dvs.formats.faery_reader import FRAME, RECORD

_PROGRAM = Path(faery_reader.__file__)
_EVENT = np.dtype(list(RECORD))
TIMEOUT_S = 60.0
"""Longest wait for one packet; a whole file of usual packets takes well under a second each."""


class FaeryProcess:
    """Answers of `faery_reader.py` on one file; use it in a `with` statement, which ends the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM), str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    def __enter__(self) -> "FaeryProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        if self._process.stdout:
            self._process.stdout.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10.0)

    def header(self) -> dict[str, Any]:
        """Return {"track", "width", "height"} of the first event stream, or {"error": text}."""
        answer = self._answer()
        return answer[0] if answer else {"error": self._death()}

    def packet(self) -> tuple[int, NDArray[Any]] | str | None:
        """Return the next packet's stream and events (if any), what is wrong, or None at the end."""
        answer = self._answer()
        if answer is None:
            return self._death()
        head, payload = answer
        if "error" in head:
            return str(head["error"])
        if "end" in head:
            return None
        return int(head["track"]), np.frombuffer(payload, _EVENT)

    def _answer(self) -> tuple[dict[str, Any], bytes] | None:
        deadline = time.monotonic() + TIMEOUT_S
        frame = self._read(FRAME.size, deadline)
        if frame is None:
            return None
        head_bytes, payload_bytes = FRAME.unpack(frame)
        head = self._read(head_bytes, deadline)
        payload = self._read(payload_bytes, deadline)
        return None if head is None or payload is None else (json.loads(head), payload)

    def _read(self, count: int, deadline: float) -> bytes | None:
        """Return exactly `count` bytes, or None when the process has ended before."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        parts: list[bytes] = []
        while count:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise SourceError(f"{self._path}: faery gave no answer within {TIMEOUT_S:g} s (damaged?)")
            part = os.read(descriptor, min(count, 1 << 20))
            if not part:
                return None
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _death(self) -> str:
        try:
            status = self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            return "faery stopped answering"
        return f"faery crashed with status {status}"
