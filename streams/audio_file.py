"""Sound files (WAV, FLAC, OGG, MP3, ...) as a stream of mono blocks in bounded memory."""

from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from eventsim.errors import SourceError
from streams.audio_block import AudioBlock
from streams.mono import mono_of
from streams.regular_file import open_regular

MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 768_000


class AudioFile:
    """Yields the sound of a file as mono float32 blocks at the file's own rate.

    path : any file that libsndfile reads; channels are averaged.
    block_samples : samples per block; the last block may be shorter.

    Raises SourceError, naming the file, when it is missing, a folder, empty, no sound, without samples, or of
    an impossible rate; while it is read, when a sample is not finite or the data is damaged.
    """

    def __init__(self, path: str | Path, block_samples: int = 4096) -> None:
        if block_samples < 1:
            raise SourceError(f"block_samples must be at least 1, not {block_samples}")
        self.path = Path(path)
        self._block_samples = block_samples
        with open_regular(self.path) as raw, _sound(raw, self.path) as sound:
            self._rate_hz = int(sound.samplerate)
            self.n_channels = int(sound.channels)
            if sound.frames == 0:
                raise SourceError(f"{self.path}: holds 0 samples")
        if not MIN_RATE_HZ <= self._rate_hz <= MAX_RATE_HZ:
            raise SourceError(
                f"{self.path}: a rate of {self._rate_hz} Hz is not allowed ({MIN_RATE_HZ} to {MAX_RATE_HZ})"
            )

    @property
    def rate_hz(self) -> int:
        """Samples per second of the file."""
        return self._rate_hz

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield the file from its start; each iteration reads it afresh."""
        start = 0
        with open_regular(self.path) as raw, _sound(raw, self.path) as sound:
            while (samples := self._read(sound, start)).size:
                yield AudioBlock(samples, start, self._rate_hz)
                start += samples.size
        if start == 0:
            raise SourceError(f"{self.path}: holds 0 samples")

    def _read(self, sound: soundfile.SoundFile, start: int) -> NDArray[np.float32]:
        try:
            frames = sound.read(self._block_samples, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError) as error:
            raise SourceError(f"{self.path}: damaged after sample {start} ({_reason(error)})") from None
        return mono_of(frames, start, str(self.path))


def _sound(raw: FileIO, path: Path) -> soundfile.SoundFile:
    try:
        # By descriptor: libsndfile then judges the content alone, a name like x.raw has no say.
        return soundfile.SoundFile(raw.fileno(), closefd=False)
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
        raise SourceError(f"{path}: not a sound file that can be read ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", None) or str(error)
    return text.strip().rstrip(".")
