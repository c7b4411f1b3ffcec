import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import EventError, ParameterError
from eventsim.events import Events
from streams.onset_gate import OnsetGate, OnsetGateConfig, WindowOpened, WordEnded

TICK_NS = 10_000_000
N_BANDS = 4
STEP = 0.5
# Short times, so that few ticks reach every branch: window 12, look-back 4, minimum 3, hold 2, rearm 10.
CONFIG = OnsetGateConfig(
    rise_db=4.0,
    minimum_ms=30,
    look_back_ms=40,
    window_ms=120,
    end_fraction=0.25,
    end_hold_ms=20,
    rearm_ms=100,
)


def reference(changes: list[int]) -> list[WindowOpened | WordEnded]:
    """The gate, slowly: at every tick the whole past is looked at again."""
    rise = CONFIG.rise_db * N_BANDS / (STEP * 10 / np.log(10))
    levels = np.concatenate(([0.0], np.cumsum(changes)))
    said: list[WindowOpened | WordEnded] = []
    onset, base, ended_at, provisional = 0, -rise, None, True
    if changes:
        said.append(WindowOpened(0, 0, 0, 12 * TICK_NS, True))
    for tick in range(1, levels.size):
        before = levels[max(0, tick - 3) : tick].min()
        word = levels[onset : tick + 1]
        low = np.flatnonzero(word > base + 0.25 * (np.maximum.accumulate(word) - base))
        below_since = onset + (int(low[-1]) + 1 if low.size else 0)
        # The onset tick itself is the first that is followed only in the next step.
        if ended_at is None and below_since <= tick and tick - below_since >= 2 and tick > onset:
            ended_at = below_since
            said.append(WordEnded(tick * TICK_NS, below_since * TICK_NS))
        may = ended_at is not None or provisional or tick - onset >= 10
        if levels[tick] - before > rise and may:
            start = max(0, tick - 4)
            free = max((w.end_ns // TICK_NS for w in said if isinstance(w, WordEnded)), default=0)
            first = max(start, min(free, tick))
            said.append(WindowOpened(*(t * TICK_NS for t in (tick, start, first, start + 12)), False))
            onset, base, ended_at, provisional = tick, before, None, False
    return said


def events_of(changes: list[int]) -> Events:
    """Events whose steps up less steps down are `changes`, spread over bands, some going both ways."""
    time, address, value = [], [], []
    for tick, change in enumerate(changes, start=1):
        band = tick % N_BANDS
        for steps, where in ((max(change, 0) + 1, band), (max(-change, 0) + 1, band + N_BANDS)):
            time.append(tick * TICK_NS)
            address.append(where)
            value.append(steps)
    return Events.of(time or np.empty(0, np.int64), address or np.empty(0, np.int64), value or [])


def gate() -> OnsetGate:
    return OnsetGate(N_BANDS, STEP, TICK_NS, CONFIG)


changes = st.lists(st.one_of(st.just(0), st.integers(-3, 3), st.sampled_from([-12, -9, 9, 12])), max_size=80)


@settings(max_examples=300)
@given(changes=changes)
def test_agrees_with_the_slow_reference(changes: list[int]) -> None:
    events = events_of(changes) if changes else Events.empty()
    assert gate().push(events, (len(changes) + 1) * TICK_NS) == reference(changes)


@settings(max_examples=200)
@given(changes=changes, borders=st.lists(st.integers(1, 81), max_size=8), data=st.data())
def test_says_the_same_however_events_are_cut_and_ordered(
    changes: list[int], borders: list[int], data: st.DataObject
) -> None:
    events = events_of(changes) if changes else Events.empty()
    order = np.array(data.draw(st.permutations(range(len(events)))), np.int64)
    shuffled = events.select(order)
    whole = gate().push(events, (len(changes) + 1) * TICK_NS)
    parts, said, start = gate(), [], 0
    for border in sorted([*(min(b, len(changes) + 1) for b in borders), len(changes) + 1]):
        inside = (shuffled.time_ns >= start * TICK_NS) & (shuffled.time_ns < border * TICK_NS)
        said += parts.push(shuffled.select(inside), border * TICK_NS)
        start = max(start, border)
    assert said == whole


def test_a_word_opens_a_window_and_its_end_is_seen() -> None:
    #        10 quiet      rise      held        fall      quiet
    levels = [0] * 10 + [12, 12] + [0] * 5 + [-12, -12] + [0] * 6
    opened = list(gate().push(events_of(levels), 26 * TICK_NS))
    window = next(s for s in opened if isinstance(s, WindowOpened) and not s.provisional)
    assert (window.time_ns, window.start_ns, window.end_ns) == tuple(t * TICK_NS for t in (11, 7, 19))
    assert opened[-1] == WordEnded(21 * TICK_NS, 19 * TICK_NS)


def test_silence_after_the_start_says_nothing_more() -> None:
    said = gate().push(Events.empty(), 10_000 * TICK_NS)
    assert [type(s) for s in said] == [WindowOpened]
    assert said[0].provisional


def test_reset_starts_afresh() -> None:
    one = gate()
    levels = [0, 12, 9, -12, -9, 0, 0, 12, 3]
    first = one.push(events_of(levels), 10 * TICK_NS)
    one.reset()
    assert one.push(events_of(levels), 10 * TICK_NS) == first


@pytest.mark.parametrize(
    ("time_ns", "address"), [(0, 0), (5 * TICK_NS, 0), (TICK_NS + 1, 0), (TICK_NS, 2 * N_BANDS)]
)
def test_events_that_do_not_fit_are_refused(time_ns: int, address: int) -> None:
    with pytest.raises(EventError):
        gate().push(Events.of([time_ns], [address]), 5 * TICK_NS)


@pytest.mark.parametrize(
    "wrong",
    [{"rise_db": 0.0}, {"window_ms": -1}, {"end_fraction": 1.0}, {"look_back_ms": 1000}, {"rise_db": np.nan}],
)
def test_bad_configurations_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        OnsetGateConfig(**wrong)
