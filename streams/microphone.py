"""A live microphone as a stream of mono blocks, with every way it can fail named."""

import atexit
import threading
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from types import ModuleType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import SourceError
from streams.audio_block import NS_PER_S, AudioBlock
from streams.bounded_call import CallHangs, bounded_call
from streams.closed_at_exit import ClosedAtExit
from streams.microphone_devices import (
    MicrophoneDevice,
    chosen_microphone,
    list_microphones,
    portaudio,
    reason,
)
from streams.native_stderr import NativeStderrMute

__all__ = ["Microphone", "MicrophoneDevice", "list_microphones"]

# A reader that falls this far behind loses blocks (counted) instead of filling the memory.
MAX_BACKLOG_S = 10.0
# A sound server that stands still blocks the calls that open and close a stream, for ever.
MAX_OPENING_S = 10.0
MAX_CLOSING_S = 2.0
MAX_LATENCY_S = 10.0
MAX_BLOCK_S = 10.0


class _Heard(NamedTuple):
    samples: NDArray[np.float32]
    overflowed: bool
    captured_ns: int


class Microphone(ClosedAtExit):
    """Yields what an input device hears until it is closed; use it in a `with` statement.

    device : number, or (part of) a name; None takes the system's default.
    rate_hz : wanted rate; where the device refuses it, its own rate is used, see the attribute of that name.
    block_samples : samples per block at the attribute `rate_hz`; None takes 40 ms, which costs a third of the
    processor time of 10 ms: waking up is most of the work.
    timeout_s : longest wait for sound before the device counts as silent.
    latency : what the system may buffer: "low", "high", or seconds.

    The audio callback copies a block into a queue and does nothing else. Losses are counted, never hidden:
    `overflows` (the system lost an unknown amount before the callback), `dropped_samples` (this reader was
    more than 10 s behind). Channels are averaged where the device refuses to give one. `captured_ns` of each
    block is taken in the callback.

    Raises SourceError: no PortAudio library, no device, none of that name, several of that name, device
    refused, device that does not answer; while reading: no sound within `timeout_s`, or the device stopped by
    itself (unplugged). Closing never hangs: a stream that cannot be ended within 2 s is left behind, and
    `hung_on_close` says so.
    """

    def __init__(
        self,
        device: int | str | None = None,
        rate_hz: int = 16_000,
        block_samples: int | None = None,
        timeout_s: float = 5.0,
        latency: float | Literal["low", "high"] = "low",
    ) -> None:
        _check_settings(rate_hz, block_samples, timeout_s, latency)
        self._sounddevice = portaudio()
        self._timeout_s = timeout_s
        self._latency = latency
        self._queue: SimpleQueue[_Heard | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self.overflows = 0
        self.dropped_samples = 0
        self.only_zeros = True
        self.hung_on_close = False
        self.device = chosen_microphone(device)
        self.name = repr(self.device.name)
        # Until closed: an unplugged device makes PortAudio print from a thread of its own.
        self._mute = NativeStderrMute()
        try:
            self._n_channels, self._rate_hz = self._accepted_settings(rate_hz)
            self._block_samples = block_samples or max(1, self._rate_hz // 25)
            self._max_blocks = max(2, int(MAX_BACKLOG_S * self._rate_hz / self._block_samples))
            self._stream = self._opened()
        except BaseException:
            self._mute.release()
            raise

    @property
    def rate_hz(self) -> int:
        """Samples per second that the device delivers."""
        return self._rate_hz

    def close(self) -> None:
        """Stop listening, within 2 s whatever the device does; may be called more than once."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        try:
            bounded_call(self._end_stream, MAX_CLOSING_S)
        except CallHangs:
            self.hung_on_close = True
            _leave_behind(self._sounddevice)
        finally:
            self._queue.put(None)
            self._mute.release()

    def _end_stream(self) -> None:
        # abort, not stop: stop waits for the device to drain, which can hang for ever on PulseAudio via ALSA.
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield blocks as they arrive until `close` is called."""
        start = 0
        while not self._closed:
            heard = self._next(start)
            if heard is None:
                return
            yield AudioBlock(heard.samples, start, self._rate_hz, heard.captured_ns)
            start += heard.samples.size

    def _next(self, heard: int) -> _Heard | None:
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
        self.overflows += item.overflowed
        if self.only_zeros and item.samples.any():
            self.only_zeros = False
        return item

    def _callback(self, indata: NDArray[np.float32], frames: int, when: Any, status: Any) -> None:
        captured_ns = time.time_ns() - _age_ns(when, frames / self._rate_hz)
        if self._queue.qsize() >= self._max_blocks:
            self.dropped_samples += frames
            return
        mono = indata[:, 0].copy() if self._n_channels == 1 else indata.mean(axis=1, dtype=np.float32)
        self._queue.put(_Heard(mono, bool(status.input_overflow), captured_ns))

    def _accepted_settings(self, rate_hz: int) -> tuple[int, int]:
        """Return the number of channels and the rate to open with: as wanted, else what the device has."""
        sounddevice, device = self._sounddevice, self.device
        own_rate_hz = device.rate_hz
        for n_channels in dict.fromkeys((1, device.n_channels)):
            for rate in dict.fromkeys((rate_hz, own_rate_hz)):
                try:
                    sounddevice.check_input_settings(
                        device.index, channels=n_channels, dtype="float32", samplerate=rate
                    )
                except (sounddevice.PortAudioError, ValueError):
                    continue
                return n_channels, rate
        # Refused by the check: opening says why.
        return 1, own_rate_hz

    def _opened(self) -> Any:
        sounddevice = self._sounddevice
        given_up = threading.Event()

        def open_and_start() -> Any:
            stream = sounddevice.InputStream(
                samplerate=self._rate_hz,
                blocksize=self._block_samples,
                device=self.device.index,
                channels=self._n_channels,
                dtype="float32",
                latency=self._latency,
                callback=self._callback,
                finished_callback=lambda: self._queue.put(None),
            )
            try:
                stream.start()
            except BaseException:
                stream.close(ignore_errors=True)
                raise
            if given_up.is_set():
                stream.abort(ignore_errors=True)
                stream.close(ignore_errors=True)
            return stream

        try:
            return bounded_call(open_and_start, MAX_OPENING_S)
        except CallHangs:
            given_up.set()
            _leave_behind(sounddevice)
            raise SourceError(
                f"microphone {self.name}: does not answer (opening took more than {MAX_OPENING_S:g} s)"
            ) from None
        except (sounddevice.PortAudioError, ValueError) as error:
            raise SourceError(f"microphone {self.name}: cannot be opened ({reason(error)})") from None


def _check_settings(
    rate_hz: int, block_samples: int | None, timeout_s: float, latency: float | Literal["low", "high"]
) -> None:
    if not 1_000 <= rate_hz <= 768_000:
        raise SourceError(f"microphone: rate_hz must lie in 1000..768000 Hz, not {rate_hz}")
    if block_samples is not None and not 1 <= block_samples <= MAX_BLOCK_S * rate_hz:
        raise SourceError(
            f"microphone: block_samples must lie in 1..{MAX_BLOCK_S * rate_hz:.0f}, not {block_samples}"
        )
    if not timeout_s > 0:
        raise SourceError(f"microphone: timeout_s must be positive, not {timeout_s}")
    if isinstance(latency, str):
        if latency not in ("low", "high"):
            raise SourceError(f"microphone: latency must be low, high or seconds, not {latency!r}")
    elif not 0 < latency <= MAX_LATENCY_S:
        raise SourceError(
            f"microphone: a latency in seconds must lie in 0..{MAX_LATENCY_S:g} s (not 0), not {latency}"
        )


def _age_ns(when: Any, block_s: float) -> int:
    """Return how long ago the block's last sample was captured, as far as the system tells.

    PortAudio says when the first sample was captured; some systems say nothing, or a time still to come, and
    count as 0.
    """
    if when is None or not when.inputBufferAdcTime > 0:
        return 0
    age_s = when.currentTime - when.inputBufferAdcTime - block_s
    return int(age_s * NS_PER_S) if 0 < age_s < 1 else 0


def _leave_behind(sounddevice: ModuleType) -> None:
    """Let the process end although a stream hangs: sounddevice would wait for it once more at exit."""
    handler = getattr(sounddevice, "_exit_handler", None)
    if handler is not None:
        atexit.unregister(handler)
