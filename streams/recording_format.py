"""The file of a recorded stream: a mark, then one record per message, each with its length and checksum."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from streams.wire import Frames
from streams.wire_header import MAX_HEADER_BYTES, MAX_MESSAGE_BYTES, MAX_TOPIC_BYTES
from streams.wire_payload import Buffer

MAGIC = b"\x89EVREC\r\n"
"""No text, and damaged by every program that takes it for text."""
FORMAT_VERSION = 1

_FILE_HEAD = struct.Struct("<8sHHI")
_RECORD_HEAD = struct.Struct("<4sIqHHI")
_MARK = b"MSG\n"
_CHECKED_FROM = 8
"""The checksum covers all of a record after the mark and itself."""

FILE_HEAD_BYTES = _FILE_HEAD.size
RECORD_HEAD_BYTES = _RECORD_HEAD.size


@dataclass(frozen=True, slots=True)
class RecordHead:
    """Start of a record. recorded_ns : wall clock at which the message came; the rest are lengths."""

    checksum: int
    recorded_ns: int
    topic_bytes: int
    header_bytes: int
    payload_bytes: int

    @property
    def body_bytes(self) -> int:
        """Bytes of the record after its head."""
        return self.topic_bytes + self.header_bytes + self.payload_bytes


def file_head() -> bytes:
    """Return the first bytes of every recording."""
    start = _FILE_HEAD.pack(MAGIC, FORMAT_VERSION, 0, 0)[:-4]
    return start + struct.pack("<I", zlib.crc32(start))


def file_problem(head: bytes) -> str | None:
    """Return why these first bytes are not those of a recording this program reads, or None."""
    if head[: len(MAGIC)] != MAGIC:
        return "not a recording of eventsim"
    if len(head) < FILE_HEAD_BYTES or zlib.crc32(head[:-4]) != _FILE_HEAD.unpack(head)[3]:
        return "its first bytes are damaged"
    version = _FILE_HEAD.unpack(head)[1]
    if version != FORMAT_VERSION:
        return f"of recording version {version}, this program reads version {FORMAT_VERSION}"
    return None


def record_of(frames: Sequence[Buffer], recorded_ns: int) -> list[Buffer]:
    """Return the record of a message as buffers to be written one after the other."""
    topic, header, payload = frames
    rest = struct.pack("<qHHI", recorded_ns, len(topic), len(header), len(payload))
    checksum = zlib.crc32(rest)
    for frame in frames:
        checksum = zlib.crc32(frame, checksum)
    return [_MARK + struct.pack("<I", checksum) + rest, *frames]


def parse_record_head(raw: bytes) -> RecordHead | None:
    """Return the head of a record, or None where this is none."""
    mark, *numbers = _RECORD_HEAD.unpack(raw)
    head = RecordHead(*numbers)
    fits = head.topic_bytes <= MAX_TOPIC_BYTES and head.header_bytes <= MAX_HEADER_BYTES
    # Before anything of that length is read: a damaged length must not take the memory.
    return head if mark == _MARK and fits and head.body_bytes <= MAX_MESSAGE_BYTES else None


def split_body(raw: bytes, head: RecordHead, body: bytes) -> Frames | None:
    """Return the frames of a record, or None where its checksum does not agree."""
    if zlib.crc32(body, zlib.crc32(raw[_CHECKED_FROM:])) != head.checksum:
        return None
    view, middle = memoryview(body), head.topic_bytes + head.header_bytes
    return body[: head.topic_bytes], body[head.topic_bytes : middle], view[middle:]
