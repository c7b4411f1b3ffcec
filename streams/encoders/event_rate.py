"""How many events per second a stream of blocks gives: overall, and over the last second."""

from collections import deque

from streams.event_block import EventBlock

NS_PER_S = 1_000_000_000


class EventRate:
    """Counts the events of consecutive blocks, in the time of the stream.

    events : number so far.

    >>> from eventsim.events import Events
    >>> rate = EventRate()
    >>> for second in range(4):
    ...     start_ns = second * NS_PER_S
    ...     rate.count(EventBlock(Events.of([start_ns] * second, 0), start_ns, start_ns + NS_PER_S, 1))
    >>> rate.events, rate.per_second, rate.last_second
    (6, 1.5, 3.0)
    """

    def __init__(self) -> None:
        self.events = 0
        self._covered_ns = 0
        self._recent: deque[tuple[int, int, int]] = deque()

    @property
    def seconds(self) -> float:
        """Length of the stream so far, s."""
        return self._covered_ns / NS_PER_S

    @property
    def per_second(self) -> float:
        """Events per second since the start; 0 before the first block."""
        return self.events * NS_PER_S / self._covered_ns if self._covered_ns else 0.0

    @property
    def last_second(self) -> float:
        """Events per second over the blocks that make up the last second (a little more with odd blocks)."""
        if not self._recent:
            return 0.0
        covered_ns = self._recent[-1][1] - self._recent[0][0]
        return sum(n for _, _, n in self._recent) * NS_PER_S / covered_ns if covered_ns else 0.0

    def count(self, block: EventBlock) -> None:
        """Take in the next block."""
        self.events += len(block.events)
        self._covered_ns += block.end_ns - block.start_ns
        self._recent.append((block.start_ns, block.end_ns, len(block.events)))
        while self._recent[0][1] <= block.end_ns - NS_PER_S:
            self._recent.popleft()
