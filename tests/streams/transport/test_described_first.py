"""A consumer is told what a lossless stream is before it gets its data."""

from pathlib import Path

import numpy as np
import pytest

from streams.audio_block import AudioBlock
from streams.description import Description
from streams.publisher import Publisher
from streams.sending_thread import SendingThread
from streams.subscriber import Subscriber


def test_data_that_waits_for_a_consumer_comes_after_the_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the socket of one just connected did not take the description at once."""
    monkeypatch.setattr(SendingThread, "_say", lambda self, frames: False)
    what = Description(stream_kind="audio", rate_hz=16_000, metadata={"who": "me"})
    address = f"ipc://{tmp_path}/s"
    with (
        Publisher(address, "s", mode="lossless", description=what) as publisher,
        Subscriber(address, mode="lossless", timeout_s=20) as subscriber,
    ):
        for k in range(3):
            publisher.send(AudioBlock(np.zeros(10, np.float32), 10 * k, 16_000))
        first = next(iter(subscriber))
        assert first.block.start_sample == 0
        assert subscriber.descriptions["s"].metadata == {"who": "me"}
