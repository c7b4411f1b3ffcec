"""The accounting against a model that remembers every message."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from eventsim.errors import WireError
from streams.sequence_tracker import SequenceTracker, Verdict
from streams.wire_header import AudioHeader, EndHeader, HeartbeatHeader


def data(session: str, sequence: int, items_before: int, n: int) -> AudioHeader:
    return AudioHeader(
        version=1,
        minor=0,
        stream="s",
        session=session,
        sequence=sequence,
        items_before=items_before,
        n_items=n,
        start_sample=items_before,
        rate_hz=8000,
        dtype="<f4",
        shape=[n],
    )


def control(kind: type, session: str, sequence: int, items_before: int) -> HeartbeatHeader | EndHeader:
    return kind(version=1, minor=0, stream="s", session=session, sequence=sequence, items_before=items_before)


class Sender:
    """One run of a publisher, and which of its messages ever reached the tracker."""

    def __init__(self, number: int) -> None:
        self.session = f"{number:016x}"
        self.sizes: list[int] = []
        self.arrived: set[int] = set()
        self.accepted: list[int] = []
        self.joined_at: int | None = None
        self.known_to = 0
        self.ended = self.end_heard = False

    def before(self, sequence: int) -> int:
        return sum(self.sizes[:sequence])


class Accounting(RuleBasedStateMachine):
    """Sends, drops, delays, repeats and restarts at will; the counts must always be the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = SequenceTracker()
        self.senders = [Sender(0)]
        self.current: Sender | None = None
        self.delivered = self.duplicates = self.late = self.stale = 0

    @property
    def sender(self) -> Sender:
        return self.senders[-1]

    @rule(sizes=st.lists(st.integers(0, 100), min_size=1, max_size=8))
    def send(self, sizes: list[int]) -> None:
        if not self.sender.ended:
            self.sender.sizes += sizes

    @rule()
    def restart(self) -> None:
        self.senders.append(Sender(len(self.senders)))

    @precondition(lambda self: any(sender.sizes for sender in self.senders))
    @rule(pick=st.data())
    def deliver(self, pick: st.DataObject) -> None:
        sender = pick.draw(st.sampled_from([s for s in self.senders if s.sizes]))
        sequence = pick.draw(st.integers(0, len(sender.sizes) - 1))
        header = data(sender.session, sequence, sender.before(sequence), sender.sizes[sequence])
        verdict = self.tracker.place(header)
        self.delivered += 1
        expected = self.expected(sender, sequence)
        if expected is Verdict.ACCEPT:
            self.hear(sender, sequence, sequence + 1)
            sender.accepted.append(sequence)
        self.duplicates += expected is Verdict.DUPLICATE
        self.late += expected is Verdict.LATE
        self.stale += expected is Verdict.STALE
        if expected is not Verdict.STALE:
            sender.arrived.add(sequence)
        assert verdict is expected

    @rule(pick=st.data(), end=st.booleans())
    def say(self, pick: st.DataObject, end: bool) -> None:
        sender = pick.draw(st.sampled_from(self.senders))
        sequence = len(sender.sizes) if end else pick.draw(st.integers(0, len(sender.sizes)))
        sender.ended |= end
        header = control(
            EndHeader if end else HeartbeatHeader, sender.session, sequence, sender.before(sequence)
        )
        verdict = self.tracker.place(header)
        sender.end_heard |= end
        if self.replaced(sender):
            assert verdict is Verdict.STALE
        elif sender is self.current and sequence < sender.known_to:
            assert verdict is Verdict.LATE
        else:
            assert verdict is Verdict.ACCEPT
            self.hear(sender, sequence, sequence)
            assert self.tracker.ended == sender.end_heard

    def replaced(self, sender: Sender) -> bool:
        return sender is not self.current and sender.joined_at is not None

    def expected(self, sender: Sender, sequence: int) -> Verdict:
        if self.replaced(sender):
            return Verdict.STALE
        if sender is self.current and sequence < sender.known_to:
            return Verdict.DUPLICATE if sequence in sender.arrived else Verdict.LATE
        return Verdict.ACCEPT

    def hear(self, sender: Sender, sequence: int, known_to: int) -> None:
        if sender is not self.current:
            assert self.tracker.restarted == (self.current is not None)
            self.current = sender
            sender.joined_at = sequence
        sender.known_to = known_to

    @invariant()
    def counts_are_exact(self) -> None:
        counts = self.tracker.statistics
        heard = [s for s in self.senders if s.joined_at is not None]
        assert counts.received_messages == sum(len(s.accepted) for s in heard)
        assert counts.received_items == sum(s.sizes[i] for s in heard for i in s.accepted)
        lost = [(s, i) for s in heard for i in range(s.joined_at, s.known_to) if i not in s.accepted]
        assert counts.lost_messages == len(lost)
        assert counts.lost_items == sum(s.sizes[i] for s, i in lost)
        assert counts.missed_messages == sum(s.joined_at for s in heard)
        assert counts.missed_items == sum(s.before(s.joined_at) for s in heard)
        assert (counts.duplicates, counts.reordered, counts.stale) == (self.duplicates, self.late, self.stale)
        assert counts.restarts == max(0, len(heard) - 1)
        assert counts.unfinished == sum(not s.end_heard for s in heard if s is not self.current)
        told = counts.received_messages + counts.duplicates + counts.reordered + counts.stale
        assert told == self.delivered
        for sender in heard:
            assert sender.accepted == sorted(set(sender.accepted))


TestAccounting = Accounting.TestCase
TestAccounting.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize(("sequence", "items_before"), [(2, 21), (2, 19), (3, 19), (9, 0)])
def test_counts_that_contradict_each_other_are_refused_and_change_nothing(
    sequence: int, items_before: int
) -> None:
    tracker = SequenceTracker()
    tracker.place(data("0" * 16, 0, 0, 10))
    tracker.place(data("0" * 16, 1, 10, 10))
    with pytest.raises(WireError, match="contradicts"):
        tracker.place(data("0" * 16, sequence, items_before, 10))
    assert tracker.place(data("0" * 16, 2, 20, 10)) is Verdict.ACCEPT
    assert tracker.statistics.lost_messages == 0
    with pytest.raises(WireError, match="contradicts"):
        tracker.place(data("1" * 16, 0, 5, 10))
    assert tracker.statistics.restarts == 0


def test_a_session_that_did_not_end_is_counted_as_unfinished() -> None:
    tracker = SequenceTracker()
    tracker.place(data("0" * 16, 0, 0, 10))
    tracker.place(control(EndHeader, "0" * 16, 1, 10))
    tracker.place(data("1" * 16, 0, 0, 10))
    tracker.place(data("2" * 16, 0, 0, 10))
    assert (tracker.statistics.restarts, tracker.statistics.unfinished) == (2, 1)


def test_memory_is_bounded_whatever_comes() -> None:
    tracker = SequenceTracker()
    for number in range(20_000):
        tracker.place(data("0" * 16, 2 * number, 2 * number, 1))
    for number in range(2_000):
        tracker.place(data(f"{number + 1:016x}", 0, 0, 1))
    assert len(tracker._gaps) <= 4096
    assert len(tracker._former) <= 256
    assert tracker.statistics.lost_messages == 19_999
