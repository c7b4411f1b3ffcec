"""Payloads of the wire: blocks as little-endian arrays one after the other, decisions as JSON."""

from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from eventsim.errors import EventError, WireError
from eventsim.events import Events
from streams.audio_block import AudioBlock
from streams.decision_block import DecisionBlock, StreamedDecision
from streams.description import Block, Description
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock
from streams.wire_header import (
    AudioHeader,
    Count,
    DataHeader,
    DecisionsHeader,
    DvsHeader,
    EventsHeader,
    TimeNs,
)

Buffer = bytes | bytearray | memoryview

MAX_DECISIONS = 10_000
MAX_DESCRIPTION_BYTES = 256 * 1024
Text = Annotated[str, Meta(max_length=200)]


class _Decision(Struct, frozen=True, forbid_unknown_fields=False):
    label: Count
    name: Text
    keyword: bool
    start_ns: TimeNs
    decided_ns: TimeNs
    confidence: Annotated[float, Meta(ge=0, le=1)]
    rank: Annotated[tuple[Text, ...], Meta(max_length=100_000)]
    early: bool


_encoder = msgspec.json.Encoder()
_decisions = msgspec.json.Decoder(Annotated[list[_Decision], Meta(max_length=MAX_DECISIONS)])
_description = msgspec.json.Decoder(Description)


def item_count(block: Block) -> int:
    """Return the number of samples, events or decisions in a block."""
    match block:
        case AudioBlock():
            return int(block.samples.size)
        case EventBlock():
            return len(block.events)
        case DvsBlock():
            return len(block)
        case DecisionBlock():
            return len(block.decisions)


def encode_block(block: Block) -> Buffer:
    """Return the payload of a block, a copy: the block may change afterwards.

    Raises WireError where a reader would refuse it.
    """
    match block:
        case AudioBlock():
            _check_finite(block.samples, "sample")
            return _joined([("<f4", block.samples)])
        case EventBlock():
            events = block.events
            _check_finite(events.value, "value")
            return _joined([("<i8", events.time_ns), ("<i4", events.address), ("<f4", events.value)])
        case DvsBlock():
            return _joined([("<i8", block.time_ns), ("<u2", block.x), ("<u2", block.y), ("|u1", block.on)])
        case DecisionBlock():
            payload = _encoder.encode(block.decisions)
            _decoded_decisions(payload)
            return payload


def decode_block(header: DataHeader, payload: Buffer) -> Block:
    """Return the block of a message; its arrays are its own, aligned and writable.

    Raises WireError where payload and header do not fit each other, or the content is none a source may give.
    """
    try:
        match header:
            case AudioHeader():
                (samples,) = _columns(header, header.dtype, header.shape, payload)
                _check_finite(samples, "sample")
                return AudioBlock(samples, header.start_sample, header.rate_hz, header.origin_ns)
            case EventsHeader():
                columns = _columns(header, header.dtype, header.shape, payload)
                _check_finite(columns[2], "value")
                events = Events(*columns)
                return EventBlock(
                    events, header.start_ns, header.end_ns, header.n_addresses, header.origin_ns
                )
            case DvsHeader():
                times, x, y, on = _columns(header, header.dtype, header.shape, payload)
                if on.size and on.max() > 1:
                    raise WireError(f"payload: polarity {on.max()} at event {int(on.argmax())}, not 0 or 1")
                return DvsBlock(
                    times,
                    x,
                    y,
                    on.view(np.bool_),
                    header.width,
                    header.height,
                    header.start_ns,
                    header.end_ns,
                )
            case DecisionsHeader():
                return _decision_block(header, payload)
    except EventError as error:
        raise WireError(f"payload: {error}") from None
    raise WireError(f"a {type(header).__name__} has no block")


def encode_description(description: Description) -> bytes:
    """Return the payload of a describe message; raises WireError where a reader would refuse it."""
    try:
        payload = _encoder.encode(description)
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"description: cannot be written as JSON: {error}") from None
    decode_description(payload)
    return payload


def decode_description(payload: Buffer) -> Description:
    """Return the description in the payload of a describe message."""
    if len(payload) > MAX_DESCRIPTION_BYTES:
        raise WireError(f"description of {len(payload)} bytes, at most {MAX_DESCRIPTION_BYTES} are allowed")
    try:
        return _description.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"description: {error}") from None


def _joined(columns: list[tuple[str, NDArray[Any]]]) -> Buffer:
    n = columns[0][1].size
    raw = bytearray(n * sum(np.dtype(kind).itemsize for kind, _ in columns))
    offset = 0
    for kind, values in columns:
        column = np.ndarray((n,), kind, raw, offset)
        column[:] = values
        offset += column.nbytes
    return raw


def _columns(header: DataHeader, dtype: str, shape: list[int], payload: Buffer) -> list[NDArray[Any]]:
    n = header.n_items
    if shape != [n]:
        raise WireError(f"header: shape {shape} of {n} items")
    kinds = [np.dtype(kind) for kind in dtype.split(",")]
    expected = n * sum(kind.itemsize for kind in kinds)
    if len(payload) != expected:
        raise WireError(f"payload of {len(payload)} bytes where the header says {expected} ({n} items)")
    columns, offset = [], 0
    for kind in kinds:
        # A copy: the buffer of the socket is read-only and may lie at an odd address.
        columns.append(np.ndarray((n,), kind, payload, offset).astype(kind.newbyteorder("=")))
        offset += n * kind.itemsize
    return columns


def _check_finite(values: NDArray[np.float32], name: str) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        index = int(np.argmin(finite))
        raise WireError(f"payload: {name} {index} is {values[index]}, not a finite number")


def _decoded_decisions(payload: Buffer) -> list[_Decision]:
    decisions: list[_Decision]
    try:
        decisions = _decisions.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"decisions: {error}") from None
    for decision in decisions:
        if not all(text.isprintable() for text in (decision.name, *decision.rank)):
            raise WireError(f"decisions: name {decision.name!a} or its rank cannot be printed")
    return decisions


def _decision_block(header: DecisionsHeader, payload: Buffer) -> DecisionBlock:
    if header.end_ns < header.start_ns:
        raise WireError(f"a block cannot end at {header.end_ns} ns before it starts at {header.start_ns} ns")
    decisions = _decoded_decisions(payload)
    if len(decisions) != header.n_items:
        raise WireError(f"payload of {len(decisions)} decisions where the header says {header.n_items}")
    return DecisionBlock(
        tuple(
            StreamedDecision(*(getattr(d, name) for name in _Decision.__struct_fields__)) for d in decisions
        ),
        header.start_ns,
        header.end_ns,
    )
