import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsim.errors import WireError
from eventsim.events import Events
from streams import wire
from streams.audio_block import AudioBlock
from streams.decision_block import DecisionBlock, StreamedDecision
from streams.description import Block, Description, describe
from streams.event_block import EventBlock
from streams.wire import Place
from streams.wire_header import MAX_MESSAGE_BYTES, ForeignMessageError, OtherVersionError, check_name
from streams.wire_payload import item_count
from tests.streams.transport.generated_blocks import BLOCKS, ORIGINS, bits, camera_block, sound

PLACE = Place("microphone", "0123456789abcdef", 7, 1000)
PLACES = st.builds(
    Place,
    st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"),
    st.from_regex(r"\A[0-9a-f]{16}\Z"),
    st.integers(0, 2**53 - 1),
    st.integers(0, 2**53 - 1),
)


def changed(frames: wire.Frames, **fields: object) -> tuple[bytes, bytes, bytes]:
    """Return the message with fields of its header replaced, or removed where None."""
    header = {**json.loads(frames[1]), **fields}
    header = {name: value for name, value in header.items() if value is not None}
    return frames[0], json.dumps(header).encode(), bytes(frames[2])


@given(BLOCKS, PLACES, ORIGINS)
def test_every_block_comes_back_bit_for_bit(block: Block, place: Place, origin_ns: int | None) -> None:
    frames = wire.encode(block, place, origin_ns)
    message = wire.decode([memoryview(bytes(frame)) for frame in frames])
    header, back = message.header, message.content
    assert (header.stream, header.session) == (place.stream, place.session)
    assert (header.sequence, header.items_before) == (place.sequence, place.items_before)
    assert header.n_items == item_count(block)
    origin = getattr(block, "captured_ns", None) if origin_ns is None else origin_ns
    assert header.origin_ns == origin
    if hasattr(block, "captured_ns"):
        object.__setattr__(block, "captured_ns", origin)
    assert type(back) is type(block)
    assert bits(back) == bits(block)


@pytest.mark.parametrize("offset", range(8))
def test_arrays_are_ones_own_aligned_and_writable(offset: int) -> None:
    """Kernels compile anew for read-only or unaligned arrays, and a socket's buffer may be both."""
    topic, header, payload = wire.encode(camera_block(0, 5), PLACE)
    shifted = bytearray(offset) + payload
    back = wire.decode([topic, header, memoryview(bytes(shifted))[offset:]]).content
    for array in (back.time_ns, back.x, back.y, back.on):
        assert array.flags.aligned
        assert array.flags.writeable
        assert array.flags.c_contiguous
        assert array.dtype.isnative


def test_a_block_may_change_after_it_was_encoded() -> None:
    block = sound(0, 4)
    frames = wire.encode(block, PLACE)
    before = bytes(frames[2])
    block.samples[:] = 1
    assert bytes(frames[2]) == before


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_bytes_of_any_kind_are_refused_in_one_line(frames: list[bytes]) -> None:
    with pytest.raises(WireError) as refusal:
        wire.decode(frames)
    assert "\n" not in str(refusal.value)


@given(BLOCKS, st.data())
def test_a_damaged_message_is_refused_or_another_valid_one(block: Block, data: st.DataObject) -> None:
    frames = [bytearray(frame) for frame in wire.encode(block, PLACE)]
    which = data.draw(st.integers(0, 2))
    if not frames[which]:
        return
    at = data.draw(st.integers(0, len(frames[which]) - 1))
    frames[which][at] ^= data.draw(st.integers(1, 255))
    try:
        message = wire.decode(frames)
    except WireError as refusal:
        problem = str(refusal)
    else:
        problem = "" if item_count(message.content) == message.header.n_items else "\n"
    assert problem.isprintable()


@given(BLOCKS, st.data())
def test_a_truncated_message_is_refused(block: Block, data: st.DataObject) -> None:
    frames = list(map(bytes, wire.encode(block, PLACE)))
    which = data.draw(st.integers(0, 2))
    if not frames[which]:
        return
    frames[which] = frames[which][: data.draw(st.integers(0, len(frames[which]) - 1))]
    with pytest.raises(WireError):
        wire.decode(frames)


@pytest.mark.parametrize("n", [0, 1, 2, 4, 5])
def test_frames_must_be_three(n: int) -> None:
    frames = [*wire.encode(sound(0, 4), PLACE), b"", b""][:n]
    with pytest.raises(WireError, match=f"{n} frames|without frames"):
        wire.decode(frames)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": None}, "kind"),
        ({"kind": "video"}, "video"),
        ({"kind": 3}, "kind"),
        ({"stream": "other"}, "other"),
        ({"stream": "../x"}, "stream"),
        ({"stream": "a" * 65}, "stream"),
        ({"session": "0123"}, "session"),
        ({"session": "0123456789abcdeg"}, "session"),
        ({"session": None}, "session"),
        ({"sequence": -1}, "sequence"),
        ({"sequence": 2**53}, "sequence"),
        ({"sequence": 1.5}, "sequence"),
        ({"sequence": "1"}, "sequence"),
        ({"sequence": True}, "sequence"),
        ({"sequence": 10**400}, "header"),
        ({"items_before": -1}, "items_before"),
        ({"n_items": 5}, "shape"),
        ({"n_items": 2**40}, "n_items"),
        ({"n_items": 2**20, "shape": [2**20]}, "payload"),
        ({"shape": [4, 1]}, "shape"),
        ({"shape": [-4]}, "shape"),
        ({"shape": []}, "shape"),
        ({"dtype": "<f8"}, "dtype"),
        ({"dtype": "|O"}, "dtype"),
        ({"dtype": None}, "dtype"),
        ({"rate_hz": 0}, "rate_hz"),
        ({"rate_hz": 10**8}, "rate_hz"),
        ({"start_sample": 2**60}, "start_sample"),
        ({"origin_ns": 2**63}, "origin_ns"),
        ({"origin_ns": 2**62}, "origin_ns"),
        ({"minor": -1}, "minor"),
        ({"version": "1"}, "version"),
    ],
)
def test_each_field_of_a_header_is_checked(fields: dict[str, object], words: str) -> None:
    frames = wire.encode(sound(0, 4), PLACE)
    with pytest.raises(WireError, match=words) as refusal:
        wire.decode(changed(frames, **fields))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"width": 0}, "width"),
        ({"height": 65_537}, "height"),
        ({"width": 2, "height": 2}, "outside the sensor"),
        ({"end_ns": 0}, "order of time"),
        ({"start_ns": 10, "end_ns": 5}, "cannot end"),
        ({"start_ns": -(2**62)}, "start_ns"),
    ],
)
def test_camera_events_must_fit_their_header(fields: dict[str, object], words: str) -> None:
    with pytest.raises(WireError, match=words):
        wire.decode(changed(wire.encode(camera_block(0, 100), PLACE), **fields))


def test_a_polarity_is_0_or_1() -> None:
    topic, header, payload = wire.encode(camera_block(0, 3), PLACE)
    payload[-1] = 2
    with pytest.raises(WireError, match="polarity 2 at event 2"):
        wire.decode([topic, header, payload])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_neither_leave_nor_come_in(value: float) -> None:
    samples = np.zeros(4, np.float32)
    frames = wire.encode(AudioBlock(samples, 0, 8000), PLACE)
    np.frombuffer(frames[2], np.float32)[2] = value
    with pytest.raises(WireError, match="sample 2"):
        wire.decode(frames)
    samples[1] = value
    with pytest.raises(WireError, match="sample 1"):
        wire.encode(AudioBlock(samples, 0, 8000), PLACE)
    events = Events(np.zeros(1, np.int64), np.zeros(1, np.int32), np.array([value], np.float32))
    with pytest.raises(WireError, match="value 0"):
        wire.encode(EventBlock(events, 0, 1, 1), PLACE)


def test_another_major_version_is_named_with_ours() -> None:
    frames = wire.encode(sound(0, 4), PLACE)
    text = "wire version 2, this program reads version 1"
    with pytest.raises(OtherVersionError, match=text):
        wire.decode([b"eventsim/microphone/2", b"anything", b""])
    with pytest.raises(OtherVersionError, match=text):
        wire.decode(changed(frames, version=2))
    with pytest.raises(OtherVersionError, match=text):
        wire.decode(changed(frames, version=2, kind="hologram", sequence="many"))


def test_fields_of_a_newer_minor_are_ignored() -> None:
    frames = wire.encode(sound(0, 4), PLACE)
    message = wire.decode(changed(frames, minor=9, colour="blue", more={"a": [1]}))
    assert message.header.minor == 9
    assert bits(message.content) == bits(sound(0, 4))


@pytest.mark.parametrize(
    "topic", [b"", b"x", b"eventsim", b"eventsim/mic", b"eventsim/mic/x", b"eventsim/a/b/1", b"eventsim/\n/1"]
)
def test_other_topics_are_foreign(topic: bytes) -> None:
    with pytest.raises(ForeignMessageError):
        wire.decode([topic, b"{}", b""])


def test_a_message_that_is_too_large_neither_leaves_nor_comes_in() -> None:
    n = MAX_MESSAGE_BYTES // 4
    with pytest.raises(WireError, match="shorter blocks"):
        wire.encode(AudioBlock(np.zeros(n, np.float32), 0, 8000), PLACE)
    topic, header, _ = wire.encode(sound(0, 4), PLACE)
    with pytest.raises(WireError, match="at most"):
        wire.decode([topic, header, bytes(MAX_MESSAGE_BYTES)])
    with pytest.raises(WireError, match="header of 5000 bytes"):
        wire.decode([topic, header + b" " * (5000 - len(header)), b""])


@pytest.mark.parametrize("name", ["", "a b", "a/b", ".a", "a" * 65, "ä", "a\n", "../x"])
def test_names_of_streams_are_checked(name: str) -> None:
    with pytest.raises(WireError, match="not allowed"):
        check_name(name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(BLOCKS, st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_descriptions_come_back(block: Block, metadata: dict[str, object]) -> None:
    description = describe(block, metadata)
    message = wire.decode(wire.encode_description_message(description, PLACE))
    assert message.content == description
    assert description.same_geometry(message.content)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [({"a": object()}, "JSON"), ({"a": "x" * 300_000}, "at most"), ({"a" * 101: 1}, "length")],
)
def test_metadata_that_cannot_be_sent_is_refused(metadata: dict[str, object], words: str) -> None:
    with pytest.raises(WireError, match=words):
        wire.encode_description_message(Description(stream_kind="audio", metadata=metadata), PLACE)


def test_endless_nesting_is_refused() -> None:
    topic, header, _ = wire.encode_description_message(Description(stream_kind="audio"), PLACE)
    deep = b'{"stream_kind":"audio","metadata":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    with pytest.raises(WireError, match="description"):
        wire.decode([topic, header, deep])


def test_messages_without_content_have_none() -> None:
    for frames in (wire.encode_heartbeat(PLACE), wire.encode_end(PLACE, "x" * 600)):
        assert wire.decode(frames).content is None
        with pytest.raises(WireError, match="has none"):
            wire.decode([frames[0], frames[1], b"x"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"confidence": 1.5}, "confidence"),
        ({"confidence": float("nan")}, "confidence"),
        ({"name": "a\x1b[31m"}, "printed"),
        ({"rank": ("a\n",)}, "printed"),
        ({"name": "a" * 300}, "length"),
        ({"label": -1}, "label"),
    ],
)
def test_decisions_are_checked(change: dict[str, object], words: str) -> None:
    fields = {"label": 1, "name": "yes", "keyword": True, "start_ns": 0, "decided_ns": 5}
    fields |= {"confidence": 1.0, "rank": (), "early": True}
    with pytest.raises(WireError, match=words):
        wire.encode(DecisionBlock((StreamedDecision(**{**fields, **change}),), 0, 10), PLACE)


def test_the_number_of_decisions_must_be_the_headers() -> None:
    frames = wire.encode(DecisionBlock((), 0, 10), PLACE)
    with pytest.raises(WireError, match="0 decisions where the header says 1"):
        wire.decode(changed(frames, n_items=1))
    with pytest.raises(WireError, match="cannot end"):
        wire.decode(changed(frames, start_ns=11))


def test_the_end_is_said_whatever_the_reason_holds() -> None:
    message = wire.decode(wire.encode_end(PLACE, "lone \ud800 half\nline"))
    assert message.header.error == "lone ? half\nline"
