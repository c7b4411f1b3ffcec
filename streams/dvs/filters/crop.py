"""Crop: only a rectangle of the sensor."""

from dataclasses import dataclass

import numpy as np

from eventsim.errors import ParameterError
from streams.dvs.filters.filter import moved
from streams.dvs_block import DvsBlock


@dataclass(frozen=True, slots=True)
class Crop:
    """Keeps the events of a rectangle, whose top left pixel becomes 0, 0.

    x, y : its top left pixel; width, height : its size.
    """

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.x < 0 or self.y < 0 or self.width < 1 or self.height < 1:
            raise ParameterError(f"{self.text}: x and y must be at least 0, width and height at least 1")

    @property
    def text(self) -> str:
        """The filter as text."""
        return f"crop:{self.x},{self.y},{self.width},{self.height}"

    def start(self, width: int, height: int) -> "Crop":
        """Return the filter, which has no memory; raises ParameterError when it leaves the sensor."""
        if self.x + self.width > width or self.y + self.height > height:
            raise ParameterError(f"{self.text} does not lie within the sensor of {width} x {height} pixels")
        return self

    def push(self, block: DvsBlock) -> DvsBlock:
        """Return the events of the rectangle."""
        # Unsigned: a pixel left of or above the rectangle becomes a large number.
        x, y = block.x - np.uint16(self.x), block.y - np.uint16(self.y)
        keep = (x < self.width) & (y < self.height)
        return moved(block, keep, x, y, self.width, self.height)
