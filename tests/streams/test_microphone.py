"""The microphone against a sounddevice that is played by the test: every failure a real one can have."""

import sys
import threading
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from eventsim.errors import SourceError
from streams import microphone
from streams.microphone import Microphone, list_microphones


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
        if self._module.open_error:
            raise PortAudioError(self._module.open_error)

    def abort(self, ignore_errors: bool = True) -> None:
        self.ended.append("abort")
        self.options["finished_callback"]()

    def stop(self, ignore_errors: bool = True) -> None:
        raise AssertionError("stop can hang for ever")

    def close(self, ignore_errors: bool = True) -> None:
        self.ended.append("close")

    def deliver(self, samples: list[float], overflow: bool = False) -> None:
        block = np.array(samples, np.float32)[:, np.newaxis]
        self.options["callback"](block, len(samples), None, SimpleNamespace(input_overflow=overflow))
        block[:] = np.nan  # PortAudio uses its buffer again: what was not copied is lost


class FakeSounddevice(ModuleType):
    PortAudioError = PortAudioError

    def __init__(self) -> None:
        super().__init__("sounddevice")
        self.devices: list[dict[str, Any]] = [
            {"name": "speaker", "max_input_channels": 0, "default_samplerate": 44100.0},
            {"name": "desk mic", "max_input_channels": 2, "default_samplerate": 48000.0},
        ]
        self.default = SimpleNamespace(device=(1, 0))
        self.refused_rates: set[int] = set()
        self.open_error = ""
        self.stream: FakeStream

    def query_devices(self, device: int | str | None = None, kind: str | None = None) -> Any:
        if kind is None:
            return self.devices
        inputs = [d for d in self.devices if d["max_input_channels"]]
        if device is None and inputs:
            return inputs[0]
        if isinstance(device, int) and device < len(self.devices) and self.devices[device] in inputs:
            return self.devices[device]
        if isinstance(device, str) and any(device in d["name"] for d in inputs):
            return inputs[0]
        raise (ValueError if isinstance(device, str) else PortAudioError)("Error querying device -1\nmore")

    def check_input_settings(self, device: Any, channels: int, dtype: str, samplerate: int) -> None:
        if samplerate in self.refused_rates:
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


@pytest.mark.parametrize("device", [1, "desk"])
def test_a_device_is_chosen_by_number_or_name(sounddevice: FakeSounddevice, device: int | str) -> None:
    with Microphone(device) as mic:
        assert mic.name == "'desk mic'"
        assert sounddevice.stream.options["device"] == device


@pytest.mark.parametrize("device", [0, 7, "nowhere"])
def test_a_device_that_does_not_exist_is_named(sounddevice: FakeSounddevice, device: int | str) -> None:
    with pytest.raises(SourceError, match=f"microphone {device!r}: no such input device"):
        Microphone(device)


def test_no_device_at_all(sounddevice: FakeSounddevice) -> None:
    del sounddevice.devices[1]
    with pytest.raises(SourceError, match=r"no input device \(Error querying device -1\)$"):
        Microphone()
    assert list_microphones() == []


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


def test_a_block_below_one_sample_is_refused(sounddevice: FakeSounddevice) -> None:
    with pytest.raises(SourceError, match="block_samples"):
        Microphone(block_samples=0)
