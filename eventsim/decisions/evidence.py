"""Evidence from a graded readout: each output event sets its output's evidence to the event's value."""

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from eventsim.decisions.decision import Decision
from eventsim.decisions.rule import WindowRule, tick_starts
from eventsim.errors import ParameterError
from eventsim.events import Events

# Ticks judged at once: bounds the memory of one call (ticks x outputs) however long the recording is.
_TICKS_AT_ONCE = 1024


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
        """The evidence after the last tick observed, float64[n_outputs] (a copy)."""
        return self._evidence.copy()

    def _restart(self) -> None:
        self._evidence = np.zeros(self.n_outputs)

    def _watch(self, outputs: Events) -> Decision | None:
        starts = tick_starts(outputs.time_ns)
        borders = [*starts.tolist(), len(outputs)]
        for first in range(0, len(starts), _TICKS_AT_ONCE):
            tick_ns = outputs.time_ns[starts[first : first + _TICKS_AT_ONCE]]
            path = self._path(outputs, borders[first : first + _TICKS_AT_ONCE + 1])
            row = self._judge(path)
            self._evidence = path[-1 if row is None else row].copy()
            if row is not None:
                return self._decision(int(tick_ns[row]), early=True)
        return None

    def _force(self, end_ns: int) -> Decision | None:
        return self._decision(end_ns, early=False)

    def _judge(self, path: npt.NDArray[np.float64]) -> int | None:
        """Return the first row of `path` (ticks x outputs) that decides; by default none does."""
        return None

    def _path(self, outputs: Events, borders: list[int]) -> npt.NDArray[np.float64]:
        """Return the evidence after each tick, float64[ticks, n_outputs]; `borders` cut events into ticks."""
        path = np.empty((len(borders) - 1, self.n_outputs))
        evidence = self._evidence.copy()
        address, value = outputs.address.astype(np.intp), outputs.value
        for row, (start, stop) in enumerate(pairwise(borders)):
            evidence[address[start:stop]] = value[start:stop]
            path[row] = evidence
        return path

    def _top_probability(self, path: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the largest softmax probability of each row: exp(0) over the sum, so never above 1."""
        distance = path - path.max(axis=1, keepdims=True)
        # A product may overflow to -inf and an exponential underflow to 0: both are the right answer.
        with np.errstate(under="ignore", over="ignore"):
            distance *= self.scale
            total: npt.NDArray[np.float64] = np.exp(distance, out=distance).sum(axis=1)
        return np.reciprocal(total)

    def _decision(self, time_ns: int, *, early: bool) -> Decision:
        # A stable sort: among equal evidence the lowest index stands first, and is the label.
        rank = tuple(np.argsort(-self._evidence, kind="stable").tolist())
        confidence = float(self._top_probability(self._evidence[np.newaxis])[0])
        return Decision(rank[0], time_ns, confidence, rank, early)


def _checked_scale(scale: float) -> float:
    if not isinstance(scale, int | float | np.number) or isinstance(scale, bool):
        raise ParameterError(f"scale is {scale!r}: allowed is a positive number")
    if not math.isfinite(scale) or scale <= 0:
        raise ParameterError(f"scale is {scale!r}: allowed is a positive number")
    return float(scale)
