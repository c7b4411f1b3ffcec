import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsim.errors import ParameterError
from streams.intake import Intake
from streams.pacing import PacedAudio, PacedDvs, PacedEvents, pace
from streams.wire import Place, encode
from tests.streams.transport.generated_blocks import camera_block, sound_stream


class Clock:
    """A monotonic clock that only sleeping, and `busy`, moves."""

    def __init__(self, overshoot_ns: int = 0) -> None:
        self.now_ns, self._overshoot_ns, self.sleeps = 10**15, overshoot_ns, 0

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        self.now_ns += round(seconds * 1e9) + self._overshoot_ns

    def busy(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


@given(
    st.lists(st.integers(0, 4000), min_size=1, max_size=40),
    st.sampled_from([0.5, 1.0, 3.0]),
    st.integers(0, 300_000),
)
def test_no_block_comes_early_and_delays_do_not_add_up(
    sizes: list[int], speed: float, overshoot_ns: int
) -> None:
    clock = Clock(overshoot_ns)
    begun_ns = clock.now_ns
    for block in pace(sound_stream(sizes), speed, clock_ns=clock, sleep=clock.sleep):
        due_ns = begun_ns + block.end_sample / 16_000 * 1e9 / speed
        assert -2 <= clock.now_ns - due_ns <= overshoot_ns + 2


def test_a_slow_consumer_is_caught_up_with() -> None:
    clock, came = Clock(), []
    for block in pace(sound_stream([1600] * 6), clock_ns=clock, sleep=clock.sleep):
        came.append(round((clock.now_ns - 10**15) / 1e6))
        if block.start_sample == 1600:
            clock.busy(0.25)
    assert came == [100, 200, 450, 450, 500, 600]


def test_as_fast_as_possible_never_sleeps_nor_looks_at_the_clock() -> None:
    def forbidden(*_: float) -> int:
        raise AssertionError

    blocks = sound_stream([1600] * 4)
    assert list(pace(blocks, None, clock_ns=forbidden, sleep=forbidden)) == blocks


def test_a_wall_clock_that_jumps_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    jumps = iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: (-1) ** next(jumps) * 1e9)
    monkeypatch.setattr(time, "time_ns", lambda: (-1) ** next(jumps) * 10**18)
    clock = Clock()
    for block in pace(sound_stream([160] * 50), clock_ns=clock, sleep=clock.sleep):
        assert clock.now_ns - 10**15 == block.end_sample * 62_500


def test_a_restarted_stream_is_paced_anew() -> None:
    intake, clock = Intake(), Clock()
    received = []
    for session in ("a" * 16, "b" * 16):
        for number, block in enumerate(sound_stream([1600, 1600])):
            received.append(intake.take(encode(block, Place("s", session, number, 1600 * number)), 0))
    came = [clock.now_ns - 10**15 for _ in pace(received, clock_ns=clock, sleep=clock.sleep)]
    assert came == [100_000_000, 200_000_000, 300_000_000, 400_000_000]


def test_time_begins_with_the_first_block() -> None:
    clock = Clock()
    blocks = [camera_block(10**12, 3), camera_block(10**12 + 1_000_000, 3)]
    assert len(list(pace(blocks, clock_ns=clock, sleep=clock.sleep))) == 2
    assert clock.now_ns == 10**15 + 2_000_000


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf"), 1e7])
def test_a_speed_that_is_none_is_refused_at_once(speed: float) -> None:
    with pytest.raises(ParameterError, match="speed"):
        pace([], speed)
    with pytest.raises(ParameterError, match="speed"):
        PacedAudio(None, speed)


class Camera:
    width, height, n_addresses, rate_hz = 64, 48, 6144, 16_000

    def __init__(self, blocks: list[object]) -> None:
        self._blocks = blocks

    def __iter__(self):
        return iter(self._blocks)


def test_paced_sources_are_sources() -> None:
    camera = camera_block(0, 3)
    dvs = PacedDvs(Camera([camera]), None)
    assert (dvs.width, dvs.height, list(dvs)) == (64, 48, [camera])
    events = PacedEvents(Camera([camera.to_event_block()]), None)
    assert (events.n_addresses, len(list(events))) == (6144, 1)
    audio = PacedAudio(Camera(sound_stream([4])), None)
    assert (audio.rate_hz, len(list(audio))) == (16_000, 1)
