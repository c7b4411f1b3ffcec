import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.clip_run import ClipRunner
from apps.eval_kws import confusion, operating_point
from apps.keyword_model import keyword_model
from eventsim.bundle import Bundle
from eventsim.decisions import SoftmaxThreshold
from eventsim.session import Session
from streams.encoders import encoder_from_config

Babble = Callable[[float, int], np.ndarray]
TICK_NS = 10_000_000


@pytest.fixture(scope="module")
def runner(bundle: Bundle) -> ClipRunner:
    return ClipRunner(keyword_model(bundle))


@settings(max_examples=25)
@given(seed=st.integers(0, 100), threshold=st.floats(0, 1))
def test_every_threshold_agrees_with_the_rule_and_a_run_that_stops(
    bundle: Bundle, runner: ClipRunner, make_babble: Babble, seed: int, threshold: float
) -> None:
    """All thresholds come from one pass; the slow way is a rule and a second run that stops there."""
    clip = make_babble(1.0, seed)
    run = runner.run(clip)
    encoder = encoder_from_config(bundle.encoder)
    events = encoder.push(clip)
    session = Session(bundle.network)
    session.reset(TICK_NS)
    session.push("mel", events)
    session.advance(1_000_000_000 + TICK_NS)
    rule = SoftmaxThreshold(12, threshold)
    decision = rule.observe(session.read("readout")) or rule.close(1_000_000_000)
    assert decision is not None
    tick = run.decision_tick(threshold)
    assert run.label[tick] == decision.label
    assert run.probability[tick] == pytest.approx(decision.confidence, rel=1e-12)
    assert (tick + 1) * TICK_NS == decision.time_ns
    session.reset(TICK_NS)
    session.push("mel", events.select(events.time_ns <= (tick + 1) * TICK_NS))
    session.advance((tick + 2) * TICK_NS)
    counters = session.counters
    assert run.input_events[tick] == counters.input_events
    assert run.spikes[tick] == sum(counters.spikes.values())
    assert run.synaptic_events[tick] == counters.synaptic_events


def test_clips_do_not_influence_each_other(runner: ClipRunner, make_babble: Babble) -> None:
    first = runner.run(make_babble(1.0, 1))
    runner.run(make_babble(1.0, 2))
    again = runner.run(make_babble(1.0, 1))
    assert np.array_equal(first.probability, again.probability)
    assert np.array_equal(first.synaptic_events, again.synaptic_events)


def test_silence_is_a_run_too(runner: ClipRunner) -> None:
    run = runner.run(np.zeros(16_000, np.float32))
    assert run.probability.size == 100
    assert run.input_events[-1] == 0


def test_the_curve_is_monotonic_and_counts_add_up(runner: ClipRunner, make_babble: Babble) -> None:
    runs = [runner.run(make_babble(1.0, seed)) for seed in range(8)]
    truth = np.array([0, 1, 1, 2, 3, 3, 3, 4])
    points = [operating_point(runs, truth, threshold, 10.0) for threshold in (0.2, 0.5, 0.9, 1.0)]
    assert all(a.mean_ms <= b.mean_ms for a, b in itertools.pairwise(points))
    assert all(a.synaptic_events <= b.synaptic_events for a, b in itertools.pairwise(points))
    assert points[-1].mean_ms == points[-1].p90_ms == 1000.0
    counts = np.array(confusion(runs, truth, 1.0, 12))
    assert counts.sum(axis=1).tolist() == [1, 2, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0]
    assert np.trace(counts) / 8 == points[-1].accuracy
    present = counts[:5]
    assert points[-1].balanced_accuracy == pytest.approx(
        float(np.mean(np.diag(present) / present.sum(axis=1)))
    )
