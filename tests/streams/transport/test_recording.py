import itertools
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventsim.errors import OutputError, ParameterError, SourceError, WireError
from streams import recording_writer
from streams.description import Block, describe
from streams.intake import Intake
from streams.recording import Recording, RecordingWriter
from streams.recording_format import FILE_HEAD_BYTES, MAGIC
from streams.recording_tee import recorded
from streams.remote_source import RemoteAudio, RemoteDvs
from streams.wire import Place, encode
from tests.streams.transport.generated_blocks import BLOCKS, ORIGINS, bits, camera_block, sound, sound_stream

ROOT = Path(__file__).parents[3]
IN_A_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
_numbers = itertools.count()


def fresh(folder: Path) -> Path:
    return folder / f"{next(_numbers)}.evrec"


def record(path: Path, blocks: list[Block]) -> Path:
    with RecordingWriter(path, "s", metadata={"of": "test"}) as writer:
        for block in blocks:
            writer.send(block)
    return path


@IN_A_FOLDER
@given(BLOCKS, ORIGINS)
def test_what_is_recorded_is_replayed_bit_for_bit(
    tmp_path: Path, block: Block, origin_ns: int | None
) -> None:
    with RecordingWriter(path := fresh(tmp_path), "s") as writer:
        writer.send(block, origin_ns)
    recording = Recording(path)
    (received,) = recording
    if origin_ns is None:
        assert bits(received.block) == bits(block)
    else:
        assert received.origin_ns == origin_ns
    assert recording.complete
    assert recording.descriptions["s"] == describe(block)
    (again,) = recording
    assert bits(again.block) == bits(received.block)


def test_received_messages_are_kept_byte_for_byte_with_their_losses(tmp_path: Path) -> None:
    intake = Intake()
    sent = [encode(b, Place("mic", "a" * 16, i, 10 * i)) for i, b in enumerate(sound_stream([10] * 9))]
    came = [intake.take(sent[i], 10**18 + i) for i in (0, 1, 4, 5, 8)]
    path = fresh(tmp_path)
    with RecordingWriter(path) as writer:
        for received in came:
            writer.write(received, describe(received.block, {"gain": 2}))
    recording = Recording(path)
    back = list(recording)
    assert [tuple(map(bytes, r.frames)) for r in back] == [tuple(map(bytes, r.frames)) for r in came]
    assert [r.received_ns for r in back] == [10**18 + i for i in (0, 1, 4, 5, 8)]
    assert (recording.statistics.lost_messages, recording.statistics.lost_items) == (4, 40)
    assert recording.descriptions["mic"].metadata == {"gain": 2}
    assert recording.complete
    assert len(list(recording.records())) == 1 + 5 + 1
    assert [b.start_sample for b in RemoteAudio(recording)] == [0, 10, 20, 40, 50, 60, 80]


def test_a_recording_is_a_source_again_and_again(tmp_path: Path) -> None:
    blocks = [camera_block(i * 1_000_000, 30) for i in range(4)]
    recording = Recording(record(fresh(tmp_path), blocks))
    for _ in range(2):
        assert [bits(b) for b in RemoteDvs(recording)] == [bits(b) for b in blocks]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Block], list[int]]:
    """Return a recording's bytes, its blocks, and where each of its messages begins."""
    blocks = sound_stream([3, 0, 2])
    path = record(tmp_path_factory.mktemp("whole") / "whole.evrec", blocks)
    return path.read_bytes(), blocks, [r.offset for r in Recording(path).records()]


def check_what_is_left(path: Path, raw: bytes, blocks: list[Block], n_whole: int, offset: int) -> None:
    """Everything before the damage is read, then one line names its first byte."""
    path.write_bytes(raw)
    n_blocks = max(0, min(n_whole - 1, len(blocks)))  # the first message is the description
    read = []
    recording = Recording(path)
    with pytest.raises(SourceError, match=f"byte {offset}\\b") as error:
        read.extend(recording)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    assert [bits(r.block) for r in read] == [bits(b) for b in blocks[:n_blocks]]
    lenient = Recording(path, on_damage="stop")
    assert len(list(lenient)) == n_blocks
    assert f"byte {offset}" in lenient.damage
    assert not lenient.complete


def test_cut_anywhere_all_before_the_cut_is_read(tmp_path: Path, whole: tuple) -> None:
    raw, blocks, offsets = whole
    path = tmp_path / "cut.evrec"
    for length in range(FILE_HEAD_BYTES, len(raw)):
        begun = [offset for offset in offsets if offset < length]
        if length in offsets:
            path.write_bytes(raw[:length])
            recording = Recording(path)
            assert len(list(recording)) == max(0, offsets.index(length) - 1)
            assert not recording.complete
        else:
            check_what_is_left(path, raw[:length], blocks, len(begun) - 1, begun[-1])


@IN_A_FOLDER
@given(st.data())
def test_a_byte_changed_anywhere_is_found_where_it_is(
    tmp_path: Path, whole: tuple, data: st.DataObject
) -> None:
    raw, blocks, offsets = whole
    at = data.draw(st.integers(FILE_HEAD_BYTES, len(raw) - 1))
    damaged = bytearray(raw)
    damaged[at] ^= data.draw(st.integers(1, 255))
    begun = [offset for offset in offsets if offset <= at]
    check_what_is_left(fresh(tmp_path), bytes(damaged), blocks, len(begun) - 1, begun[-1])


@pytest.mark.parametrize("at", range(FILE_HEAD_BYTES))
def test_a_damaged_beginning_is_refused(tmp_path: Path, whole: tuple, at: int) -> None:
    raw = bytearray(whole[0])
    raw[at] ^= 1
    path = tmp_path / "x.evrec"
    path.write_bytes(raw)
    with pytest.raises(SourceError, match=r"not a recording|damaged"):
        Recording(path)


def test_another_version_of_recordings_is_named_with_ours(
    tmp_path: Path, whole: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.recording_format.FORMAT_VERSION", 7)
    path = record(tmp_path / "x.evrec", whole[1])
    monkeypatch.undo()
    with pytest.raises(SourceError, match="recording version 7, this program reads version 1"):
        Recording(path)


def test_what_is_no_recording_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").touch()
    (tmp_path / "short").write_bytes(MAGIC + b"\1")
    os.mkfifo(tmp_path / "pipe")
    for name, words in (
        ("text", "not a recording"),
        ("empty", "is empty"),
        ("short", "damaged"),
        ("pipe", "no regular file"),
        ("missing", "no such file"),
        (".", "is a folder"),
    ):
        with pytest.raises(SourceError, match=words):
            Recording(tmp_path / name)


def test_a_recording_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    path = record(tmp_path / "x.evrec", [sound(0, 4)])
    with pytest.raises(OutputError, match="exists already"):
        RecordingWriter(path, "s")
    with RecordingWriter(path, "s", overwrite=True) as writer:
        writer.send(sound(0, 9))
    assert [r.header.n_items for r in Recording(path)] == [9]
    with pytest.raises(OutputError, match="cannot be written"):
        RecordingWriter(tmp_path / "no" / "x.evrec", "s")
    with pytest.raises(OutputError, match="closed"):
        writer.send(sound(0, 9))


def test_only_blocks_of_one_kind_are_recorded_under_one_name(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "x.evrec", "s") as writer:
        writer.send(sound(0, 4))
        with pytest.raises(WireError, match="audio at 16000 Hz, the block is dvs"):
            writer.send(camera_block(0, 3))
    with RecordingWriter(tmp_path / "y.evrec") as unnamed, pytest.raises(ParameterError, match="name"):
        unnamed.send(sound(0, 4))
    with pytest.raises(ParameterError, match="on_damage"):
        Recording(tmp_path / "x.evrec", on_damage="ignore")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def check_full_disk(path: Path, fill: int) -> None:
    """The stream goes on to its end, the recording ends with one line and is valid up to there."""
    said: list[str] = []
    blocks = sound_stream([1600] * 400)
    with RecordingWriter(path, "s") as writer:
        passed = list(recorded(blocks, writer, said.append))
        with pytest.raises(OutputError, match="recording ended"):
            writer.send(sound(0, 4))
    assert passed == blocks
    assert len(said) == 1
    assert "\n" not in said[0]
    assert f"recording ended after {writer.messages} messages" in said[0]
    back = list(Recording(path))
    assert fill < len(back) < 400
    assert len(back) == writer.messages - 1
    assert [bits(r.block) for r in back] == [bits(b) for b in blocks[: len(back)]]


def test_a_full_disk_ends_the_recording_and_not_the_stream(small_disk: Path) -> None:
    check_full_disk(small_disk / "x.evrec", 20)


def test_a_file_that_may_not_grow_ends_the_recording_and_not_the_stream(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        check_full_disk(tmp_path / "x.evrec", 20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_writes_that_stop_halfway_are_finished_or_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may write any part of what it is given, and then nothing more."""
    room = [50_000]

    def stingy(descriptor: int, buffers: list[memoryview]) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        count = min(len(buffers[0]), 777, room[0])
        room[0] -= count
        return os.write(descriptor, buffers[0][:count])

    monkeypatch.setattr(recording_writer.os, "writev", stingy)
    check_full_disk(tmp_path / "x.evrec", 5)


def test_a_disk_that_fails_at_the_end_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(recording_writer.os, "fsync", failing)
    writer = RecordingWriter(tmp_path / "x.evrec", "s")
    writer.send(sound(0, 4))
    with pytest.raises(OutputError, match="Input/output error"):
        writer.close()
    writer.close()
    assert len(list(Recording(tmp_path / "x.evrec"))) == 1
    # What went wrong first is what is told.
    with pytest.raises(SourceError, match="unplugged"), RecordingWriter(tmp_path / "y.evrec", "s"):
        raise SourceError("unplugged")


def test_a_recorder_that_is_killed_leaves_all_it_recorded(tmp_path: Path) -> None:
    path = tmp_path / "x.evrec"
    command = [sys.executable, "-m", "tests.streams.transport.recording_process", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "recording\n"
        process.send_signal(signal.SIGKILL)
    recording = Recording(path, on_damage="stop")
    blocks = [r.block for r in recording]
    assert len(blocks) >= 20
    assert [bits(b) for b in blocks] == [bits(sound(i * 1600, 1600)) for i in range(len(blocks))]
    assert not recording.complete
    assert recording.damage is None or "truncated" in recording.damage
