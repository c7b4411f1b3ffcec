"""Directs Numba's kernel cache to a folder named by a hash of the sources.

Numba's own cache does not notice changes in helpers that live in another file and would serve a stale
kernel; a new hash means a new folder, so a stale kernel cannot be found.
"""

import hashlib
import os
import sys
from pathlib import Path

_PACKAGES = ("eventsim", "streams", "hwmodels", "apps")


def source_hash(root: Path) -> str:
    """Return 16 hex digits that change whenever a source file under `root`'s packages changes."""
    digest = hashlib.blake2b(digest_size=8)
    for package in _PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            digest.update(str(file.relative_to(root)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def user_cache() -> Path:
    """Return the user's cache folder: XDG_CACHE_HOME, else the platform's usual place."""
    if configured := os.environ.get("XDG_CACHE_HOME"):
        return Path(configured)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path.home() / ".cache"


def direct_numba_cache() -> None:
    """Set NUMBA_CACHE_DIR unless the user already chose one; must run before numba is imported."""
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    root = Path(__file__).resolve().parent.parent
    try:
        digest = source_hash(root)
        folder = user_cache() / "eventsim" / digest
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        # Without a writable home numba falls back to __pycache__ or a temporary folder by itself.
        return
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
