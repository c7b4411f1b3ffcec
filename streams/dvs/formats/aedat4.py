"""iniVation AEDAT4 through the library faery, in a process of its own, with the place of damage found here.

Source: iniVation, "AEDAT 4.0 format": 14 bytes of magic, uint32 length and flatbuffer IOHeader, then packets
of int32 stream, int32 size and content; the IOHeader holds the position of the closing table of contents.
faery 0.7.1 aborts its whole process on some damaged headers (a panic in a destructor), hence the process.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import SourceError
from streams.dvs.formats.faery_process import FaeryProcess
from streams.dvs.packet import Packet
from streams.dvs.regular_file import read_up_to
from streams.regular_file import open_regular

MAGIC = b"#!AER-DAT4.0\r\n"
_PACKET_HEAD = struct.Struct("<ii")


class Aedat4Decoder:
    """Decodes the first event stream of one AEDAT4 file; times in us since 1970, as recorded.

    Raises SourceError when faery is not installed, or the file's header is damaged.
    """

    time_unit_ns = 1_000

    def __init__(self, path: Path) -> None:
        self._path = path
        if find_spec("faery") is None:
            raise SourceError(f"{path}: AEDAT4 needs the library faery (pip install 'eventsim[events]')")
        self._start, self._table = _read_io_header(path)
        self.notes: Counter[str] = Counter()
        with FaeryProcess(path) as faery:
            answer = faery.header()
        if "error" in answer:
            raise SourceError(
                f"{path}: header of bytes 14 to {self._start - 1} is damaged ({answer['error']})"
            )
        self._track = int(answer["track"])
        self.sensor: tuple[int, int] | None = (int(answer["width"]), int(answer["height"]))

    def packets(self) -> Iterator[Packet]:
        """Yield the events; raises SourceError with the offset of the packet that is damaged."""
        self.notes.clear()
        with FaeryProcess(self._path) as faery, open_regular(self._path) as file:
            faery.header()
            offset, number = self._start, 0
            while True:
                stream, size = _packet_head(file, offset, self._table, self._path)
                answer = faery.packet()
                if answer is None:
                    break
                if isinstance(answer, str):
                    raise SourceError(f"{self._path}: packet {number} at byte {offset} is damaged ({answer})")
                track, events = answer
                if stream == self._track == track:
                    yield _packet_of(events, offset)
                offset += 8 + size
                number += 1
        if offset != _end_of_packets(self._path, self._table):
            raise SourceError(
                f"{self._path}: packet {number} at byte {offset} is damaged (no packet was found)"
            )


def _packet_of(events: NDArray[Any], offset: int) -> Packet:
    def where(i: int) -> str:
        return f"packet at byte {offset}, entry {i}"

    return Packet(
        # Stored as a signed number; the library hands it out unsigned.
        events["t"].astype(np.uint64).view(np.int64),
        events["x"].astype(np.int32),
        events["y"].astype(np.int32),
        events["on"].astype(np.bool_),
        where,
    )


def _end_of_packets(path: Path, table: int) -> int:
    """Return where the table of contents starts, or the file ends that has none."""
    return path.stat().st_size if table < 0 else table


def _packet_head(file: FileIO, offset: int, table: int, path: Path) -> tuple[int, int]:
    """Return stream and size of the packet at `offset`; -1 and 0 where the packets end.

    Raises SourceError when the file ends inside the packet.
    """
    end = _end_of_packets(path, table)
    if offset == end:
        return -1, 0
    file.seek(offset)
    head = read_up_to(file, 8, path)
    if len(head) == 8:
        stream, size = _PACKET_HEAD.unpack(head)
        if size < 0:
            raise SourceError(f"{path}: packet at byte {offset} says a size of {size} bytes (damaged)")
        if offset + 8 + size <= end:
            return stream, size
    raise SourceError(f"{path}: ends in the middle of the packet at byte {offset} (cut off?)")


def _read_io_header(path: Path) -> tuple[int, int]:
    """Return where the packets start, and where the closing table does (-1 where there is none)."""
    with open_regular(path) as file:
        size = path.stat().st_size
        head = read_up_to(file, len(MAGIC) + 4, path)
        if not head.startswith(MAGIC):
            raise SourceError(f"{path}: not an AEDAT4 file (byte 0)")
        if len(head) < len(MAGIC) + 4:
            raise SourceError(f"{path}: header ends at byte {len(head)} (cut off?)")
        length = struct.unpack_from("<I", head, len(MAGIC))[0]
        start = len(head) + length
        if start > size:
            raise SourceError(
                f"{path}: header of {length} bytes at byte {len(MAGIC)} ends after the file (cut off?)"
            )
        table = _table_position(read_up_to(file, min(length, 1 << 20), path), path)
    if table >= 0 and not start <= table <= size:
        raise SourceError(
            f"{path}: header tells a table of contents at byte {table} of a file of {size} bytes (cut off?)"
        )
    return start, table


def _table_position(header: bytes, path: Path) -> int:
    """Return field 1 of the flatbuffer IOHeader, an int64, or -1 where it is not set."""
    try:
        (root,) = struct.unpack_from("<I", header, 0)
        (back,) = struct.unpack_from("<i", header, root)
        if root - back < 0:
            raise struct.error
        (vtable_bytes,) = struct.unpack_from("<H", header, root - back)
        if vtable_bytes < 8:
            return -1
        (field,) = struct.unpack_from("<H", header, root - back + 6)
        return int(struct.unpack_from("<q", header, root + field)[0]) if field else -1
    except struct.error:
        raise SourceError(f"{path}: header at byte {len(MAGIC) + 4} is damaged (no flatbuffer)") from None
