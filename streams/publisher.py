"""Sends a stream to other processes and machines through ZeroMQ."""

import os
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

from eventsim.errors import OutputError, ParameterError, WireError
from streams.description import Block, Description, describe
from streams.outbox import Outbox
from streams.publisher_sockets import open_sockets
from streams.sending_thread import Outgoing, SendingThread, Voice
from streams.socket_address import SocketAddress
from streams.wire import (
    Frames,
    Place,
    encode_description_message,
    encode_end,
    encode_heartbeat,
    encode_parts,
)
from streams.wire_header import check_name
from streams.wire_payload import encode_block, encode_description, item_count

Mode = Literal["live", "lossless"]

_HIGH_WATER_MARK = {"live": 200, "lossless": 16}
_QUEUE = {"live": 200, "lossless": 4}
_LINGER_S = {"live": 2.0, "lossless": 10.0}


@dataclass(frozen=True, slots=True)
class PublisherStatistics:
    """sent : handed to ZeroMQ's thread. dropped : not even that, as the queue was full (live only).

    subscribers : connected now. refused : connections whose handshake failed; last_refusal says why.
    """

    sent_messages: int
    sent_items: int
    dropped_messages: int
    dropped_items: int
    subscribers: int
    refused: int
    last_refusal: str | None


class Publisher:
    """Sends the blocks of one stream; close it, or use it as a context manager.

    Parameters
    ----------
    address : str or sequence of str
        `tcp://HOST:PORT` or `ipc://PATH`; port 0 takes a free one (`address` then says which). A lossless
        stream has one consumer per address: with several addresses each consumer gets everything, and the
        slowest sets the pace.
    stream : str
        Name, 1 to 64 letters, digits, dots, dashes and underscores.
    mode : "live" or "lossless"
        Live (PUB): any number of subscribers; a subscriber that is too slow loses messages, the source never
        waits. Lossless (PUSH): nothing is dropped; `send` waits for the slowest consumer, and for the first.
    bind : bool
        Listen on the address (default), or connect to a subscriber that listens; "@" or ">" before an address
        decides for it alone.
    description : Description, optional
        What the stream is; taken from the first block where it is not given.
    metadata : mapping, optional
        Added to the description, for instance the encoder's settings; JSON.
    server_keys : path, optional
        CURVE secret key file of this publisher: without its public key nobody can read the stream.
    allowed_clients : path, optional
        Folder of public keys: with it, only their owners can.
    high_water_mark : int
        Messages that wait for one subscriber at most.
    heartbeat_s : float
        Time between two signs of life.
    linger_s : float
        How long each of the three steps of `close` (messages, end, buffers) waits, at most, for a subscriber
        that takes nothing.

    Raises
    ------
    ParameterError, OutputError
        The address cannot be used, or the keys not be read.
    """

    def __init__(
        self,
        address: str | Sequence[str],
        stream: str,
        *,
        mode: Mode = "live",
        bind: bool = True,
        description: Description | None = None,
        metadata: Mapping[str, Any] | None = None,
        server_keys: str | os.PathLike[str] | None = None,
        allowed_clients: str | os.PathLike[str] | None = None,
        high_water_mark: int | None = None,
        heartbeat_s: float = 0.5,
        linger_s: float | None = None,
    ) -> None:
        _check(mode, high_water_mark, heartbeat_s, linger_s)
        texts = [address] if isinstance(address, str) else list(address)
        parsed = [SocketAddress.parse(text, bind=bind) for text in texts]
        if not parsed:
            raise ParameterError("a publisher needs an address")
        self.stream = check_name(stream)
        self.mode = mode
        self.session = secrets.token_hex(8)
        self._metadata = dict(metadata or {})
        self._description = description
        if description is not None and self._metadata:
            self._description = _merged(description, self._metadata)
        encode_description(self._description or Description(stream_kind="audio", metadata=self._metadata))
        self._lock, self._counting = threading.Lock(), threading.Lock()
        self._place = Place(self.stream, self.session)
        self._dropped = (0, 0)
        self._error: str | None = None
        self._closed = False
        self._linger_s = _LINGER_S[mode] if linger_s is None else linger_s
        opened = open_sockets(
            parsed,
            live=mode == "live",
            high_water_mark=high_water_mark or _HIGH_WATER_MARK[mode],
            server_keys=server_keys,
            allowed_clients=allowed_clients,
        )
        self.addresses = opened.endpoints
        self._outbox: Outbox[Outgoing] = Outbox(_QUEUE[mode])
        voice = Voice(self._standing, self._described, encode_heartbeat, self._farewell)
        self._thread = SendingThread(
            opened,
            self._outbox,
            voice,
            self._place,
            lossless=mode == "lossless",
            heartbeat_s=heartbeat_s,
            linger_s=self._linger_s,
        )
        self._thread.start()

    @property
    def address(self) -> str:
        """The first address, with the port that was taken."""
        return self.addresses[0]

    @property
    def statistics(self) -> PublisherStatistics:
        """What was sent so far, and to how many."""
        # Not the sender's lock: that is held while a slow consumer is waited for, which is when one looks.
        with self._counting:
            place, (messages, items) = self._place, self._dropped
        reach = self._thread.reach
        return PublisherStatistics(
            place.sequence - messages,
            place.items_before - items,
            messages,
            items,
            reach.subscribers,
            reach.refused,
            reach.last_refusal,
        )

    def send(self, block: Block, origin_ns: int | None = None) -> None:
        """Send a block; it may be changed afterwards.

        origin_ns : wall clock (`time.time_ns`) at the end of the sound or light it stems from; the block's
        own `captured_ns` where it is not given.

        Raises WireError where the block cannot be sent or belongs to another stream, OutputError where the
        publisher is closed.
        """
        described = describe(block, self._metadata)
        payload = encode_block(block)
        with self._lock:
            if self._closed or self._thread.reach.failure:
                raise self._over()
            if self._description is None:
                self._description = described
                # Before the first block, so that whoever gets that knows what it is of.
                self._put(Outgoing(encode_description_message(described, self._place), self._place))
            elif not self._description.same_geometry(described):
                raise WireError(
                    f"stream {self.stream!r} is {self._description.geometry}, "
                    f"the block is {described.geometry}"
                )
            frames = encode_parts(block, payload, self._place, origin_ns)
            self._hand_over(frames, item_count(block))

    def _hand_over(self, frames: Frames, n_items: int) -> None:
        place = self._place
        after = Place(place.stream, place.session, place.sequence + 1, place.items_before + n_items)
        taken = self._put(Outgoing(frames, after))
        with self._counting:
            self._place = after
            if not taken:
                self._dropped = (self._dropped[0] + 1, self._dropped[1] + n_items)

    def _put(self, outgoing: Outgoing) -> bool:
        if self.mode == "live":
            return self._outbox.offer(outgoing)
        if not self._outbox.put(outgoing):
            raise self._over()
        return True

    def _over(self) -> OutputError:
        return OutputError(self._thread.reach.failure or f"stream {self.stream!r} is closed")

    def wait_for_subscribers(self, n: int = 1, timeout_s: float | None = None) -> bool:
        """Return True as soon as `n` subscribers are there, False where they are not in time.

        Raises OutputError where the publisher is closed, or broke off, before they are.
        """
        reach = self._thread.reach
        with reach.changed:
            reach.changed.wait_for(lambda: reach.subscribers >= n or reach.over, timeout_s)
            if reach.over and reach.subscribers < n:
                raise self._over()
            return reach.subscribers >= n

    def close(self, error: str | None = None) -> None:
        """End the stream; subscribers learn that, and how much was sent.

        error : what went wrong, told to them.

        Raises OutputError where a lossless stream could not hand over what was sent.
        """
        if self._closed:
            return
        # Without the lock: a sender that waits for room holds it until the thread gives up.
        self._closed, self._error = True, error
        self._thread.finish()
        # Each step of the thread is bounded: the last messages, the end, and the buffers of the connection.
        self._thread.join()
        self._outbox.dispose()
        if self._thread.reach.failure:
            raise OutputError(f"stream {self.stream!r} broke off: {self._thread.reach.failure}")
        undelivered = self._thread.reach.undelivered
        if self.mode == "lossless" and undelivered:
            raise OutputError(
                f"stream {self.stream!r}: a consumer took nothing for {self._linger_s:g} s; "
                "the last messages were not delivered"
            )

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(
            None if error is None or isinstance(error, KeyboardInterrupt) else str(error) or repr(error)
        )

    def _standing(self) -> Place | None:
        # A sender that waits for room holds the lock: then something waits to be sent.
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return None if len(self._outbox) else self._place
        finally:
            self._lock.release()

    def _described(self, place: Place) -> Frames | None:
        description = self._description
        return None if description is None else encode_description_message(description, place)

    def _farewell(self, place: Place) -> Frames:
        return encode_end(place, self._error)


def _check(mode: str, high_water_mark: int | None, heartbeat_s: float, linger_s: float | None) -> None:
    if mode not in _QUEUE:
        raise ParameterError(f"mode {mode!r} is not allowed: 'live' or 'lossless'")
    if high_water_mark is not None and not 1 <= high_water_mark <= 1_000_000:
        raise ParameterError(f"high_water_mark must lie in 1..1000000, got {high_water_mark}")
    if not 0.01 <= heartbeat_s <= 3600:
        raise ParameterError(f"heartbeat_s must lie in 0.01..3600, got {heartbeat_s}")
    if linger_s is not None and not 0 <= linger_s <= 3600:
        raise ParameterError(f"linger_s must lie in 0..3600, got {linger_s}")


def _merged(description: Description, metadata: dict[str, Any]) -> Description:
    return Description(
        stream_kind=description.stream_kind,
        rate_hz=description.rate_hz,
        n_addresses=description.n_addresses,
        width=description.width,
        height=description.height,
        metadata={**description.metadata, **metadata},
    )
