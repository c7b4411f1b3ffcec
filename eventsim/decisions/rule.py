"""What every decision rule promises, and the part of that promise that all rules keep in the same way."""

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np

from eventsim.decisions.decision import Decision
from eventsim.errors import CausalityError, EventError, ParameterError
from eventsim.events import Events


@runtime_checkable
class Rule(Protocol):
    """Watches the output events of a network and says once, per window, what the answer is.

    A window begins with `reset`, is fed by any number of `observe` calls, and is ended by `close`.
    """

    def reset(self, start_ns: int = 0) -> None:
        """Forget everything and begin a window at `start_ns`."""
        ...

    def observe(self, outputs: Events) -> Decision | None:
        """Return the decision at the first tick that brings it about, otherwise None."""
        ...

    def close(self, end_ns: int) -> Decision | None:
        """Return the forced decision at the end of the input, or None if the rule already decided."""
        ...


class WindowRule(ABC):
    """Guards one window for a rule: time runs forwards, addresses exist, the answer is given once.

    Parameters
    ----------
    n_outputs : int
        Number of output neurons, at least 1.
    """

    def __init__(self, n_outputs: int) -> None:
        self.n_outputs = checked_count("n_outputs", n_outputs)
        self.reset()

    def reset(self, start_ns: int = 0) -> None:
        """Forget everything and begin a window at `start_ns`; an output event before it will be refused."""
        self._start_ns = int(start_ns)
        # The latest tick already judged. A tick is judged whole, so the next one must be strictly later.
        self._judged_ns = self._start_ns - 1
        self._decided = False
        self._restart()

    def observe(self, outputs: Events) -> Decision | None:
        """Return the decision at the first tick of `outputs` that brings it about, otherwise None.

        Parameters
        ----------
        outputs : Events
            Output events of one or more *whole* ticks, in time order, as `Session.read` returns them after
            `Session.advance`. All events of a tick are applied before the tick is judged; judging stops at
            the first tick that decides. After a decision every call returns None until `reset`.

        Raises
        ------
        CausalityError
            An event is earlier than the one before it, or belongs to a tick that an earlier call has
            already judged. The rest of a tick that was cut in two is therefore refused, not misread: half
            a tick could have decided what the whole tick would not. Nothing has changed then.
        EventError
            An address is not an output, or a value is not finite. Nothing has changed then.
        """
        if self._decided or len(outputs) == 0:
            return None
        # Plain lists: a call of a live stream brings a dozen events, on which numpy is several times slower.
        time_ns, address, value = outputs.time_ns.tolist(), outputs.address.tolist(), outputs.value.tolist()
        self._check(time_ns, address, value)
        decision, start = None, 0
        while start < len(time_ns) and decision is None:
            self._judged_ns = time_ns[start]
            stop = bisect_right(time_ns, self._judged_ns, lo=start)
            decision = self._tick(self._judged_ns, address[start:stop], value[start:stop])
            start = stop
        self._decided = decision is not None
        return decision

    def close(self, end_ns: int) -> Decision | None:
        """Return the forced decision at the end of the input, or None if the rule already decided.

        Parameters
        ----------
        end_ns : int
            Time at which the input ended; not earlier than the last event observed.

        Raises
        ------
        CausalityError
            `end_ns` is earlier than an event already observed, or than the start of the window.
        """
        if self._decided:
            return None
        earliest_ns = max(self._judged_ns, self._start_ns)
        if end_ns < earliest_ns:
            raise CausalityError(
                f"the input cannot end at {end_ns} ns: the rule is already at {earliest_ns} ns"
            )
        self._decided = True
        return self._force(int(end_ns))

    def _check(self, time_ns: list[int], address: list[int], value: list[float]) -> None:
        if time_ns[0] <= self._judged_ns:
            raise CausalityError(_too_early(time_ns[0], self._judged_ns, self._start_ns))
        if time_ns != sorted(time_ns):
            before, after = next((a, b) for a, b in pairwise(time_ns) if b < a)
            raise CausalityError(
                f"output event at {after} ns follows one at {before} ns: time order is needed"
            )
        if min(address) < 0 or max(address) >= self.n_outputs:
            wrong = next(a for a in address if not 0 <= a < self.n_outputs)
            raise EventError(f"output address {wrong} does not exist: allowed are 0 to {self.n_outputs - 1}")
        if not all(map(math.isfinite, value)):
            raise EventError("an output event carries a value that is not finite")

    @abstractmethod
    def _restart(self) -> None:
        """Forget the window's evidence."""

    @abstractmethod
    def _tick(self, time_ns: int, address: list[int], value: list[float]) -> Decision | None:
        """Apply all events of one tick, checked, and return the decision if this tick brings it about."""

    @abstractmethod
    def _force(self, end_ns: int) -> Decision | None:
        """Return what the evidence so far says; None if it says nothing."""


def checked_count(name: str, count: int, highest: int | None = None) -> int:
    """Return `count` if it is a whole number from 1 to `highest`; otherwise ParameterError says so."""
    whole = isinstance(count, int | np.integer) and not isinstance(count, bool)
    if not whole or count < 1 or (highest is not None and count > highest):
        allowed = "a whole number from 1" + ("" if highest is None else f" to {highest}")
        raise ParameterError(f"{name} is {count!r}: allowed is {allowed}")
    return int(count)


def _too_early(event_ns: int, judged_ns: int, start_ns: int) -> str:
    if judged_ns < start_ns:
        return f"output event at {event_ns} ns is before the start of the window at {start_ns} ns"
    if event_ns == judged_ns:
        return f"output event at {event_ns} ns belongs to a tick already judged: observe whole ticks"
    return f"output event at {event_ns} ns is earlier than the rule's clock at {judged_ns} ns"
