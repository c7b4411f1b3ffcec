"""Decide at the end of the input: the answer without early decision."""

from eventsim.decisions.evidence import EvidenceRule


class EndOfInput(EvidenceRule):
    """Says nothing until the input has ended, then the output with most evidence.

    Parameters
    ----------
    n_outputs : int
        Number of output neurons.
    scale : float
        Inverse temperature of the softmax that gives the confidence, positive.

    Examples
    --------
    >>> from eventsim.events import Events
    >>> rule = EndOfInput(n_outputs=2)
    >>> rule.observe(Events.of([10, 20], [0, 1], [9.0, 10.0]))
    >>> rule.close(end_ns=100)
    Decision(label=1, time_ns=100, confidence=0.7310..., rank=(1, 0), early=False)
    """
