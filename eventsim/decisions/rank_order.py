"""Decide by the order in which outputs first fire."""

from eventsim.decisions.decision import Decision
from eventsim.decisions.rule import WindowRule, checked_count


class RankOrder(WindowRule):
    """Decides after the tick in which the k-th different output has fired; the label fired first.

    Outputs that first fire in the same tick stand in order of index. `rank` holds the first k outputs, and
    the confidence is the share of all spikes so far that came from the label. Values are not looked at: an
    event is a spike. If the input ends with fewer than k outputs heard, those heard decide; if none has
    fired there is no answer, and `close` returns None.

    Source: Thorpe & Gautrais 1998 (rank order coding): information lies in the order of first spikes.

    Parameters
    ----------
    n_outputs : int
        Number of output neurons.
    k : int
        How many different outputs must fire, from 1 to n_outputs.

    Raises
    ------
    ParameterError
        A parameter is outside what is allowed.

    Examples
    --------
    >>> from eventsim.events import Events
    >>> rule = RankOrder(n_outputs=4, k=2)
    >>> rule.observe(Events.of([0, 10, 20], [3, 3, 1]))
    Decision(label=3, time_ns=20, confidence=0.6666..., rank=(3, 1), early=True)
    """

    def __init__(self, n_outputs: int, k: int) -> None:
        self.k = checked_count("k", k, highest=checked_count("n_outputs", n_outputs))
        super().__init__(n_outputs)

    def _restart(self) -> None:
        self._order: list[int] = []
        self._spikes = [0] * self.n_outputs

    def _tick(self, time_ns: int, address: list[int], value: list[float]) -> Decision | None:
        self._order += sorted(output for output in set(address) if self._spikes[output] == 0)
        for output in address:
            self._spikes[output] += 1
        return self._decision(time_ns, early=True) if len(self._order) >= self.k else None

    def _force(self, end_ns: int) -> Decision | None:
        return self._decision(end_ns, early=False) if self._order else None

    def _decision(self, time_ns: int, *, early: bool) -> Decision:
        label = self._order[0]
        confidence = self._spikes[label] / sum(self._spikes)
        return Decision(label, time_ns, confidence, tuple(self._order[: self.k]), early)
