"""A path given to `eventsim listen` is refused as a file, and options of a stream are not passed over."""

from pathlib import Path

import numpy as np
import pytest

from apps.main import main
from streams.audio_block import AudioBlock
from streams.recording import RecordingWriter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "empty.evrec").touch()
    (tmp_path / "text.evrec").write_text("no recording\n")
    (tmp_path / "notes.txt").write_text("no recording\n")
    (tmp_path / "folder").mkdir()
    with RecordingWriter(tmp_path / "good.evrec", "sound") as writer:
        writer.send(AudioBlock(np.zeros(3, np.float32), 0, 16_000))
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["listen", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return str(line)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.evrec", "missing.evrec: no such file"),
        ("empty.evrec", "empty.evrec: is empty (0 bytes)"),
        ("text.evrec", "text.evrec: not a recording of eventsim"),
        ("notes.txt", "notes.txt: not a recording of eventsim"),
        ("folder", "folder: is a folder, not a file"),
    ],
)
def test_a_path_is_refused_as_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    assert words in refused(capsys, str(folder / name))


def test_a_word_that_is_no_path_is_refused_as_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert "tcp://HOST:PORT or ipc://PATH" in refused(capsys, "nowhere")


@pytest.mark.parametrize(
    "option", ["--record x.evrec", "--seconds 1", "--count 3", "--lossless", "--timeout 1", "--keys x"]
)
def test_an_option_of_a_stream_is_refused_for_a_recording(
    folder: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    line = refused(capsys, str(folder / "good.evrec"), *option.split())
    assert f"{option.split()[0]} is for a stream" in line
    assert not Path("x.evrec").exists()
