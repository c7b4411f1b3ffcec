"""Reads recorded streams back, bit for bit, up to the first damage."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Literal

from eventsim.errors import ParameterError, SourceError
from streams.description import Description
from streams.intake import Intake, IntakeStatistics
from streams.received import Received
from streams.recording_format import (
    FILE_HEAD_BYTES,
    RECORD_HEAD_BYTES,
    file_problem,
    parse_record_head,
    split_body,
)
from streams.recording_writer import RecordingWriter as RecordingWriter
from streams.regular_file import open_regular
from streams.wire import Frames

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One recorded message. recorded_ns : wall clock at which it came; offset : its first byte."""

    frames: Frames
    recorded_ns: int
    offset: int


class Recording:
    """Yields the blocks of a recording as a Subscriber does; each iteration reads the file afresh.

    path : file of a RecordingWriter.
    stream : name of the stream; without it every stream in the file is read.
    on_damage : "error" raises after everything before the damage was yielded; "stop" ends there, and `damage`
        says what it was.

    Raises SourceError, naming the file, and the first byte of what is damaged or truncated.
    """

    def __init__(
        self, path: PathLike, stream: str | None = None, *, on_damage: Literal["error", "stop"] = "error"
    ) -> None:
        if on_damage not in ("error", "stop"):
            raise ParameterError(f"on_damage {on_damage!r} is not allowed: 'error' or 'stop'")
        self.path = os.fspath(path)
        self.damage: str | None = None
        self._stream, self._on_damage = stream, on_damage
        self._intake = Intake(stream)
        with self._opened():
            pass

    @property
    def statistics(self) -> IntakeStatistics:
        """Counts of what was read so far: what was lost before it was recorded is counted as lost."""
        return self._intake.statistics

    @property
    def descriptions(self) -> dict[str, Description]:
        """What each stream is, as far as it was read."""
        return self._intake.descriptions

    @property
    def complete(self) -> bool:
        """True where the end of every stream was read; False before, or where the recorder was killed."""
        return self._intake.ended

    def __iter__(self) -> Iterator[Received]:
        """Yield the blocks."""
        intake = self._intake = Intake(self._stream)
        for record in self.records():
            problems = _problems(intake.statistics)
            received = intake.take(record.frames, record.recorded_ns)
            if received is not None:
                yield received
            elif _problems(intake.statistics) > problems:
                self._tell(f"message at byte {record.offset}: {intake.statistics.last_problem}")
                return

    def records(self) -> Iterator[Record]:
        """Yield the messages themselves, of any kind, bit for bit."""
        self.damage = None
        offset = FILE_HEAD_BYTES
        with self._opened() as file:
            while raw := self._read(file, RECORD_HEAD_BYTES, offset):
                head = parse_record_head(raw) if len(raw) == RECORD_HEAD_BYTES else None
                if len(raw) == RECORD_HEAD_BYTES and head is None:
                    self._tell(f"damaged at byte {offset}: no record begins there")
                    return
                body = b"" if head is None else self._read(file, head.body_bytes, offset)
                if head is None or len(body) < head.body_bytes:
                    self._tell(f"truncated: the record at byte {offset} is not whole")
                    return
                frames = split_body(raw, head, body)
                if frames is None:
                    self._tell(f"damaged at byte {offset}: the checksum of the record there does not agree")
                    return
                yield Record(frames, head.recorded_ns, offset)
                offset += len(raw) + len(body)

    def close(self) -> None:
        """Do nothing: the file is open only while it is read."""

    def _tell(self, damage: str) -> None:
        self.damage = damage
        if self._on_damage == "error":
            raise SourceError(f"{self.path}: {damage}; everything before it was read")

    def _read(self, file: BinaryIO, count: int, offset: int) -> bytes:
        try:
            return file.read(count)
        except OSError as error:
            raise SourceError(
                f"{self.path}: cannot be read at byte {offset}: {error.strerror or error}"
            ) from None

    def _opened(self) -> BinaryIO:
        file = BufferedReader(open_regular(Path(self.path)), 1 << 20)
        try:
            problem = file_problem(self._read(file, FILE_HEAD_BYTES, 0))
            if problem:
                raise SourceError(f"{self.path}: {problem}")
        except BaseException:
            file.close()
            raise
        return file


def _problems(counts: IntakeStatistics) -> int:
    return counts.malformed + counts.other_version
