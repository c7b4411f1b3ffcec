"""Connections of others, failed or unread, neither hide those that count nor hold anybody up."""

import socket
import threading
import time

import numpy as np
import pytest

from eventsim.errors import OutputError
from streams.audio_block import AudioBlock
from streams.publisher import Publisher
from streams.subscriber import Subscriber
from tests.streams.transport.generated_blocks import sound

ANY = "tcp://127.0.0.1:0"
LIMIT_S = 30.0


def _knock(address: str) -> None:
    """Connect as a port scanner does, and go."""
    host, port = address.removeprefix("tcp://").split(":")
    socket.create_connection((host, int(port)), LIMIT_S).close()


def _until_refused(out: Publisher) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not out.statistics.refused and time.monotonic() < deadline:
        time.sleep(0.01)
    assert out.statistics.refused == 1


@pytest.mark.timeout(120)
@pytest.mark.parametrize("mode", ["live", "lossless"])
def test_a_stranger_that_connects_and_goes_does_not_keep_the_end_from_being_heard(mode: str) -> None:
    with Publisher(ANY, "s", mode=mode) as out, Subscriber(out.address, "s", mode=mode) as stream:
        assert out.wait_for_subscribers(1, LIMIT_S)
        _knock(out.address)
        _until_refused(out)
        assert out.statistics.subscribers == 1
        out.send(sound(0, 4))
        assert stream.receive(LIMIT_S) is not None
        closing = threading.Thread(target=out.close, daemon=True)
        closing.start()
        assert list(stream) == []
        assert stream.ended
        closing.join(LIMIT_S)
        assert not closing.is_alive()


@pytest.mark.timeout(120)
def test_a_subscriber_that_nobody_reads_can_be_closed_whatever_happened_on_its_connections() -> None:
    stream = Subscriber("@" + ANY, "s")
    # Two events each or more; a monitor of ZeroMQ's own making takes 2000, then its thread stands still.
    for _ in range(1200):
        _knock(stream.address)
    closing = threading.Thread(target=stream.close, daemon=True)
    closing.start()
    closing.join(LIMIT_S)
    assert not closing.is_alive()


@pytest.mark.timeout(60)
def test_who_waits_for_subscribers_learns_that_the_publisher_was_closed() -> None:
    out = Publisher(ANY, "s")
    problems: list[str] = []

    def wait() -> None:
        try:
            out.wait_for_subscribers(1)
        except OutputError as error:
            problems.append(str(error))

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    out.close()
    waiting.join(LIMIT_S)
    assert problems == ["stream 's' is closed"]
    with pytest.raises(OutputError, match="closed"):
        out.send(AudioBlock(np.zeros(1, np.float32), 0, 16_000))
