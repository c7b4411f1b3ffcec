"""A consumer is told what a lossless stream is before it gets its data."""

from pathlib import Path

import numpy as np
import pytest
import zmq

from streams import sending_thread
from streams.audio_block import AudioBlock
from streams.description import Description
from streams.publisher import Publisher
from streams.sending_thread import SendingThread
from streams.subscriber import Subscriber

WHAT = Description(stream_kind="audio", rate_hz=16_000, metadata={"who": "me"})


def test_a_description_never_keeps_data_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two consumers has room for one message at a time, and is still to be described to."""
    attend, sent, room = SendingThread._attend, sending_thread._sent, {"left": 1}

    def one_more_place(self: SendingThread) -> None:
        attend(self)
        room["left"] = 1

    def sent_where_there_is_room(socket: "zmq.Socket[bytes]", frames: list[bytes]) -> bool:
        if not socket.last_endpoint.endswith(b"/1"):
            return sent(socket, frames)
        taken = room["left"] > 0 and sent(socket, frames)
        room["left"] -= taken
        return taken

    monkeypatch.setattr(SendingThread, "_say", lambda self, frames: False)
    monkeypatch.setattr(SendingThread, "_attend", one_more_place)
    monkeypatch.setattr("streams.sending_thread._sent", sent_where_there_is_room)
    addresses = [f"ipc://{tmp_path}/{k}" for k in range(2)]
    with (
        Publisher(addresses, "s", mode="lossless", description=WHAT, linger_s=1) as publisher,
        Subscriber(addresses[0], mode="lossless", timeout_s=5) as one,
        Subscriber(addresses[1], mode="lossless", timeout_s=5) as other,
    ):
        for k in range(3):
            publisher.send(AudioBlock(np.zeros(10, np.float32), 10 * k, 16_000))
        for subscriber in (one, other):
            blocks = iter(subscriber)
            assert [next(blocks).block.start_sample for _ in range(3)] == [0, 10, 20]


def test_data_that_waits_for_a_consumer_comes_after_the_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the socket of one just connected did not take the description at once."""
    monkeypatch.setattr(SendingThread, "_say", lambda self, frames: False)
    address = f"ipc://{tmp_path}/s"
    with (
        Publisher(address, "s", mode="lossless", description=WHAT) as publisher,
        Subscriber(address, mode="lossless", timeout_s=20) as subscriber,
    ):
        for k in range(3):
            publisher.send(AudioBlock(np.zeros(10, np.float32), 10 * k, 16_000))
        first = next(iter(subscriber))
        assert first.block.start_sample == 0
        assert subscriber.descriptions["s"].metadata == {"who": "me"}
