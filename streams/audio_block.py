"""A piece of a mono sound stream, and what every source of sound offers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class AudioBlock:
    """Consecutive samples of one mono stream.

    samples : float32[n], full scale -1..1.
    start_sample : index of the first sample, counted from the start of the stream.
    rate_hz : samples per second.
    captured_ns : wall clock (`time.time_ns`) at which the last sample was captured, or read where that is not
    known; None for recordings. Latency from the end of a block is told from it.

    >>> AudioBlock(np.zeros(160, np.float32), start_sample=16_000, rate_hz=16_000).start_ns
    1000000000
    """

    samples: NDArray[np.float32]
    start_sample: int
    rate_hz: int
    captured_ns: int | None = None

    @property
    def start_ns(self) -> int:
        """Time of the first sample in ns, rounded down."""
        return self.start_sample * NS_PER_S // self.rate_hz

    @property
    def end_sample(self) -> int:
        """Index of the first sample after the block."""
        return self.start_sample + self.samples.size


class AudioSource(Protocol):
    """Yields the blocks of one stream, in order and without gaps, at one rate."""

    @property
    def rate_hz(self) -> int:
        """Samples per second of every block."""
        ...

    def __iter__(self) -> Iterator[AudioBlock]:
        """Yield the blocks; ends when the stream does."""
        ...
