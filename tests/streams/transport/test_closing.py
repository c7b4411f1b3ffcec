"""A publisher's close ends in bounded time, whatever its consumers did."""

import threading
from contextlib import suppress

import pytest
import zmq

from eventsim.errors import OutputError
from streams.publisher import Publisher
from streams.subscriber import Subscriber
from tests.streams.transport.generated_blocks import sound

ANY = "tcp://127.0.0.1:0"


@pytest.mark.parametrize("mode", ["live", "lossless"])
def test_a_consumer_that_vanished_with_messages_on_their_way_does_not_hold_the_publisher(mode: str) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    consumer = context.socket(zmq.SUB if mode == "live" else zmq.PULL)
    consumer.setsockopt(zmq.RCVHWM, 1)  # it reads nothing: what is sent stays in the publisher's queue
    if mode == "live":
        consumer.setsockopt(zmq.SUBSCRIBE, b"")
    out = Publisher(ANY, "s", mode=mode, linger_s=0.5)
    consumer.connect(out.address)
    assert out.wait_for_subscribers(1, 30)
    for k in range(12):
        out.send(sound(k * 400_000, 400_000))
    consumer.close(linger=0)
    context.term()
    closing = threading.Thread(target=_close, args=(out,), daemon=True)
    closing.start()
    closing.join(30)
    assert not closing.is_alive()


def _close(out: Publisher) -> None:
    with suppress(OutputError):  # where it is lossless: nobody took the last messages
        out.close()


def _send_one_and_close() -> None:
    with Publisher(ANY, "s", mode="lossless") as out, Subscriber(out.address, "s", mode="lossless") as stream:
        assert out.wait_for_subscribers(1, 30)
        out.send(sound(0, 4))
        assert stream.receive(30) is not None
        stream.close()


def test_a_consumer_that_leaves_while_it_is_told_of_the_end_does_not_hold_the_publisher() -> None:
    # About one in 400 did, for ever: the end was written to a connection that was just breaking, and such a
    # connection went by the linger of the open socket, which was infinite.
    for _ in range(600):
        closing = threading.Thread(target=_send_one_and_close, daemon=True)
        closing.start()
        closing.join(30)
        assert not closing.is_alive()


@pytest.mark.parametrize("n_samples", [4, 400_000])
def test_what_a_consumer_has_not_taken_is_no_success(n_samples: int) -> None:
    # Small blocks all fit into the buffers of the connection; of large ones some stay here, in a queue
    # that is not full.
    out = Publisher(ANY, "s", mode="lossless", high_water_mark=100, linger_s=0.5)
    with Subscriber(out.address, "s", mode="lossless") as stream:
        assert out.wait_for_subscribers(1, 30)
        for k in range(40):
            out.send(sound(k * n_samples, n_samples))
        if n_samples == 4:
            out.close()
            assert [received.header.sequence for received in stream] == list(range(40))
        else:
            with pytest.raises(OutputError, match="the last messages were not delivered"):
                out.close()
