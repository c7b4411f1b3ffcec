"""Writes any stream to a file of its messages, so that what is written stays readable whatever happens."""

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

from eventsim.errors import OutputError, ParameterError, WireError
from streams.description import Block, Description, describe
from streams.received import Received
from streams.recording_format import file_head, record_of
from streams.wire import Place, encode, encode_description_message, encode_end
from streams.wire_header import check_name
from streams.wire_payload import Buffer, item_count

PathLike = str | os.PathLike[str]


class RecordingWriter:
    """Records blocks with `send`, as a Publisher sends them, or received messages as they came with `write`.

    path : a new file; `overwrite` allows an existing one to be replaced.
    stream : name of the stream, for `send`. metadata : added to its description.

    Every record is written at once and whole: a killed program, or a full disk, costs nothing before it.

    Raises OutputError where the file cannot be made.
    """

    def __init__(
        self,
        path: PathLike,
        stream: str | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path = os.fspath(path)
        self.messages = 0
        self.bytes = 0
        self._failure: str | None = None
        self._place = None if stream is None else Place(check_name(stream), secrets.token_hex(8))
        self._metadata = dict(metadata or {})
        self._description: Description | None = None
        self._described: set[tuple[str, str]] = set()
        self._last: dict[str, Place] = {}
        exclusive = os.O_TRUNC if overwrite else os.O_EXCL
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | exclusive
            self._descriptor: int | None = os.open(self.path, flags, 0o666)
        except FileExistsError:
            raise OutputError(f"{self.path}: exists already; a recording does not replace it") from None
        except (OSError, ValueError) as error:
            raise OutputError(f"{self.path}: cannot be written: {_reason(error)}") from None
        self._append([file_head()])

    def send(self, block: Block, origin_ns: int | None = None) -> None:
        """Record a block.

        Raises OutputError, once and then always, where the file cannot take it; WireError where it is no
        block of this stream.
        """
        if self._place is None:
            raise ParameterError("a recording of blocks needs the name of their stream")
        described = describe(block, self._metadata)
        if self._description is None:
            self._description = described
        elif not self._description.same_geometry(described):
            raise WireError(
                f"stream {self._place.stream!r} is {self._description.geometry}, "
                f"the block is {described.geometry}"
            )
        place = self._place
        frames = encode(block, place, origin_ns)
        self._describe(place, described)
        self._record(frames, time.time_ns())
        self._place = Place(
            place.stream, place.session, place.sequence + 1, place.items_before + item_count(block)
        )
        self._last[place.stream] = self._place

    def write(self, received: Received, description: Description | None = None) -> None:
        """Record a message as it came, byte for byte; its description, where given, before the first one.

        Raises OutputError, once and then always, where the file cannot take it.
        """
        header = received.header
        if description is not None:
            self._describe(
                Place(header.stream, header.session, header.sequence, header.items_before), description
            )
        self._record(received.frames, received.received_ns)
        self._last[header.stream] = Place(
            header.stream, header.session, header.sequence + 1, header.items_before + header.n_items
        )

    def close(self) -> None:
        """Mark the end of the recorded streams, and close the file.

        Raises OutputError where the end could not be written; what was recorded stays valid.
        """
        if self._descriptor is None:
            return
        for place in self._last.values():
            self._record(encode_end(place), time.time_ns())
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            self._fail(error)
        self._let_go()

    def __enter__(self) -> "RecordingWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except OutputError:
            # What went wrong first is what the caller wants to hear.
            if error is None:
                raise

    def _describe(self, place: Place, description: Description) -> None:
        if (place.stream, place.session) not in self._described:
            self._described.add((place.stream, place.session))
            self._record(encode_description_message(description, place), time.time_ns())

    def _record(self, frames: Sequence[Buffer], recorded_ns: int) -> None:
        self._append(record_of(frames, recorded_ns))
        self.messages += 1

    def _append(self, buffers: list[Buffer]) -> None:
        if self._descriptor is None:
            raise OutputError(self._failure or f"{self.path}: the recording is closed")
        try:
            _write_all(self._descriptor, buffers)
        except OSError as error:
            self._fail(error)
        self.bytes += sum(map(len, buffers))

    def _fail(self, error: OSError) -> None:
        """End the recording after its last whole record."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.bytes)
        self._let_go()
        self._failure = (
            f"{self.path}: recording ended after {self.messages} messages ({self.bytes} bytes): "
            f"{_reason(error)}; what was recorded stays valid"
        )
        raise OutputError(self._failure) from None

    def _let_go(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)


def _write_all(descriptor: int, buffers: list[Buffer]) -> None:
    """Write buffers one after the other in as few calls as the system needs."""
    left = [memoryview(buffer) for buffer in buffers if len(buffer)]
    while left:
        written = os.writev(descriptor, left)
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left and written:
            left[0] = left[0][written:]


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
