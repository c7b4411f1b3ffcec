"""Which format an event file is in: by its content, and by its suffix where the content cannot tell."""

from pathlib import Path

from eventsim.errors import SourceError
from streams.dvs.formats.prophesee_header import encoding_of, read_header
from streams.dvs.regular_file import head_of

FORMATS = ("aedat4", "evt2", "evt3", "dat", "es", "nmnist", "csv", "npy")
SUFFIXES = {
    ".aedat4": "aedat4",
    ".raw": "evt2 or evt3",
    ".dat": "dat",
    ".es": "es",
    ".bin": "nmnist",
    ".csv": "csv",
    ".txt": "csv",
    ".npy": "npy",
}
"""Suffixes of event files, and the format each stands for."""

_MAGIC = {b"#!AER-DAT4.0": "aedat4", b"Event Stream": "es", b"\x93NUMPY": "npy"}
_FOREIGN = {
    b"#!AER-DAT": "an AEDAT file of an older version (only AEDAT 4.0 can be read)",
    b"\x89HDF": "an HDF5 file",
    b"PK\x03\x04": "a zip archive (npz?)",
    b"#ROSBAG": "a ROS bag",
    b"\x1f\x8b": "compressed by gzip",
}


def format_of(path: Path) -> str:
    """Return one of FORMATS.

    Raises SourceError, listing what is allowed, when neither content nor suffix tells.
    """
    head = head_of(path, 65_536)
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise SourceError(f"{path}: is {what}; can be read: {', '.join(FORMATS)}")
    suffix = path.suffix.lower()
    header = read_header(head)
    if header.length:
        encoding = encoding_of(header)
        if encoding in ("evt2", "evt3"):
            return encoding
        if encoding is not None:
            raise SourceError(
                f"{path}: holds {encoding} events; of Prophesee's, evt2, evt3 and dat can be read"
            )
        if suffix == ".dat" or "version" in header.fields:
            return "dat"
    named = SUFFIXES.get(suffix)
    if named == "csv" or (suffix not in SUFFIXES and _is_text_of_numbers(head)):
        return "csv"
    if named == "nmnist" or (named == "dat" and not header.length):
        return named
    expected = f", though its suffix says {named}" if named else ""
    raise SourceError(
        f"{path}: not recognised{expected}; can be read: {', '.join(FORMATS)} (name one with format=)"
    )


def _is_text_of_numbers(head: bytes) -> bool:
    lines = head[:4096].splitlines()[:-1] or head[:4096].splitlines()
    return (
        bool(lines)
        and all(
            byte in b"0123456789.,;+- \t\rtxypoinTXYPOIN_lamesrfu#\"'" for line in lines[:20] for byte in line
        )
        and any(line[:1].isdigit() for line in lines)
    )
