"""One text names a source of sound: a microphone, raw samples on standard input, or a file."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from eventsim.errors import ParameterError, SourceError
from streams.audio_block import AudioBlock, AudioSource
from streams.audio_file import AudioFile
from streams.microphone import Microphone
from streams.pcm_input import PcmInput

Latency = float | Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class SoundOptions:
    """How sound is taken in.

    rate_hz : of raw samples, and wanted of a microphone; None leaves it to the task. block_ms : length of a
    block; None leaves it to the source. sample_format, n_channels : of raw samples. latency : of a
    microphone.
    """

    rate_hz: int | None = None
    block_ms: float | None = None
    sample_format: str = "s16le"
    n_channels: int = 1
    latency: Latency = "low"

    def raw_rate_hz(self) -> int:
        """Return the samples per second of raw samples; ParameterError where nobody said it."""
        if self.rate_hz is None:
            raise ParameterError("source -: raw samples do not tell their rate; say --rate HZ")
        return self.rate_hz

    def refuse_rate(self, told_by: str) -> None:
        """Raise ParameterError where a rate was said though the source tells its own."""
        if self.rate_hz is not None:
            raise ParameterError(f"--rate is for raw samples and microphones; {told_by} tells its own")

    def block_samples(self, rate_hz: int) -> int | None:
        """Return the length of a block in samples, None where it is left to the source."""
        return None if self.block_ms is None else max(1, round(self.block_ms * rate_hz / 1000))


@dataclass(frozen=True, slots=True)
class Sound:
    """An open source of sound. live : it sets its own pace. losses : what went wrong so far, a line each."""

    source: AudioSource
    name: str
    live: bool
    losses: Callable[[], list[str]]


def names_microphone(text: str) -> bool:
    """Return True where a text names a microphone.

    >>> names_microphone("mic:USB"), names_microphone("mic"), names_microphone("mic.wav")
    (True, True, False)
    """
    return text == "mic" or text.startswith("mic:")


def open_sound(text: str, options: SoundOptions, stack: ExitStack, model_rate_hz: int = 16_000) -> Sound:
    """Return the source that `text` names: mic, mic:NUMBER_OR_NAME, - (standard input), or a sound file.

    The stack closes it.

    Raises SourceError where it cannot be opened, ParameterError where the text is none or a rate is missing.
    """
    if names_microphone(text):
        return _microphone(text, options, stack, model_rate_hz)
    if text == "-":
        return _standard_input(options)
    options.refuse_rate(text)
    file = AudioFile(text)
    block_samples = options.block_samples(file.rate_hz)
    if block_samples is not None:
        file = AudioFile(text, block_samples)
    return Sound(file, text, live=False, losses=list)


def _microphone(text: str, options: SoundOptions, stack: ExitStack, model_rate_hz: int) -> Sound:
    device = text.partition(":")[2]
    if text.endswith(":"):
        raise ParameterError(f"source {text!r}: a number or a name follows the colon (see: eventsim devices)")
    rate_hz = options.rate_hz or model_rate_hz
    microphone = stack.enter_context(
        Microphone(device or None, rate_hz, options.block_samples(rate_hz), latency=options.latency)
    )

    def losses() -> list[str]:
        return microphone_losses(microphone.overflows, microphone.dropped_samples, microphone.only_zeros)

    return Sound(microphone, f"microphone {microphone.name}", live=True, losses=losses)


def _standard_input(options: SoundOptions) -> Sound:
    rate_hz = options.raw_rate_hz()
    stream = None if sys.stdin is None else sys.stdin.buffer
    pcm = PcmInput(stream, rate_hz, options.sample_format, options.n_channels, options.block_samples(rate_hz))
    return Sound(_SomeSound(pcm), pcm.name, live=True, losses=list)


class _SomeSound:
    """Raw samples; SourceError where not one comes: what should have made them has failed."""

    def __init__(self, pcm: PcmInput) -> None:
        self._pcm = pcm

    @property
    def rate_hz(self) -> int:
        return self._pcm.rate_hz

    def __iter__(self) -> Iterator[AudioBlock]:
        begun = False
        for block in self._pcm:
            begun = True
            yield block
        if not begun:
            raise SourceError(f"{self._pcm.name}: ended before its first sample")


def microphone_losses(overflows: int, dropped_samples: int, only_zeros: bool) -> list[str]:
    """Return what microphones lost or did wrong, a line each."""
    said = []
    if overflows or dropped_samples:
        said.append(
            f"sound was lost: {overflows} overflows in the system, {dropped_samples} samples dropped here"
        )
    if only_zeros:
        said.append("every sample was exactly zero: the microphone may be muted")
    return said
