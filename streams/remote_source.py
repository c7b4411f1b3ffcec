"""Streams from another process, or from a recording, as sources: without gaps, whatever was lost."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from eventsim.errors import SourceError
from eventsim.events import Events
from streams.audio_block import NS_PER_S, AudioBlock
from streams.closed_at_exit import ClosedAtExit
from streams.description import Block, describe
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock
from streams.received import Received

B = TypeVar("B", AudioBlock, EventBlock, DvsBlock)

MAX_FILLED_NS = 60 * NS_PER_S
"""A longer gap is a jump of the stream's time: it is not filled but closed."""


class ReceivedStream(Protocol):
    """What a Subscriber and a Recording offer."""

    def __iter__(self) -> Iterator[Received]:
        """Yield the blocks in order."""
        ...

    def close(self) -> None:
        """Leave it."""
        ...


@dataclass(slots=True)
class Continuity:
    """How a stream was made continuous.

    filled : samples (audio) or ns (events) of silence in place of what was lost. gaps : how many stretches.
    jumps : times the stream's time was set right, after a restart of the publisher or a gap over a minute.
    """

    filled: int = 0
    gaps: int = 0
    jumps: int = 0


class RemoteSource(ClosedAtExit, ABC, Generic[B]):
    """The part common to RemoteAudio, RemoteEvents and RemoteDvs.

    source : a Subscriber or a Recording; the source is closed with this one.
    from_zero : count time from the first block that came here (default), else as the publisher does.

    The first block is awaited, to know what the stream is; a source yields its blocks once.

    Raises SourceError where the stream ends before its first block, is of another kind, or changes its kind,
    its rate or its size; and whatever the subscriber raises.
    """

    def __init__(self, source: ReceivedStream, *, from_zero: bool = True) -> None:
        self.continuity = Continuity()
        self.origin_ns: int | None = None
        """Wall clock at the end of the sound or light of the block yielded last, where it is known."""
        self._source = source
        self._blocks = iter(source)
        try:
            first = next(self._blocks, None)
            if first is None:
                raise SourceError("the stream ended before its first block")
            self._first: Received | None = first
            self.stream = first.stream
            self._description = describe(first.block)
            block = self._checked(first)
        except BaseException:
            source.close()
            raise
        self._next = 0 if from_zero else self._start(block)
        self._shift = self._next - self._start(block)

    def __iter__(self) -> Iterator[B]:
        """Yield the blocks; ends when the stream does."""
        first, self._first = self._first, None
        if first is not None:
            yield from self._placed(first)
        for received in self._blocks:
            yield from self._placed(received)

    def close(self) -> None:
        """Leave the stream."""
        self._source.close()

    def _placed(self, received: Received) -> Iterator[B]:
        block = self._checked(received)
        gap = self._start(block) + self._shift - self._next
        if received.restarted or gap < 0 or self._as_ns(gap) > MAX_FILLED_NS:
            self.continuity.jumps += 1
            self._shift = self._next - self._start(block)
        elif gap > 0:
            self.continuity.gaps += 1
            self.continuity.filled += gap
            yield from self._silence(block, self._next, self._next + gap)
        moved = self._moved(block, self._shift)
        self._next = self._end(moved)
        self.origin_ns = received.origin_ns
        yield moved

    def _checked(self, received: Received) -> B:
        found = describe(received.block)
        block = self._of_kind(received.block)
        if block is None:
            raise SourceError(f"stream {received.stream!r} is {found.geometry}, not {self._wanted()}")
        if received.stream != self.stream:
            raise SourceError(
                f"two streams come, {self.stream!r} and {received.stream!r}: name the one you want"
            )
        if not found.same_geometry(self._description):
            raise SourceError(
                f"stream {self.stream!r} was {self._description.geometry} and now is {found.geometry}"
            )
        return block

    @abstractmethod
    def _wanted(self) -> str: ...

    @abstractmethod
    def _of_kind(self, block: Block) -> B | None: ...

    @abstractmethod
    def _start(self, block: B) -> int: ...

    @abstractmethod
    def _end(self, block: B) -> int: ...

    @abstractmethod
    def _as_ns(self, length: int) -> int: ...

    @abstractmethod
    def _moved(self, block: B, shift: int) -> B: ...

    @abstractmethod
    def _silence(self, like: B, start: int, end: int) -> Iterable[B]: ...


class RemoteAudio(RemoteSource[AudioBlock]):
    """A stream of sound as an AudioSource; lost samples are zeros, and counted in `continuity`."""

    @property
    def rate_hz(self) -> int:
        """Samples per second of every block."""
        return self._description.rate_hz or 0

    def _wanted(self) -> str:
        return "audio"

    def _of_kind(self, block: Block) -> AudioBlock | None:
        return block if isinstance(block, AudioBlock) else None

    def _start(self, block: AudioBlock) -> int:
        return block.start_sample

    def _end(self, block: AudioBlock) -> int:
        return block.end_sample

    def _as_ns(self, length: int) -> int:
        return length * NS_PER_S // self.rate_hz

    def _moved(self, block: AudioBlock, shift: int) -> AudioBlock:
        return replace(block, start_sample=block.start_sample + shift) if shift else block

    def _silence(self, like: AudioBlock, start: int, end: int) -> Iterable[AudioBlock]:
        # In blocks of a second at most: a long gap must not take memory.
        for at in range(start, end, like.rate_hz):
            yield AudioBlock(np.zeros(min(like.rate_hz, end - at), np.float32), at, like.rate_hz)


class RemoteEvents(RemoteSource[EventBlock]):
    """A stream of events as an EventSource; a lost stretch is empty, and counted in `continuity`."""

    @property
    def n_addresses(self) -> int:
        """Number of addresses of every block."""
        return self._description.n_addresses or 0

    def _wanted(self) -> str:
        return "events"

    def _of_kind(self, block: Block) -> EventBlock | None:
        return block if isinstance(block, EventBlock) else None

    def _start(self, block: EventBlock) -> int:
        return block.start_ns

    def _end(self, block: EventBlock) -> int:
        return block.end_ns

    def _as_ns(self, length: int) -> int:
        return length

    def _moved(self, block: EventBlock, shift: int) -> EventBlock:
        if not shift:
            return block
        events = Events(block.events.time_ns + shift, block.events.address, block.events.value)
        return replace(block, events=events, start_ns=block.start_ns + shift, end_ns=block.end_ns + shift)

    def _silence(self, like: EventBlock, start: int, end: int) -> Iterable[EventBlock]:
        return [EventBlock(Events.empty(), start, end, like.n_addresses)]


class RemoteDvs(RemoteSource[DvsBlock]):
    """A stream of an event camera as a DvsSource; a lost stretch is empty, and counted in `continuity`."""

    @property
    def width(self) -> int:
        """Columns of the sensor."""
        return self._description.width or 0

    @property
    def height(self) -> int:
        """Rows of the sensor."""
        return self._description.height or 0

    def _wanted(self) -> str:
        return "dvs"

    def _of_kind(self, block: Block) -> DvsBlock | None:
        return block if isinstance(block, DvsBlock) else None

    def _start(self, block: DvsBlock) -> int:
        return block.start_ns

    def _end(self, block: DvsBlock) -> int:
        return block.end_ns

    def _as_ns(self, length: int) -> int:
        return length

    def _moved(self, block: DvsBlock, shift: int) -> DvsBlock:
        if not shift:
            return block
        return replace(
            block,
            time_ns=block.time_ns + shift,
            start_ns=block.start_ns + shift,
            end_ns=block.end_ns + shift,
        )

    def _silence(self, like: DvsBlock, start: int, end: int) -> Iterable[DvsBlock]:
        nothing = np.empty(0, np.uint16)
        times, on = np.empty(0, np.int64), np.empty(0, np.bool_)
        return [DvsBlock(times, nothing, nothing, on, like.width, like.height, start, end)]
