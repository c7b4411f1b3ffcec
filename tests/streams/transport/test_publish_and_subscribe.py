"""Real sockets within one process; every wait has a generous limit and ends as soon as it can."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventsim.errors import OutputError, ParameterError, SourceError, WireError
from streams import wire
from streams.description import Description
from streams.publisher import Publisher
from streams.remote_source import RemoteAudio
from streams.subscriber import Subscriber
from streams.wire import Place
from streams.wire_header import MAX_MESSAGE_BYTES
from tests.streams.transport.generated_blocks import BLOCKS, bits, camera_block, sound, sound_stream

ANY = "tcp://127.0.0.1:0"
LIMIT_S = 15.0


@contextmanager
def raw_publisher() -> Iterator["tuple[zmq.Socket[bytes], str]"]:
    """Yield a PUB socket that sends whatever a test wants, and its address."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        socket.bind(ANY)
        yield socket, socket.getsockopt_string(zmq.LAST_ENDPOINT)


def joined(socket: "zmq.Socket[bytes]") -> None:
    """Wait until somebody subscribes."""
    while True:
        assert socket.poll(LIMIT_S * 1000)
        if socket.recv()[:1] == b"\x01":
            return


def joined_while_listening(out: Publisher, stream: Subscriber) -> None:
    """Wait until a subscriber that listens has taken a publisher in: it does so while it receives."""
    deadline = time.monotonic() + LIMIT_S
    while not out.wait_for_subscribers(1, 0.0):
        assert time.monotonic() < deadline
        assert stream.receive(0.02) is None


@pytest.mark.parametrize("mode", ["live", "lossless"])
@pytest.mark.parametrize("scheme", ["tcp", "ipc"])
def test_a_stream_arrives_whole_and_ends(mode: str, scheme: str, tmp_path) -> None:
    address = ANY if scheme == "tcp" else f"ipc://{tmp_path}/s"
    blocks = sound_stream([160, 0, 480, 1] * 20)
    with (
        Publisher(address, "mic", mode=mode, metadata={"gain": 2}) as out,
        Subscriber(out.address, "mic", mode=mode, timeout_s=LIMIT_S) as stream,
    ):
        assert out.wait_for_subscribers(1, LIMIT_S)
        sender = threading.Thread(target=lambda: [*map(out.send, blocks), out.close()])
        sender.start()
        received = list(stream)
        sender.join(LIMIT_S)
    assert [bits(r.block) for r in received] == [bits(b) for b in blocks]
    counts = stream.statistics
    assert (counts.received_messages, counts.received_items) == (80, 641 * 20)
    assert (counts.lost_messages, counts.missed_messages, counts.malformed) == (0, 0, 0)
    description = Description(stream_kind="audio", rate_hz=16_000, metadata={"gain": 2})
    assert stream.descriptions == {"mic": description}
    assert stream.ended
    assert out.statistics.sent_items == 641 * 20


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(BLOCKS, min_size=1, max_size=3))
def test_blocks_of_every_kind_cross_a_socket_bit_for_bit(tmp_path, blocks: list[object]) -> None:
    for block in blocks:
        with (
            Publisher(f"ipc://{tmp_path}/any", "s", mode="lossless") as out,
            Subscriber(out.address, mode="lossless", timeout_s=LIMIT_S) as stream,
        ):
            out.send(block)
            assert bits(stream.receive(LIMIT_S).block) == bits(block)


def test_several_lossless_consumers_each_get_everything() -> None:
    blocks = sound_stream([1000] * 50)
    with Publisher([ANY, ANY, ANY], "s", mode="lossless") as out:
        taken = [[] for _ in out.addresses]

        def consume(index: int) -> None:
            with Subscriber(out.addresses[index], "s", mode="lossless", timeout_s=LIMIT_S) as stream:
                for received in stream:
                    taken[index].append(received.block)
                    time.sleep(0.002 * index)

        consumers = [threading.Thread(target=consume, args=(i,)) for i in range(3)]
        for consumer in consumers:
            consumer.start()
        for block in blocks:
            out.send(block)
        out.close()
        for consumer in consumers:
            consumer.join(LIMIT_S)
    for one in taken:
        assert [bits(b) for b in one] == [bits(b) for b in blocks]


def test_a_second_consumer_on_a_lossless_address_is_noticed() -> None:
    with (
        Publisher(ANY, "s", mode="lossless") as out,
        Subscriber(out.address, mode="lossless", timeout_s=LIMIT_S) as first,
    ):
        out.send(sound(0, 4))
        assert first.receive(LIMIT_S) is not None
        with Subscriber(out.address, mode="lossless", timeout_s=LIMIT_S) as second:
            taken_by_second: list[int] = []

            def share() -> None:
                for i in range(1, 10_000):
                    out.send(sound(4 * i, 4))
                    received = second.receive(0.01)
                    taken_by_second.extend([] if received is None else [i])
                    first.receive(0.01)

            with pytest.raises(SourceError, match="lossless stream lost"):
                share()
            # What the first lacks went to the second, which may not have had the time to read it.
            assert taken_by_second or second.receive(LIMIT_S) is not None


def test_who_joins_late_is_told_what_the_stream_is_and_what_it_missed() -> None:
    with Publisher(ANY, "cam", description=Description(stream_kind="dvs", width=64, height=48)) as out:
        with Subscriber(out.address, timeout_s=LIMIT_S) as early:
            assert out.wait_for_subscribers(1, LIMIT_S)
            for i in range(5):
                out.send(camera_block(i * 1_000_000, 10))
            # All have left the publisher before the next subscriber comes.
            assert [early.receive(LIMIT_S).header.sequence for _ in range(5)] == list(range(5))
        with Subscriber(out.address, timeout_s=LIMIT_S) as stream:
            while not stream.descriptions:
                assert stream.receive(0.05) is None
            out.send(camera_block(5_000_000, 10))
            assert stream.receive(LIMIT_S).header.sequence == 5
            assert stream.descriptions["cam"].geometry == "dvs of 64 x 48 pixels"
            assert (stream.statistics.missed_messages, stream.statistics.missed_items) == (5, 50)
            assert stream.statistics.lost_messages == 0


def test_the_heart_beats_while_nothing_is_sent_whatever_the_wall_clock_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jumps = iter(range(10**9))
    monkeypatch.setattr(time, "time_ns", lambda: 10**18 + (-1) ** next(jumps) * 10**17)
    monkeypatch.setattr(time, "time", lambda: 1e9 + (-1) ** next(jumps) * 1e8)
    with (
        Publisher(ANY, "s", heartbeat_s=0.02) as out,
        Subscriber(out.address, "s", timeout_s=5.0) as stream,
    ):
        begun = time.monotonic()
        assert stream.receive(1.0) is None
        assert time.monotonic() - begun >= 0.9
        assert stream.streams["s"].received_messages == 0
        out.send(sound(0, 4), origin_ns=time.time_ns())
        received = stream.receive(LIMIT_S)
        assert received.latency_ns is None or received.latency_ns >= 0


def test_what_is_lost_last_is_counted_by_the_next_heartbeat() -> None:
    place = Place("s", "a" * 16)
    with raw_publisher() as (socket, address), Subscriber(address, "s", timeout_s=LIMIT_S) as stream:
        joined(socket)
        socket.send_multipart(wire.encode(sound(0, 10), place))
        assert stream.receive(LIMIT_S) is not None
        socket.send_multipart(wire.encode_heartbeat(Place("s", "a" * 16, 4, 70)))
        socket.send_multipart(wire.encode_end(Place("s", "a" * 16, 5, 75)))
        assert stream.receive(LIMIT_S) is None
        assert stream.ended
        assert (stream.statistics.lost_messages, stream.statistics.lost_items) == (4, 65)


def test_silence_is_an_error_in_one_line_or_waited_through() -> None:
    with raw_publisher() as (socket, address):
        with Subscriber(address, "s", timeout_s=0.3) as stream:
            joined(socket)
            with pytest.raises(SourceError) as error:
                stream.receive()
        assert f"{address}: stream 's': nothing came for 0.3 s" in str(error.value)
        with Subscriber(address, "s", timeout_s=None) as stream:
            assert stream.receive(0.5) is None
            joined(socket)
            socket.send_multipart(wire.encode(sound(0, 4), Place("s", "a" * 16)))
            assert stream.receive(LIMIT_S) is not None
        with Subscriber(address, "s", timeout_s=0.5) as stream:
            joined(socket)
            socket.send_multipart(wire.encode(sound(0, 4), Place("s", "a" * 16)))
            assert stream.receive(LIMIT_S) is not None
            with pytest.raises(SourceError, match="no sign of life for"):
                stream.receive()


def test_another_major_version_is_said_at_once() -> None:
    with raw_publisher() as (socket, address), Subscriber(address, "s", timeout_s=LIMIT_S) as stream:
        joined(socket)
        socket.send_multipart([b"eventsim/s/2", b"{}", b""])
        with pytest.raises(SourceError, match="wire version 2, this program reads version 1"):
            stream.receive(LIMIT_S)


FRAGMENTS = st.lists(st.binary(max_size=50), min_size=1, max_size=5)


def test_a_stream_among_noise_is_received_whole() -> None:
    """Foreign, malformed, truncated and duplicated messages over a real socket, between good ones."""
    frames = [wire.encode(sound(10 * i, 10), Place("s", "a" * 16, i, 10 * i)) for i in range(200)]
    n_foreign = n_malformed = 0
    with raw_publisher() as (socket, address), Subscriber(address, timeout_s=LIMIT_S) as stream:
        socket.setsockopt(zmq.SNDHWM, 0)
        joined(socket)
        taken: list[int] = []

        @settings(max_examples=60, suppress_health_check=list(HealthCheck))
        @given(FRAGMENTS, st.integers(1, 60))
        def noise(fragments: list[bytes], cut: int) -> None:
            nonlocal n_foreign, n_malformed
            topic, header, payload = map(bytes, frames[len(taken)])
            socket.send_multipart(fragments)
            socket.send_multipart([topic, header[:-cut], payload])
            socket.send_multipart([topic, header, payload[:-cut]])
            socket.send_multipart([topic, header, payload])
            socket.send_multipart([topic, header, payload])
            n_foreign, n_malformed = n_foreign + 1, n_malformed + 2
            taken.append(stream.receive(LIMIT_S).header.sequence)

        noise()
        socket.send_multipart(wire.encode_end(Place("s", "a" * 16, len(taken), 10 * len(taken))))
        assert stream.receive(LIMIT_S) is None
        counts = stream.statistics
        assert taken == list(range(len(taken)))
        assert (counts.foreign, counts.malformed, counts.duplicates) == (n_foreign, n_malformed, len(taken))
        assert (counts.lost_messages, counts.received_messages) == (0, len(taken))
        assert counts.last_problem is not None


def test_messages_out_of_order_on_a_real_socket_are_counted_and_not_handed_on() -> None:
    """What arrives in any order: only what is later than all before is handed on, the rest is counted."""
    with raw_publisher() as (socket, address), Subscriber(address, "s", timeout_s=LIMIT_S) as stream:
        joined(socket)
        n_sessions = 0

        @settings(max_examples=40, suppress_health_check=list(HealthCheck))
        @given(st.permutations(range(1, 9)))
        def order(sequences: list[int]) -> None:
            nonlocal n_sessions
            n_sessions += 1
            before = replace(stream.statistics)
            for sequence in (0, *sequences):
                place = Place("s", f"{n_sessions:016x}", sequence, 10 * sequence)
                socket.send_multipart(wire.encode(sound(10 * sequence, 10), place))
            highest = [0, *(n for i, n in enumerate(sequences) if n > max(sequences[:i], default=0))]
            taken = [stream.receive(LIMIT_S).header.sequence for _ in highest]
            socket.send_multipart(wire.encode_heartbeat(Place("s", f"{n_sessions:016x}", 9, 90)))
            assert taken == highest
            socket.send_multipart(wire.encode(sound(90, 10), Place("s", f"{n_sessions:016x}", 9, 90)))
            assert stream.receive(LIMIT_S).header.sequence == 9
            after = stream.statistics
            assert after.reordered - before.reordered == after.lost_messages - before.lost_messages
            assert after.lost_messages - before.lost_messages == 9 - len(highest)
            assert after.lost_items - before.lost_items == 10 * (9 - len(highest))

        order()
        assert stream.statistics.duplicates == 0


@pytest.mark.timeout(120)
def test_a_message_that_is_too_large_is_survived() -> None:
    place = Place("s", "a" * 16)
    with raw_publisher() as (socket, address), Subscriber(address, "s", timeout_s=LIMIT_S) as stream:
        joined(socket)
        topic, header, _ = wire.encode(sound(0, 10), place)
        # Too large together, though no single frame is.
        socket.send_multipart([topic, header, bytes(MAX_MESSAGE_BYTES)])
        socket.send_multipart(wire.encode(sound(0, 10), place))
        assert stream.receive(LIMIT_S) is not None
        assert stream.statistics.malformed == 1
        assert "at most" in stream.statistics.last_problem
        # A single frame beyond the limit costs the connection, which comes back.
        socket.send_multipart([topic, header, bytes(MAX_MESSAGE_BYTES + 1)])
        while stream.statistics.disconnections == 0:
            assert stream.receive(0.05) is None
        while not (socket.poll(50) and socket.recv()[:1] == b"\x01"):
            assert stream.receive(0.05) is None  # it subscribes anew while it receives
        socket.send_multipart(wire.encode(sound(20, 10), Place("s", "a" * 16, 2, 20)))
        assert stream.receive(LIMIT_S) is not None
        assert (stream.statistics.lost_messages, stream.statistics.lost_items) == (1, 10)


def test_several_publishers_connect_to_a_subscriber_that_listens() -> None:
    with Subscriber("@" + ANY, timeout_s=LIMIT_S) as stream:
        with (
            Publisher(">" + stream.address, "a", linger_s=0.1) as a,
            Publisher(stream.address, "b", bind=False, linger_s=0.1) as b,
        ):
            joined_while_listening(a, stream)
            joined_while_listening(b, stream)
            a.send(sound(0, 4))
            b.send(camera_block(0, 4))
            got = {stream.receive(LIMIT_S).stream for _ in range(2)}
        assert list(stream) == []
    assert got == {"a", "b"}
    assert {name: counts.received_items for name, counts in stream.streams.items()} == {"a": 4, "b": 4}


def test_a_publisher_that_fails_tells_its_subscribers_why() -> None:
    def fail() -> None:
        with Publisher(ANY, "s", linger_s=0.1) as out:
            streams.append(Subscriber(out.address, "s", timeout_s=LIMIT_S))
            assert out.wait_for_subscribers(1, LIMIT_S)
            out.send(sound(0, 4))
            raise SourceError("camera unplugged")

    streams: list[Subscriber] = []
    with pytest.raises(SourceError, match="camera unplugged"):
        fail()
    with streams[0] as stream:
        assert stream.receive(LIMIT_S) is not None
        with pytest.raises(SourceError, match="stream 's' was ended by its publisher: camera unplugged"):
            stream.receive(LIMIT_S)


def test_waiting_for_the_next_start_instead_of_ending() -> None:
    with Subscriber("@" + ANY, timeout_s=LIMIT_S, until_end=False) as stream:
        for run in range(3):
            with Publisher(">" + stream.address, "s", linger_s=0.1) as out:
                joined_while_listening(out, stream)
                out.send(sound(0, 4))
                received = stream.receive(LIMIT_S)
            assert received.restarted == (run > 0)
        assert stream.receive(0.3) is None
        assert (stream.statistics.restarts, stream.statistics.unfinished) == (2, 0)


def test_a_source_over_the_wire() -> None:
    with Publisher(ANY, "mic", mode="lossless") as out:
        sender = threading.Thread(target=lambda: [*map(out.send, sound_stream([100] * 10)), out.close()])
        sender.start()
        with RemoteAudio(Subscriber(out.address, "mic", mode="lossless", timeout_s=LIMIT_S)) as source:
            assert source.rate_hz == 16_000
            assert [b.start_sample for b in source] == list(range(0, 1000, 100))
        sender.join(LIMIT_S)


@pytest.mark.parametrize("mode", ["live", "lossless"])
def test_closing_never_hangs(mode: str) -> None:
    """With nobody there, with somebody who reads nothing, and twice."""
    out = Publisher(ANY, "s", mode=mode, linger_s=0.2)
    if mode == "live":
        out.send(sound(0, 4))
    out.close() if mode == "live" else _closed_undelivered(out)
    out.close()
    with pytest.raises(OutputError, match="closed"):
        out.send(sound(4, 4))
    out = Publisher(ANY, "s", mode=mode, linger_s=0.2, high_water_mark=1)
    with Subscriber(out.address, "s", mode=mode, high_water_mark=1, timeout_s=LIMIT_S):
        assert out.wait_for_subscribers(1, LIMIT_S)
        stop = threading.Event()

        def send_for_ever() -> None:
            try:
                for i in range(10**6):
                    out.send(camera_block(i * 1_000_000, 20_000))
                    if stop.is_set():
                        return
            except OutputError:
                pass

        sender = threading.Thread(target=send_for_ever)
        sender.start()
        time.sleep(0.5)
        if mode == "live":
            stop.set()
            sender.join(LIMIT_S)
            out.close()
        else:
            with pytest.raises(OutputError, match="took nothing"):
                out.close()
        sender.join(LIMIT_S)
        assert not sender.is_alive()


def _closed_undelivered(out: Publisher) -> None:
    out.send(sound(0, 4))
    with pytest.raises(OutputError, match=r"took nothing for 0\.2 s"):
        out.close()


def test_a_stream_is_of_one_kind_and_one_geometry() -> None:
    with Publisher(ANY, "s") as out:
        out.send(sound(0, 4))
        for other in (sound(4, 4, 8000), camera_block(0, 4)):
            with pytest.raises(WireError, match="is audio at 16000 Hz, the block is"):
                out.send(other)
        assert out.statistics.sent_messages == 1


def test_options_are_checked() -> None:
    for wrong in (
        {"mode": "fast"},
        {"high_water_mark": 0},
        {"heartbeat_s": 0.0},
        {"linger_s": -1.0},
        {"allowed_clients": "x"},
    ):
        with pytest.raises(ParameterError):
            Publisher(ANY, "s", **wrong)
    for wrong in ({"mode": "fast"}, {"timeout_s": 0.0}, {"keys": "x"}, {"server_key": "x"}):
        with pytest.raises(ParameterError):
            Subscriber("tcp://127.0.0.1:5", "s", **wrong)
    for make in (Publisher, Subscriber):
        with pytest.raises(WireError, match="stream name"):
            make("tcp://127.0.0.1:5", "a b")
        with pytest.raises(ParameterError, match="needs an address"):
            make([], "s")
    with pytest.raises(WireError, match="JSON"):
        Publisher(ANY, "s", metadata={"a": object()})


def test_a_publisher_that_breaks_says_so_to_whoever_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    out = Publisher(ANY, "s", heartbeat_s=0.01)
    monkeypatch.setattr(out._thread, "_attend", broken)
    out._thread.join(LIMIT_S)
    with pytest.raises(OutputError, match="RuntimeError: boom"):
        out.send(sound(0, 4))
    with pytest.raises(OutputError, match="broke off: RuntimeError: boom"):
        out.close()


@pytest.mark.parametrize("mode", ["live", "lossless"])
def test_an_interrupt_between_handing_over_and_counting_leaves_the_end_true(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C may come at any moment; who listens learns of the end all the same."""
    out = Publisher(ANY, "mic", mode=mode)
    with Subscriber(out.address, mode=mode, timeout_s=LIMIT_S) as stream:
        assert out.wait_for_subscribers(1, LIMIT_S)
        first, second = sound_stream([160, 160])
        out.send(first)
        put = out._put

        def interrupted(outgoing: object) -> bool:
            put(outgoing)
            raise KeyboardInterrupt

        monkeypatch.setattr(out, "_put", interrupted)
        with pytest.raises(KeyboardInterrupt):
            out.send(second)
        closing = threading.Thread(target=out.close)
        closing.start()
        assert len(list(stream)) == 2
        assert stream.statistics.lost_messages == 0
    closing.join(LIMIT_S)
