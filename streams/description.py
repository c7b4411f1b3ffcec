"""What a stream is: kind, rate or size, and whatever its producer wants known."""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from streams.audio_block import AudioBlock
from streams.decision_block import DecisionBlock
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock
from streams.wire_header import Addresses, DataKind, RateHz, Side

Block = AudioBlock | EventBlock | DvsBlock | DecisionBlock
"""A piece of any stream."""

Key = Annotated[str, Meta(max_length=100)]


class Description(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Kind of a stream and its geometry.

    stream_kind : "audio", "events", "dvs" or "decisions".
    rate_hz : of audio. n_addresses : of events. width, height : of an event camera.
    metadata : free, as JSON; such as the encoder and its settings.

    >>> Description(stream_kind="dvs", width=4, height=3).same_geometry(Description(stream_kind="events"))
    False
    """

    stream_kind: DataKind
    rate_hz: RateHz | None = None
    n_addresses: Addresses | None = None
    width: Side | None = None
    height: Side | None = None
    metadata: dict[Key, Any] = field(default_factory=dict)

    def same_geometry(self, other: "Description") -> bool:
        """Return True where blocks of both can belong to one stream."""
        mine = (self.stream_kind, self.rate_hz, self.n_addresses, self.width, self.height)
        return mine == (other.stream_kind, other.rate_hz, other.n_addresses, other.width, other.height)

    @property
    def geometry(self) -> str:
        """Kind and geometry in words."""
        detail = {
            "audio": f" at {self.rate_hz} Hz",
            "events": f" of {self.n_addresses} addresses",
            "dvs": f" of {self.width} x {self.height} pixels",
            "decisions": "",
        }
        return self.stream_kind + detail[self.stream_kind]


def describe(block: Block, metadata: dict[str, Any] | None = None) -> Description:
    """Return the description of the stream a block belongs to."""
    metadata = {} if metadata is None else metadata
    match block:
        case AudioBlock():
            return Description(stream_kind="audio", rate_hz=int(block.rate_hz), metadata=metadata)
        case EventBlock():
            return Description(stream_kind="events", n_addresses=int(block.n_addresses), metadata=metadata)
        case DvsBlock():
            return Description(
                stream_kind="dvs", width=int(block.width), height=int(block.height), metadata=metadata
            )
        case DecisionBlock():
            return Description(stream_kind="decisions", metadata=metadata)
