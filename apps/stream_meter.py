"""Measures a stream that comes in: how much, how fast, how late."""

import math
from collections import Counter, deque

from streams.received import Received

HISTORY_S = 60
_BINS_PER_E = 100


class LatencyCounts:
    """Counts latencies in bins of one per cent, so that a day of them takes no more memory than a minute.

    >>> counts = LatencyCounts()
    >>> for ms in range(1, 1001):
    ...     counts.add(ms * 1_000_000)
    >>> abs(counts.percentile_ns(50) / 500e6 - 1) < 0.01, abs(counts.percentile_ns(99) / 990e6 - 1) < 0.01
    (True, True)
    """

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()
        self.n = 0
        self.before_origin = 0
        """Messages that seem to have come before they were made: the clocks disagree."""

    def add(self, ns: int) -> None:
        """Count a latency; a negative one shows that two clocks disagree."""
        if ns < 0:
            self.before_origin += 1
            return
        self._bins[round(math.log(max(ns, 1)) * _BINS_PER_E)] += 1
        self.n += 1

    def percentile_ns(self, percent: float) -> float | None:
        """Return the latency that `percent` of the messages did not exceed, to 1 %; None if unknown."""
        if not self.n or self.before_origin:
            return None
        rank, seen = math.ceil(percent / 100 * self.n), 0
        for key in sorted(self._bins):
            seen += self._bins[key]
            if seen >= rank:
                return math.exp(key / _BINS_PER_E)
        return None


class StreamMeter:
    """Counts of one stream, and of each of its last seconds.

    items, messages, payload_bytes : sums. per_second : items in each of the last seconds, the newest last.
    latency : of messages that say when what they hold was heard or seen; of those of decisions,
    only where they hold any.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.items = self.messages = self.payload_bytes = 0
        self.latency = LatencyCounts()
        self.per_second: deque[float] = deque(maxlen=HISTORY_S)
        self._last = (0, 0, 0)

    def count(self, received: Received) -> None:
        """Take in a message."""
        header = received.header
        self.items += header.n_items
        self.messages += 1
        self.payload_bytes += len(received.frames[2])
        if header.origin_ns is not None and (header.n_items or self.kind != "decisions"):
            self.latency.add(received.received_ns - header.origin_ns)

    def second(self, passed_s: float) -> tuple[float, float, float]:
        """Return items, messages and bytes per second since the last call, and begin anew."""
        now = (self.items, self.messages, self.payload_bytes)
        items, messages, n_bytes = ((new - old) / passed_s for new, old in zip(now, self._last, strict=True))
        self._last = now
        self.per_second.append(items)
        return items, messages, n_bytes
