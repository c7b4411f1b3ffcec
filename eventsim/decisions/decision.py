"""The answer a decision rule gives: what, when, how sure, and in which order the outputs stood."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer, given once per window.

    Parameters
    ----------
    label : int
        Index of the chosen output neuron.
    time_ns : int
        Time of the tick whose events brought the decision about; for a forced decision the end of the input.
    confidence : float
        In [0, 1]. Rules on graded evidence give the softmax probability of the label, rules on spikes the
        share of the output spikes so far that came from the label.
    rank : tuple of int
        Outputs in order: from most to least evidence, or by time of first spike. `rank[0] == label`.
    early : bool
        True where the rule decided before the input was known to have ended.
    """

    label: int
    time_ns: int
    confidence: float
    rank: tuple[int, ...]
    early: bool
