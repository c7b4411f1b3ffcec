"""The file a benchmark's result is written to."""

from pathlib import Path

import msgspec

from eventsim.atomic_write import write_atomically
from eventsim.errors import OutputError


def write_result(file: Path, result: object) -> None:
    """Write a result as JSON, into a folder that is made where there is none.

    Raises
    ------
    OutputError
        The file or its folder cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{file}: cannot be written: {error.strerror or error}") from None
    write_atomically(file, msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
