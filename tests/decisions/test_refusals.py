"""What the rules refuse, and that a refusal changes nothing."""

import numpy as np
import pytest

from eventsim.decisions import (
    EndOfInput,
    FirstToFire,
    FixedTime,
    RankOrder,
    Rule,
    SoftmaxThreshold,
    rule_from,
)
from eventsim.errors import CausalityError, EventError, ParameterError
from eventsim.events import Events


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), float("inf"), "0.5", None, True])
def test_threshold_outside_zero_to_one(threshold: float) -> None:
    with pytest.raises(ParameterError, match=r"threshold is .*: allowed is a number from 0 to 1"):
        SoftmaxThreshold(3, threshold)


def test_thresholds_zero_and_one_are_allowed() -> None:
    certain = Events.of([5], [1], [1e6])
    assert SoftmaxThreshold(3, 1.0).observe(certain) is None  # p = 1 is not above 1
    assert SoftmaxThreshold(3, 0.0).observe(Events.of([5], [1], [0.0])) is not None
    assert SoftmaxThreshold(3, 0).observe(Events.empty()) is None  # no tick, nothing to judge


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf"), "1", True])
def test_scale_must_be_positive(scale: float) -> None:
    with pytest.raises(ParameterError, match="scale"):
        EndOfInput(3, scale)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "3"])
def test_counts_must_be_whole_and_positive(count: int) -> None:
    with pytest.raises(ParameterError, match="n_outputs"):
        FirstToFire(count)
    with pytest.raises(ParameterError, match="k is"):
        RankOrder(3, count)


def test_k_cannot_exceed_the_outputs() -> None:
    with pytest.raises(ParameterError, match="k is 4: allowed is a whole number from 1 to 3"):
        RankOrder(3, 4)


@pytest.mark.parametrize("time_ns", [-1, 0.5, True])
def test_fixed_time_must_be_whole_and_not_negative(time_ns: int) -> None:
    with pytest.raises(ParameterError, match="time_ns"):
        FixedTime(3, time_ns)


RULES: list[Rule] = [SoftmaxThreshold(3, 0.99), EndOfInput(3), RankOrder(3, 3), FixedTime(3, 10**6)]
NAN = Events(np.array([90]), np.array([0], dtype=np.int32), np.array([np.nan], dtype=np.float32))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (Events.of([40], [0]), CausalityError, "40 ns is earlier than the rule's clock at 50 ns"),
        (Events.of([50], [0]), CausalityError, "50 ns belongs to a tick already judged"),
        (Events.of([70, 60], [0, 0]), CausalityError, "60 ns follows one at 70 ns"),
        (Events.of([60, 60], [0, 3]), EventError, "address 3 does not exist: allowed are 0 to 2"),
        (NAN, EventError, "not finite"),
    ],
)
def test_a_refused_event_changes_nothing(
    rule: Rule, bad: Events, error: type[Exception], message: str
) -> None:
    after = Events.of([60, 70], [2, 1], [3.0, 0.5])
    rule.reset()
    rule.observe(Events.of([50], [0], [1.0]))
    untouched = (rule.observe(after), rule.close(100))
    rule.reset()
    rule.observe(Events.of([50], [0], [1.0]))
    with pytest.raises(error, match=message):
        rule.observe(bad)
    assert (rule.observe(after), rule.close(100)) == untouched


def test_an_event_before_the_window_is_refused() -> None:
    rule = EndOfInput(2)
    rule.reset(start_ns=100)
    with pytest.raises(CausalityError, match="99 ns is before the start of the window at 100 ns"):
        rule.observe(Events.of([99], [0]))


def test_input_cannot_end_before_what_was_observed() -> None:
    rule = EndOfInput(2)
    rule.observe(Events.of([50], [0]))
    with pytest.raises(CausalityError, match="cannot end at 49 ns: the rule is already at 50 ns"):
        rule.close(49)
    assert rule.close(50) is not None


@pytest.mark.parametrize(
    ("decision", "made"),
    [
        ({"kind": "softmax-threshold", "threshold": 0.9, "scale": 2.0}, SoftmaxThreshold),
        ({"kind": "softmax-threshold", "threshold": 0.9}, SoftmaxThreshold),
        ({"kind": "end-of-input", "scale": 2.0}, EndOfInput),
        ({"kind": "first-to-fire"}, FirstToFire),
        ({"kind": "rank-order", "k": 2}, RankOrder),
        ({"kind": "fixed-time", "time_ns": 5}, FixedTime),
    ],
)
def test_rules_by_name(decision: dict[str, object], made: type[Rule]) -> None:
    rule = rule_from(decision, 3)
    assert type(rule) is made
    assert isinstance(rule, Rule)
    for name, value in decision.items():
        assert name == "kind" or getattr(rule, name) == value


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        ({}, "decision rule None does not exist: allowed are softmax-threshold"),
        ({"kind": "oracle"}, "'oracle' does not exist"),
        ({"kind": ["oracle"]}, "does not exist"),
        ({"kind": "softmax-threshold"}, "needs 'threshold'"),
        (
            {"kind": "softmax-threshold", "threshold": 0.5, "k": 1},
            "no parameter 'k': allowed are threshold, scale",
        ),
        ({"kind": "first-to-fire", "scale": 1.0}, "no parameter 'scale': allowed are none"),
        ({"kind": "softmax-threshold", "threshold": 7}, "from 0 to 1"),
    ],
)
def test_bad_rule_entries(decision: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        rule_from(decision, 3)


def test_a_threshold_given_at_the_call_wins_or_is_refused() -> None:
    rule = rule_from({"kind": "softmax-threshold", "threshold": 0.9}, 3, threshold=0.0)
    assert isinstance(rule, SoftmaxThreshold)
    assert rule.threshold == 0.0
    with pytest.raises(ParameterError, match="'first-to-fire' has no threshold"):
        rule_from({"kind": "first-to-fire"}, 3, threshold=0.5)


def test_the_evidence_can_be_read_but_not_changed() -> None:
    rule = EndOfInput(2)
    rule.observe(Events.of([0], [1], [4.0]))
    rule.evidence[0] = 9.0
    assert rule.evidence.tolist() == [0.0, 4.0]
