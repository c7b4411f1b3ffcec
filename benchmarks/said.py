"""What a process says: the JSON object in the last line it prints."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eventsim.errors import DataError


def said_by(command: Sequence[str], folder: Path) -> dict[str, Any]:
    """Run a command in a folder and return what it says; DataError where it cannot start or fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise DataError(f"{command[0]}: {error.strerror or error}") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        name = command[2] if command[1] == "-m" else Path(command[1]).name
        raise DataError(f"{name}: exit code {done.returncode}: {last}")
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said
