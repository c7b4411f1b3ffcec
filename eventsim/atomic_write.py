"""Files that are either the old ones or the new ones, never half of one."""

import os
import secrets
from contextlib import suppress

from eventsim.errors import OutputError


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` so that a reader, or a kill at any moment, sees the old file or the new one.

    The data goes to a temporary file in the same folder, which then takes the place of `path`.

    Raises
    ------
    OutputError
        The file cannot be written there. What was there before is unchanged.
    """
    part = None
    try:
        # Through a symbolic link to the file it names: the link itself stays.
        target = os.path.realpath(path)
        part = os.path.join(os.path.dirname(target), f".{secrets.token_hex(8)}.part")
        # "x" gives the file the permissions of any new file, which tempfile would restrict to the owner.
        with open(part, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException as error:
        if part is not None:
            with suppress(OSError):
                os.unlink(part)
        if isinstance(error, OSError):
            raise OutputError(f"{os.fspath(path)}: cannot be written: {error.strerror or error}") from None
        if isinstance(error, ValueError):
            raise OutputError(f"{os.fspath(path)!r}: cannot be written: {error}") from None
        raise
