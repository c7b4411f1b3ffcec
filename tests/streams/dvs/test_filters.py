"""Filters of camera events: against slow references, and however the stream is cut."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsim.errors import ParameterError
from streams.dvs.as_events import DvsEvents
from streams.dvs.events_source import EventsSource
from streams.dvs.filter_text import filters_from_text
from streams.dvs.filtered import Filtered
from streams.dvs.filters.background import Background
from streams.dvs.filters.crop import Crop
from streams.dvs.filters.downsample import Downsample
from streams.dvs.filters.filter import Filter
from streams.dvs.filters.hot_pixel import HotPixel
from streams.dvs.filters.polarity import Polarity
from streams.dvs.filters.refractory import Refractory

WIDTH, HEIGHT = 6, 5
Event = tuple[int, int, int, bool]

event_lists: st.SearchStrategy[list[Event]] = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.booleans()),
    min_size=1,
    max_size=80,
).map(lambda steps: [(int(t), *e[1:]) for t, e in zip(np.cumsum([s[0] for s in steps]), steps, strict=True)])


def filtered(events: list[Event], filters: list[Filter], block_ms: float = 1.0) -> list[Event]:
    t, x, y, on = zip(*events, strict=True)
    source = EventsSource(
        DvsEvents(np.array(t), np.array(x, np.uint16), np.array(y, np.uint16), np.array(on)),
        WIDTH,
        HEIGHT,
        block_ms,
    )
    chain = Filtered(source, filters)
    found = []
    for block in chain:
        assert (block.width, block.height) == (chain.width, chain.height)
        found += list(
            zip(block.time_ns.tolist(), block.x.tolist(), block.y.tolist(), block.on.tolist(), strict=True)
        )
    assert sum(n for _, n in chain.dropped) == len(events) - len(found)
    return found


def slow_crop(events: list[Event]) -> Iterator[Event]:
    for t, x, y, on in events:
        if 1 <= x < 4 and 2 <= y < 4:
            yield t, x - 1, y - 2, on


def slow_refractory(events: list[Event]) -> Iterator[Event]:
    passed: list[Event] = []
    for event in events:
        if all(event[0] - t >= 20 for t, x, y, _ in passed if (x, y) == event[1:3]):
            passed.append(event)
            yield event


def slow_background(events: list[Event]) -> Iterator[Event]:
    for i, (t, x, y, on) in enumerate(events):
        near = [e for e in events[:i] if max(abs(e[1] - x), abs(e[2] - y)) == 1]
        if any(t - e[0] <= 15 for e in near):
            yield t, x, y, on


def slow_hot_pixel(events: list[Event]) -> Iterator[Event]:
    for i, (t, x, y, on) in enumerate(events):
        before = [e[0] // 50 for e in events[:i] if e[1:3] == (x, y)]
        if before.count(t // 50) < 3 and before.count(t // 50 - 1) < 3:
            yield t, x, y, on


def slow_downsample(events: list[Event]) -> Iterator[Event]:
    total: dict[tuple[int, int], int] = {}
    for t, x, y, on in events:
        pixel = (x // 2, y // 2)
        total[pixel] = total.get(pixel, 0) + (1 if on else -1)
        if abs(total[pixel]) == 2:
            total[pixel] = 0
            yield t, *pixel, on


CASES = {
    "crop": (Crop(1, 2, 3, 2), slow_crop),
    "polarity": (Polarity("off"), lambda events: (e for e in events if not e[3])),
    "refractory": (Refractory(20), slow_refractory),
    "background": (Background(15), slow_background),
    "hot-pixel": (HotPixel(rate_hz=60_000_000.0, window_ns=50), slow_hot_pixel),
    "downsample": (Downsample(2, 2), slow_downsample),
    "downsample of space": (
        Downsample(4),
        lambda events: ((t, x // 4, y // 4, on) for t, x, y, on in events),
    ),
}


@pytest.mark.parametrize("name", CASES)
@given(events=event_lists, block_ns=st.integers(1, 300))
def test_a_filter_does_what_its_slow_reference_does_however_cut(
    name: str, events: list[Event], block_ns: int
) -> None:
    chosen, slow = CASES[name]
    block_ms = max(0.001, block_ns / 1e6)
    assert filtered(events, [chosen], block_ms) == list(slow(events))


@given(events=event_lists, block_us=st.integers(1, 9))
def test_chains_do_not_depend_on_the_blocks(events: list[Event], block_us: int) -> None:
    chain = filters_from_text(
        ["background:15us", "refractory:20us", "crop:1,1,4,3", "downsample:2,2", "hot-pixel:5000,1ms"]
    )
    slow = [(t * 1000, *rest) for t, *rest in events]
    assert filtered(slow, chain, block_us / 1000) == filtered(slow, chain, 1e3)


def test_a_hot_pixel_is_muted_and_a_busy_one_comes_back() -> None:
    ms = 1_000_000
    hot = [(t * ms, 0, 0, True) for t in range(0, 5000, 2)]
    busy = [(t * ms, 3, 3, True) for t in range(1000, 1500, 2)]
    calm = [(t * ms, 5, 4, True) for t in range(0, 5000, 50)]
    events = sorted(hot + busy + calm)
    found = filtered(events, [HotPixel(rate_hz=100.0)], 10.0)
    assert [e for e in found if e[1] == 0] == hot[:100]
    assert [e for e in found if e[1] == 3] == busy[:100]
    assert [e for e in found if e[1] == 5] == calm
    later = [(t * ms, 3, 3, True) for t in range(3000, 3100, 2)]
    assert [e for e in filtered(sorted(events + later), [HotPixel(100.0)]) if e[1] == 3] == busy[:100] + later


def test_an_iteration_begins_afresh_and_counts_what_it_drops() -> None:
    events = DvsEvents(
        np.array([0, 5, 10]), np.zeros(3, np.uint16), np.zeros(3, np.uint16), np.array([True, True, False])
    )
    with Filtered(EventsSource(events, 1, 1), [Refractory(8), Polarity("on")]) as chain:
        for _ in range(2):
            assert [block.time_ns.tolist() for block in chain] == [[0]]
            assert chain.dropped == [("refractory:8ns", 1), ("polarity:on", 1)]
        assert chain.name == "3 events in memory"
        assert chain.statistics.events == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("crop:10,10,100,80", Crop(10, 10, 100, 80)),
        ("downsample:2", Downsample(2)),
        ("downsample:4,16", Downsample(4, 16)),
        ("polarity:on", Polarity("on")),
        ("hot-pixel", HotPixel()),
        ("hot-pixel:300,2s", HotPixel(300.0, 2_000_000_000)),
        ("background", Background(5_000_000)),
        ("background:1.5ms", Background(1_500_000)),
        ("refractory:100us", Refractory(100_000)),
    ],
)
def test_filters_are_told_as_text(text: str, expected: Filter) -> None:
    assert filters_from_text([text]) == [expected]
    assert filters_from_text([expected.text]) == [expected]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("blur", "'blur' is no filter; there are: crop:X,Y"),
        ("crop:1,2,3", "has 3 arguments"),
        ("crop:1,2,3,x", "an argument is no number"),
        ("crop:-1,2,3,4", "x and y must be at least 0"),
        ("downsample:0", "factor and events must be at least 1"),
        ("polarity:both", "polarity must be 'on' or 'off'"),
        ("background:5", "'5' is no duration"),
        ("refractory:0.1ns", "no whole number of nanoseconds"),
        ("refractory:0ms", "period_ns must lie in 1"),
        ("background:0ms", "window_ns must lie in 1"),
        ("hot-pixel:0.5", "less than one event in a window"),
        ("hot-pixel:nan", "less than one event in a window|no number"),
        ("hot-pixel:5,0s", "window_ns must lie in 1"),
    ],
)
def test_text_that_is_no_filter_is_refused_in_one_line(text: str, what: str) -> None:
    with pytest.raises(ParameterError, match=what) as caught:
        filters_from_text([text])
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_crop_must_lie_within_the_sensor_the_filters_before_leave() -> None:
    source = EventsSource({"t": [1], "x": [1], "y": [1], "p": [1]}, 20, 10)
    assert Filtered(source, [Crop(10, 5, 10, 5), Crop(5, 0, 5, 5)]).width == 5
    with pytest.raises(ParameterError, match=r"crop:5,0,6,5 does not lie within the sensor of 10 x 5"):
        Filtered(source, [Crop(10, 5, 10, 5), Crop(5, 0, 6, 5)])
