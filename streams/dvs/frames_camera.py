"""Frames in memory, or from any reader, seen by the pixels of an event camera."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import ParameterError, SourceError
from streams.closed_at_exit import ClosedAtExit
from streams.dvs.block_cutter import BlockCutter, block_length_ns
from streams.dvs.pixel_model import PixelArray, PixelConfig
from streams.dvs.statistics import DvsStatistics
from streams.dvs_block import DvsBlock

LATE_FRAMES = "frames not later than the one before passed over"


class FramesAsCamera(ClosedAtExit):
    """Yields the events that an event camera would give of `frames`.

    frames : array or sequence of grey frames of one size, uint8 0..255 or floating point 0..1.
    times_ns : when each was taken, increasing; events lie between the first and the last, at the times at
    which the brightness, taken to change evenly between frames, crosses a threshold.

    Raises ParameterError when there are no frames or not as many times; SourceError while reading.
    """

    def __init__(
        self,
        frames: Sequence[NDArray[Any]] | NDArray[Any],
        times_ns: Sequence[int] | NDArray[np.int64],
        block_ms: float = 10.0,
        pixel: PixelConfig | None = None,
    ) -> None:
        if len(frames) == 0 or len(frames) != len(times_ns):
            raise ParameterError(
                f"{len(frames)} frames and {len(times_ns)} times: one time per frame is needed"
            )
        if np.ndim(frames[0]) != 2:
            raise ParameterError(f"a frame must be of shape (height, width), not {np.shape(frames[0])}")
        self._frames, self._times_ns = frames, times_ns
        self.height, self.width = (int(side) for side in np.shape(frames[0]))
        self.name = f"{len(frames)} frames in memory"
        self.statistics = DvsStatistics()
        self._block_ns = block_length_ns(block_ms)
        self._pixel = pixel or PixelConfig()

    def __iter__(self) -> Iterator[DvsBlock]:
        """Yield the blocks from the first frame's time to the last one's."""
        pixels = PixelArray(self.width, self.height, self._pixel)
        seen = SeenFrames(pixels, self._block_ns)
        pairs = ((frame, int(time)) for frame, time in zip(self._frames, self._times_ns, strict=True))
        for block in seen.blocks(pairs):
            self.statistics = seen.statistics
            yield block
        self.statistics = seen.statistics


class SeenFrames:
    """Cuts what a PixelArray sees into blocks; shared by all that yields frames."""

    def __init__(self, pixels: PixelArray, block_ns: int) -> None:
        self._pixels = pixels
        self._cutter = BlockCutter(pixels.width, pixels.height, block_ns)
        self._frames = self._late = self._events = 0

    @property
    def statistics(self) -> DvsStatistics:
        """Events so far, and what was out of the ordinary."""
        return DvsStatistics(self._events, notes={LATE_FRAMES: self._late})

    def blocks(self, frames: Iterable[tuple[NDArray[Any], int]]) -> Iterator[DvsBlock]:
        """Yield the blocks of (frame, time_ns) pairs; a damaged end is told after what lies before it."""
        last_ns: int | None = None
        try:
            for frame, time_ns in frames:
                if last_ns is not None and time_ns <= last_ns:
                    self._late += 1
                    continue
                events = self._pixels.see(frame, time_ns)
                self._events += len(events)
                if last_ns is None:
                    self._cutter.start(time_ns)
                last_ns = time_ns
                yield from self._cutter.push(events)
                yield from self._cutter.advance(time_ns)
        except SourceError:
            yield from self._cutter.finish(last_ns)
            raise
        yield from self._cutter.finish(last_ns)
