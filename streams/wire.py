"""Messages of a stream: topic, header and payload; `docs/wire.md` is the format in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eventsim.errors import WireError
from streams.audio_block import AudioBlock
from streams.description import Block, Description
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock
from streams.wire_header import (
    MAJOR,
    MAX_MESSAGE_BYTES,
    MINOR,
    AnyHeader,
    AudioHeader,
    DataHeader,
    DecisionsHeader,
    DescribeHeader,
    DvsHeader,
    EndHeader,
    EventsHeader,
    ForeignMessageError,
    HeartbeatHeader,
    check_topic,
    decode_header,
    encode_header,
    topic_of,
)
from streams.wire_payload import (
    Buffer,
    decode_block,
    decode_description,
    encode_block,
    encode_description,
    item_count,
)

Frames = tuple[bytes, bytes, Buffer]
"""Topic, header, payload."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands: its stream and session, and what was sent before it."""

    stream: str
    session: str
    sequence: int = 0
    items_before: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One message: a block, a description, or nothing but its header (heartbeat, end)."""

    header: AnyHeader
    content: Block | Description | None


def encode(block: Block, place: Place, origin_ns: int | None = None) -> Frames:
    """Return the message of a block.

    origin_ns : wall clock (`time.time_ns`) at the end of the sound or light the block stems from; the block's
    own `captured_ns` where it is not given.

    Raises WireError where a reader would refuse the message.

    >>> import numpy as np
    >>> block = AudioBlock(np.zeros(2, np.float32), start_sample=0, rate_hz=16_000)
    >>> topic, header, payload = encode(block, Place("microphone", "0123456789abcdef"))
    >>> topic, len(payload)
    (b'eventsim/microphone/1', 8)
    """
    return encode_parts(block, encode_block(block), place, origin_ns)


def encode_parts(block: Block, payload: Buffer, place: Place, origin_ns: int | None) -> Frames:
    """Return the message of a block whose payload is made already."""
    return _frames(_data_header(block, place, origin_ns), payload)


def encode_description_message(description: Description, place: Place) -> Frames:
    """Return the message that says what a stream is."""
    return _frames(DescribeHeader(**_standing(place)), encode_description(description))


def encode_heartbeat(place: Place) -> Frames:
    """Return the message that says how much was sent so far."""
    return _frames(HeartbeatHeader(**_standing(place)), b"")


def encode_end(place: Place, error: str | None = None) -> Frames:
    """Return the message that says that nothing follows, and why, where something went wrong."""
    # A text that cannot be sent as it is must not keep the end from being said.
    told = None if error is None else error[:500].encode(errors="replace").decode()
    return _frames(EndHeader(**_standing(place), error=told), b"")


def decode(frames: Sequence[Buffer]) -> Message:
    """Return the message in these frames.

    Raises
    ------
    WireError
        Malformed, truncated or oversized; in one line, naming the field.
    ForeignMessageError
        A WireError: none of this format.
    OtherVersionError
        A WireError: of another major version.
    """
    if not frames:
        raise ForeignMessageError("a message without frames")
    stream = check_topic(bytes(frames[0][:256]))
    if len(frames) != 3:
        raise WireError(f"message of {len(frames)} frames, not 3 (topic, header, payload)")
    size = sum(map(len, frames))
    if size > MAX_MESSAGE_BYTES:
        raise WireError(f"message of {size} bytes, at most {MAX_MESSAGE_BYTES} are allowed")
    header = decode_header(bytes(frames[1]), stream)
    payload = frames[2]
    if isinstance(header, DataHeader):
        return Message(header, decode_block(header, payload))
    if isinstance(header, DescribeHeader):
        return Message(header, decode_description(payload))
    if len(payload):
        raise WireError(f"payload of {len(payload)} bytes where a message of this kind has none")
    return Message(header, None)


def _frames(header: AnyHeader, payload: Buffer) -> Frames:
    frames = (topic_of(header.stream), encode_header(header), payload)
    size = sum(map(len, frames))
    if size > MAX_MESSAGE_BYTES:
        raise WireError(
            f"block of {len(payload)} bytes: a message may have {MAX_MESSAGE_BYTES}; "
            "cut it into shorter blocks"
        )
    return frames


def _standing(place: Place) -> dict[str, Any]:
    return {
        "version": MAJOR,
        "minor": MINOR,
        "stream": place.stream,
        "session": place.session,
        "sequence": place.sequence,
        "items_before": place.items_before,
    }


def _data_header(block: Block, place: Place, origin_ns: int | None) -> AnyHeader:
    n = item_count(block)
    if origin_ns is None:
        origin_ns = getattr(block, "captured_ns", None)  # sound and events know it
    told = {**_standing(place), "n_items": n, "origin_ns": None if origin_ns is None else int(origin_ns)}
    if isinstance(block, AudioBlock):
        return AudioHeader(
            **told,
            start_sample=int(block.start_sample),
            rate_hz=int(block.rate_hz),
            dtype="<f4",
            shape=[n],
        )
    span = {**told, "start_ns": int(block.start_ns), "end_ns": int(block.end_ns)}
    if isinstance(block, EventBlock):
        return EventsHeader(**span, n_addresses=int(block.n_addresses), dtype="<i8,<i4,<f4", shape=[n])
    if isinstance(block, DvsBlock):
        return DvsHeader(
            **span, width=int(block.width), height=int(block.height), dtype="<i8,<u2,<u2,|u1", shape=[n]
        )
    return DecisionsHeader(**span)
