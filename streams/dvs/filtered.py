"""A source of camera events behind a chain of filters."""

from collections.abc import Iterator, Sequence

from streams.closed_at_exit import ClosedAtExit
from streams.dvs.filters.filter import Filter
from streams.dvs.statistics import DvsStatistics
from streams.dvs_block import DvsBlock, DvsSource


class Filtered(ClosedAtExit):
    """Yields the blocks of `source` after `filters`, in their order.

    `dropped` tells, for each filter, its text and how many events it has dropped since the iteration began.

    Raises ParameterError when a filter does not fit the sensor that the one before leaves.
    """

    def __init__(self, source: DvsSource, filters: Sequence[Filter]) -> None:
        self._source = source
        self._filters = tuple(filters)
        self.width, self.height = source.width, source.height
        for each in self._filters:
            running = each.start(self.width, self.height)
            self.width, self.height = running.width, running.height
        self.dropped: list[tuple[str, int]] = [(each.text, 0) for each in self._filters]

    @property
    def name(self) -> str:
        """The name of the source."""
        return str(getattr(self._source, "name", "camera events"))

    @property
    def statistics(self) -> DvsStatistics:
        """What the source counted."""
        counted: DvsStatistics = getattr(self._source, "statistics", DvsStatistics())
        return counted

    def close(self) -> None:
        """Close the source."""
        close = getattr(self._source, "close", None)
        if close is not None:
            close()

    def __iter__(self) -> Iterator[DvsBlock]:
        """Yield the filtered blocks; each iteration starts the filters afresh."""
        width, height, running = self._source.width, self._source.height, []
        for each in self._filters:
            running.append(each.start(width, height))
            width, height = running[-1].width, running[-1].height
        counts = [0] * len(running)
        for block in self._source:
            for i, one in enumerate(running):
                before = len(block)
                block = one.push(block)
                counts[i] += before - len(block)
            self.dropped = [(each.text, n) for each, n in zip(self._filters, counts, strict=True)]
            yield block
