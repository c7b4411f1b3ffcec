"""Headers of the wire: what each kind of message must state, every number within bounds."""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from eventsim.errors import WireError
from eventsim.events import MAX_TIME_NS
from streams.dvs_block import MAX_SENSOR_SIDE

MAJOR = 1
"""Version of the format; another one cannot be read."""
MINOR = 0
"""Additions that a reader of the same MAJOR may ignore."""

MAX_TOPIC_BYTES = 128
MAX_HEADER_BYTES = 4096
MAX_MESSAGE_BYTES = 64 * 2**20
"""Topic, header and payload of one message together."""
MAX_ITEMS = MAX_MESSAGE_BYTES
MAX_COUNT = 2**53 - 1
"""Counts are exact also where JSON numbers are doubles."""
MAX_RATE_HZ = 10_000_000
MAX_ADDRESSES = 2**31 - 1

NAME_PATTERN = r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
SessionId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]
Version = Annotated[int, Meta(ge=0, le=65_535)]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
TimeNs = Annotated[int, Meta(gt=-MAX_TIME_NS, lt=MAX_TIME_NS)]
Items = Annotated[int, Meta(ge=0, le=MAX_ITEMS)]
Shape = Annotated[list[Items], Meta(min_length=1, max_length=1)]
RateHz = Annotated[int, Meta(ge=1, le=MAX_RATE_HZ)]
Side = Annotated[int, Meta(ge=1, le=MAX_SENSOR_SIDE)]
Addresses = Annotated[int, Meta(ge=1, le=MAX_ADDRESSES)]

DataKind = Literal["audio", "events", "dvs", "decisions"]


class Header(Struct, frozen=True, kw_only=True, tag_field="kind", tag="none"):
    """What every message states.

    version, minor : of the wire format.
    stream : name of the stream. session : drawn anew whenever a publisher starts.
    sequence : number of data messages of the session before this one. Only data messages are counted.
    items_before : number of items (samples, events, decisions) in those messages.
    """

    version: Version
    minor: Version
    stream: Name
    session: SessionId
    sequence: Count
    items_before: Count


class DataHeader(Header, frozen=True, kw_only=True, tag="none"):
    """n_items : items in this message. origin_ns : wall clock of what it stems from, where known."""

    n_items: Items
    origin_ns: TimeNs | None = None


class AudioHeader(DataHeader, frozen=True, kw_only=True, tag="audio"):
    """Payload: float32 samples."""

    start_sample: Annotated[int, Meta(ge=-MAX_COUNT, le=MAX_COUNT)]
    rate_hz: RateHz
    dtype: Literal["<f4"]
    shape: Shape


class EventsHeader(DataHeader, frozen=True, kw_only=True, tag="events"):
    """Payload: all times, then all addresses, then all values."""

    start_ns: TimeNs
    end_ns: TimeNs
    n_addresses: Addresses
    dtype: Literal["<i8,<i4,<f4"]
    shape: Shape


class DvsHeader(DataHeader, frozen=True, kw_only=True, tag="dvs"):
    """Payload: all times, then all x, all y, all polarities."""

    start_ns: TimeNs
    end_ns: TimeNs
    width: Side
    height: Side
    dtype: Literal["<i8,<u2,<u2,|u1"]
    shape: Shape


class DecisionsHeader(DataHeader, frozen=True, kw_only=True, tag="decisions"):
    """Payload: a JSON list of decisions."""

    start_ns: TimeNs
    end_ns: TimeNs


class DescribeHeader(Header, frozen=True, kw_only=True, tag="describe"):
    """Payload: a JSON object that says what the stream is."""


class HeartbeatHeader(Header, frozen=True, kw_only=True, tag="heartbeat"):
    """Payload empty: the publisher lives, and has sent `sequence` messages of `items_before` items."""


class EndHeader(Header, frozen=True, kw_only=True, tag="end"):
    """Payload empty: nothing follows. error : why, where it is not simply the end."""

    error: Annotated[str, Meta(max_length=500)] | None = None


AnyHeader = (
    AudioHeader | EventsHeader | DvsHeader | DecisionsHeader | DescribeHeader | HeartbeatHeader | EndHeader
)


class ForeignMessageError(WireError):
    """The message is none of this format, or belongs to a stream nobody asked for."""


class OtherVersionError(WireError):
    """The message is of another major version of the format."""


class _AnyVersion(Struct):
    version: int


_decoder: msgspec.json.Decoder[AnyHeader] = msgspec.json.Decoder(AnyHeader)
_version_decoder = msgspec.json.Decoder(_AnyVersion)
_encoder = msgspec.json.Encoder()
_TOPIC = re.compile(rb"\Aeventsim/([A-Za-z0-9._-]{1,64})/(\d{1,5})\Z")


def topic_of(stream: str) -> bytes:
    """Return the topic of a stream's messages; all major versions begin alike, up to the last slash.

    >>> topic_of("microphone")
    b'eventsim/microphone/1'
    """
    return b"eventsim/%s/%d" % (stream.encode(), MAJOR)


def check_name(stream: str) -> str:
    """Return the name of a stream, or raise WireError where it is not allowed."""
    if not re.search(NAME_PATTERN, stream):
        raise WireError(
            f"stream name {stream!r} is not allowed: 1 to 64 letters, digits, dots, dashes or underscores, "
            "the first a letter or digit"
        )
    return stream


def check_topic(topic: bytes) -> str:
    """Return the name of the stream a topic belongs to.

    Raises ForeignMessageError or OtherVersionError.
    """
    match = _TOPIC.match(topic) if len(topic) <= MAX_TOPIC_BYTES else None
    if match is None:
        raise ForeignMessageError(f"topic {topic[:40]!r} is not eventsim/NAME/VERSION")
    name, version = match[1].decode(), int(match[2])
    if version != MAJOR:
        raise _other_version(name, version)
    return name


def encode_header(header: AnyHeader) -> bytes:
    """Return the header as JSON; raises WireError where a reader would refuse it."""
    raw = _encoder.encode(header)
    decode_header(raw, header.stream)
    return raw


def decode_header(raw: bytes, stream: str) -> AnyHeader:
    """Return the header of a message of `stream`; fields it does not know are ignored.

    Raises WireError, naming the field, or OtherVersionError.
    """
    if len(raw) > MAX_HEADER_BYTES:
        raise WireError(f"header of {len(raw)} bytes, at most {MAX_HEADER_BYTES} are allowed")
    try:
        header = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _check_version(raw, stream)
        raise WireError(f"header: {error}") from None
    if header.version != MAJOR:
        raise _other_version(stream, header.version)
    if header.stream != stream:
        raise WireError(f"header of stream {header.stream!r} under the topic of {stream!r}")
    return header


def _check_version(raw: bytes, stream: str) -> None:
    """Raise OtherVersionError where the reason a header cannot be read is its version."""
    try:
        version = _version_decoder.decode(raw).version
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if version != MAJOR:
        raise _other_version(stream, version)


def _other_version(stream: str, version: int) -> OtherVersionError:
    return OtherVersionError(
        f"stream {stream!r} is of wire version {version}, this program reads version {MAJOR}: "
        "both ends need the same major version"
    )
