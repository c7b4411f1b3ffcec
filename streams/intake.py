"""Turns messages as they come, good and bad, into blocks and exact counts; knows no socket and no clock."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from eventsim.errors import WireError
from streams.audio_block import AudioBlock
from streams.decision_block import DecisionBlock
from streams.description import Description
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock
from streams.received import Received
from streams.sequence_tracker import SequenceTracker, StreamStatistics, Verdict
from streams.wire import Message, decode
from streams.wire_header import DataHeader, EndHeader, ForeignMessageError, OtherVersionError
from streams.wire_payload import Buffer

MAX_STREAMS = 64


@dataclass(slots=True)
class IntakeStatistics(StreamStatistics):
    """Counts over all streams, and of what belongs to none.

    malformed : messages of this format that cannot be read, or that are too large.
    foreign : messages of another format, or of a stream not asked for.
    other_version : messages of another major version.
    last_problem : why the last of these was refused.
    """

    malformed: int = 0
    foreign: int = 0
    other_version: int = 0
    last_problem: str | None = None


class Intake:
    """Reads the messages of one stream, or of every stream that comes.

    stream : its name; None takes all, up to MAX_STREAMS.
    """

    def __init__(self, stream: str | None = None) -> None:
        self._stream = stream
        self._trackers: dict[str, SequenceTracker] = {}
        self._restarted: set[str] = set()
        self._refused = IntakeStatistics()
        self.descriptions: dict[str, Description] = {}
        self.errors: dict[str, str] = {}
        """Why streams ended, where their publishers said it was an error."""

    @property
    def heard(self) -> bool:
        """True as soon as any message of an accepted stream came."""
        return bool(self._trackers)

    @property
    def ended(self) -> bool:
        """True where all streams that came have ended."""
        return self.heard and all(tracker.ended for tracker in self._trackers.values())

    @property
    def streams(self) -> dict[str, StreamStatistics]:
        """Counts of each stream."""
        return {name: tracker.statistics for name, tracker in self._trackers.items()}

    @property
    def statistics(self) -> IntakeStatistics:
        """Counts over all streams, as of now."""
        refused = self._refused
        total = IntakeStatistics(
            malformed=refused.malformed,
            foreign=refused.foreign,
            other_version=refused.other_version,
            last_problem=refused.last_problem,
        )
        for counts in self.streams.values():
            for field in fields(StreamStatistics):
                setattr(total, field.name, getattr(total, field.name) + getattr(counts, field.name))
        return total

    def take(self, frames: Sequence[Buffer], received_ns: int) -> Received | None:
        """Return the block of a message, or None where it holds none or is not to be handed on."""
        try:
            message = self._accepted(frames)
        except ForeignMessageError as error:
            self._refused.foreign += 1
            self._refused.last_problem = str(error)
        except OtherVersionError as error:
            self._refused.other_version += 1
            self._refused.last_problem = str(error)
        except WireError as error:
            self._refused.malformed += 1
            self._refused.last_problem = str(error)
        else:
            if message is not None:
                return self._handed_on(message, frames, received_ns)
        return None

    def _accepted(self, frames: Sequence[Buffer]) -> Message | None:
        """Return the message if it is new, raising WireError before anything was counted."""
        message = decode(frames)
        name = message.header.stream
        if self._stream is not None and name != self._stream:
            raise ForeignMessageError(f"a message of stream {name!r}, not of {self._stream!r}")
        tracker = self._trackers.get(name)
        if tracker is None:
            if len(self._trackers) >= MAX_STREAMS:
                raise ForeignMessageError(
                    f"stream {name!r} is one more than the {MAX_STREAMS} that are followed"
                )
            tracker = SequenceTracker()
        verdict = tracker.place(message.header, sum(map(len, frames)))
        self._trackers[name] = tracker
        if tracker.restarted:
            self._restarted.add(name)
            self.errors.pop(name, None)
        return message if verdict is Verdict.ACCEPT else None

    def _handed_on(self, message: Message, frames: Sequence[Buffer], received_ns: int) -> Received | None:
        header, content = message.header, message.content
        name = header.stream
        if isinstance(content, Description):
            self.descriptions[name] = content
        elif isinstance(header, EndHeader) and header.error is not None:
            self.errors[name] = "".join(c if c.isprintable() else " " for c in header.error)
        elif isinstance(header, DataHeader) and isinstance(
            content, AudioBlock | EventBlock | DvsBlock | DecisionBlock
        ):
            restarted = name in self._restarted
            self._restarted.discard(name)
            return Received(
                content, header, (bytes(frames[0]), bytes(frames[1]), frames[2]), received_ns, restarted
            )
        return None
