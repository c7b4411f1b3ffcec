"""`eventsim stream` in a process of its own: what is sent is what the source holds, however it is ended."""

import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from streams.audio_block import AudioBlock
from streams.audio_file import AudioFile
from streams.description import Block
from streams.dvs.open_source import open_dvs_source
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock
from streams.recording import Recording
from streams.subscriber import Subscriber
from tests.apps.running_command import LIMIT_S, RunningCommand, ipc_address

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def sound_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "noise.wav"
    noise = np.random.default_rng(3).integers(-20_000, 20_000, 2 * RATE_HZ + 37)
    soundfile.write(path, noise.astype(np.int16), RATE_HZ)
    return path


@pytest.fixture(scope="module")
def event_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A million events would be no other test: a thousand, on a sensor of 20 x 10, in CSV."""
    path = tmp_path_factory.mktemp("events") / "events.csv"
    rng = np.random.default_rng(4)
    times = np.sort(rng.integers(0, 300_000, 1_000))
    rows = np.column_stack(
        (times, rng.integers(0, 20, 1_000), rng.integers(0, 10, 1_000), rng.integers(0, 2, 1_000))
    )
    path.write_text("t,x,y,p\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return path


def received(subscriber: Subscriber) -> list[Block]:
    with subscriber:
        return [item.block for item in subscriber]


def samples_of(blocks: list[Block]) -> np.ndarray:
    assert all(isinstance(block, AudioBlock) for block in blocks)
    return np.concatenate([block.samples for block in blocks if isinstance(block, AudioBlock)])


def events_of(blocks: list[Block]) -> np.ndarray:
    """Return camera events as rows of time, x, y, polarity."""
    rows = [
        np.column_stack((block.time_ns, block.x, block.y, block.on))
        for block in blocks
        if isinstance(block, DvsBlock)
    ]
    return np.concatenate(rows)


def whole(path: Path) -> np.ndarray:
    return np.concatenate([block.samples for block in AudioFile(path)])


@pytest.mark.parametrize("scheme", ["ipc", "tcp"])
def test_a_file_arrives_bit_for_bit(sound_file: Path, tmp_path: Path, scheme: str) -> None:
    to = ipc_address(tmp_path) if scheme == "ipc" else "tcp://127.0.0.1:0"
    recording = tmp_path / "sent.evrec"
    with RunningCommand(
        "stream", sound_file, "--to", to, "--lossless", "--json", "--record", recording
    ) as sender:
        (address,) = sender.wait_for("stream")["addresses"]
        blocks = received(Subscriber(address, mode="lossless", timeout_s=LIMIT_S))
        assert sender.finish() == 0
    assert np.array_equal(samples_of(blocks), whole(sound_file))
    assert sender.summary["sent_items"] == 2 * RATE_HZ + 37
    assert sender.summary["dropped_items"] == 0
    recorded = [item.block for item in Recording(recording)]
    assert np.array_equal(samples_of(recorded), whole(sound_file))


def test_several_receivers_get_everything_and_a_recording_replays_bit_for_bit(
    event_file: Path, tmp_path: Path
) -> None:
    first, second, recording = ipc_address(tmp_path, "1"), ipc_address(tmp_path, "2"), tmp_path / "r.evrec"
    listen = ["--lossless", "--json", "--timeout", "60"]
    with (
        RunningCommand("listen", first, "--record", recording, *listen) as recorder,
        RunningCommand("listen", second, *listen) as other,
        RunningCommand("stream", event_file, "--to", first, "--to", second, "--lossless", "--json") as sender,
    ):
        assert (sender.finish(), recorder.finish(), other.finish()) == (0, 0, 0), sender.stderr
    for one in (recorder, other):
        assert one.summary["received_items"] == 1_000
        assert one.summary["lost_items"] == 0
        assert one.of_type("stream")[0]["description"]["width"] == 20
    with open_dvs_source(str(event_file)) as source:
        played = list(source)
    recorded = [item.block for item in Recording(recording)]
    assert np.array_equal(events_of(recorded), events_of(list(played)))
    with RunningCommand("stream", recording, "--to", first, "--lossless", "--json") as replayer:
        again = received(Subscriber(first, mode="lossless", timeout_s=LIMIT_S))
        assert replayer.finish() == 0
    assert [len(block) for block in again if isinstance(block, DvsBlock)] == [
        len(block) for block in recorded if isinstance(block, DvsBlock)
    ]
    assert np.array_equal(events_of(again), events_of(recorded))


def test_filters_and_a_limit_act_on_camera_events(event_file: Path, tmp_path: Path) -> None:
    to = ipc_address(tmp_path)
    chosen = ["--filter", "polarity:on", "--filter", "crop:0,0,10,10", "--seconds", "0.1"]
    with RunningCommand("stream", event_file, "--to", to, "--lossless", "--json", *chosen) as sender:
        blocks = received(Subscriber(to, mode="lossless", timeout_s=LIMIT_S))
        assert sender.finish() == 0
    with open_dvs_source(str(event_file)) as source:
        everything = events_of(list(source))
    keep = (everything[:, 3] == 1) & (everything[:, 1] < 10) & (everything[:, 0] < 100_000_000)
    assert np.array_equal(events_of(blocks), everything[keep])
    assert [text.partition(":")[0] for text in sender.summary["losses"]] == ["filter polarity", "filter crop"]


@pytest.mark.compiled
def test_sound_is_encoded_on_its_way(sound_file: Path, tmp_path: Path) -> None:
    to = ipc_address(tmp_path)
    encode = ["--encode", "lif:n_bands=16"]
    with RunningCommand("stream", sound_file, "--to", to, "--lossless", "--json", *encode) as sender:
        subscriber = Subscriber(to, mode="lossless", timeout_s=LIMIT_S)
        blocks = received(subscriber)
        assert sender.finish() == 0
    assert subscriber.descriptions["events"].metadata["encoder"]["kind"] == "lif"
    from streams.encoded_source import EncodedSource
    from streams.encoders import new_encoder

    expected = EncodedSource(AudioFile(sound_file, 160), new_encoder("lif", options={"n_bands": 16}))
    wanted = [block.events.time_ns for block in expected]
    got = [block.events.time_ns for block in blocks if isinstance(block, EventBlock)]
    assert sum(map(len, wanted)) > 100
    assert np.array_equal(np.concatenate(got), np.concatenate(wanted))


def test_raw_samples_of_standard_input_are_sent_as_they_come(tmp_path: Path) -> None:
    to, sound = ipc_address(tmp_path), np.random.default_rng(5).integers(-32_768, 32_767, 12_345)
    pcm = sound.astype("<i2").tobytes()
    with RunningCommand(
        "stream", "-", "--rate", "8000", "--to", to, "--lossless", "--json", stdin=subprocess.PIPE
    ) as sender:
        assert sender.process.stdin is not None
        sender.process.stdin.buffer.write(pcm)
        sender.process.stdin.close()
        blocks = received(Subscriber(to, mode="lossless", timeout_s=LIMIT_S))
        assert sender.finish() == 0
    assert np.array_equal(samples_of(blocks), (sound / 32_768).astype(np.float32))
    assert all(block.rate_hz == 8000 for block in blocks if isinstance(block, AudioBlock))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_stream_cleanly_for_both_sides(
    sound_file: Path, tmp_path: Path, number: int, code: int
) -> None:
    to, recording = ipc_address(tmp_path), tmp_path / "sent.evrec"
    with (
        RunningCommand("listen", to, "--json", "--timeout", "60") as listener,
        RunningCommand(
            *("stream", sound_file, "--to", to, "--wait-for", "1", "--json", "--record", recording),
            *("--speed", "0.05"),
        ) as sender,
    ):
        listener.wait_for("status", lambda line: line["items"] > 0)
        sender.interrupt(number)
        assert sender.finish() == code
        # The stream has ended, so the listener does: it need not wait for a silence.
        assert listener.finish() == 0
    assert listener.summary["received_items"] == sender.summary["sent_items"] > 0
    assert listener.summary["lost_items"] == 0
    recorded = samples_of([item.block for item in Recording(recording)])
    assert np.array_equal(recorded, whole(sound_file)[: recorded.size])
    assert recorded.size in (sender.summary["sent_items"], sender.summary["sent_items"] + 160)


@pytest.mark.parametrize("waits", ["for a receiver", "for a sender"])
def test_ctrl_c_ends_what_only_waits(sound_file: Path, tmp_path: Path, waits: str) -> None:
    to = ipc_address(tmp_path)
    if waits == "for a receiver":
        command, kind = ("stream", sound_file, "--to", to, "--lossless", "--json"), "notice"
    else:
        command, kind = ("listen", to, "--json"), "listening"
    with RunningCommand(*command) as waiting:
        waiting.wait_for(kind)
        waiting.interrupt()
        assert waiting.finish() == 130
    assert waiting.summary


@pytest.mark.slow
def test_ctrl_c_while_a_receiver_takes_nothing_says_so(sound_file: Path, tmp_path: Path) -> None:
    to = ipc_address(tmp_path)
    with (
        RunningCommand("listen", to, "--lossless", "--json", "--timeout", "60") as stopped,
        RunningCommand(
            "stream", sound_file, "--to", to, "--lossless", "--json", "--block-ms", "0.1"
        ) as sender,
    ):
        stopped.wait_for("stream")
        stopped.interrupt(signal.SIGSTOP)
        sender.wait_for("status", lambda line: line["items_per_s"] == 0)
        sender.interrupt()
        code = sender.finish()
    assert code == 130
    assert any("not delivered" in line["text"] for line in sender.of_type("notice"))
