"""Streaming change of sampling rate whose output does not depend on how the input was cut."""

from collections.abc import Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

from eventsim.errors import EventError, ParameterError
from streams.audio_block import AudioBlock, AudioSource

_CHUNKS_PER_S = 100


class Resampler:
    """Turns a mono stream at one rate into the same sound at another, however it was cut.

    The output is the same bit for bit.

    from_hz, to_hz : samples per second before and after; equal rates pass the samples through.

    The resampling filter rounds differently when it is fed pieces of another size, so it is always fed
    pieces of 10 ms; what does not fill one waits for the next push. Output lags by the filter (22 ms
    from 44.1 or 48 kHz to 16 kHz, 66 ms from 8 kHz), which moves no sample: the first out is the first in.

    Source: SoX resampler library, quality HQ (20 bit).

    >>> resampler = Resampler(48_000, 16_000)
    >>> parts = [resampler.push(np.zeros(4_800, np.float32)), resampler.finish()]
    >>> sum(part.size for part in parts)
    1600
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if from_hz < _CHUNKS_PER_S or to_hz < _CHUNKS_PER_S:
            raise ParameterError(
                f"rates of {from_hz} and {to_hz} Hz: both must be at least {_CHUNKS_PER_S} Hz"
            )
        self.from_hz = from_hz
        self.to_hz = to_hz
        self._chunk = from_hz // _CHUNKS_PER_S
        self._same = from_hz == to_hz
        self.reset()

    def reset(self) -> None:
        """Forget all sound heard so far."""
        self._pending = np.empty(0, np.float32)
        self._stream = (
            None if self._same else soxr.ResampleStream(self.from_hz, self.to_hz, 1, "float32", "HQ")
        )

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the samples that `samples` (float32[n]) completed, float32[m] at the new rate.

        Raises EventError when the array is not one-dimensional.
        """
        samples = np.asarray(samples, np.float32)
        if samples.ndim != 1:
            raise EventError(f"samples must be one-dimensional (mono), not of shape {samples.shape}")
        if self._stream is None:
            return samples
        sound = np.concatenate((self._pending, samples))
        whole = sound.size - sound.size % self._chunk
        self._pending = sound[whole:]
        return _joined(
            [self._stream.resample_chunk(sound[i : i + self._chunk]) for i in range(0, whole, self._chunk)]
        )

    def finish(self) -> NDArray[np.float32]:
        """Return what was still inside, float32[m], and start afresh."""
        if self._stream is None:
            return np.empty(0, np.float32)
        rest: NDArray[np.float32] = self._stream.resample_chunk(self._pending, last=True)
        self.reset()
        return rest


class ResampledSource:
    """Yields the blocks of another source at `rate_hz`."""

    def __init__(self, source: AudioSource, rate_hz: int) -> None:
        self._source = source
        self._rate_hz = rate_hz
        self._resampler = Resampler(source.rate_hz, rate_hz)

    @property
    def rate_hz(self) -> int:
        """Samples per second after resampling."""
        return self._rate_hz

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield resampled blocks; a block is empty where the filter still waits for input."""
        self._resampler.reset()
        start, captured_ns = 0, None
        for block in self._source:
            samples, captured_ns = self._resampler.push(block.samples), block.captured_ns
            yield AudioBlock(samples, start, self._rate_hz, captured_ns)
            start += samples.size
        rest = self._resampler.finish()
        if rest.size:
            yield AudioBlock(rest, start, self._rate_hz, captured_ns)


def _joined(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(parts) if parts else np.empty(0, np.float32)
