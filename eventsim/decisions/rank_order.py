"""Decide by the order in which outputs first fire."""

import numpy as np

from eventsim.decisions.decision import Decision
from eventsim.decisions.rule import WindowRule, checked_count, tick_starts
from eventsim.events import Events


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
        self._spikes = np.zeros(self.n_outputs, dtype=np.int64)

    def _watch(self, outputs: Events) -> Decision | None:
        starts = tick_starts(outputs.time_ns)
        address, position = np.unique(outputs.address, return_index=True)
        tick = np.searchsorted(starts, position, side="right") - 1
        # unique gives addresses in ascending order, and a stable sort by tick keeps that inside a tick.
        by_tick = np.argsort(tick, kind="stable")
        known = set(self._order)
        new = [(int(tick[at]), int(address[at])) for at in by_tick if int(address[at]) not in known]
        missing = self.k - len(self._order)
        decided = len(new) >= missing
        last_tick = new[missing - 1][0] if decided else len(starts) - 1
        end = int(starts[last_tick + 1]) if last_tick + 1 < len(starts) else len(outputs)
        self._order += [output for at_tick, output in new if at_tick <= last_tick]
        self._spikes += np.bincount(outputs.address[:end], minlength=self.n_outputs)
        return self._decision(int(outputs.time_ns[end - 1]), early=True) if decided else None

    def _force(self, end_ns: int) -> Decision | None:
        return self._decision(end_ns, early=False) if self._order else None

    def _decision(self, time_ns: int, *, early: bool) -> Decision:
        label = self._order[0]
        confidence = float(self._spikes[label] / self._spikes.sum())
        return Decision(label, time_ns, confidence, tuple(self._order[: self.k]), early)
