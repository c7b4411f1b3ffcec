"""Reading a file from start to end, in whole records."""

from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from eventsim.errors import SourceError
from streams.regular_file import open_regular


def head_of(path: Path, count: int = 4096) -> bytes:
    """Return the first `count` bytes of a file, fewer where it is shorter."""
    with open_regular(path) as file:
        return read_up_to(file, count, path)


def read_up_to(file: FileIO, count: int, path: Path) -> bytes:
    """Return the next `count` bytes, fewer only at the end of the file."""
    parts: list[bytes] = []
    try:
        while count and (part := file.read(count)):
            parts.append(part)
            count -= len(part)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read at byte {file.tell()} ({error.strerror})") from None
    return b"".join(parts)


def records_of(path: Path, start: int, record_bytes: int, per_chunk: int) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, bytes) of runs of whole records from byte `start` on.

    Raises SourceError at the end when the file stops in the middle of a record.
    """
    with open_regular(path) as file:
        file.seek(start)
        offset = start
        while chunk := read_up_to(file, record_bytes * per_chunk, path):
            whole = len(chunk) - len(chunk) % record_bytes
            if whole:
                yield offset, chunk[:whole]
            offset += whole
            if whole < len(chunk):
                raise SourceError(
                    f"{path}: ends in the middle of a record of {record_bytes} bytes, "
                    f"at byte {offset} (cut off?)"
                )
