"""Level crossing and integrate-and-fire: their promises, slow references, and what theory says of tones."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import EventError
from eventsim.events import Events
from streams.encoders import LevelCrossingConfig, LevelCrossingEncoder, LifConfig, LifEncoder
from streams.encoders.gammatone import Gammatone, GammatoneConfig, gammatone_poles
from streams.encoders.gammatone_encoder import end_of_sample_ns, time_within_ns

RATE_HZ = 8_000
SMALL = {"rate_hz": RATE_HZ, "n_bands": 3, "low_hz": 200.0, "high_hz": 3_000.0}
Config = LevelCrossingConfig | LifConfig


def new(kind: str, **options: object) -> LevelCrossingEncoder | LifEncoder:
    values = {**SMALL, **options}
    if kind == "lif":
        return LifEncoder(LifConfig(**values))
    return LevelCrossingEncoder(LevelCrossingConfig(**{"envelope_hz": 200.0, "step_db": 2.0, **values}))


def sound(seed: int, count: int) -> np.ndarray:
    """Noise whose level wanders, so that bands rise and fall."""
    rng = np.random.default_rng(seed)
    level = np.repeat(10.0 ** rng.uniform(-3, 0, count // 200 + 1), 200)[:count]
    return (rng.standard_normal(count) * level).astype(np.float32)


def plain_time_ns(count: int, part: float, tick_ns: int) -> int:
    before, after = (k * 10**9 // RATE_HZ for k in (count, count + 1))
    time_ns = min(max(before + math.ceil(part * (after - before)), before + 1), after)
    return -(-time_ns // tick_ns) * tick_ns


def plain_crossings(envelope: np.ndarray, band: int, config: LevelCrossingConfig) -> list[tuple[int, int]]:
    """One band, level by level: (time_ns, address)."""
    events, level, before = [], 0, 0.0
    for n, here in enumerate(envelope.tolist()):
        wanted = level
        while wanted + 1 < config.levels.size and here >= config.levels[wanted + 1]:
            wanted += 1
        while wanted > 0 and here <= config.levels[wanted - 1]:
            wanted -= 1
        for k in range(level, wanted):
            part = (config.levels[k + 1] - before) / (here - before)
            events.append((plain_time_ns(n, part, config.tick_ns), band))
        for k in range(level, wanted, -1):
            part = (config.levels[k - 1] - before) / (here - before)
            events.append((plain_time_ns(n, part, config.tick_ns), config.n_bands + band))
        level, before = wanted, here
    return events


def plain_spikes(drives: np.ndarray, config: LifConfig) -> list[float]:
    """One band, its times in s: the membrane as a function of time, its crossing found by halving."""
    times, v, rest_until = [], 0.0, 0.0
    tau_s = config.tau_ms / 1e3
    for n, drive in enumerate(drives.tolist()):
        at, end = max(n / RATE_HZ, min(rest_until, (n + 1) / RATE_HZ)), (n + 1) / RATE_HZ
        while at < end:

            def later(t: float, drive: float = drive, v: float = v, at: float = at) -> float:
                return drive + (v - drive) * math.exp(-(t - at) / tau_s)

            if later(end) <= config.threshold:
                v = later(end)
                break
            low, high = at, end
            for _ in range(80):
                middle = (low + high) / 2
                low, high = (middle, high) if later(middle) <= config.threshold else (low, middle)
            times.append(high)
            v, rest_until = 0.0, high + config.refractory_ms / 1e3
            at = min(rest_until, end)
    return times


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), tick_ns=st.sampled_from([1, 1_000, 1_000_000]))
def test_crossings_follow_the_definition(seed: int, tick_ns: int) -> None:
    samples = sound(seed, 600)
    encoder = new("level-crossing", tick_ns=tick_ns)
    envelopes = Gammatone(GammatoneConfig(**SMALL), 200.0, "magnitude").push(samples)
    expected = sorted(
        e for band in range(3) for e in plain_crossings(envelopes[:, band], band, encoder.config)
    )
    events = encoder.push(samples)
    found = list(zip(events.time_ns.tolist(), events.address.tolist(), strict=True))
    assert found == [event for event in expected if event[0] < encoder.horizon_ns]
    assert len(expected) > 10
    assert (events.value == 1.0).all()


@settings(max_examples=10)
@given(
    seed=st.integers(0, 1000), tau_ms=st.sampled_from([1.0, 20.0]), refractory_ms=st.sampled_from([0.05, 1.3])
)
def test_spikes_follow_the_definition(seed: int, tau_ms: float, refractory_ms: float) -> None:
    samples = sound(seed, 400)
    encoder = new("lif", tick_ns=1, tau_ms=tau_ms, refractory_ms=refractory_ms, threshold_db=-80.0)
    drives = Gammatone(GammatoneConfig(**SMALL), 1_000.0).push(samples)
    events = encoder.push(samples)
    for band in range(3):
        expected = np.array(plain_spikes(drives[:, band], encoder.config)) * 1e9
        found = events.time_ns[events.address == band]
        # A spike right at the end may fall to either side.
        assert abs(found.size - expected.size) <= (0 if found.size < 2 else 1)
        common = min(found.size, expected.size)
        np.testing.assert_allclose(found[:common], expected[:common], atol=5)
    assert len(events) > 10


@pytest.mark.parametrize("kind", ["level-crossing", "lif"])
@settings(max_examples=15)
@given(
    seed=st.integers(0, 1000),
    cuts=st.lists(st.integers(0, 800), max_size=8),
    tick_ns=st.sampled_from([1, 1_000, 777_777, 10_000_000]),
)
def test_any_cut_gives_the_same_bits_and_keeps_the_promise(
    kind: str, seed: int, cuts: list[int], tick_ns: int
) -> None:
    samples, start_ns = sound(seed, 800), 12_345
    encoder = new(kind, tick_ns=tick_ns)
    encoder.reset(start_ns)
    pieces = []
    for piece in np.split(samples, sorted(cuts)):
        promised = encoder.horizon_ns
        pieces.append(encoder.push(piece))
        assert (pieces[-1].time_ns >= promised).all()
        assert (pieces[-1].time_ns < encoder.horizon_ns).all()
    whole = new(kind, tick_ns=tick_ns)
    whole.reset(start_ns)
    events = Events.concatenate(pieces)
    assert events.equals(whole.push(samples))
    assert encoder.horizon_ns == whole.horizon_ns
    assert not ((events.time_ns - start_ns) % tick_ns).any()
    order = list(zip(events.time_ns.tolist(), events.address.tolist(), strict=True))
    assert order == sorted(order)


@pytest.mark.compiled
@pytest.mark.parametrize("kind", ["level-crossing", "lif"])
@settings(max_examples=15)
@given(seed=st.integers(0, 100), cuts=st.lists(st.integers(0, 20_000), max_size=30))
def test_long_blocks_are_no_different(kind: str, seed: int, cuts: list[int]) -> None:
    samples, encoder = sound(seed, 20_000), new(kind, n_bands=16)
    events = Events.concatenate([encoder.push(piece) for piece in np.split(samples, sorted(cuts))])
    assert events.equals(new(kind, n_bands=16).push(samples))
    assert len(events) > 500


@pytest.mark.parametrize("kind", ["level-crossing", "lif"])
@settings(max_examples=10)
@given(seed=st.integers(0, 1000), at=st.integers(0, 600))
def test_later_sound_changes_no_earlier_event(kind: str, seed: int, at: int) -> None:
    samples = sound(seed, 600)
    other = np.concatenate((samples[:at], sound(seed + 1, 600)[at:]))
    known_ns = at * 10**9 // RATE_HZ
    one, two = (new(kind, tick_ns=1).push(s) for s in (samples, other))
    assert one.select(one.time_ns <= known_ns).equals(two.select(two.time_ns <= known_ns))


@pytest.mark.parametrize("kind", ["level-crossing", "lif"])
def test_silence_says_nothing_and_reset_forgets(kind: str) -> None:
    encoder = new(kind)
    assert len(encoder.push(np.zeros(2_000, np.float32))) == 0
    encoder.reset()
    first = encoder.push(sound(1, 1_000))
    encoder.reset(start_ns=10**12)
    again = encoder.push(sound(1, 1_000))
    assert len(first) > 0
    assert np.array_equal(again.time_ns, first.time_ns + 10**12)
    assert np.array_equal(again.address, first.address)


@pytest.mark.parametrize("kind", ["level-crossing", "lif"])
def test_a_sample_that_is_not_finite_changes_nothing(kind: str) -> None:
    samples, encoder = sound(3, 900), new(kind)
    parts = [encoder.push(samples[:500])]
    with pytest.raises(EventError, match="sample 503 is not finite"):
        encoder.push(np.array([0, 0, 0, np.nan], np.float32))
    parts.append(encoder.push(samples[500:]))
    assert Events.concatenate(parts).equals(new(kind).push(samples))


@pytest.mark.parametrize("kind", ["level-crossing", "lif"])
def test_when_the_room_for_events_runs_out_none_is_lost(kind: str) -> None:
    options = (
        {"tick_ns": 1, "step_db": 0.1} if kind == "level-crossing" else {"refractory_ms": 0.05, "tau_ms": 0.1}
    )
    samples, encoder, small = sound(4, 700), new(kind, **options), new(kind, **options)
    small._time, small._address = (
        a[: small._most_per_sample + 3].copy() for a in (small._time, small._address)
    )
    events = encoder.push(samples)
    assert len(events) > small._time.size
    assert small.push(samples).equals(events)


@pytest.mark.compiled
def test_a_tone_that_grows_crosses_each_level_when_theory_says() -> None:
    config = LevelCrossingConfig(n_bands=1, low_hz=4_000.3, envelope_hz=100.0, floor_db=-70.0, tick_ns=1)
    t = np.arange(int(1.15 * 16_000)) / 16_000
    growth = 60.0 / 20.0 * math.log(10.0)  # 60 dB per s
    amplitude = 10.0 ** (-75.0 / 20.0) * np.exp(growth * t)
    events = LevelCrossingEncoder(config).push(
        (amplitude * np.sin(2 * np.pi * 4_000.3 * t)).astype(np.float32)
    )
    assert (events.address == 0).all()
    # An exponentially growing input comes out of a linear filter scaled by its gain at that growth.
    decay = -math.log(abs(gammatone_poles(config)[0])) * 16_000
    gain = (1 + growth / decay) ** -4 * (1 + growth / (2 * np.pi * 100.0)) ** -2
    expected_s = np.log(config.levels[1:] / gain / amplitude[0]) / growth
    expected_s = expected_s[expected_s < t[-1]]
    assert events.time_ns.size == expected_s.size > 19
    np.testing.assert_allclose(np.diff(events.time_ns) / 1e9, 3.0 / 60.0, atol=5e-4)
    # A sample is in at its end, one sample after the point where its value was taken.
    np.testing.assert_allclose(events.time_ns / 1e9, expected_s + 1 / 16_000, atol=5e-4)


@pytest.mark.compiled
def test_ups_less_downs_are_the_level_a_band_is_at() -> None:
    config, samples = LevelCrossingConfig(), sound(5, 16_000)
    events = LevelCrossingEncoder(config).push(samples)
    level = np.bincount(events.address, minlength=64)[:32] - np.bincount(events.address, minlength=64)[32:]
    envelope = Gammatone(GammatoneConfig(), config.envelope_hz, "magnitude").push(samples)[-1]
    exact = (20 * np.log10(envelope) - config.floor_db) / config.step_db
    assert (np.abs(level - exact) < 1.0).all()
    assert (level > 0).any()


@pytest.mark.compiled
@pytest.mark.parametrize("amplitude", [0.0101, 0.02, 0.5])
def test_a_steady_tone_fires_at_the_rate_of_theory(amplitude: float) -> None:
    config = LifConfig(
        n_bands=1,
        low_hz=2_718.3,
        lowpass_hz=20.0,
        threshold_db=-40.0,
        tau_ms=10.0,
        refractory_ms=1.0,
        tick_ns=1,
    )
    t = np.arange(3 * 16_000) / 16_000
    tone = amplitude * np.sin(2 * np.pi * 2_718.3 * t)
    events = LifEncoder(config).push(tone.astype(np.float32))
    intervals_s = np.diff(events.time_ns[events.time_ns > 10**9]) / 1e9
    expected_s = 1e-3 + 10e-3 * math.log(amplitude / (amplitude - 0.01))
    # Near the threshold the rate is steep in the amplitude, which a little ripple moves.
    assert intervals_s.mean() == pytest.approx(expected_s, rel=2e-3 if amplitude > 0.011 else 0.03)
    assert intervals_s.size > 30


def test_a_tone_below_the_threshold_never_fires() -> None:
    t = np.arange(4_000) / RATE_HZ
    tone = 0.0095 * np.sin(2 * np.pi * 1_000.0 * t)
    encoder = LifEncoder(LifConfig(RATE_HZ, 1, 1_000.0, threshold_db=-40.0, lowpass_hz=20.0))
    assert len(encoder.push(tone.astype(np.float32))) == 0


def test_times_stay_exact_after_years() -> None:
    count = 10**13 + 12_345  # seven years at 44.1 kHz
    assert end_of_sample_ns(count, 44_100) == count * 10**9 // 44_100
    before, after = (k * 10**9 // 44_100 for k in (count, count + 1))
    assert time_within_ns(count, 0.0, 44_100) == before + 1
    assert time_within_ns(count, 0.5, 44_100) == before + math.ceil(0.5 * (after - before))
    assert time_within_ns(count, 1.0, 44_100) == after
