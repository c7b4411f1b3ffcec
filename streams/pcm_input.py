"""Raw samples (PCM) from standard input, a pipe or any binary stream as mono blocks, as soon as they come."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import SourceError
from streams.audio_block import AudioBlock
from streams.audio_file import MAX_RATE_HZ, MIN_RATE_HZ
from streams.mono import mono_of

MAX_CHANNELS = 64
_MAX_BLOCK_S = 60


class BinaryStream(Protocol):
    """Anything opened for reading bytes: `sys.stdin.buffer`, a file, the end of a pipe, a socket's file."""

    def read(self, size: int = -1, /) -> bytes | None:
        """Return up to `size` bytes; none at the end."""
        ...


def _whole(sample_type: str, bits: int) -> Callable[[bytes], NDArray[np.float64]]:
    def decode(data: bytes) -> NDArray[np.float64]:
        return np.frombuffer(data, sample_type) / float(1 << (bits - 1))

    return decode


def _whole_24(data: bytes) -> NDArray[np.float64]:
    # Three bytes each, put at the upper end of four: the sign comes along.
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return wide.view("<i4")[:, 0] / float(1 << 31)


def _floats(data: bytes) -> NDArray[np.float64]:
    # A signalling nan would warn where it is widened; it is refused later, like every other.
    with np.errstate(invalid="ignore"):
        return np.frombuffer(data, "<f4").astype(np.float64)


_BYTES = {"s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4}
_DECODE: dict[str, Callable[[bytes], NDArray[np.float64]]] = {
    "s16le": _whole("<i2", 16),
    "s24le": _whole_24,
    "s32le": _whole("<i4", 32),
    "f32le": _floats,
}
SAMPLE_FORMATS = tuple(_BYTES)


class PcmInput:
    r"""Yields raw samples of a binary stream as mono float32 blocks, each as soon as it can be read.

    stream : `sys.stdin.buffer`, a pipe, any binary stream; it stays open, its owner closes it.
    rate_hz : samples per second, which raw samples do not tell.
    sample_format : "s16le", "s24le" (three bytes), "s32le" or "f32le", all little-endian; whole numbers are
    scaled to -1..1. n_channels : interleaved; they are averaged.
    block_samples : most samples of a block; None takes 40 ms. A block is what one read gave: a slow writer's
    few samples are not held back. name : of the stream, for messages.

    `captured_ns` of a block is when it was read.

    Raises SourceError for settings out of range, a terminal, or no stream; while reading, for a stream that
    ends within a sample (with the byte), a number that is not finite (with the sample), a WAV file in place
    of raw samples, or a stream that cannot be read.

    >>> import io
    >>> [block.samples.tolist() for block in PcmInput(io.BytesIO(b"\x00\x40\x00\xc0"), 16_000)]
    [[0.5, -0.5]]
    """

    def __init__(
        self,
        stream: BinaryStream | None,
        rate_hz: int,
        sample_format: str = "s16le",
        n_channels: int = 1,
        block_samples: int | None = None,
        name: str = "standard input",
    ) -> None:
        if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise SourceError(f"{name}: the rate must lie in {MIN_RATE_HZ}..{MAX_RATE_HZ} Hz, not {rate_hz}")
        if sample_format not in _BYTES:
            raise SourceError(
                f"{name}: sample format {sample_format!r} is unknown; allowed are {', '.join(SAMPLE_FORMATS)}"
            )
        if not 1 <= n_channels <= MAX_CHANNELS:
            raise SourceError(f"{name}: channels must lie in 1..{MAX_CHANNELS}, not {n_channels}")
        if block_samples is not None and not 1 <= block_samples <= _MAX_BLOCK_S * rate_hz:
            raise SourceError(
                f"{name}: block_samples must lie in 1..{_MAX_BLOCK_S * rate_hz}, not {block_samples}"
            )
        self.name = name
        self.n_channels = n_channels
        self._rate_hz = rate_hz
        self._format = sample_format
        self._frame_bytes = _BYTES[sample_format] * n_channels
        self._block_bytes = (block_samples or max(1, rate_hz // 25)) * self._frame_bytes
        self._read = _reader(stream, name)

    @property
    def rate_hz(self) -> int:
        """Samples per second, as told."""
        return self._rate_hz

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield what comes until the stream ends; a second iteration goes on where the first stopped."""
        held, start = b"", 0
        while data := self._next(self._block_bytes - len(held), start):
            captured_ns = time.time_ns()
            held += data
            if start == 0 and held[:4] == b"RIFF" and held[8:12] == b"WAVE":
                raise SourceError(
                    f"{self.name}: begins like a WAV file; give the file by its name, or raw samples alone"
                )
            whole = len(held) - len(held) % self._frame_bytes
            if whole:
                yield AudioBlock(self._mono(held[:whole], start), start, self._rate_hz, captured_ns)
                start += whole // self._frame_bytes
                held = held[whole:]
        if held:
            end = start * self._frame_bytes + len(held)
            raise SourceError(
                f"{self.name}: ends at byte {end}, within a sample; "
                f"{self.n_channels} x {self._format} are {self._frame_bytes} bytes"
            )

    def _next(self, size: int, start: int) -> bytes:
        try:
            return self._read(size) or b""
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise SourceError(f"{self.name}: cannot be read after sample {start} ({reason})") from None

    def _mono(self, data: bytes, start: int) -> NDArray[np.float32]:
        frames = _DECODE[self._format](data).reshape(-1, self.n_channels)
        return mono_of(frames, start, self.name)


def _reader(stream: Any, name: str) -> Callable[[int], bytes | None]:
    """Return what reads the bytes that are there, waiting only where there are none."""
    if stream is None:
        raise SourceError(f"{name}: is closed")
    try:
        if stream.isatty():
            raise SourceError(
                f"{name}: is a terminal; pipe raw samples into it, for example from "
                "arecord -q -t raw -f S16_LE -r 16000 -c 1"
            )
    except (AttributeError, ValueError):
        pass
    # A stream set not to wait would look as if it had ended.
    with suppress(AttributeError, OSError, ValueError):
        os.set_blocking(stream.fileno(), True)
    # A buffered stream's `read` waits until it has all that was asked for.
    read: Callable[[int], bytes | None] = getattr(stream, "read1", None) or stream.read
    return read
