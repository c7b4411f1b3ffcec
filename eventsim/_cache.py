"""Directs Numba's kernel cache to a folder named by a hash of the sources.

Numba's own cache looks only at the file that holds a kernel. It does not notice a change in a helper or
constant imported from another file, nor in settings such as NUMBA_BOUNDSCHECK, and would serve a stale
kernel. Here another source or setting is another folder, so a stale kernel cannot be found.

The hash is taken of what the files hold, not of their sizes and times: an unpacked wheel, `git checkout` or
`cp -p` can bring a different file of the same size and time, and a fresh clone of the same sources should
find its kernels. Reading all sources takes about 4 ms.

Processes may start at once: they agree on the folder, and Numba writes each file under a temporary name and
renames it. A folder may be removed under a running process: Numba then compiles again and makes it again.
"""

import hashlib
import os
import stat
import sys
import time
from collections.abc import Iterator

_PACKAGES = ("eventsim", "streams", "hwmodels", "apps")
# Imports kernels, holds none, and changes most often.
_WITHOUT_KERNELS = ("eventsim/learning",)
_FOLDER = "eventsim-kernels"
_KEPT_FOLDERS = 8
_KEPT_S = 3600.0


def direct_numba_cache() -> None:
    """Set NUMBA_CACHE_DIR; to be called before a kernel is defined.

    The folder lies in the one that NUMBA_CACHE_DIR names already, else in the user's cache; where that cannot
    be written, in a private folder for temporary files; and where there is none either, Numba decides. A
    folder the user chose is not used as it is: kernels of an earlier version there have crashed a later one.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR") or None
    if chosen and os.path.basename(os.path.dirname(chosen)) == _FOLDER:
        # Handed down by a parent process, which may have run other sources.
        chosen = os.path.dirname(os.path.dirname(chosen))
    digest = source_hash(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folder = (
        _writable(chosen, digest) or _writable(user_cache(), digest) or _writable(_temporary_folder(), digest)
    )
    if folder is None:
        return
    os.environ["NUMBA_CACHE_DIR"] = folder
    if config := sys.modules.get("numba.core.config"):
        config.reload_config()


def source_hash(root: str) -> str:
    """Return 16 hex digits that change whenever a source file or a Numba setting changes."""
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(os.environ):
        if name.startswith("NUMBA_") and name != "NUMBA_CACHE_DIR":
            digest.update(f"{name}={os.environ[name]}\0".encode(errors="surrogateescape"))
    for package in _PACKAGES:
        for path in _sources(root, package):
            with open(os.path.join(root, path), "rb") as file:
                content = file.read()
            # With its length, no content can pass for the start of the next file.
            digest.update(f"{path}\0{len(content)}\0".encode(errors="surrogateescape"))
            digest.update(content)
    return digest.hexdigest()


def user_cache() -> str | None:
    """Return the user's cache folder: XDG_CACHE_HOME, else the usual place; None without a home."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(configured):  # the XDG specification has a relative path ignored
        return configured
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        return None
    return (
        os.path.join(home, "Library", "Caches") if sys.platform == "darwin" else os.path.join(home, ".cache")
    )


def _sources(root: str, folder: str) -> Iterator[str]:
    """Yield the paths of all Python files in `folder`, relative to `root`, in a fixed order."""
    try:
        with os.scandir(os.path.join(root, folder)) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in ordered:
        path = f"{folder}/{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__" and path not in _WITHOUT_KERNELS:
                yield from _sources(root, path)
        elif entry.name.endswith(".py"):
            yield path


def _writable(base: str | None, digest: str) -> str | None:
    """Return this digest's folder under `base`, made if need be and marked as used; None if not writable."""
    if base is None:
        return None
    parent = os.path.join(base, _FOLDER)
    folder = os.path.join(parent, digest)
    try:
        if not os.path.isdir(folder):
            os.makedirs(folder, exist_ok=True)
            _prune(parent)
        # Also where the folder exists: its file system may since have become read-only.
        os.utime(folder)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _temporary_folder() -> str | None:
    """Return a folder for temporary files that this user alone can write; None if there is none.

    Cached kernels are run as they are found, so a folder that someone else could have filled is not used.
    """
    import tempfile

    try:
        folder = os.path.join(tempfile.gettempdir(), f"eventsim-{os.getuid()}")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError:
        return None
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return folder if private else None


def _prune(parent: str) -> None:
    """Remove folders of sources long gone: all but the latest used few, and none used within the hour."""
    import shutil

    with os.scandir(parent) as entries:
        last_use = sorted(((entry.stat().st_mtime, entry.path) for entry in entries), reverse=True)
    for used_s, path in last_use[_KEPT_FOLDERS:]:
        if time.time() - used_s > _KEPT_S:
            shutil.rmtree(path, ignore_errors=True)
