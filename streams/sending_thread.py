"""The thread that owns a publisher's sockets: nothing else may touch them."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import zmq

from streams.connection_watch import Refusal
from streams.outbox import Outbox
from streams.publisher_sockets import OpenSockets
from streams.wire import Frames, Place

_END_EVERY_MS = 20
DESCRIBE_EVERY = 4
"""Heartbeats from one description to the next."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message, and where the session stands after it."""

    frames: Frames
    after: Place


@dataclass(slots=True)
class Reach:
    """Who a publisher reaches; `changed` is notified when that changes.

    subscribers : connected now. refused : connections whose handshake failed, with the last reason.
    undelivered : messages that nobody took before the publisher had to close.
    failure : why the thread broke off. over : it has ended, nobody will come any more.
    """

    subscribers: int = 0
    refused: int = 0
    last_refusal: str | None = None
    undelivered: int = 0
    failure: str | None = None
    over: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)


@dataclass(frozen=True, slots=True)
class Voice:
    """What the thread says by itself, made by the publisher.

    standing : where the session stands if nothing waits to be sent, else None.
    describe : the description, or None while it is not known. heartbeat, end : the messages.
    """

    standing: Callable[[], Place | None]
    describe: Callable[[Place], Frames | None]
    heartbeat: Callable[[Place], Frames]
    end: Callable[[Place], Frames]


class SendingThread(threading.Thread):
    """Sends what is in the outbox, describes the stream to new subscribers, and closes in bounded time.

    opened : one XPUB (live) or one PUSH per address (lossless); the thread closes them.
    """

    def __init__(
        self,
        opened: OpenSockets,
        outbox: Outbox[Outgoing],
        voice: Voice,
        place: Place,
        *,
        lossless: bool,
        heartbeat_s: float,
        linger_s: float,
    ) -> None:
        super().__init__(name=f"publisher of {place.stream}", daemon=True)
        self.reach = Reach()
        self._opened, self._sockets, self._outbox = opened, opened.sockets, outbox
        self._voice, self._place, self._lossless = voice, place, lossless
        self._heartbeat_s, self._linger_s = heartbeat_s, linger_s
        self._watches = opened.watches
        self._closing = threading.Event()
        self._subscriptions = 0
        self._beats = 0
        self._describe_due = False
        self._someone_stayed = False

    def finish(self) -> None:
        """Ask the thread to send what waits, to say that the stream ends, and to close."""
        self._closing.set()
        self._outbox.ring()

    def run(self) -> None:
        """Send until asked to finish."""
        try:
            self._serve()
        except Exception as error:  # the thread's last words: whoever sends next gets them
            self.reach.failure = f"{type(error).__name__}: {error}"
        finally:
            self._outbox.abandon()
            with self.reach.changed:
                self.reach.over = True
                self.reach.changed.notify_all()
            self._close()

    def _serve(self) -> None:
        poller = zmq.Poller()
        poller.register(self._outbox.fileno(), zmq.POLLIN)
        for watch in self._watches:
            poller.register(watch.monitor, zmq.POLLIN)
        if not self._lossless:
            poller.register(self._sockets[0], zmq.POLLIN)
        next_beat = time.monotonic()
        while True:
            # The bell may have rung for both, a message and the wish to close, of which one was seen.
            patience_s = 0.0 if self._closing.is_set() else next_beat - time.monotonic()
            poller.poll(max(0, math.ceil(patience_s * 1000)))
            closing = self._closing.is_set()  # before the outbox is emptied: nothing comes in afterwards
            for outgoing in self._outbox.take_all(last=closing):
                if not self._deliver(outgoing):
                    return
            self._attend()
            standing = self._voice.standing()
            # A sender that Ctrl-C interrupted may have handed over a message without counting it.
            if standing is not None and standing.sequence >= self._place.sequence:
                self._place = standing
            if closing:
                self._end()
                return
            due = time.monotonic() >= next_beat
            self._describe_due |= due and self._beats % DESCRIBE_EVERY == 0
            if self._describe_due:
                self._describe_due = not self._say(self._voice.describe(self._place))
            if due:
                self._beats += 1
                self._say(self._voice.heartbeat(self._place))
                next_beat = max(next_beat + self._heartbeat_s, time.monotonic())

    def _attend(self) -> None:
        """Take in who came and went; the stream is described to whoever is new."""
        refusals = [refusal for watch in self._watches for refusal in watch.read()]
        before = self._subscriptions
        if not self._lossless:
            while self._sockets[0].poll(0):
                message = self._sockets[0].recv()
                if message[:1] in (b"\x00", b"\x01"):
                    self._subscriptions += 1 if message[0] else -1
                    self._describe_due |= message[0] == 1
        else:
            self._subscriptions = sum(watch.connected > 0 for watch in self._watches)
            self._describe_due |= self._subscriptions > before
        if refusals or self._subscriptions != before:
            with self.reach.changed:
                self.reach.subscribers = self._subscriptions
                self._note(refusals)
                self.reach.changed.notify_all()

    def _note(self, refusals: list[Refusal]) -> None:
        self.reach.refused += len(refusals)
        for refusal in refusals:
            # Who refuses states the reason, the other end only sees the connection close.
            if refusal.certain or self.reach.last_refusal is None:
                self.reach.last_refusal = refusal.reason

    def _deliver(self, outgoing: Outgoing) -> bool:
        """Send a message: at once where live, to every consumer as soon as it can take it where lossless."""
        if not self._lossless:
            self._sockets[0].send_multipart(outgoing.frames, zmq.NOBLOCK, copy=True)
        elif not self._push(outgoing.frames):
            self.reach.undelivered += 1
            return False
        self._place = outgoing.after
        return True

    def _push(self, frames: Frames) -> bool:
        """Hand a message to every consumer; False where one took nothing for `linger_s` of closing."""
        waiting = list(self._sockets)
        given_up_at: float | None = None
        described: Frames | None = None
        told, passed_over = list(waiting), False
        while True:
            if self._describe_due:
                # A consumer that came just now is told what the stream is before it gets its data, once.
                described, told, self._describe_due = self._voice.describe(self._place), [], False
                passed_over |= len(waiting) < len(self._sockets)
            untold = [socket for socket in waiting if socket not in told]
            told += [socket for socket in untold if described is None or _sent(socket, described)]
            waiting = [socket for socket in waiting if socket not in told or not _sent(socket, frames)]
            if not waiting:
                self._describe_due |= passed_over
                return True
            poller = zmq.Poller()
            for socket in waiting:
                poller.register(socket, zmq.POLLOUT)
            for watch in self._watches:
                poller.register(watch.monitor, zmq.POLLIN)
            poller.poll(100)
            self._attend()
            if self._closing.is_set():
                now = time.monotonic()
                given_up_at = now + self._linger_s if given_up_at is None else given_up_at
                if now >= given_up_at:
                    return False

    def _say(self, frames: Frames | None) -> bool:
        """Send a message that is no data; False where a consumer's queue was full: it was not sent there."""
        if frames is None:
            return True
        refused = [socket for socket in self._sockets if not _sent(socket, frames)]
        return not refused

    def _end(self) -> None:
        """Say that the stream ends, and stay until those who listen have heard it, `linger_s` at most.

        A connection that is closed before its other end has read everything may lose what is on its way.
        """
        deadline = time.monotonic() + self._linger_s
        self._meet(deadline)
        leaving = [watch.disconnections + watch.connected for watch in self._watches]
        self._say(self._voice.describe(self._place))
        end = self._voice.end(self._place)
        unaware = [s for s, watch in zip(self._sockets, self._watches, strict=True) if watch.connected]
        while self._someone_stays(leaving) and time.monotonic() < deadline:
            # Live, a subscriber whose queue is full just now is passed over: it is told again.
            told = [socket for socket in unaware if _sent(socket, end)]
            unaware = [s for s in unaware if not self._lossless or s not in told]
            self._watches[0].monitor.poll(_END_EVERY_MS)
            self._attend()
        self._someone_stayed = self._someone_stays(leaving)

    def _someone_stays(self, leaving: list[int]) -> bool:
        return any(watch.disconnections < left for watch, left in zip(self._watches, leaving, strict=True))

    def _meet(self, deadline: float) -> None:
        """Wait until the consumers that took messages are known: their coming is told a moment later."""
        took = self._watches if self._lossless and self._place.sequence else []
        while time.monotonic() < deadline and any(not (w.connected or w.disconnections) for w in took):
            self._watches[0].monitor.poll(_END_EVERY_MS)
            self._attend()

    def _close(self) -> None:
        began = time.monotonic()
        self._opened.close(self._linger_s)
        # Closing takes all of its time only where ZeroMQ still holds messages that a consumer has not taken.
        if self._lossless and self._someone_stayed and time.monotonic() - began >= self._linger_s:
            self.reach.undelivered += 1


def _sent(socket: "zmq.Socket[bytes]", frames: Frames) -> bool:
    try:
        socket.send_multipart(frames, zmq.NOBLOCK, copy=True)
    except zmq.Again:
        return False
    return True
