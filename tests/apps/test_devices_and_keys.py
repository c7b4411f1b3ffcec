"""`eventsim devices` names what is there and why the rest is not; `eventsim keys` makes keys that fit."""

import json
import stat
from pathlib import Path

import pytest

from apps.main import main
from eventsim.errors import SourceError
from streams.audio_block import AudioBlock
from streams.curve_keys import load_allowed_clients, load_public_key, load_secret_key
from streams.dvs.camera import CameraDevice
from streams.dvs.webcams import Webcam
from streams.microphone_devices import MicrophoneDevice
from streams.publisher import Publisher
from streams.subscriber import Subscriber


def no_library() -> list[object]:
    raise SourceError("no such library;\nuse another machine")


def no_module() -> list[object]:
    raise ImportError("No module named 'x'")


def test_each_kind_of_device_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    microphone = MicrophoneDevice(3, "USB Audio", 2, 48_000, True, "ALSA")
    monkeypatch.setattr("streams.microphone_devices.list_microphones", lambda: [microphone])
    cameras = [CameraDevice("DAVIS346", "00042", "USB 3", None), CameraDevice("EVK4", None, "", "no access")]
    monkeypatch.setattr("streams.dvs.camera.list_cameras", lambda: cameras)
    monkeypatch.setattr("streams.dvs.webcams.list_webcams", lambda: [Webcam(1, "/dev/video1", "Lid")])
    assert main(["devices"]) == 0
    said = capsys.readouterr().out
    for words in ("mic:3", "USB Audio (default)", "camera:00042", "DAVIS346", "no access", "webcam:1", "Lid"):
        assert words in said
    assert main(["devices", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["microphones"]["devices"][0]["source"] == "mic:3"
    assert [camera["source"] for camera in found["event_cameras"]["devices"]] == ["camera:00042", "camera"]
    assert found["webcams"]["why_empty"] is None


def test_what_is_missing_hides_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("streams.microphone_devices.list_microphones", no_library)
    monkeypatch.setattr("streams.dvs.camera.list_cameras", no_module)
    monkeypatch.setattr("streams.dvs.webcams.list_webcams", list)
    assert main(["devices", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [section["why_empty"] for section in found.values()] == [
        "no such library; use another machine",
        "No module named 'x'",
        "none is connected to this machine",
    ]


def test_the_devices_of_this_machine_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices"]) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if not line.startswith(" ")] == [
        "microphones:",
        "event cameras:",
        "webcams:",
    ]


def test_keys_fit_each_other_and_nobody_else_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "keys"
    assert main(["keys", str(folder), "--client", "pc", "--client", "phone"]) == 0
    said = capsys.readouterr().out
    secret, public = folder / "server" / "server.key_secret", folder / "server" / "server.key"
    for path in (
        secret,
        public,
        folder / "clients" / "pc.key_secret",
        folder / "clients" / "phone.key_secret",
    ):
        assert str(path) in said
    for path in folder.rglob("*.key_secret"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert load_secret_key(path).secret is not None
    assert len(load_allowed_clients(folder / "clients")) == 2
    # As the printed commands use them.
    with (
        Publisher(
            "tcp://127.0.0.1:0", "s", mode="lossless", server_keys=secret, allowed_clients=folder / "clients"
        ) as publisher,
        Subscriber(
            publisher.address,
            mode="lossless",
            keys=folder / "clients" / "pc.key_secret",
            server_key=public,
            timeout_s=60,
        ) as subscriber,
    ):
        import numpy as np

        publisher.send(AudioBlock(np.zeros(3, np.float32), 0, 16_000))
        received = subscriber.receive()
    assert received is not None


def test_keys_are_never_overwritten_and_clients_are_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", str(tmp_path)]) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.key*")}
    assert main(["keys", str(tmp_path)]) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert main(["keys", str(tmp_path), "--client", "new", "--client", "client"]) == 2
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.key*")} == before
    assert main(["keys", str(tmp_path), "--client", "new"]) == 0
    assert {path: path.read_bytes() for path in before} == before
    assert load_public_key(tmp_path / "clients" / "new.key")


@pytest.mark.parametrize("names", [["a/b"], [""], ["x", "x"], ["good", "not good"]])
def test_bad_names_of_clients_are_refused(
    names: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [word for name in names for word in ("--client", name)]
    assert main(["keys", str(tmp_path / "k"), *options]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    # A server's key alone would be in the way of the next try.
    assert not (tmp_path / "k").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["keys", str(tmp_path / "file")]) == 2
    assert "file" in capsys.readouterr().err
