"""`eventsim stream` and `listen` in this process: what they print, what they do when something gives way."""

import io
import json
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile
from rich.console import Console

from apps.main import main
from apps.stream_report import StreamReport
from eventsim.errors import SourceError
from streams.audio_block import AudioBlock
from streams.description import Block, Description
from streams.publisher import Publisher
from streams.recording import Recording
from streams.subscriber import Subscriber
from tests.apps.running_command import ipc_address

N = 16_000


@pytest.fixture
def sound_file(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.random.default_rng(1).integers(-9_000, 9_000, N).astype(np.int16), 16_000)
    return path


@contextmanager
def receiving(address: str, **options: Any) -> Iterator[list[Block]]:
    """Receive from another thread; all is there at the end of the block. An error ends it, too."""
    blocks: list[Block] = []

    def receive() -> None:
        with Subscriber(address, timeout_s=60, **options) as subscriber:
            try:
                blocks.extend(item.block for item in subscriber)
            except SourceError as error:
                blocks.append(str(error))  # type: ignore[arg-type]

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    yield blocks
    thread.join(60)
    assert not thread.is_alive()


@contextmanager
def full_disk(n_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond `n_bytes`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def count(blocks: list[Block]) -> int:
    return sum(block.samples.size for block in blocks if isinstance(block, AudioBlock))


def test_what_is_said_in_a_pipe(sound_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = ipc_address(tmp_path)
    with receiving(to, mode="lossless") as blocks:
        assert main(["stream", str(sound_file), "--to", to, "--lossless", "--name", "ear"]) == 0
    assert count(blocks) == N
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == f"streaming: {sound_file} as 'ear' (audio at 16000 Hz), lossless, at {to}"
    assert last.startswith(f"summary: {N} samples in 100 messages, ")
    assert last.endswith(", 0 samples dropped")


def test_live_with_a_factor_of_speed(
    sound_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = ipc_address(tmp_path)
    arguments = ["stream", str(sound_file), "--to", to, "--wait-for", "1", "--speed", "4", "--json"]
    with receiving(to) as blocks:
        assert main([*arguments, "--block-ms", "20"]) == 0
    assert (count(blocks), len(blocks)) == (N, 50)
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["type"] == "summary"
    assert (summary["sent_items"], summary["dropped_items"]) == (N, 0)


def test_a_full_disk_ends_the_recording_but_not_the_stream(
    sound_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to, recording = ipc_address(tmp_path), tmp_path / "r.evrec"
    arguments = ["stream", str(sound_file), "--to", to, "--lossless", "--record", str(recording)]
    with receiving(to, mode="lossless") as blocks, full_disk(20_000):
        assert main(arguments) == 2
    assert count(blocks) == N
    told = capsys.readouterr()
    assert "recording ended after" in told.out
    (line,) = told.err.splitlines()
    assert "what was recorded stays valid" in line
    recorded = [item.block for item in Recording(recording)]
    assert 0 < count(recorded) < N
    samples = np.concatenate([block.samples for block in recorded if isinstance(block, AudioBlock)])
    sent = np.concatenate([block.samples for block in blocks if isinstance(block, AudioBlock)])
    assert np.array_equal(samples, sent[: samples.size])


def test_a_full_disk_does_not_keep_a_listener_from_listening(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to, recording = ipc_address(tmp_path), tmp_path / "r.evrec"
    with Publisher(to, "s", mode="lossless") as publisher:

        def send() -> None:
            for index in range(20):
                publisher.send(AudioBlock(np.zeros(1_000, np.float32), index * 1_000, 16_000))

        threading.Thread(target=send, daemon=True).start()
        with full_disk(9_000):
            arguments = ["--lossless", "--count", "20000", "--record", str(recording), "--json"]
            assert main(["listen", to, *arguments]) == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["received_items"] == 20_000
    assert any("recording ended" in line.get("text", "") for line in lines)
    assert count([item.block for item in Recording(recording)]) == 2_000


class FakeMicrophone:
    """A microphone that is unplugged after five blocks; each one opened is kept."""

    opened: ClassVar[list["FakeMicrophone"]] = []

    def __init__(self, device: object, rate_hz: int, block_samples: int | None, **_: object) -> None:
        self.rate_hz, self.name, self.block_samples = rate_hz, "'fake'", block_samples or 160
        self.overflows, self.dropped_samples, self.only_zeros = 2, 7, True
        self.closed = False
        self.opened.append(self)

    def __iter__(self) -> Iterator[AudioBlock]:
        for index in range(5):
            samples = np.zeros(self.block_samples, np.float32)
            yield AudioBlock(samples, index * self.block_samples, self.rate_hz, captured_ns=1_000)
        raise SourceError("microphone 'fake': stopped by itself (unplugged?)")

    def __enter__(self) -> "FakeMicrophone":
        return self

    def __exit__(self, *error: object) -> None:
        self.closed = True


def test_a_microphone_that_waited_is_opened_anew_and_unplugging_it_is_told_to_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("apps.sound_choice.Microphone", FakeMicrophone)
    monkeypatch.setattr("apps.stream._WAIT_SLICE_S", 0.01)
    FakeMicrophone.opened.clear()
    to = ipc_address(tmp_path)
    heard: list[str] = []

    def receive_late() -> None:
        time.sleep(0.5)
        with receiving(to) as blocks:
            pass
        heard.extend(str(block) for block in blocks)

    receiver = threading.Thread(target=receive_late, daemon=True)
    receiver.start()
    assert main(["stream", "mic", "--to", to, "--wait-for", "1", "--block-ms", "5"]) == 2
    receiver.join(60)
    assert len(heard) == 6
    assert heard[-1].endswith("ended by its publisher: microphone 'fake': stopped by itself (unplugged?)")
    first, second = FakeMicrophone.opened
    assert first.closed
    assert second.closed
    told = capsys.readouterr()
    assert "waiting for 1 receiver" in told.out
    assert "400 samples in 5 messages" in told.out
    assert "2 overflows in the system, 7 samples dropped here" in told.out
    assert "may be muted" in told.out
    assert told.err == "eventsim: error: microphone 'fake': stopped by itself (unplugged?)\n"


def test_a_terminal_gets_a_line_of_status_that_is_taken_away(tmp_path: Path) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100, highlight=False)
    description = Description(stream_kind="audio", rate_hz=16_000)
    with Publisher(ipc_address(tmp_path), "s") as publisher, StreamReport(False, terminal) as report:
        report.begin("mic", "s", description, publisher, lossless=False)
        for index in range(6):
            block = AudioBlock(np.zeros(800, np.float32), index * 800, 16_000)
            publisher.send(block)
            report.sent(block)
            time.sleep(0.1)
        report.end(publisher, ["something was lost"])
    shown = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "samples/s" in shown
    assert "0 receivers" in shown
    assert "\x1b[2K" in shown
    assert shown.rstrip().splitlines()[-1].count("something was lost")
