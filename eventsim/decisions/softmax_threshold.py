"""Decide as soon as one output is probable enough: early decision on graded evidence."""

import math

import numpy as np

from eventsim.decisions.decision import Decision
from eventsim.decisions.evidence import EvidenceRule
from eventsim.errors import ParameterError


class SoftmaxThreshold(EvidenceRule):
    """Decides after the first whole tick at which the largest softmax probability exceeds the threshold.

    The evidence starts at zero and each output event sets its output's evidence to the event's value (the
    membrane of a graded readout). After all events of a tick, p = softmax(scale * evidence) and the rule
    decides where max p > threshold, strictly; the label is the most probable output, the lowest index
    among equals. Since p does not depend on the threshold, a higher threshold never decides earlier, and
    threshold 1 never decides before the end.

    Source: Jeffares et al. 2022 (rank coding), inference that stops at the first crossing; with a softmax
    where their code has independent sigmoids, to match the loss the network is trained with.

    Parameters
    ----------
    n_outputs : int
        Number of output neurons.
    threshold : float
        Probability to exceed, in [0, 1].
    scale : float
        Inverse temperature of the softmax, positive.

    Raises
    ------
    ParameterError
        A parameter is outside what is allowed.

    Examples
    --------
    >>> from eventsim.events import Events
    >>> rule = SoftmaxThreshold(n_outputs=3, threshold=0.9)
    >>> rule.observe(Events.of([0, 0, 10, 10], [0, 1, 1, 2], [1.0, 2.0, 6.0, 0.5]))
    Decision(label=1, time_ns=10, confidence=0.9892..., rank=(1, 0, 2), early=True)
    """

    def __init__(self, n_outputs: int, threshold: float, scale: float = 1.0) -> None:
        self.threshold = checked_threshold(threshold)
        super().__init__(n_outputs, scale)

    def _tick(self, time_ns: int, address: list[int], value: list[float]) -> Decision | None:
        super()._tick(time_ns, address, value)
        return self._decision(time_ns, early=True) if self._top_probability() > self.threshold else None


def checked_threshold(threshold: float) -> float:
    """Return `threshold` if it is a number in [0, 1]; otherwise ParameterError says so."""
    number = isinstance(threshold, int | float | np.number) and not isinstance(threshold, bool)
    if not number or math.isnan(threshold) or not 0 <= threshold <= 1:
        raise ParameterError(f"threshold is {threshold!r}: allowed is a number from 0 to 1")
    return float(threshold)
