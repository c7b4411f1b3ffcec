"""Four defects of the published rank-coding code, each of which these rules must not have.

Source: NeuromorphicComputing/RankCoding, notebooks (argmax of a 0/1 vector; argmax over counts; model
chosen on the test set; softmax loss on sigmoid outputs).
"""

import numpy as np

from eventsim.decisions import EndOfInput, FirstToFire, SoftmaxThreshold
from eventsim.events import Events


def test_a_crossing_at_time_zero_counts() -> None:
    """There, argmax of a 0/1 vector is 0 both for "at step 0" and for "never"."""
    decision = SoftmaxThreshold(3, 0.9).observe(Events.of([0, 10], [2, 1], [9.0, 30.0]))
    assert decision is not None
    assert (decision.label, decision.time_ns) == (2, 0)
    spike = FirstToFire(3).observe(Events.of([0, 10], [2, 1]))
    assert spike is not None
    assert (spike.label, spike.time_ns) == (2, 0)


def test_never_crossing_is_not_a_crossing_at_time_zero() -> None:
    assert SoftmaxThreshold(3, 0.9).observe(Events.of([0, 10], [0, 1], [0.1, 0.2])) is None
    assert FirstToFire(3).close(100) is None


def test_the_first_crossing_counts_not_the_one_with_most_outputs() -> None:
    """There, argmax runs over the count of outputs above threshold per step."""
    outputs = Events.of([10, 20, 20, 20], [2, 0, 1, 3])
    decision = FirstToFire(4).observe(outputs)
    assert decision is not None
    assert (decision.label, decision.time_ns) == (2, 10)
    # Nor the most confident one.
    graded = SoftmaxThreshold(2, 0.6).observe(Events.of([10, 20], [1, 0], [1.0, 50.0]))
    assert graded is not None
    assert (graded.label, graded.time_ns) == (1, 10)


def test_a_rule_does_not_look_ahead_of_its_decision() -> None:
    """There, stopping was chosen on the very data reported; here nothing later reaches the decision."""
    head = Events.of([10], [1], [5.0])
    for later in ([0.0], [80.0], [-80.0]):
        rule = SoftmaxThreshold(2, 0.9)
        tail = Events.of([20], [0], later)
        assert rule.observe(Events.concatenate([head, tail])) == SoftmaxThreshold(2, 0.9).observe(head)


def test_confidences_are_one_distribution_over_the_outputs() -> None:
    """There, outputs are independent sigmoids: several can be near 1 at once. A softmax cannot."""
    decision = SoftmaxThreshold(2, 0.5).observe(Events.of([0, 0], [0, 1], [20.0, 20.0]))
    assert decision is None  # both are large, neither is more probable than the other
    rule = EndOfInput(4)
    rule.observe(Events.of([0, 0], [1, 3], [2.0, 1.0]))
    forced = rule.close(10)
    assert forced is not None
    powers = np.exp([0.0, 2.0, 0.0, 1.0])
    assert np.isclose(forced.confidence, powers[1] / powers.sum(), rtol=1e-12)
