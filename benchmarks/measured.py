"""What one process measured of one thing."""

import resource
import time
from collections.abc import Callable
from pathlib import Path

import msgspec


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Times and what was done in them.

    seconds : wall time of each repetition. events : synaptic events of a repetition, with those that came
    from outside, on average; None where nobody counted. figures : whatever else, by name.
    """

    seconds: list[float]
    events: float | None = None
    figures: dict[str, float] = {}


class Stopwatch:
    """Measures the wall time of a call.

    >>> watch = Stopwatch()
    >>> watch.time(lambda: sum(range(10)))
    >>> len(watch.seconds)
    1
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def time(self, call: Callable[[], object]) -> None:
        """Call, and keep how long it took."""
        start = time.perf_counter()
        call()
        self.seconds.append(time.perf_counter() - start)


def peak_mb() -> float:
    """Return the most memory this process has held so far, in MiB, as the system counts it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        # Elsewhere than on Linux; there it would begin with what the parent held.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
