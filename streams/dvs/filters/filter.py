"""What every filter of camera events offers."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streams.dvs_block import DvsBlock


class Running(Protocol):
    """A filter at work on one stream: its memory, and the sensor that its output seems to come from."""

    @property
    def width(self) -> int:
        """Columns of what comes out."""
        ...

    @property
    def height(self) -> int:
        """Rows of what comes out."""
        ...

    def push(self, block: DvsBlock) -> DvsBlock:
        """Return what passes of the next block; the result does not depend on how the stream was cut."""
        ...


class Filter(Protocol):
    """The settings of a filter; `text` is how a command line writes it."""

    @property
    def text(self) -> str:
        """The filter as text, such as "crop:10,10,100,80"."""
        ...

    def start(self, width: int, height: int) -> Running:
        """Return the filter ready for the first block of a sensor's stream.

        Raises ParameterError when it does not fit the sensor.
        """
        ...


def kept(block: DvsBlock, keep: NDArray[np.bool_]) -> DvsBlock:
    """Return the events of `block` where `keep` is True, on the same sensor."""
    if keep.all():
        return block
    return moved(block, keep, block.x, block.y, block.width, block.height)


def moved(
    block: DvsBlock,
    keep: NDArray[np.bool_],
    x: NDArray[np.uint16],
    y: NDArray[np.uint16],
    width: int,
    height: int,
) -> DvsBlock:
    """Return the events of `block` where `keep` is True, at the pixels `x`, `y` of another sensor."""
    return DvsBlock(
        block.time_ns[keep],
        x[keep],
        y[keep],
        block.on[keep],
        width,
        height,
        block.start_ns,
        block.end_ns,
    )
