"""A video file or an ordinary webcam seen by the pixels of an event camera."""

import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import ParameterError, SourceError
from streams.closed_at_exit import ClosedAtExit
from streams.dvs.block_cutter import block_length_ns
from streams.dvs.error_reason import reason_of
from streams.dvs.frames_camera import SeenFrames
from streams.dvs.picture_thread import Picture, PictureThread
from streams.dvs.pixel_model import PixelArray, PixelConfig
from streams.dvs.statistics import DvsStatistics
from streams.dvs_block import DvsBlock
from streams.regular_file import open_regular

NS_PER_S = 1_000_000_000
_DROPPED = "pictures dropped because the reader was too slow"
_MISSING_MS = "milliseconds of video missing before its stated end"


class VideoAsCamera(ClosedAtExit):
    """Yields the events that an event camera would give of a video or of what a webcam sees.

    source : path of a video file, or number or device path of a webcam (Linux).
    max_width : larger pictures are made smaller to this width; events cost time by the pixel.
    pixel : thresholds, mismatch and refractory time of the pixels.
    timeout_s : longest wait for a webcam's next picture.

    Time 0 is the first picture. Raises SourceError: PyAV is not installed, no such file or device, no video;
    while reading: damaged, unplugged, silent. Until `close` a webcam is held; a file can be iterated anew.
    """

    def __init__(
        self,
        source: str | Path | int,
        block_ms: float = 10.0,
        pixel: PixelConfig | None = None,
        max_width: int | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        if max_width is not None and max_width < 1:
            raise ParameterError(f"max_width must be at least 1, not {max_width}")
        self._av = _pyav()
        self._device = _device_of(source)
        self.name = self._device or str(source)
        self.statistics = DvsStatistics()
        self._block_ns = block_length_ns(block_ms)
        self._pixel = pixel or PixelConfig()
        self._timeout_s = timeout_s
        self._thread: PictureThread | None = None
        self._container: Any = self._opened()
        video = self._container.streams.video[0]
        width, height = int(video.codec_context.width), int(video.codec_context.height)
        if width < 1 or height < 1:
            self.close()
            raise SourceError(f"{self.name}: video of {width} x {height} pixels")
        scale = min(Fraction(1), Fraction(max_width or width, width))
        self.width, self.height = max(1, int(width * scale)), max(1, int(height * scale))

    def close(self) -> None:
        """Let go of the file or webcam; may be called more than once."""
        container, self._container = self._container, None
        # A thread that reads lets go of the webcam itself: elsewhere that would pull it away under its hands.
        if container is not None and self._thread is None:
            container.close()

    def __iter__(self) -> Iterator[DvsBlock]:
        """Yield blocks until the video ends; a webcam's until `close` is called."""
        if self._container is None:
            self._thread, self._container = None, self._opened()
        seen = SeenFrames(PixelArray(self.width, self.height, self._pixel), self._block_ns)
        missing_ms = [0]
        frames: Iterable[Picture] = self._frames(missing_ms)
        if self._device is not None:
            container = self._container
            self._thread = PictureThread(iter(frames), container.close, self.name, self._timeout_s)
            frames = self._thread
        try:
            for block in seen.blocks(frames):
                self.statistics = seen.statistics
                yield block
        finally:
            dropped = self._thread.dropped if self._thread else 0
            notes = seen.statistics.notes | {_MISSING_MS: missing_ms[0], _DROPPED: dropped}
            self.statistics = DvsStatistics(seen.statistics.events, notes=notes)
            self.close()

    def _frames(self, missing_ms: list[int]) -> Iterator[Picture]:
        """Yield grey pictures with their time since the first; fill in what is missing at the end."""
        container, n, time_ns, first_ns = self._container, 0, 0, 0
        if container is None:
            return
        video = container.streams.video[0]
        rate = video.average_rate or Fraction(25)
        try:
            for frame in container.decode(video):
                if self._container is None:
                    return
                if frame.pts is None or frame.time_base is None:
                    # Without a time of its own a picture follows at the video's rate.
                    stamp_ns = first_ns + round(n * NS_PER_S / rate)
                else:
                    stamp_ns = round(frame.pts * frame.time_base * NS_PER_S)
                first_ns = stamp_ns if n == 0 else first_ns
                time_ns, n = stamp_ns - first_ns, n + 1
                yield self._grey(frame), time_ns
        except (self._av.error.FFmpegError, OSError, ValueError) as error:
            if self._container is None:
                return
            what = "unplugged?" if self._device else "damaged?"
            raise SourceError(
                f"{self.name}: stops after picture {n} at {time_ns / NS_PER_S:.3f} s "
                f"({reason_of(error)}; {what})"
            ) from None
        if n == 0:
            raise SourceError(f"{self.name}: holds no picture that can be decoded")
        if self._device:
            raise SourceError(f"{self.name}: no more pictures after {time_ns / NS_PER_S:.1f} s (unplugged?)")
        if container.duration is not None:
            stated_ns = container.duration * NS_PER_S // self._av.time_base
            missing_ms[0] = max(0, round((stated_ns - time_ns - 2 * NS_PER_S / rate) / 1e6))

    def _grey(self, frame: Any) -> NDArray[np.uint8]:
        picture = frame.reformat(width=self.width, height=self.height, format="gray")
        grey: NDArray[np.uint8] = picture.to_ndarray()
        return grey

    def _opened(self) -> Any:
        av = self._av
        try:
            if self._device is None:
                open_regular(Path(self.name)).close()
                container = av.open(self.name)
            else:
                container = av.open(self._device, format="v4l2", timeout=self._timeout_s)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            what = "no video that can be read" if self._device is None else "cannot be opened as a webcam"
            raise SourceError(f"{self.name}: {what} ({reason_of(error)})") from None
        if not container.streams.video:
            container.close()
            raise SourceError(f"{self.name}: holds no video")
        # One picture at a time, by all processors: the order of the pictures stays.
        container.streams.video[0].thread_type = "AUTO" if self._device is None else "NONE"
        return container


def _device_of(source: str | Path | int) -> str | None:
    """Return the device path where `source` means a webcam."""
    if isinstance(source, int):
        if source < 0:
            raise ParameterError(f"a webcam's number must be at least 0, not {source}")
        source = f"/dev/video{source}"
    if not str(source).startswith("/dev/video"):
        return None
    if not sys.platform.startswith("linux"):
        raise SourceError(f"{source}: webcams are read on Linux only")
    return str(source)


def _pyav() -> ModuleType:
    try:
        import av
        import av.error
    except ImportError:
        raise SourceError("video and webcams need PyAV (pip install 'eventsim[video]')") from None
    module: ModuleType = av
    return module
