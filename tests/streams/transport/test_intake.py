"""Messages good and bad, in any mix and order: each is counted once, and the good ones come through."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import wire
from streams.intake import MAX_STREAMS, Intake
from streams.wire import Frames, Place
from streams.wire_payload import item_count
from tests.streams.transport.generated_blocks import BLOCKS, bits, sound, sound_stream

SESSION = "0123456789abcdef"


def messages(blocks: list[object], stream: str = "mic", session: str = SESSION) -> list[Frames]:
    """Return the messages of a publisher that sends these blocks and ends."""
    place, made = Place(stream, session), []
    for block in blocks:
        made.append(wire.encode(block, place))
        place = Place(stream, session, place.sequence + 1, place.items_before + item_count(block))
    return [*made, wire.encode_end(place)]


def damaged(frames: Frames, how: int) -> list[bytes]:
    topic, header, payload = (bytes(frame) for frame in frames)
    return [
        [topic, header],
        [topic, header, payload + b"x"],
        [topic, header[:-1], payload],
        [b"weather/today", b"sunny"],
        [b"eventsim/mic/2", header, payload],
        [topic, b"{}", payload],
        [b""],
    ][how]


@given(st.lists(st.lists(st.binary(max_size=60), max_size=5), max_size=30))
def test_nothing_that_comes_raises_and_all_is_counted(heap: list[list[bytes]]) -> None:
    intake = Intake()
    for frames in heap:
        assert intake.take(frames, 0) is None
    counts = intake.statistics
    assert counts.malformed + counts.foreign + counts.other_version == len(heap)
    assert not intake.heard
    assert (counts.last_problem is None) == (not heap)


@given(st.data())
def test_a_mix_of_good_and_bad_messages_is_accounted_for_exactly(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(0, 20), min_size=1, max_size=12))
    sent = messages(sound_stream(sizes))
    order = data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=30))
    intake, taken, n_bad = Intake("mic"), [], 0
    for index in order:
        if data.draw(st.booleans()):
            assert intake.take(damaged(sent[index], data.draw(st.integers(0, 6))), 0) is None
            n_bad += 1
        received = intake.take(sent[index], 0)
        if received is not None:
            taken.append(received)
    intake.take(sent[-1], 0)
    counts = intake.statistics
    assert counts.malformed + counts.foreign + counts.other_version == n_bad
    sequences = [received.header.sequence for received in taken]
    assert sequences == sorted(set(sequences))
    assert len(taken) + counts.duplicates + counts.reordered == len(order)
    # The end says how much there was: what was neither received nor missed before joining was lost.
    assert counts.received_items + counts.lost_items + counts.missed_items == sum(sizes)
    assert counts.received_messages + counts.lost_messages + counts.missed_messages == len(sizes)
    assert intake.ended
    for received in taken:
        size = sizes[received.header.sequence]
        assert bits(received.block) == bits(sound(received.header.items_before, size))


@given(st.lists(BLOCKS, min_size=1, max_size=3))
def test_streams_of_every_kind_beside_each_other(blocks: list[object]) -> None:
    intake = Intake()
    for number, block in enumerate(blocks):
        for frames in messages([block], f"s{number}"):
            intake.take(frames, 0)
    assert intake.ended
    assert [counts.received_messages for counts in intake.streams.values()] == [1] * len(blocks)


def test_more_streams_than_are_followed_are_foreign() -> None:
    intake = Intake()
    for number in range(MAX_STREAMS + 5):
        intake.take(messages([sound(0, 1)], f"s{number}")[0], 0)
    assert len(intake.streams) == MAX_STREAMS
    assert intake.statistics.foreign == 5
    assert str(MAX_STREAMS) in intake.statistics.last_problem


def test_a_restart_is_said_with_the_first_block_of_the_new_session() -> None:
    intake = Intake("mic")
    first, second = messages(sound_stream([4, 4])), messages(sound_stream([4, 4]), session="f" * 16)
    heartbeat = wire.encode_heartbeat(Place("mic", "f" * 16))
    taken = [intake.take(frames, 0) for frames in (first[0], heartbeat, second[0], second[1], first[1])]
    assert [received and received.restarted for received in taken] == [False, None, True, False, None]
    counts = intake.statistics
    assert (counts.restarts, counts.unfinished, counts.stale) == (1, 1, 1)


def test_an_end_with_an_error_is_kept_in_one_printable_line() -> None:
    intake = Intake()
    intake.take(wire.encode_end(Place("mic", SESSION), "camera\nunplugged\x1b[2J"), 0)
    assert intake.errors == {"mic": "camera unplugged [2J"}


def test_latency_that_comes_out_negative_is_unknown() -> None:
    """A wall clock that was set back between origin and arrival."""
    frames = wire.encode(sound(0, 4), Place("mic", SESSION), origin_ns=5_000)
    for received_ns, latency_ns in ((7_000, 2_000), (5_000, 0), (4_999, None)):
        received = Intake().take(frames, received_ns)
        assert received is not None
        assert received.latency_ns == latency_ns
    unknown = Intake().take(wire.encode(sound(0, 4), Place("mic", SESSION)), 5)
    assert unknown is not None
    assert unknown.latency_ns is None


@pytest.mark.parametrize("field", ["items_before", "sequence"])
def test_a_message_whose_counts_contradict_is_malformed(field: str) -> None:
    intake = Intake()
    sent = messages(sound_stream([4, 4, 4]))
    intake.take(sent[0], 0)
    intake.take(sent[1], 0)
    topic, header, payload = sent[2]
    wrong = {**json.loads(header), "items_before": 5}
    if field == "sequence":
        wrong = {**json.loads(header), "sequence": 9, "items_before": 2}
    assert intake.take([topic, json.dumps(wrong).encode(), payload], 0) is None
    assert intake.statistics.malformed == 1
    assert intake.take(sent[2], 0) is not None
    assert intake.statistics.lost_messages == 0
