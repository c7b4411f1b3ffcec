"""Opening a file that is meant to be read from start to end."""

import os
import stat
from io import FileIO
from pathlib import Path

from eventsim.errors import SourceError


def open_regular(path: Path) -> FileIO:
    """Return `path` opened for reading bytes.

    Raises SourceError naming the file when it is missing, a folder, no regular file, or empty.
    """
    try:
        # Not blocking, or a named pipe would hang here instead of being refused.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise SourceError(f"{path}: cannot be opened ({reason or error})") from None
    kind = os.fstat(descriptor)
    problem = None
    if stat.S_ISDIR(kind.st_mode):
        problem = "is a folder, not a file"
    elif not stat.S_ISREG(kind.st_mode):
        problem = "is no regular file"
    elif kind.st_size == 0:
        problem = "is empty (0 bytes)"
    if problem:
        os.close(descriptor)
        raise SourceError(f"{path}: {problem}")
    return FileIO(descriptor, "rb")
