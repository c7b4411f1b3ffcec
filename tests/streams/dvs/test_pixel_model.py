"""The pixels of an event camera that sees frames: the slow reference, and edges with known answers."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from until_refused import read_until_refused

from eventsim.errors import ParameterError, SourceError
from streams.dvs.frames_camera import LATE_FRAMES, FramesAsCamera
from streams.dvs.lin_log import level_of
from streams.dvs.pixel_model import PixelArray, PixelConfig

MS = 1_000_000
Event = tuple[int, int, int, bool]


def events_of(source: FramesAsCamera) -> list[Event]:
    return [
        event
        for block in source
        for event in zip(
            block.time_ns.tolist(), block.x.tolist(), block.y.tolist(), block.on.tolist(), strict=True
        )
    ]


def slow_pixel(
    levels: list[float], times: list[int], on: float, off: float, refractory_ns: int
) -> list[tuple[int, bool]]:
    """One pixel's events, walking from crossing to crossing of the straight lines between its levels."""
    events: list[tuple[int, bool]] = []
    reference, free = levels[0], times[0]
    for (a, b), (start, end) in zip(pairwise(levels), pairwise(times), strict=True):

        def at(t: int, a: float = a, b: float = b, start: int = start, end: int = end) -> float:
            return a + (b - a) * ((t - start) / (end - start))

        if start < free <= end:
            reference = at(free)
        while free <= end and (b >= reference + on if b > a else b <= reference - off and b < a):
            reference = reference + on if b > a else reference - off
            time = start + math.floor((reference - a) / (b - a) * (end - start))
            time = min(max(time, start, free), end)
            events.append((time, b > a))
            if refractory_ns:
                free = time + refractory_ns
                if free <= end:
                    reference = at(free)
    return events


@given(
    st.lists(st.lists(st.floats(0.0, 1.0, width=32), min_size=6, max_size=6), min_size=2, max_size=6),
    st.lists(st.integers(1, 50 * MS), min_size=6, max_size=6),
    st.sampled_from([0, 1, 1000, 3 * MS, 40 * MS]),
    st.sampled_from([0.0, 0.1]),
    st.integers(0, 3),
    st.sampled_from([0.5, 10.0, 1000.0]),
)
def test_events_are_those_of_the_slow_pixel(
    pixels: list[list[float]],
    steps: list[int],
    refractory_ns: int,
    mismatch: float,
    seed: int,
    block_ms: float,
) -> None:
    frames = np.array(pixels).reshape(-1, 2, 3)
    times = np.cumsum(steps)[: len(frames)]
    config = PixelConfig(0.3, 0.15, mismatch, refractory_ns, seed)
    drawn = np.random.default_rng(seed).standard_normal((2, 6))
    on, off = (np.maximum(c + mismatch * d, 0.01) for c, d in zip((0.3, 0.15), drawn, strict=True))
    levels = np.array([level_of(frame).ravel() for frame in frames])
    expected: list[Event] = []
    for i in range(6):
        one = slow_pixel(levels[:, i].tolist(), times.tolist(), on[i], off[i], refractory_ns)
        expected += [(t, i % 3, i // 3, polarity) for t, polarity in one]
    found = events_of(FramesAsCamera(frames, times, block_ms, config))
    assert sorted(found) == sorted(expected)
    assert [event[0] for event in found] == sorted(event[0] for event in found)


EXACT = PixelConfig(0.2, 0.2, mismatch=0.0, refractory_ns=0)


def edge(n_frames: int, step: float, width: int, ramp: int, contrast: float, rising: bool) -> np.ndarray:
    """An edge that moves by `step` pixels per frame: ln(brightness) rises or falls along `ramp` pixels."""
    x = np.arange(width)
    frames = []
    for k in range(n_frames):
        passed = np.clip((k * step - x) / ramp, 0.0, 1.0)
        level = math.log(40.0) + contrast * (passed if rising else 1.0 - passed)
        frames.append(np.tile(np.exp(level) / 255.0, (3, 1)))
    return np.array(frames)


@pytest.mark.parametrize("rising", [True, False])
def test_a_moving_edge_gives_events_where_and_when_it_should(rising: bool) -> None:
    """Must-show: pixels and times of a moving edge, derived by hand.

    The edge moves v = 1 pixel per frame of 10 ms; ln(brightness) of column x changes from time x / v on,
    evenly, by contrast c = 1.05 within ramp / v = 4 frames. Thresholds of 0.2 are crossed after 0.2, 0.4, ...
    of change: event k = 1..5 of column x is at (x + ramp * 0.2 k / c) / v, five each and no sixth (c < 1.2).
    Frames lie where the line bends, so that lines between frames are the edge itself: exact to the ns.
    """
    frame_ns, ramp, contrast, width = 10 * MS, 4, 1.05, 16
    frames = edge(width + ramp + 2, 1.0, width, ramp, contrast, rising)
    times = [k * frame_ns for k in range(len(frames))]
    found = sorted(events_of(FramesAsCamera(frames, times, 7.0, EXACT)), key=lambda e: (e[1], e[2], e[0]))
    expected = [
        ((x + ramp * 0.2 * k / contrast) * frame_ns, x, y, rising)
        for x in range(width)
        for y in range(3)
        for k in range(1, 6)
    ]
    assert [event[1:] for event in found] == [event[1:] for event in expected]
    assert max(abs(f[0] - e[0]) for f, e in zip(found, expected, strict=True)) <= 1.0


def test_a_moving_edge_in_whole_grey_levels_is_right_within_their_error() -> None:
    """The same edge in 8 bits: a grey level of 40 or more is off by half a step at most, 1.25 % or 0.0125."""
    frame_ns, ramp, contrast, width = 10 * MS, 4, 1.05, 16
    frames = edge(width + ramp + 2, 1.0, width, ramp, contrast, rising=True)
    grey = np.round(frames * 255.0).astype(np.uint8)
    times = [k * frame_ns for k in range(len(frames))]
    found = sorted(events_of(FramesAsCamera(grey, times, 7.0, EXACT)), key=lambda e: (e[1], e[2], e[0]))
    expected = [
        ((x + ramp * 0.2 * k / contrast) * frame_ns, x, y)
        for x in range(width)
        for y in range(3)
        for k in range(1, 6)
    ]
    assert [event[1:3] for event in found] == [event[1:] for event in expected]
    # Both the level at the crossing and the one it is compared with are off: twice the error, over the slope.
    allowed = 2 * 0.0125 / (contrast / (ramp * frame_ns))
    assert max(abs(f[0] - e[0]) for f, e in zip(found, expected, strict=True)) <= allowed


def test_a_refractory_pixel_compares_with_what_it_sees_when_it_is_free() -> None:
    """A rise of 1 in 100 ms, threshold 0.2, deaf for 10 ms: an event every 20 + 10 ms."""
    frames = np.exp(np.array([math.log(50.0), math.log(50.0) + 1.0]))[:, None, None] / 255.0
    config = PixelConfig(0.2, 0.2, 0.0, 10 * MS)
    times = [event[0] for event in events_of(FramesAsCamera(frames, [0, 100 * MS], 10.0, config))]
    assert np.allclose(times, [20 * MS, 50 * MS, 80 * MS], atol=2)


def test_darkness_is_linear_and_joins_the_logarithm() -> None:
    levels = level_of(np.arange(256, dtype=np.uint8)[None])[0]
    assert levels[20:].tolist() == np.log(np.arange(20, 256)).tolist()
    assert np.allclose(np.diff(levels[:21]), math.log(20) / 20)
    # From 0 to 1 grey levels: no event. A pure logarithm would have made any number.
    dark = np.array([[[0]], [[1]], [[0]]], np.uint8)
    assert events_of(FramesAsCamera(dark, [0, MS, 2 * MS], 1.0, EXACT)) == []


def test_thresholds_differ_between_pixels_as_drawn_and_are_the_same_each_time() -> None:
    frames = np.stack([np.full((40, 50), 30, np.uint8), np.full((40, 50), 200, np.uint8)])

    def counts(seed: int, mismatch: float) -> np.ndarray:
        config = PixelConfig(0.2, 0.2, mismatch, 0, seed)
        out = np.zeros((40, 50), int)
        for _, x, y, _ in events_of(FramesAsCamera(frames, [0, MS], 1.0, config)):
            out[y, x] += 1
        return out

    assert (counts(0, 0.0) == math.floor(math.log(200 / 30) / 0.2)).all()
    assert (counts(1, 0.03) == counts(1, 0.03)).all()
    assert (counts(1, 0.03) != counts(2, 0.03)).any()
    # A threshold of mean 0.2 and deviation 0.03 fits about ln(200/30) / 0.2 times into the change.
    assert 8.5 < counts(1, 0.03).mean() < 11.0
    assert counts(1, 0.03).std() > 0.5


def test_blocks_reach_from_the_first_frame_to_the_last() -> None:
    frames = np.full((3, 2, 2), 100, np.uint8)
    source = FramesAsCamera(frames, [25 * MS, 40 * MS, 61 * MS], 10.0)
    assert [(b.start_ns // MS, b.end_ns // MS, len(b)) for b in source] == [
        (start, start + 10, 0) for start in (20, 30, 40, 50, 60)
    ]
    source = FramesAsCamera(frames, [0, 10 * MS, 20 * MS], 10.0)
    assert [b.end_ns // MS for b in source] == [10, 20]


def test_frames_that_are_not_later_are_passed_over_and_counted() -> None:
    frames = np.array([50, 200, 60, 210], np.uint8).reshape(4, 1, 1)
    source = FramesAsCamera(frames, [0, 10 * MS, 10 * MS, 20 * MS], 10.0, EXACT)
    found = events_of(source)
    assert all(event[3] for event in found)
    assert source.statistics.notes[LATE_FRAMES] == 1
    assert source.statistics.events == len(found) > 0
    assert source.statistics.lines() == ["frames not later than the one before passed over: 1"]


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (np.zeros((2, 3)), r"a frame of shape \(2, 3\) among frames of \(2, 2\)"),
        (np.zeros((2, 2), np.int32), "must be uint8 .* or floating point .*, not int32"),
        (np.array([[0.0, np.nan], [0.0, 0.0]]), r"pixel x 1, y 0 of a frame is nan"),
        (np.array([[0.0, 0.1], [-0.5, 0.0]]), r"pixel x 0, y 1 of a frame is -0.5"),
        (np.array([[0.0, 0.1], [np.inf, 0.0]]), r"pixel x 0, y 1 of a frame is inf"),
    ],
)
def test_frames_that_are_none_are_refused_after_what_lies_before(frame: np.ndarray, what: str) -> None:
    good = np.full((2, 2), 0.5)
    source = FramesAsCamera([good, good, frame], [0, 15 * MS, 20 * MS], 10.0)
    blocks, line = read_until_refused(source)
    assert re.search(what, line)
    assert [block.end_ns // MS for block in blocks] == [10, 20]


def test_settings_outside_what_is_allowed() -> None:
    for options, what in (
        ({"on_threshold": 0.0}, "on_threshold must lie in 0.01 to 10"),
        ({"off_threshold": math.nan}, "off_threshold must lie in"),
        ({"mismatch": -0.1}, "mismatch must lie in 0 to 1"),
        ({"refractory_ns": -1}, "refractory_ns must lie in"),
    ):
        with pytest.raises(ParameterError, match=what):
            PixelConfig(**options)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="0 frames and 0 times"):
        FramesAsCamera([], [])
    with pytest.raises(ParameterError, match="one time per frame"):
        FramesAsCamera(np.zeros((2, 2, 2)), [0])
    with pytest.raises(ParameterError, match=r"of shape \(height, width\)"):
        FramesAsCamera(np.zeros((2, 2)), [0, 1])
    pixels = PixelArray(2, 2)
    pixels.see(np.zeros((2, 2)), 0)
    with pytest.raises(SourceError, match="frames must follow within an hour"):
        pixels.see(np.zeros((2, 2)), 3601 * 10**9)
