"""Exact accounting of one stream: what arrived, what was lost, what came twice, late or from a new start."""

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto

from eventsim.errors import WireError
from streams.wire_header import DataHeader, EndHeader, Header

MAX_GAPS = 4096
MAX_FORMER_SESSIONS = 256


@dataclass(slots=True)
class StreamStatistics:
    """Counts of one stream, over all sessions of its publisher.

    received_messages, received_items, received_bytes : data handed on.
    lost_messages, lost_items : sent after this subscriber had joined, and not handed on.
    missed_messages, missed_items : sent before it had joined the session.
    duplicates, reordered : messages that came a second time, or after a later one; neither is handed on, and
        what comes too late stays counted as lost (or missed).
    stale : messages of a session that another one of the same name has replaced; not handed on.
    restarts : sessions after the first. unfinished : sessions replaced before they said they had ended; what
        they sent last and did not arrive cannot be known.
    """

    received_messages: int = 0
    received_items: int = 0
    received_bytes: int = 0
    lost_messages: int = 0
    lost_items: int = 0
    missed_messages: int = 0
    missed_items: int = 0
    duplicates: int = 0
    reordered: int = 0
    stale: int = 0
    restarts: int = 0
    unfinished: int = 0


class Verdict(Enum):
    """What to do with a message."""

    ACCEPT = auto()
    DUPLICATE = auto()
    LATE = auto()
    STALE = auto()


class SequenceTracker:
    """Follows the messages of one stream; hand on what `place` accepts.

    >>> tracker = SequenceTracker()
    >>> tracker.statistics.lost_items
    0
    """

    def __init__(self) -> None:
        self.statistics = StreamStatistics()
        self.session: str | None = None
        self.ended = False
        self.restarted = False
        """The last message placed was the first of a new session."""
        self._next_sequence = 0
        self._next_item = 0
        self._gaps: list[tuple[int, int]] = []  # [from, to) of sequence numbers that did not arrive
        self._former: OrderedDict[str, bool] = (
            OrderedDict()
        )  # sessions before this one, and whether they ended

    def place(self, header: Header, n_bytes: int = 0) -> Verdict:
        """Account for a message, of data or not, and say what to do with it.

        Raises WireError, and changes nothing, where its counts contradict those of its session.
        """
        self.restarted = False
        if header.session in self._former:
            return self._stale(header)
        new = header.session != self.session
        expected, item = (0, 0) if new else (self._next_sequence, self._next_item)
        if header.sequence < expected:
            return self._old(header)
        _check_counts(header, expected, item)
        if new:
            self._begin(header)
        else:
            self._skip(header)
        if isinstance(header, DataHeader):
            self._next_sequence, self._next_item = header.sequence + 1, header.items_before + header.n_items
            self.statistics.received_messages += 1
            self.statistics.received_items += header.n_items
            self.statistics.received_bytes += n_bytes
        self.ended |= isinstance(header, EndHeader)
        return Verdict.ACCEPT

    def _begin(self, header: Header) -> None:
        counts = self.statistics
        if self.session is not None:
            counts.restarts += 1
            counts.unfinished += not self.ended
            self.restarted = True
            self._former[self.session] = self.ended
            if len(self._former) > MAX_FORMER_SESSIONS:
                self._former.popitem(last=False)
        self.session, self.ended = header.session, False
        counts.missed_messages += header.sequence
        counts.missed_items += header.items_before
        self._gaps = [(0, header.sequence)] if header.sequence else []
        self._next_sequence, self._next_item = header.sequence, header.items_before

    def _stale(self, header: Header) -> Verdict:
        if isinstance(header, DataHeader):
            self.statistics.stale += 1
        elif isinstance(header, EndHeader) and not self._former[header.session]:
            # It had ended: its last message was overtaken by the first of its successor.
            self._former[header.session] = True
            self.statistics.unfinished -= 1
        return Verdict.STALE

    def _skip(self, header: Header) -> None:
        """Count what lies between the last message and this one."""
        counts = self.statistics
        if header.sequence > self._next_sequence:
            counts.lost_messages += header.sequence - self._next_sequence
            counts.lost_items += header.items_before - self._next_item
            self._gaps.append((self._next_sequence, header.sequence))
            del self._gaps[:-MAX_GAPS]
        self._next_sequence, self._next_item = header.sequence, header.items_before

    def _old(self, header: Header) -> Verdict:
        """Tell a message that came late from one that came twice; a heartbeat that came late says nothing."""
        if not isinstance(header, DataHeader):
            return Verdict.LATE
        for index, (start, stop) in enumerate(self._gaps):
            if start <= header.sequence < stop:
                parts = [(start, header.sequence), (header.sequence + 1, stop)]
                self._gaps[index : index + 1] = [part for part in parts if part[0] < part[1]]
                del self._gaps[:-MAX_GAPS]
                self.statistics.reordered += 1
                return Verdict.LATE
        self.statistics.duplicates += 1
        return Verdict.DUPLICATE


def _check_counts(header: Header, sequence: int, item: int) -> None:
    skipped, items = header.sequence - sequence, header.items_before - item
    if items < 0 or (skipped == 0 and items != 0):
        raise WireError(
            f"header: items_before {header.items_before} contradicts {item} before message {sequence}"
        )
