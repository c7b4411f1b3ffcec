"""The microphone against a sounddevice that is played by the test: every failure a real one can have."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eventsim.errors import SourceError
from streams import microphone
from streams.microphone import Microphone, list_microphones

ROOT = Path(__file__).parent.parent.parent


class PortAudioError(Exception):
    pass


class FakeStream:
    """An input stream whose blocks the test delivers; it remembers how it was ended."""

    def __init__(self, module: "FakeSounddevice", **options: Any) -> None:
        self.options = options
        self.ended: list[str] = []
        module.stream = self
        self._module = module

    def start(self) -> None:
        self._module.hangs["start"].wait(60)
        if self._module.open_error:
            raise PortAudioError(self._module.open_error)

    def abort(self, ignore_errors: bool = True) -> None:
        self._module.hangs["abort"].wait(60)
        self.ended.append("abort")
        self.options["finished_callback"]()

    def stop(self, ignore_errors: bool = True) -> None:
        raise AssertionError("stop can hang for ever")

    def close(self, ignore_errors: bool = True) -> None:
        self.ended.append("close")

    def deliver(self, samples: Any, overflow: bool = False, when: Any = None) -> None:
        block = np.array(samples, np.float32).reshape(len(samples), self.options["channels"])
        self.options["callback"](block, len(samples), when, SimpleNamespace(input_overflow=overflow))
        block[:] = np.nan  # PortAudio uses its buffer again: what was not copied is lost


class FakeSounddevice(ModuleType):
    PortAudioError = PortAudioError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.devices: list[dict[str, Any]] = [
            {"name": "speaker", "max_input_channels": 0, "default_samplerate": 44100.0, "hostapi": 0},
            {"name": "desk mic", "max_input_channels": 2, "default_samplerate": 48000.0, "hostapi": 0},
        ]
        self.default = SimpleNamespace(device=(1, 0))
        self.refused_rates: set[int] = set()
        self.refused_channels: set[int] = set()
        self.open_error = ""
        # Calls that hang until the test sets their event; none at first.
        self.hangs = {"start": threading.Event(), "abort": threading.Event()}
        for event in self.hangs.values():
            event.set()
        self.stream: FakeStream

    def add(self, name: str, host_api: int = 0) -> None:
        self.devices.append(
            {"name": name, "max_input_channels": 1, "default_samplerate": 8000.0, "hostapi": host_api}
        )

    def query_devices(self) -> list[dict[str, Any]]:
        if self.open_error == "no devices":
            raise PortAudioError("Error querying device\nmore")
        return self.devices

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"name": name, "default_input_device": -1} for name in ("ALSA", "JACK Audio")]

    def _exit_handler(self) -> None:
        raise AssertionError("would wait for a stream that hangs")

    def check_input_settings(self, device: Any, channels: int, dtype: str, samplerate: int) -> None:
        if samplerate in self.refused_rates or channels in self.refused_channels:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def InputStream(self, **options: Any) -> FakeStream:
        return FakeStream(self, **options)


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_blocks_arrive_in_order_and_are_copies(sounddevice: FakeSounddevice) -> None:
    with Microphone() as mic:
        assert mic.rate_hz == 16_000
        assert sounddevice.stream.options["blocksize"] == 640
        sounddevice.stream.deliver([0.1, 0.2])
        sounddevice.stream.deliver([0.3])
        blocks = iter(mic)
        first, second = next(blocks), next(blocks)
    assert first.samples.tolist() == np.float32([0.1, 0.2]).tolist()
    assert (first.start_sample, second.start_sample) == (0, 2)
    assert list(blocks) == []


def test_is_ended_by_abort_and_once_only(sounddevice: FakeSounddevice) -> None:
    with Microphone(block_samples=64) as mic:
        assert sounddevice.stream.options["blocksize"] == 64
    mic.close()
    assert sounddevice.stream.ended == ["abort", "close"]


def test_a_refused_rate_gives_the_devices_own(sounddevice: FakeSounddevice) -> None:
    sounddevice.refused_rates.add(16_000)
    with Microphone() as mic:
        assert mic.rate_hz == 48_000
        assert sounddevice.stream.options["samplerate"] == 48_000


@pytest.mark.parametrize("device", [1, "1", "desk", "DESK MIC", "desk mic, alsa", None])
def test_a_device_is_chosen_by_number_or_name(sounddevice: FakeSounddevice, device: int | str | None) -> None:
    sounddevice.add("room")
    with Microphone(device) as mic:
        assert mic.name == "'desk mic'"
        assert sounddevice.stream.options["device"] == 1


def test_without_a_default_the_first_input_is_taken(sounddevice: FakeSounddevice) -> None:
    sounddevice.default = SimpleNamespace(device=(-1, -1))
    with Microphone() as mic:
        assert mic.device.index == 1


@pytest.mark.parametrize("device", [0, 7, "nowhere", "speaker", ""])
def test_a_device_that_does_not_exist_is_named(sounddevice: FakeSounddevice, device: int | str) -> None:
    with pytest.raises(SourceError) as error:
        Microphone(device)
    assert str(error.value) == f"microphone {device!r}: no such input device; there are 1 'desk mic' (ALSA)"


def test_a_name_that_fits_several_devices_lists_them(sounddevice: FakeSounddevice) -> None:
    sounddevice.add("desk microphone", host_api=1)
    with pytest.raises(SourceError) as error:
        Microphone("desk")
    assert str(error.value) == (
        "microphone 'desk': fits 2 devices, say which by number: "
        "1 'desk mic' (ALSA); 2 'desk microphone' (JACK Audio)"
    )
    # The whole name wins over a part of another, and the host system tells equal names apart.
    with Microphone("desk mic") as mic:
        assert mic.device.index == 1
    sounddevice.add("desk mic", host_api=1)
    with Microphone("desk mic, jack audio") as mic:
        assert mic.device.index == 3


def test_no_device_at_all(sounddevice: FakeSounddevice) -> None:
    del sounddevice.devices[1]
    for device in (None, 1, "desk"):
        with pytest.raises(SourceError, match=r"^microphone: this machine has no input device$"):
            Microphone(device)
    assert list_microphones() == []


def test_devices_that_cannot_be_listed(sounddevice: FakeSounddevice) -> None:
    sounddevice.open_error = "no devices"
    with pytest.raises(SourceError, match=r"devices cannot be listed \(Error querying device\)$"):
        list_microphones()


def test_latency_and_block_are_passed_on(sounddevice: FakeSounddevice) -> None:
    for latency in ("low", "high", 0.25):
        with Microphone(latency=latency, block_samples=100):  # type: ignore[arg-type]
            assert sounddevice.stream.options["latency"] == latency
            assert sounddevice.stream.options["blocksize"] == 100


def test_a_device_that_has_no_mono_is_averaged(sounddevice: FakeSounddevice) -> None:
    sounddevice.refused_channels.add(1)
    with Microphone() as mic:
        assert (mic.rate_hz, sounddevice.stream.options["channels"]) == (16_000, 2)
        sounddevice.stream.deliver([[0.25, 0.75], [-1.0, 0.0]])
        assert next(iter(mic)).samples.tolist() == [0.5, -0.5]


def test_each_block_says_when_its_last_sample_was_captured(sounddevice: FakeSounddevice) -> None:
    with Microphone() as mic:
        before_ns = time.time_ns()
        sounddevice.stream.deliver([0.1] * 160)
        # The first sample is 30 ms old, the block 10 ms long; a time still to come is not believed.
        sounddevice.stream.deliver(
            [0.1] * 160, when=SimpleNamespace(inputBufferAdcTime=7.0, currentTime=7.03)
        )
        sounddevice.stream.deliver([0.1] * 160, when=SimpleNamespace(inputBufferAdcTime=9.0, currentTime=7.0))
        after_ns = time.time_ns()
        blocks = iter(mic)
        plain, aged, odd = (next(blocks).captured_ns for _ in range(3))
    assert plain is not None
    assert aged is not None
    assert odd is not None
    assert before_ns <= plain <= odd <= after_ns
    assert before_ns - 20_000_001 <= aged <= after_ns - 19_999_999


def test_a_device_that_refuses_to_open(sounddevice: FakeSounddevice) -> None:
    sounddevice.open_error = "Device unavailable"
    with pytest.raises(SourceError, match=r"'desk mic': cannot be opened \(Device unavailable\)"):
        Microphone()


def test_no_portaudio_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "sounddevice.py").write_text('raise OSError("PortAudio library not found")\n')
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SourceError, match=r"no PortAudio library \(PortAudio library not found\)"):
        Microphone()


def test_a_sound_system_that_does_not_answer(tmp_path: Path) -> None:
    # As sounddevice does while PortAudio looks for devices: no stderr, and no way to interrupt it.
    (tmp_path / "sounddevice.py").write_text(
        "import os, time\nos.dup2(os.open(os.devnull, os.O_WRONLY), 2)\ntime.sleep(600)\n"
    )
    code = (
        "import sys\nfrom streams import microphone_devices\nmicrophone_devices.MAX_LOOKING_S = 0.2\n"
        "try:\n    microphone_devices.list_microphones()\nexcept Exception as error:\n"
        "    print(error, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))},
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert done.stderr == (
        "microphone: the sound system does not answer (looking for devices took more than 0.2 s)\n"
    )


def test_a_silent_device_is_noticed(sounddevice: FakeSounddevice) -> None:
    with (
        Microphone(timeout_s=0.05) as mic,
        pytest.raises(SourceError, match=r"opened but delivers no sound \(waited 0\.05 s"),
    ):
        next(iter(mic))


def test_a_device_that_falls_silent_is_noticed(sounddevice: FakeSounddevice) -> None:
    with Microphone(timeout_s=0.05) as mic:
        sounddevice.stream.deliver([0.5])
        blocks = iter(mic)
        next(blocks)
        with pytest.raises(SourceError, match="no longer delivers sound"):
            next(blocks)


def test_an_unplugged_device_is_noticed_at_once(sounddevice: FakeSounddevice) -> None:
    with Microphone() as mic:
        sounddevice.stream.deliver([0.5] * 160)
        sounddevice.stream.options["finished_callback"]()
        blocks = iter(mic)
        next(blocks)
        with pytest.raises(SourceError, match=r"stopped by itself after 0\.0 s"):
            next(blocks)


def test_a_stream_that_cannot_be_ended_is_left_behind(
    sounddevice: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone, "MAX_CLOSING_S", 0.05)
    dropped = []
    monkeypatch.setattr(microphone.atexit, "unregister", dropped.append)
    sounddevice.hangs["abort"].clear()
    with Microphone() as mic:
        assert not mic.hung_on_close
    assert mic.hung_on_close
    assert sounddevice.stream.ended == []
    assert dropped == [sounddevice._exit_handler]
    sounddevice.hangs["abort"].set()


def test_a_device_that_never_finishes_opening(
    sounddevice: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone, "MAX_OPENING_S", 0.05)
    monkeypatch.setattr(microphone.atexit, "unregister", lambda handler: None)
    sounddevice.hangs["start"].clear()
    with pytest.raises(SourceError, match=r"'desk mic': does not answer \(opening took more than 0\.05 s\)$"):
        Microphone()
    # Should it open after all, nobody listens: it is closed at once.
    sounddevice.hangs["start"].set()
    deadline = time.monotonic() + 30
    while sounddevice.stream.ended != ["abort", "close"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sounddevice.stream.ended == ["abort", "close"]


def test_closing_ends_a_reader_that_waits(sounddevice: FakeSounddevice) -> None:
    with Microphone(timeout_s=30.0) as mic:
        threading.Timer(0.05, mic.close).start()
        assert list(mic) == []


def test_overflows_and_drops_are_counted(
    sounddevice: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone, "MAX_BACKLOG_S", 0.03)
    with Microphone(block_samples=160) as mic:
        for _ in range(5):
            sounddevice.stream.deliver([0.0] * 160, overflow=True)
        blocks = iter(mic)
        heard = [next(blocks) for _ in range(3)]
        assert mic.only_zeros
        assert (mic.overflows, mic.dropped_samples) == (3, 320)
        assert heard[-1].end_sample == 480
        sounddevice.stream.deliver([0.0, 0.1])
        next(blocks)
        assert not mic.only_zeros


def test_devices_are_listed(sounddevice: FakeSounddevice) -> None:
    (device,) = list_microphones()
    assert (device.index, device.name, device.n_channels, device.rate_hz) == (1, "desk mic", 2, 48_000)
    assert device.is_default


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"block_samples": 0}, r"block_samples must lie in 1\.\.160000, not 0"),
        ({"block_samples": 160_001}, "block_samples must lie in"),
        ({"rate_hz": 0}, r"rate_hz must lie in 1000\.\.768000 Hz, not 0"),
        ({"timeout_s": 0.0}, "timeout_s must be positive, not 0"),
        ({"timeout_s": float("nan")}, "timeout_s must be positive, not nan"),
        ({"latency": "middling"}, "latency must be low, high or seconds, not 'middling'"),
        ({"latency": 0}, "latency in seconds must lie in"),
        ({"latency": 11.0}, "latency in seconds must lie in"),
    ],
)
def test_impossible_settings_are_refused(
    sounddevice: FakeSounddevice, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(SourceError, match=said):
        Microphone(**settings)
