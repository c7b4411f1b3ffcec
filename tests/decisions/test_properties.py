"""Every rule against a slow reference, and what must hold for any stream of output events."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from eventsim.decisions import (
    Decision,
    EndOfInput,
    FirstToFire,
    FixedTime,
    RankOrder,
    Rule,
    SoftmaxThreshold,
)
from eventsim.events import Events

N_OUTPUTS = 5
THRESHOLDS = st.floats(0, 1)
Tick = tuple[int, list[tuple[int, float]]]

# Few distinct values: ties between outputs must be common, not a coincidence.
VALUES = st.one_of(st.integers(-3, 6).map(float), st.floats(-50, 50, width=32))


@st.composite
def streams(draw: st.DrawFn) -> list[Tick]:
    """Ticks in rising order, each with its events (address, value); several per address may occur."""
    times = sorted(draw(st.sets(st.integers(0, 40), max_size=12)))
    pair = st.tuples(st.integers(0, N_OUTPUTS - 1), VALUES)
    return [(time, draw(st.lists(pair, min_size=1, max_size=7))) for time in times]


def events_of(ticks: list[Tick]) -> Events:
    flat = [(time, address, value) for time, pairs in ticks for address, value in pairs]
    return Events.of([f[0] for f in flat], [f[1] for f in flat], [f[2] for f in flat])


def run(rule: Rule, ticks: list[Tick], cuts: list[int] | None = None) -> Decision | None:
    """Feed whole ticks, cut into calls at `cuts`, and return the first decision."""
    borders = [0, *sorted(cuts or []), len(ticks)]
    for start, stop in itertools.pairwise(borders):
        if decision := rule.observe(events_of(ticks[start:stop])):
            return decision
    return None


def softmax(evidence: list[float], scale: float) -> list[float]:
    peak = max(evidence)
    powers = [math.exp(scale * (e - peak)) for e in evidence]
    return [p / sum(powers) for p in powers]


def reference_rank(evidence: list[float]) -> tuple[int, ...]:
    return tuple(sorted(range(len(evidence)), key=lambda i: (-evidence[i], i)))


def reference_path(ticks: list[Tick]) -> list[tuple[int, list[float]]]:
    evidence, path = [0.0] * N_OUTPUTS, []
    for time, pairs in ticks:
        for address, value in pairs:
            evidence[address] = value
        path.append((time, list(evidence)))
    return path


def reference_rank_order(ticks: list[Tick], k: int) -> Decision | None:
    order: list[int] = []
    spikes: Counter[int] = Counter()
    for time, pairs in ticks:
        spikes.update(address for address, _ in pairs)
        order += sorted({address for address, _ in pairs} - set(order))
        if len(order) >= k:
            return Decision(order[0], time, spikes[order[0]] / spikes.total(), tuple(order[:k]), True)
    return None


def same(ours: Decision | None, expected: Decision | None) -> bool:
    if ours is None or expected is None:
        return ours is expected
    exact = (ours.label, ours.time_ns, ours.rank, ours.early) == (
        expected.label,
        expected.time_ns,
        expected.rank,
        expected.early,
    )
    return exact and math.isclose(ours.confidence, expected.confidence, rel_tol=1e-12)


@given(streams(), THRESHOLDS, st.sampled_from([0.25, 1.0, 3.0]))
def test_softmax_threshold_is_the_reference(ticks: list[Tick], threshold: float, scale: float) -> None:
    expected = None
    for time, evidence in reference_path(ticks):
        confidence = max(softmax(evidence, scale))
        # Two ways of rounding one softmax: leave out thresholds that only rounding could decide.
        assume(not math.isclose(confidence, threshold, rel_tol=1e-12))
        rank = reference_rank(evidence)
        if confidence > threshold:
            expected = Decision(rank[0], time, confidence, rank, True)
            break
    assert same(run(SoftmaxThreshold(N_OUTPUTS, threshold, scale), ticks), expected)


@given(streams(), st.integers(1, N_OUTPUTS))
def test_rank_order_is_the_reference(ticks: list[Tick], k: int) -> None:
    assert same(run(RankOrder(N_OUTPUTS, k), ticks), reference_rank_order(ticks, k))


@given(streams())
def test_first_to_fire_is_the_reference(ticks: list[Tick]) -> None:
    assert same(run(FirstToFire(N_OUTPUTS), ticks), reference_rank_order(ticks, 1))


@given(streams(), st.integers(0, 45), st.integers(41, 60))
def test_fixed_time_is_the_reference(ticks: list[Tick], time_ns: int, end_ns: int) -> None:
    rule = FixedTime(N_OUTPUTS, time_ns)
    decision = run(rule, ticks) or rule.close(end_ns)
    evidence = [0.0] * N_OUTPUTS
    for time, after in reference_path(ticks):
        if time <= time_ns:
            evidence = after
    rank = reference_rank(evidence)
    expected = Decision(rank[0], min(time_ns, end_ns), max(softmax(evidence, 1.0)), rank, time_ns < end_ns)
    assert same(decision, expected)


@given(streams())
def test_end_of_input_is_the_reference(ticks: list[Tick]) -> None:
    rule = EndOfInput(N_OUTPUTS)
    assert run(rule, ticks) is None
    evidence = ([(0, [0.0] * N_OUTPUTS), *reference_path(ticks)])[-1][1]
    rank = reference_rank(evidence)
    assert same(rule.close(99), Decision(rank[0], 99, max(softmax(evidence, 1.0)), rank, False))


RULES = st.one_of(
    THRESHOLDS.map(lambda t: SoftmaxThreshold(N_OUTPUTS, t)),
    st.integers(1, N_OUTPUTS).map(lambda k: RankOrder(N_OUTPUTS, k)),
    st.integers(0, 45).map(lambda t: FixedTime(N_OUTPUTS, t)),
    st.builds(EndOfInput, st.just(N_OUTPUTS)),
)


@given(st.data(), RULES, streams())
def test_any_cut_into_calls_gives_the_same_decision(
    data: st.DataObject, rule: Rule, ticks: list[Tick]
) -> None:
    whole = run(rule, ticks) or rule.close(100)
    rule.reset()
    cuts = data.draw(st.lists(st.integers(0, len(ticks)), max_size=6))
    cut = run(rule, ticks, cuts) or rule.close(100)
    assert cut == whole  # every bit of the confidence, too


@given(streams(), THRESHOLDS, THRESHOLDS)
def test_a_higher_threshold_never_decides_earlier(ticks: list[Tick], one: float, other: float) -> None:
    low, high = sorted((one, other))
    early, late = (run(SoftmaxThreshold(N_OUTPUTS, t), ticks) for t in (low, high))
    if late is not None:
        assert early is not None
        assert early.time_ns <= late.time_ns


@given(RULES, streams(), st.integers(0, 12))
def test_what_comes_after_the_decision_cannot_change_it(rule: Rule, ticks: list[Tick], kept: int) -> None:
    """Stopping at the first crossing gives the label that the whole run has at its first crossing."""
    one_by_one = [rule.observe(events_of([tick])) for tick in ticks]
    spoke_at = next((i for i, answer in enumerate(one_by_one) if answer is not None), None)
    rule.reset()
    stopped = run(rule, ticks[:kept])
    assert stopped == (None if spoke_at is None or kept <= spoke_at else one_by_one[spoke_at])


@given(RULES, streams())
def test_the_answer_is_given_once(rule: Rule, ticks: list[Tick]) -> None:
    answers = [rule.observe(events_of([tick])) for tick in ticks] + [rule.close(100), rule.close(100)]
    assert sum(answer is not None for answer in answers) <= 1
    rule.reset()
    again = [rule.observe(events_of([tick])) for tick in ticks] + [rule.close(100), rule.close(100)]
    assert again == answers


@given(st.data(), streams(), THRESHOLDS)
def test_the_order_of_different_outputs_inside_a_tick_does_not_matter(
    data: st.DataObject, ticks: list[Tick], threshold: float
) -> None:
    once = [(time, list(dict(pairs).items())) for time, pairs in ticks]
    shuffled = [(time, data.draw(st.permutations(pairs))) for time, pairs in once]
    for rule in (SoftmaxThreshold(N_OUTPUTS, threshold), RankOrder(N_OUTPUTS, 3)):
        straight = run(rule, once)
        rule.reset()
        assert run(rule, shuffled) == straight


@given(RULES, streams(), st.integers(0, 10**15))
def test_a_window_may_start_anywhere(rule: Rule, ticks: list[Tick], start_ns: int) -> None:
    at_zero = run(rule, ticks) or rule.close(100)
    rule.reset(start_ns)
    moved = run(rule, [(time + start_ns, pairs) for time, pairs in ticks]) or rule.close(start_ns + 100)
    if at_zero is None or moved is None:
        assert moved is at_zero
    else:
        assert (moved.label, moved.confidence, moved.rank) == (
            at_zero.label,
            at_zero.confidence,
            at_zero.rank,
        )
        assert moved.time_ns == at_zero.time_ns + start_ns


@given(st.integers(1, 5000))
@example(1024)
@example(1025)
def test_a_long_stretch_in_one_call_decides_where_single_ticks_do(crossing: int) -> None:
    n_ticks = 5001
    rise = np.zeros(n_ticks, dtype=np.float32)
    rise[crossing:] = 9.0
    long = Events.of(np.arange(n_ticks), np.zeros(n_ticks, dtype=np.int64), rise)
    decision = SoftmaxThreshold(N_OUTPUTS, 0.9).observe(long)
    assert decision is not None
    assert decision.time_ns == crossing


@pytest.mark.parametrize("spread", [1e30, 3e38])
def test_huge_evidence_neither_overflows_nor_warns(spread: float) -> None:
    with np.errstate(all="raise", under="ignore"):
        decision = SoftmaxThreshold(2, 0.9, scale=1e300).observe(Events.of([0, 0], [0, 1], [-spread, spread]))
    assert decision == Decision(1, 0, 1.0, (1, 0), True)
