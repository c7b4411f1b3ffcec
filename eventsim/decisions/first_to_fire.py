"""Decide at the first output spike."""

from eventsim.decisions.rank_order import RankOrder


class FirstToFire(RankOrder):
    """Decides at the first tick in which an output fires, for that output; the lowest index among several.

    The confidence is the share of that tick's spikes that came from the label: 1 unless outputs tie. If no
    output fires there is no answer, and `close` returns None.

    Parameters
    ----------
    n_outputs : int
        Number of output neurons.

    Examples
    --------
    >>> from eventsim.events import Events
    >>> FirstToFire(n_outputs=3).observe(Events.of([0, 0, 10], [2, 1, 0]))
    Decision(label=1, time_ns=0, confidence=0.5, rank=(1,), early=True)
    """

    def __init__(self, n_outputs: int) -> None:
        super().__init__(n_outputs, k=1)
