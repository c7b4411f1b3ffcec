"""A live microphone as a stream of mono blocks, with every way it can fail named."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import ModuleType, TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import SourceError
from streams.audio_block import AudioBlock

# A reader that falls this far behind loses blocks (counted) instead of filling the memory.
MAX_BACKLOG_S = 10.0


@dataclass(frozen=True, slots=True)
class MicrophoneDevice:
    """One input device: its number, name, channel count and preferred rate."""

    index: int
    name: str
    n_channels: int
    rate_hz: int
    is_default: bool


def list_microphones() -> list[MicrophoneDevice]:
    """Return the input devices of this machine, possibly none.

    Raises SourceError when the PortAudio library is missing or does not answer.
    """
    sounddevice = _sounddevice()
    try:
        devices = sounddevice.query_devices()
        default = int(sounddevice.default.device[0])
    except sounddevice.PortAudioError as error:
        raise SourceError(f"microphone: devices cannot be listed ({_reason(error)})") from None
    return [
        MicrophoneDevice(
            number,
            str(d["name"]),
            int(d["max_input_channels"]),
            round(d["default_samplerate"]),
            number == default,
        )
        for number, d in enumerate(devices)
        if d["max_input_channels"] > 0
    ]


class Microphone:
    """Yields what an input device hears until it is closed; use it in a `with` statement.

    device : number, or (part of) a name; None takes the system's default.
    rate_hz : wanted rate; where the device refuses it, its own rate is used, see the attribute of that name.
    block_samples : samples per block at the attribute `rate_hz`; None takes 40 ms, which costs a third of the
    processor time of 10 ms: waking up is most of the work.
    timeout_s : longest wait for sound before the device counts as silent.

    The audio callback copies a block into a queue and does nothing else. Losses are counted, never hidden:
    `overflows` (the system lost an unknown amount before the callback), `dropped_samples` (this reader was
    more than 10 s behind).

    Raises SourceError: no PortAudio library, no such device, device refused; while reading: no sound within
    `timeout_s`, or the device stopped by itself (unplugged).
    """

    def __init__(
        self,
        device: int | str | None = None,
        rate_hz: int = 16_000,
        block_samples: int | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        if block_samples is not None and block_samples < 1:
            raise SourceError(f"microphone: block_samples must be at least 1, not {block_samples}")
        self._sounddevice = _sounddevice()
        self._timeout_s = timeout_s
        self._queue: SimpleQueue[tuple[NDArray[np.float32], bool] | None] = SimpleQueue()
        self._closed = False
        self.overflows = 0
        self.dropped_samples = 0
        self.only_zeros = True
        self.name = _device_name(self._sounddevice, device)
        self._rate_hz = self._accepted_rate(device, rate_hz)
        self._block_samples = block_samples or max(1, self._rate_hz // 25)
        self._max_blocks = max(2, int(MAX_BACKLOG_S * self._rate_hz / self._block_samples))
        self._stream = self._opened(device)

    @property
    def rate_hz(self) -> int:
        """Samples per second that the device delivers."""
        return self._rate_hz

    def __enter__(self) -> "Microphone":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; may be called more than once."""
        if self._closed:
            return
        self._closed = True
        # abort, not stop: stop waits for the device to drain, which can hang for ever on PulseAudio via ALSA.
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield blocks as they arrive until `close` is called."""
        start = 0
        while not self._closed:
            samples = self._next(start)
            if samples is None:
                return
            yield AudioBlock(samples, start, self._rate_hz)
            start += samples.size

    def _next(self, heard: int) -> NDArray[np.float32] | None:
        try:
            item = self._queue.get(timeout=self._timeout_s)
        except Empty:
            if self._closed:
                return None
            state = "no longer delivers sound" if heard else "opened but delivers no sound"
            raise SourceError(
                f"microphone {self.name}: {state} (waited {self._timeout_s:g} s; suspended or unplugged?)"
            ) from None
        if item is None:
            if self._closed:
                return None
            raise SourceError(
                f"microphone {self.name}: stopped by itself after {heard / self._rate_hz:.1f} s (unplugged?)"
            )
        samples, overflowed = item
        self.overflows += overflowed
        if self.only_zeros and samples.any():
            self.only_zeros = False
        return samples

    def _callback(self, indata: NDArray[np.float32], frames: int, when: Any, status: Any) -> None:
        if self._queue.qsize() >= self._max_blocks:
            self.dropped_samples += frames
            return
        self._queue.put((indata[:, 0].copy(), bool(status.input_overflow)))

    def _accepted_rate(self, device: int | str | None, rate_hz: int) -> int:
        sounddevice = self._sounddevice
        with _native_stderr_muted():
            try:
                sounddevice.check_input_settings(device, channels=1, dtype="float32", samplerate=rate_hz)
            except (sounddevice.PortAudioError, ValueError):
                return int(sounddevice.query_devices(device, "input")["default_samplerate"])
        return rate_hz

    def _opened(self, device: int | str | None) -> Any:
        sounddevice = self._sounddevice
        with _native_stderr_muted():
            try:
                stream = sounddevice.InputStream(
                    samplerate=self._rate_hz,
                    blocksize=self._block_samples,
                    device=device,
                    channels=1,
                    dtype="float32",
                    latency="low",
                    callback=self._callback,
                    finished_callback=lambda: self._queue.put(None),
                )
                stream.start()
            except (sounddevice.PortAudioError, ValueError) as error:
                raise SourceError(f"microphone {self.name}: cannot be opened ({_reason(error)})") from None
        return stream


def _sounddevice() -> ModuleType:
    try:
        import sounddevice
    except OSError as error:
        raise SourceError(
            f"microphone: no PortAudio library ({_reason(error)}); on Debian: apt install libportaudio2"
        ) from None
    except ImportError as error:
        raise SourceError(f"microphone: sounddevice cannot be imported ({_reason(error)})") from None
    module: ModuleType = sounddevice
    return module


def _device_name(sounddevice: ModuleType, device: int | str | None) -> str:
    try:
        name = sounddevice.query_devices(device, "input")["name"]
    except (sounddevice.PortAudioError, ValueError) as error:
        if device is None:
            raise SourceError(f"microphone: this machine has no input device ({_reason(error)})") from None
        raise SourceError(f"microphone {device!r}: no such input device ({_reason(error)})") from None
    return repr(str(name))


def _reason(error: Exception) -> str:
    """Return the first line of the system's own words."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


@contextmanager
def _native_stderr_muted() -> Iterator[None]:
    """Keep the C library's own diagnostics off the terminal; what failed is told in the raised error."""
    try:
        descriptor = sys.__stderr__.fileno() if sys.__stderr__ else None
        kept = os.dup(descriptor) if descriptor is not None else None
    except (OSError, ValueError):
        descriptor = kept = None
    if descriptor is None or kept is None:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)
