"""Whether a file can be written: found out before the work whose result it is to hold."""

from pathlib import Path

from eventsim.errors import OutputError


def check_writable(path: Path) -> None:
    """Raise OutputError where `path` cannot be written; an existing file is left as it is."""
    existed = path.exists()
    if existed and not (path.is_file() or path.is_dir()):
        return  # a pipe's reader would take the trial for the end
    try:
        path.open("a", encoding="utf-8").close()
        if not existed:
            path.unlink()
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None
