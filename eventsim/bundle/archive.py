"""A zip archive as a plain mapping from entry names to bytes: reproducible to write, bounded to read."""

import io
import struct
import zipfile
import zlib

from eventsim.errors import BundleError

MAX_FILE_BYTES = 256 * 2**20
"""Largest archive read, in bytes."""

MAX_CONTENT_BYTES = 1024 * 2**20
"""Largest content unpacked from one archive, in bytes: a zip bomb is refused before it is unpacked."""

MAX_ENTRIES = 10_000

# The earliest time a zip entry can carry: content alone, not the hour of writing, shall fix the bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_READABLE_BY_ALL = 0o644 << 16
# What zipfile and zlib raise on damaged archives, found by fuzzing: not all of it is BadZipFile.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def pack(entries: dict[str, bytes]) -> bytes:
    """Return a zip archive of the entries, in their order; the same entries always give the same bytes.

    (The same for one version of zlib: another may compress differently, and still unpack the same.)
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # Unix, whatever the system: part of the bytes
            info.external_attr = _READABLE_BY_ALL
            archive.writestr(info, content, zipfile.ZIP_DEFLATED, compresslevel=6)
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Return the entries of a zip archive, in its order.

    Raises
    ------
    BundleError
        The archive is no zip archive, is damaged, or unpacks to more than the limits allow.
    """
    if not data:
        raise BundleError("is empty")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _DAMAGE:
        kind = "a damaged or truncated zip archive" if data.startswith(b"PK") else "not a zip archive"
        raise BundleError(f"is {kind}") from None
    with archive:
        infos = archive.infolist()
        _check_limits(infos)
        return {info.filename: _content(archive, info) for info in infos}


def _check_limits(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MAX_ENTRIES:
        raise BundleError(f"holds {len(infos)} entries: at most {MAX_ENTRIES} are allowed")
    n_bytes = sum(info.file_size for info in infos)
    if n_bytes > MAX_CONTENT_BYTES:
        raise BundleError(f"unpacks to {n_bytes} bytes: at most {MAX_CONTENT_BYTES} are allowed")
    seen: set[str] = set()
    for info in infos:
        if info.filename in seen:
            raise BundleError(f"holds entry {info.filename!r} twice")
        seen.add(info.filename)
        if info.compress_type not in _METHODS:
            raise BundleError(f"entry {info.filename!r} is packed by an unknown method")


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as entry:
            # The size was counted against the limit, and zipfile never yields more than it declares.
            content = entry.read(info.file_size + 1)
    except _DAMAGE:
        raise BundleError(f"entry {info.filename!r} is damaged") from None
    if len(content) != info.file_size:
        raise BundleError(f"entry {info.filename!r} is truncated")
    return content
