"""Receives streams from other processes and machines through ZeroMQ."""

import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import zmq

from eventsim.errors import ParameterError, SourceError
from streams.closed_at_exit import ClosedAtExit
from streams.connection_watch import ConnectionWatch, Refusal
from streams.curve_access import be_client
from streams.description import Description
from streams.intake import Intake, IntakeStatistics
from streams.publisher_sockets import set_connection_options
from streams.received import Received
from streams.sequence_tracker import StreamStatistics
from streams.socket_address import SocketAddress
from streams.wire_header import MAX_MESSAGE_BYTES, check_name
from streams.wire_payload import Buffer

Mode = Literal["live", "lossless"]
PathLike = str | os.PathLike[str]

_HIGH_WATER_MARK = {"live": 200, "lossless": 16}
_SLICE_S = 0.25
_FAILED_HANDSHAKES = 4
"""In a row, until the server's key is said to be wrong: a single one may be a peer that went away."""


@dataclass(slots=True)
class SubscriberStatistics(IntakeStatistics):
    """Counts over all streams. disconnections : connections that broke; refused : handshakes that failed."""

    disconnections: int = 0
    refused: int = 0


class Subscriber(ClosedAtExit):
    """Yields the blocks of a stream as they come; close it, or use it as a context manager.

    Parameters
    ----------
    address : str or sequence of str
        Of one publisher or several; "@" before it listens, for publishers that connect.
    stream : str, optional
        Name of the stream; without it every stream of the addresses is received.
    mode : "live" or "lossless"
        As the publisher's. Where a lossless stream lost something all the same (a second consumer on its
        address, a broken connection), a SourceError says what.
    bind : bool
        Listen instead of connecting.
    keys, server_key : paths, optional
        Own secret key file, and the publisher's public key file.
    timeout_s : float, optional
        Silence, without even a sign of life, after which a SourceError is raised; None waits for ever.
    until_end : bool
        End with the stream (default), or wait for the next start of its publisher.
    high_water_mark : int
        Messages that wait here at most.

    Raises
    ------
    ParameterError, SourceError
        The address cannot be used, or the keys not be read.
    """

    def __init__(
        self,
        address: str | Sequence[str],
        stream: str | None = None,
        *,
        mode: Mode = "live",
        bind: bool = False,
        keys: PathLike | None = None,
        server_key: PathLike | None = None,
        timeout_s: float | None = 10.0,
        until_end: bool = True,
        high_water_mark: int | None = None,
    ) -> None:
        if mode not in _HIGH_WATER_MARK:
            raise ParameterError(f"mode {mode!r} is not allowed: 'live' or 'lossless'")
        if timeout_s is not None and not 0 < timeout_s <= 1e6:
            raise ParameterError(f"timeout_s must lie in 0..1e6, got {timeout_s}")
        if (keys is None) != (server_key is None):
            raise ParameterError(
                "keys and server_key go together: one's own secret key, the publisher's public key"
            )
        texts = [address] if isinstance(address, str) else list(address)
        parsed = [SocketAddress.parse(text, bind=bind) for text in texts]
        if not parsed:
            raise ParameterError("a subscriber needs an address")
        self.stream = None if stream is None else check_name(stream)
        self.mode = mode
        self._intake = Intake(self.stream)
        self._connects = [where.endpoint for where in parsed if not where.bind]
        self._encrypted = keys is not None
        self._timeout_s, self._until_end = timeout_s, until_end
        self._silent_s, self._failed_handshakes, self._refused = 0.0, 0, 0
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB if mode == "live" else zmq.PULL)
        self._closed = self._left = False
        self._watch = ConnectionWatch(self._socket)
        try:
            self._set_options(high_water_mark or _HIGH_WATER_MARK[mode])
            if keys is not None and server_key is not None:
                be_client(self._socket, keys, server_key)
            self.addresses = tuple(where.open(self._socket, SourceError) for where in parsed)
        except BaseException:
            self.close()
            raise
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._watch.monitor, zmq.POLLIN)

    @property
    def address(self) -> str:
        """The first address, with the port that was taken."""
        return self.addresses[0]

    @property
    def ended(self) -> bool:
        """True where every stream that came has ended."""
        return self._intake.ended

    @property
    def descriptions(self) -> dict[str, Description]:
        """What each stream is, as its publisher says."""
        return self._intake.descriptions

    @property
    def streams(self) -> dict[str, StreamStatistics]:
        """Counts of each stream."""
        return self._intake.streams

    @property
    def statistics(self) -> SubscriberStatistics:
        """Counts over all streams, as of now."""
        counts = self._intake.statistics
        return SubscriberStatistics(
            **{name: getattr(counts, name) for name in IntakeStatistics.__dataclass_fields__},
            disconnections=self._watch.disconnections,
            refused=self._refused,
        )

    def __iter__(self) -> Iterator[Received]:
        """Yield what comes until the streams end."""
        while (received := self.receive()) is not None:
            yield received

    def receive(self, wait_s: float | None = None) -> Received | None:
        """Return the next block, or None where the streams have ended, or nothing came within `wait_s`.

        Raises
        ------
        SourceError
            Silence for `timeout_s`; refused; a stream of another version; a loss in lossless mode; or the
            publisher ended with an error.
        """
        waited_s = 0.0
        while not self._finished():
            slice_s = _SLICE_S if wait_s is None else min(_SLICE_S, max(0.0, wait_s - waited_s))
            before = time.monotonic()
            ready = dict(self._poller.poll(math.ceil(slice_s * 1000)))
            # A process that was stopped for a while has not listened for that long.
            passed_s = min(time.monotonic() - before, slice_s)
            self._attend()
            if self._socket in ready:
                received = self._take()
                if received is not None:
                    return received
            else:
                self._count_silence(passed_s)
            waited_s += passed_s
            if wait_s is not None and waited_s >= wait_s:
                return None
        return None

    def close(self) -> None:
        """Leave; what has not been read is gone."""
        self._closed = True
        self._leave()

    def _leave(self) -> None:
        if not self._left:
            self._left = True
            self._watch.close()
            self._socket.close(linger=0)
            self._context.term()

    def _set_options(self, high_water_mark: int) -> None:
        socket = self._socket
        set_connection_options(socket)
        socket.setsockopt(zmq.RCVHWM, high_water_mark)
        # Protects the memory; a frame beyond it costs the connection.
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        if self.mode == "live":
            # Up to the version: of another one it shall be heard, and said.
            socket.setsockopt(
                zmq.SUBSCRIBE, b"" if self.stream is None else b"eventsim/%s/" % self.stream.encode()
            )

    def _finished(self) -> bool:
        if self._closed:
            raise SourceError("the subscriber is closed")
        if not (self._intake.ended and self._until_end):
            return False
        self._leave()  # the publishers wait for that, to know that all has arrived
        for name, error in self._intake.errors.items():
            raise SourceError(f"stream {name!r} was ended by its publisher: {error}")
        return True

    def _take(self) -> Received | None:
        frames = self._frames()
        lost = self._lost()
        received = self._intake.take(frames, time.time_ns())
        if self._intake.heard:
            self._silent_s = 0.0
        elif self._intake.statistics.other_version:
            raise SourceError(f"{self.address}: {self._intake.statistics.last_problem}")
        if self.mode == "lossless" and self._lost() > lost:
            counts = self._intake.statistics
            raise SourceError(
                f"{self.address}: a lossless stream lost {counts.lost_messages} messages "
                f"({counts.lost_items} items): another consumer on the same address, or a broken connection"
            )
        return received

    def _lost(self) -> int:
        return sum(counts.lost_messages for counts in self._intake.streams.values())

    def _frames(self) -> list[Buffer]:
        """Return the frames of the next message; of one with too many, only as many as show that."""
        frames: list[Buffer] = []
        more = True
        while more:
            frame = self._socket.recv(copy=False)
            more = frame.more
            if len(frames) < 4:
                frames.append(frame.buffer)
        return frames

    def _count_silence(self, passed_s: float) -> None:
        self._silent_s += passed_s
        if self._timeout_s is None or self._silent_s < self._timeout_s:
            return
        counts = self._intake.statistics
        what = "no sign of life" if self._intake.heard else "nothing came"
        which = "" if self.stream is None else f"stream {self.stream!r}: "
        hint = "" if counts.last_problem is None else f"; last refused message: {counts.last_problem}"
        raise SourceError(
            f"{self.address}: {which}{what} for {self._timeout_s:g} s; is its publisher running?{hint}"
        )

    def _attend(self) -> None:
        """Take in what happened on the connections."""
        refusals = self._watch.read()
        self._refused += len(refusals)
        if self._watch.connected:
            self._failed_handshakes = 0
        if not self._connects:
            return
        for refusal in refusals:
            self._judge(refusal)
        for endpoint in set(self._watch.stranded()) & set(self._connects):
            self._socket.disconnect(endpoint)
            self._socket.connect(endpoint)

    def _judge(self, refusal: Refusal) -> None:
        if refusal.certain:
            raise SourceError(f"{self.address}: refused: {refusal.reason}")
        self._failed_handshakes += 1
        if self._failed_handshakes >= _FAILED_HANDSHAKES:
            question = (
                "is the publisher's public key the right one?" if self._encrypted else "does it ask for keys?"
            )
            raise SourceError(
                f"{self.address}: refused: the handshake failed {self._failed_handshakes} times; {question}"
            )
