import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.spotter import KeywordDecision, KeywordSpotter, SpotEvent, WordEnd
from eventsim.bundle import Bundle
from eventsim.decisions import SoftmaxThreshold
from eventsim.errors import BundleError, EventError, ParameterError
from eventsim.models import LIF
from eventsim.network import Network
from eventsim.session import Session
from streams.encoders import encoder_from_config
from streams.onset_gate import OnsetGate, WindowOpened

Babble = Callable[[float, int], np.ndarray]
TICK_NS = 10_000_000


@pytest.fixture(scope="module")
def spotter(bundle: Bundle) -> KeywordSpotter:
    return KeywordSpotter(bundle)


def spot(spotter: KeywordSpotter, parts: list[np.ndarray]) -> list[SpotEvent]:
    spotter.reset()
    said = [outcome for part in parts for outcome in spotter.push(part)]
    return said + spotter.finish()


def decisions(said: list[SpotEvent]) -> list[KeywordDecision]:
    return [outcome for outcome in said if isinstance(outcome, KeywordDecision)]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 50),
    seconds=st.floats(0, 4),
    borders=st.lists(st.integers(0, 10**6), max_size=10),
    full=st.booleans(),
)
def test_says_the_same_however_the_sound_is_cut(
    bundle: Bundle, make_babble: Babble, seed: int, seconds: float, borders: list[int], full: bool
) -> None:
    spotter = KeywordSpotter(bundle, full=full)
    sound = make_babble(seconds, seed)
    whole = spot(spotter, [sound])
    work = spotter.work
    parts = np.split(sound, sorted(border % (sound.size + 1) for border in borders))
    assert spot(spotter, parts) == whole
    assert spotter.work == work


def test_single_samples_make_no_difference(spotter: KeywordSpotter, make_babble: Babble) -> None:
    sound = make_babble(0.9, 3)
    assert spot(spotter, list(sound[:, np.newaxis])) == spot(spotter, [sound])


@settings(max_examples=15)
@given(seed=st.integers(0, 100))
def test_each_decision_is_what_the_network_says_of_its_window(
    bundle: Bundle, make_babble: Babble, seed: int
) -> None:
    """The slow way: encode everything, find the windows, and run each one from rest in one go."""
    sound = make_babble(5.0, seed)
    encoder = encoder_from_config(bundle.encoder)
    events = encoder.push(sound)
    gate = OnsetGate(encoder.config.n_bands, encoder.config.step, TICK_NS)
    windows = [w for w in gate.push(events, encoder.horizon_ns) if isinstance(w, WindowOpened)]
    found = decisions(spot(KeywordSpotter(bundle), [sound]))
    starts = {(d.start_ns, d.onset_ns): d for d in found}
    session, rule = Session(bundle.network), SoftmaxThreshold(12, 0.6)
    for window, after in zip(windows, [*windows[1:], None], strict=True):
        # It may be cut short by the next onset, seen one tick before, or by the end of the sound.
        stop_ns = min(window.end_ns, encoder.horizon_ns - TICK_NS)
        if after is not None:
            stop_ns = min(stop_ns, after.time_ns - TICK_NS)
        inside = (events.time_ns > window.from_ns) & (events.time_ns <= stop_ns)
        session.reset(window.start_ns + TICK_NS)
        session.push("mel", events.select(inside))
        session.advance(stop_ns + TICK_NS)
        rule.reset()
        decision = rule.observe(session.read("readout"))
        told = starts.get((window.start_ns, window.time_ns))
        if decision is None:
            # Undecided: forced, or dropped where the window at the start of the stream gave way to an onset.
            assert told is None or not told.early
            continue
        if told is None:
            # The window at the start of the stream was confirmed by an onset and decided under that name.
            assert window.provisional
            assert windows[1].start_ns == window.start_ns
            continue
        assert (told.label, told.rank[0]) == (decision.label, bundle.labels[decision.label])
        assert told.decided_ns == max(decision.time_ns, window.time_ns)
        assert told.confidence == decision.confidence
        assert told.early


def test_words_follow_each_other_and_each_ends_once(spotter: KeywordSpotter, make_babble: Babble) -> None:
    said = spot(spotter, [make_babble(30.0, 5)])
    told = decisions(said)
    ends = [outcome for outcome in said if isinstance(outcome, WordEnd)]
    assert len(told) > 10
    assert [end.decision for end in ends] == told
    assert all(earlier.onset_ns < later.onset_ns for earlier, later in itertools.pairwise(told))
    for end in ends:
        assert end.lead_ms == (end.word_end_ns - end.decision.decided_ns) / 1e6
        assert end.decision.start_ns <= end.decision.onset_ns <= end.decision.decided_ns


def test_the_network_rests_in_silence(spotter: KeywordSpotter, make_babble: Babble) -> None:
    spotter.reset()
    sound = np.concatenate((make_babble(2.0, 1), np.zeros(16_000 * 5, np.float32)))
    spotter.push(sound[: 16_000 * 4])
    before = spotter.work.synaptic_events
    spotter.push(sound[16_000 * 4 :])
    assert spotter.work.synaptic_events == before
    assert spotter.work.window_ticks < 450


def test_a_one_second_clip_is_one_window_from_its_start(bundle: Bundle) -> None:
    clip = np.zeros(16_000, np.float32)
    clip[3_000:9_000] = np.random.default_rng(0).normal(0, 0.2, 6_000)
    (decision,) = decisions(spot(KeywordSpotter(bundle, full=True), [clip]))
    assert (decision.start_ns, decision.decided_ns) == (0, 1_000_000_000)
    assert 200_000_000 <= decision.onset_ns <= 250_000_000


def test_a_word_that_is_on_when_the_stream_starts_is_judged(spotter: KeywordSpotter) -> None:
    word = np.random.default_rng(0).normal(0, 0.2, 6_000).astype(np.float32)
    (first, *_) = decisions(spot(spotter, [word]))
    assert first.start_ns == 0


def test_full_decides_at_the_end_of_the_window_only(bundle: Bundle, make_babble: Babble) -> None:
    for decision in decisions(spot(KeywordSpotter(bundle, full=True), [make_babble(6.0, 7)])):
        assert not decision.early


@settings(max_examples=10)
@given(seed=st.integers(0, 50), thresholds=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_higher_threshold_never_decides_earlier(
    bundle: Bundle, make_babble: Babble, seed: int, thresholds: tuple[float, float]
) -> None:
    sound = make_babble(2.0, seed)
    low, high = (
        {d.onset_ns: d.decided_ns for d in decisions(spot(KeywordSpotter(bundle, threshold), [sound]))}
        for threshold in sorted(thresholds)
    )
    assert all(low[onset] <= high[onset] for onset in low.keys() & high.keys())


def test_warming_up_leaves_no_trace(bundle: Bundle, make_babble: Babble) -> None:
    sound = make_babble(3.0, 4)
    fresh = KeywordSpotter(bundle)
    said = fresh.push(sound) + fresh.finish()
    fresh.warm_up()
    assert fresh.work.samples == 0
    assert spot(fresh, [sound]) == said


def test_a_bad_sample_changes_nothing(spotter: KeywordSpotter, make_babble: Babble) -> None:
    sound = make_babble(2.0, 6)
    whole = spot(spotter, [sound])
    spotter.reset()
    said = spotter.push(sound[:7_000])
    with pytest.raises(EventError, match="finite"):
        spotter.push(np.array([0.0, np.nan], np.float32))
    assert said + spotter.push(sound[7_000:]) + spotter.finish() == whole


def test_bundles_that_are_no_keyword_model_are_refused(bundle: Bundle) -> None:
    other = Network(TICK_NS)
    other.add_input("mel", 3)
    other.add_population("out", 12, LIF(tau_ns=1e7, threshold=1.0))
    for wrong, words in (
        (Bundle(other, bundle.labels, bundle.encoder, bundle.decision, {}), "inputs .* 80 addresses"),
        (Bundle(bundle.network, bundle.labels, {"kind": "eye"}, bundle.decision, {}), "kind 'eye'"),
        (
            Bundle(bundle.network, bundle.labels, {"kind": "lif"}, bundle.decision, {}),
            "'lif', not 'mel-delta'",
        ),
        (
            Bundle(bundle.network, tuple(map(str, range(24))), bundle.encoder, bundle.decision, {}),
            "12 outputs have 24 labels",
        ),
        (
            Bundle(bundle.network, bundle.labels, {**bundle.encoder, "hop_samples": 80}, bundle.decision, {}),
            "tick",
        ),
    ):
        with pytest.raises(BundleError, match=f"is no keyword model .*{words}"):
            KeywordSpotter(wrong)


def test_bad_thresholds_are_refused(bundle: Bundle) -> None:
    with pytest.raises(ParameterError):
        KeywordSpotter(bundle, threshold=1.5)
    with pytest.raises(ParameterError, match="full"):
        KeywordSpotter(bundle, threshold=0.5, full=True)
