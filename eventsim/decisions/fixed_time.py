"""Decide at a time fixed beforehand, whatever the evidence: the baseline an early decision has to beat."""

import numpy as np

from eventsim.decisions.decision import Decision
from eventsim.decisions.evidence import EvidenceRule
from eventsim.errors import ParameterError


class FixedTime(EvidenceRule):
    """Decides from the evidence of all events up to and including `time_ns` after the start of the window.

    The decision carries that time. The rule speaks when it first knows that the time is over: at an event
    at or after it, or, if none comes, when the input is closed.

    Parameters
    ----------
    n_outputs : int
        Number of output neurons.
    time_ns : int
        Time of the decision after the start given to `reset`, in ns, not negative.
    scale : float
        Inverse temperature of the softmax that gives the confidence, positive.

    Raises
    ------
    ParameterError
        A parameter is outside what is allowed.

    Examples
    --------
    >>> from eventsim.events import Events
    >>> rule = FixedTime(n_outputs=2, time_ns=15)
    >>> rule.observe(Events.of([10, 20], [0, 1], [9.0, 10.0]))
    Decision(label=0, time_ns=15, confidence=0.9998..., rank=(0, 1), early=True)
    """

    def __init__(self, n_outputs: int, time_ns: int, scale: float = 1.0) -> None:
        whole = isinstance(time_ns, int | np.integer) and not isinstance(time_ns, bool)
        if not whole or time_ns < 0:
            raise ParameterError(f"time_ns is {time_ns!r}: allowed is a whole number of ns, not negative")
        self.time_ns = int(time_ns)
        super().__init__(n_outputs, scale)

    def _tick(self, time_ns: int, address: list[int], value: list[float]) -> Decision | None:
        due_ns = self._start_ns + self.time_ns
        if time_ns <= due_ns:
            super()._tick(time_ns, address, value)
        return self._decision(due_ns, early=True) if time_ns >= due_ns else None

    def _force(self, end_ns: int) -> Decision | None:
        due_ns = self._start_ns + self.time_ns
        return self._decision(min(due_ns, end_ns), early=due_ns < end_ns)
