"""Polarity: only events of growing, or of falling light."""

from dataclasses import dataclass

from eventsim.errors import ParameterError
from streams.dvs.filters.filter import kept
from streams.dvs_block import DvsBlock


@dataclass(frozen=True, slots=True)
class Polarity:
    """Keeps the events of one polarity, "on" or "off"."""

    polarity: str

    def __post_init__(self) -> None:
        if self.polarity not in ("on", "off"):
            raise ParameterError(f"polarity must be 'on' or 'off', not {self.polarity!r}")

    @property
    def text(self) -> str:
        """The filter as text."""
        return f"polarity:{self.polarity}"

    def start(self, width: int, height: int) -> "RunningPolarity":
        """Return the filter ready for a sensor's stream."""
        return RunningPolarity(self.polarity == "on", width, height)


@dataclass(frozen=True, slots=True)
class RunningPolarity:
    """The filter at work; it has no memory."""

    on: bool
    width: int
    height: int

    def push(self, block: DvsBlock) -> DvsBlock:
        """Return the events of the polarity."""
        return kept(block, block.on == self.on)
