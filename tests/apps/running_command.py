"""The real command in a process of its own, its JSON lines read while it runs; nothing waits for ever."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT_S = 60.0
Line = dict[str, Any]


class RunningCommand:
    """`eventsim ARGUMENTS`; killed at the end of its `with` block. lines : its JSON lines so far."""

    def __init__(
        self, *arguments: str | Path, environment: dict[str, str] | None = None, stdin: int | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "apps.main", *map(str, arguments)],
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**(environment or os.environ), "PYTHONUNBUFFERED": "1"},
        )
        self.lines: list[Line] = []
        self.text: list[str] = []
        self.stderr = ""
        self._news = threading.Condition()
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._out, self._err)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "RunningCommand":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait(10)

    def wait_for(self, kind: str, fits: Callable[[Line], bool] = lambda line: True) -> Line:
        """Return the first line of a type that fits; fail where none comes."""

        def found() -> list[Line]:
            return [line for line in self.lines if line["type"] == kind and fits(line)]

        deadline = time.monotonic() + LIMIT_S
        with self._news:
            while not found():
                left = deadline - time.monotonic()
                ended = self.process.poll() is not None and not self._threads[0].is_alive()
                assert left > 0, f"no {kind} line; {self.lines[-5:]} {self.stderr}"
                assert not ended, f"ended without a {kind} line: {self.lines[-5:]} {self.stderr}"
                self._news.wait(min(left, 0.2))
            return found()[0]

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send a signal; Ctrl-C unless said."""
        self.process.send_signal(number)

    def finish(self) -> int:
        """Wait for the end and return the exit code."""
        try:
            code = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"did not end: {self.lines[-5:]} {self.text[-5:]} {self.stderr}") from None
        for thread in self._threads:
            thread.join(10)
        assert "Traceback" not in self.stderr, self.stderr
        return code

    def of_type(self, kind: str) -> list[Line]:
        """Return all lines of a type."""
        return [line for line in self.lines if line["type"] == kind]

    @property
    def summary(self) -> Line:
        """The one summary."""
        (line,) = self.of_type("summary")
        return line

    def _out(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            with self._news:
                if text.startswith("{"):
                    self.lines.append(json.loads(text))
                else:
                    self.text.append(text.rstrip("\n"))
                self._news.notify_all()

    def _err(self) -> None:
        assert self.process.stderr is not None
        self.stderr = self.process.stderr.read()


def ipc_address(folder: Path, name: str = "s") -> str:
    """Return an address in a folder; short enough for a socket's path."""
    path = folder / name
    return f"ipc://{path}"
