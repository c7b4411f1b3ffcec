"""A block that came over the wire or out of a recording, with where it stood and when it came."""

from dataclasses import dataclass

from streams.description import Block
from streams.wire import Frames
from streams.wire_header import DataHeader


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """One block of a stream.

    header : its place in the stream. frames : the message as it came.
    received_ns : wall clock of its arrival (`time.time_ns`).
    restarted : the publisher has started anew since the last block: times begin anew too.
    """

    block: Block
    header: DataHeader
    frames: Frames
    received_ns: int
    restarted: bool = False

    @property
    def stream(self) -> str:
        """Name of the stream."""
        return self.header.stream

    @property
    def origin_ns(self) -> int | None:
        """Wall clock at the end of the sound or light the block stems from, where the publisher said so."""
        return self.header.origin_ns

    @property
    def latency_ns(self) -> int | None:
        """Time from origin to arrival; None where unknown, also where a clock that jumped makes it negative.

        Both are wall clocks: between machines it is as exact as their clocks agree.
        """
        if self.header.origin_ns is None or self.received_ns < self.header.origin_ns:
            return None
        return self.received_ns - self.header.origin_ns
