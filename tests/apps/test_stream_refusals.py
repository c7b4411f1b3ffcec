"""Whatever a person gives `eventsim stream` or the network options of `kws`: one clear line, exit code 2."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from apps.main import main
from streams.audio_block import AudioBlock
from streams.dvs_block import DvsBlock
from streams.recording import RecordingWriter


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("in")
    soundfile.write(root / "sound.wav", np.zeros(1_600), 16_000)
    (root / "text.xyz").write_text("neither sound nor events\n")
    (root / "events.csv").write_text("t,x,y,p\n0,1,1,1\n5,2,1,0\n")
    (root / "bad.csv").write_text("t,x,y,p\n0,1,one,1\n")
    (root / "folder").mkdir()
    with RecordingWriter(root / "empty.evrec", "s"):
        pass
    silence = np.zeros(3, np.float32)
    with RecordingWriter(root / "cut.evrec", "s") as writer:
        writer.send(AudioBlock(silence, 0, 16_000))
    whole = (root / "cut.evrec").read_bytes()
    (root / "cut.evrec").write_bytes(whole[:40])
    pixel = np.zeros(1, np.uint16)
    with RecordingWriter(root / "camera.evrec", "cam") as writer:
        writer.send(DvsBlock(np.zeros(1, np.int64), pixel, pixel, pixel == 0, 2, 2, 0, 9))
    return root


@pytest.fixture
def inside(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of inputs as the working folder; addresses are relative to it, too."""
    monkeypatch.chdir(folder)
    yield folder
    for leftover in folder.glob("a*"):
        leftover.unlink()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("eventsim: error: ")
    return line


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("nowhere.wav", "", "nowhere.wav: no such file"),
        ("nowhere.aedat4", "", "nowhere.aedat4"),
        ("text.xyz", "", "text.xyz: neither a sound file nor an event file nor a recording"),
        ("folder", "", "folder"),
        ("bad.csv", "", "bad.csv"),
        ("empty.evrec", "", "empty.evrec: the recording holds no block"),
        ("cut.evrec", "", "cut.evrec"),
        ("camera.evrec", "--stream other", "no block of stream 'other'"),
        ("camera.evrec", "--encode lif", "--encode is for sound, camera.evrec is dvs"),
        ("mic:", "", "a number or a name follows the colon"),
        ("-", "", "say --rate HZ"),
        ("sound.wav", "--rate 8000", "--rate is for raw samples"),
        ("events.csv", "--rate 8000", "--rate is for raw samples and microphones"),
        ("camera.evrec", "--rate 8000", "--rate is for raw samples and microphones"),
        ("sound.wav", "--filter hot-pixel", "--filter is for camera events"),
        ("sound.wav", "--width 3", "--width is for camera events, sound.wav is audio"),
        ("camera.evrec", "--height 3", "--height is for camera events of a file that says no size"),
        ("sound.wav", "--stream s", "--stream is for recordings, sound.wav is none"),
        ("events.csv", "--stream s", "--stream is for recordings, events.csv is none"),
        ("webcam:front", "", "source 'webcam:front': the number of a webcam follows the colon"),
        ("events.csv", "--filter blur", "'blur' is no filter"),
        ("events.csv", "--filter crop:0,0,99,99", "crop"),
        ("events.csv", "--encode lif", "--encode is for sound"),
        ("sound.wav", "--encode ear", "no encoder 'ear'"),
        ("sound.wav", "--encode lif:n_bands", "is not OPTION=VALUE"),
        ("sound.wav", "--encode lif:n_bands=many", "n_bands"),
        ("sound.wav", "--name a/b", "'a/b' is not allowed"),
        ("sound.wav", "--speed never", "'never'"),
        ("sound.wav", "--speed -1", "--speed"),
        ("mic", "--speed 2", "--speed is for files; mic has its own pace"),
        ("sound.wav", "--block-ms 0", "--block-ms"),
        ("sound.wav", "--block-ms 99999", "outside 0.1..10000 ms"),
        ("sound.wav", "--latency soon", "--latency"),
        ("sound.wav", "--sample-format u8", "--sample-format"),
        ("sound.wav", "--seconds 0", "--seconds"),
        ("sound.wav", "--wait-for -1", "--wait-for"),
        ("sound.wav", "--record sound.wav", "exists already"),
        ("sound.wav", "--record nowhere/r.evrec", "nowhere/r.evrec"),
        ("sound.wav", "--keys nowhere.key_secret", "nowhere.key_secret"),
        ("sound.wav", "--keys sound.wav", "sound.wav"),
        ("sound.wav", "--clients folder", "--clients needs --keys"),
        ("sound.wav", "--to ipc://a2", "several --to need --lossless"),
    ],
)
def test_a_source_or_option_that_will_not_do(
    inside: Path, capsys: pytest.CaptureFixture[str], source: str, options: str, words: str
) -> None:
    assert words in refused(capsys, "stream", source, "--to", "ipc://a1", *options.split())


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("here", "tcp://HOST:PORT or ipc://PATH"),
        ("tcp://127.0.0.1", "no host and port"),
        ("tcp://127.0.0.1:port", "port 'port'"),
        ("tcp://192.0.2.7:5555", "192.0.2.7"),
        ("ipc://nowhere/a", "nowhere"),
        ("udp://127.0.0.1:5555", "is not allowed"),
    ],
)
@pytest.mark.parametrize("command", [["stream", "sound.wav"], ["kws", "sound.wav"]], ids=["stream", "kws"])
def test_an_address_that_will_not_do(
    inside: Path, capsys: pytest.CaptureFixture[str], command: list[str], address: str, words: str
) -> None:
    assert words in refused(capsys, *command, "--to", address)


def test_a_port_in_use_is_said(inside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        assert "in use by another program" in refused(capsys, "stream", "sound.wav", "--to", address)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--from ipc://a --clip", "--clip and --from exclude each other"),
        ("sound.wav --from ipc://a", "files and --from exclude each other"),
        ("sound.wav --lossless", "--lossless needs --from ADDRESS"),
        ("sound.wav --timeout 3", "--timeout needs --from ADDRESS"),
        ("sound.wav --to-keys x", "--to-keys needs --to ADDRESS"),
        ("sound.wav --wait-for 1", "--wait-for needs --to ADDRESS"),
        ("sound.wav --name x", "--name needs --to ADDRESS"),
        ("sound.wav --stream x", "--stream needs --from ADDRESS or a recording"),
        ("--clip --stream x", "--stream needs --from ADDRESS or a recording"),
        ("sound.wav --rate 8000", "--rate is for raw samples and microphones; sound.wav tells its own"),
        ("--clip --rate 8000", "--rate is for raw samples and microphones; the clip tells its own"),
        ("--from ipc://a --rate 8000", "--rate is for raw samples and microphones; the stream tells its own"),
        ("--from ipc://a --keys x", "--keys and --server-key go together"),
        ("sound.wav --output sound.wav", "sound.wav: is heard; --output needs another file"),
        ("sound.wav --to ipc://a1 --to ipc://a2", "several --to need --to-lossless"),
        ("sound.wav --to ipc://a1 --to-clients folder", "--to-clients needs --to-keys"),
        ("-", "say --rate HZ"),
        ("nowhere.evrec", "nowhere.evrec: no such file"),
    ],
)
def test_network_options_of_kws_that_will_not_do(
    inside: Path, capsys: pytest.CaptureFixture[str], options: str, words: str
) -> None:
    assert words in refused(capsys, "kws", *options.split())


def test_a_microphone_that_is_not_there_is_one_line(
    inside: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = refused(capsys, "stream", "mic:no microphone is called this", "--to", "ipc://a1")
    assert "microphone" in line
    assert not os.path.exists("a1")
