"""Evidence from a graded readout: each output event sets its output's evidence to the event's value."""

import math

import numpy as np
import numpy.typing as npt

from eventsim.decisions.decision import Decision
from eventsim.decisions.rule import WindowRule
from eventsim.errors import ParameterError


class EvidenceRule(WindowRule):
    """Keeps the latest value of every output, zero at first, and reads it as softmax(scale * evidence).

    Parameters
    ----------
    n_outputs : int
        Number of output neurons.
    scale : float
        Inverse temperature of the softmax, positive.
    """

    def __init__(self, n_outputs: int, scale: float = 1.0) -> None:
        self.scale = _checked_scale(scale)
        super().__init__(n_outputs)

    @property
    def evidence(self) -> npt.NDArray[np.float64]:
        """The evidence after the last tick judged, float64[n_outputs]."""
        return np.array(self._evidence)

    def _restart(self) -> None:
        self._evidence = [0.0] * self.n_outputs

    def _tick(self, time_ns: int, address: list[int], value: list[float]) -> Decision | None:
        for output, membrane in zip(address, value, strict=True):
            self._evidence[output] = membrane
        return None

    def _force(self, end_ns: int) -> Decision | None:
        return self._decision(end_ns, early=False)

    def _top_probability(self) -> float:
        """Return the largest softmax probability: exp(0) over the sum of all, so never above 1."""
        peak, scale = max(self._evidence), self.scale
        # fsum rounds once, in any version of Python; a distance beyond the floats is -inf and adds 0.
        return 1.0 / math.fsum([math.exp(scale * (evidence - peak)) for evidence in self._evidence])

    def _decision(self, time_ns: int, *, early: bool) -> Decision:
        # A stable sort: among equal evidence the lowest index stands first, and is the label.
        rank = tuple(sorted(range(self.n_outputs), key=self._evidence.__getitem__, reverse=True))
        return Decision(rank[0], time_ns, self._top_probability(), rank, early)


def _checked_scale(scale: float) -> float:
    if not isinstance(scale, int | float | np.number) or isinstance(scale, bool):
        raise ParameterError(f"scale is {scale!r}: allowed is a positive number")
    if not math.isfinite(scale) or scale <= 0:
        raise ParameterError(f"scale is {scale!r}: allowed is a positive number")
    return float(scale)
