"""End to end on a virtual sound card: played, captured, sent, received, classified, the answer received."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from apps.assets import embedded_clip
from streams.audio_block import AudioBlock
from streams.recording import Recording
from tests.apps.running_command import RunningCommand, ipc_address
from tests.streams.virtual_sound_card import (
    NEEDS_SOUND_CARD,
    RATE_HZ,
    Player,
    VirtualSoundCard,
    virtual_sound_card,
)

pytestmark = [*NEEDS_SOUND_CARD, pytest.mark.compiled]

SECONDS = 5
TRAVELS = ("label", "name", "keyword", "start_ns", "decided_ns", "confidence", "rank", "early")


@pytest.fixture
def sound_card(tmp_path: Path) -> Iterator[VirtualSoundCard]:
    with virtual_sound_card(tmp_path) as card:
        yield card


def test_from_microphone_to_decision(sound_card: VirtualSoundCard, tmp_path: Path) -> None:
    clip, rate_hz = soundfile.read(embedded_clip()[0], dtype="int16")
    assert rate_hz == RATE_HZ
    sound, answers, recording = ipc_address(tmp_path, "1"), ipc_address(tmp_path, "2"), tmp_path / "h.evrec"
    microphone = ("mic:pulse", "--seconds", str(SECONDS), "--wait-for", "2", "--latency", "high")
    with (
        # Longer than everything takes to start, also where kernels must be compiled first.
        Player(sound_card.fifo, np.tile(clip.astype("<i2"), 20)),
        RunningCommand("listen", answers, "--json", "--timeout", "100") as receiver,
        RunningCommand("listen", sound, "--json", "--timeout", "100", "--record", recording) as recorder,
        RunningCommand(
            *(
                "kws",
                "--from",
                sound,
                "--to",
                answers,
                "--wait-for",
                "1",
                "--timeout",
                "100",
                "--json",
                "--all",
            )
        ) as spotter,
        RunningCommand(
            "stream", *microphone, "--to", sound, "--json", environment=sound_card.environment
        ) as sender,
    ):
        codes = [one.finish() for one in (sender, recorder, spotter, receiver)]
    assert codes == [0, 0, 0, 0], [one.stderr for one in (sender, recorder, spotter, receiver)]
    assert sender.summary["sent_items"] == SECONDS * RATE_HZ
    assert sender.summary["losses"] == []
    for one in (recorder, receiver):
        assert (one.summary["lost_messages"], one.summary["missed_messages"]) == (0, 0)

    # What was received is what was played, bit for bit, from wherever the microphone came in.
    blocks = [item.block for item in Recording(recording)]
    heard = np.concatenate([block.samples for block in blocks if isinstance(block, AudioBlock)])
    assert heard.size == SECONDS * RATE_HZ
    # Before the first sound a card may give exact zeros; never after.
    loud = int(np.flatnonzero(heard)[0])
    played = np.tile((clip / 32_768).astype(np.float32), 2)
    probe = heard[loud : loud + 200]
    begins = [
        place
        for place in np.flatnonzero(played[: clip.size] == probe[0])
        if np.array_equal(played[place : place + probe.size], probe)
    ]
    assert len(begins) == 1
    stop = begins[0] + heard.size - loud
    assert np.array_equal(heard[loud:], played[begins[0] : stop])

    # What was decided live is what the same sound from a file decides, and all of it arrived.
    file = tmp_path / "heard.wav"
    soundfile.write(file, heard, RATE_HZ, subtype="FLOAT")
    with RunningCommand("kws", file, "--json", "--all") as direct:
        assert direct.finish() == 0
    decisions = spotter.of_type("decision")
    assert decisions == direct.of_type("decision")
    assert any(line["keyword"] for line in decisions)
    arrived = receiver.of_type("decision")
    assert [[line[name] for name in TRAVELS] for line in arrived] == [
        [line[name] for name in TRAVELS] for line in decisions
    ]
    assert all(line["latency_ns"] is not None for line in arrived)
