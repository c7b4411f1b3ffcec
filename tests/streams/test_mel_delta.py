"""The encoder against a slow reference, and its promises: any cut, same events; causal; silent in silence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import EventError, ParameterError
from eventsim.events import Events
from streams.encoders import MelDeltaConfig, MelDeltaEncoder, encoder_from_config
from streams.encoders.log_mel import LogMel, LogMelConfig, mel_weights

HOP = 160


def sound(seed: int, count: int) -> np.ndarray:
    """Noise whose level wanders, so that bands rise and fall."""
    rng = np.random.default_rng(seed)
    level = np.repeat(10.0 ** rng.uniform(-4, 0, count // 400 + 1), 400)[:count]
    return (0.3 * rng.standard_normal(count) * level).astype(np.float32)


def plain_log_mel(samples: np.ndarray, config: LogMelConfig) -> np.ndarray:
    """One frame at a time, by the definition of the discrete Fourier transform."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(480) / 479)
    padded = np.concatenate((np.zeros(320), samples.astype(np.float64)))
    turns = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(480)) / 512)
    frames = []
    for k in range(len(samples) // HOP):
        energy = np.abs(turns @ (padded[k * HOP : k * HOP + 480] * window)) ** 2 / np.sum(window**2)
        frames.append(np.log(mel_weights(config) @ energy + config.floor))
    return np.array(frames).reshape(-1, config.n_bands)


def plain_events(log_mel: np.ndarray, step: float) -> list[tuple[int, int, float]]:
    """Send on delta, band by band: (time_ns, address, value), in order of time and address."""
    events = []
    bands = log_mel.shape[1]
    for band in range(bands):
        reference = None
        for k, value in enumerate(log_mel[:, band]):
            if k < 3:  # windows of 480 samples are full from the third hop on
                reference = value
                continue
            steps = int((value - reference) / step)
            if steps:
                address = band if steps > 0 else bands + band
                events.append(((k + 1) * 10_000_000, address, float(abs(steps))))
                reference += steps * step
    return sorted(events)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), count=st.integers(0, 3000))
def test_frames_follow_the_definition(seed: int, count: int) -> None:
    samples = sound(seed, count)
    np.testing.assert_allclose(LogMel().push(samples), plain_log_mel(samples, LogMelConfig()), atol=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), step=st.sampled_from([0.3, 0.7, 2.0]))
def test_events_follow_the_definition(seed: int, step: float) -> None:
    samples = sound(seed, 4000)
    # The kernel's own frames, so that a band within rounding of a step cannot tell the two apart.
    expected = plain_events(LogMel().push(samples), step)
    events = MelDeltaEncoder(MelDeltaConfig(step=step)).push(samples)
    found = list(zip(events.time_ns.tolist(), events.address.tolist(), events.value.tolist(), strict=True))
    assert found == expected
    assert expected


@settings(max_examples=40)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 4800), max_size=12))
def test_any_cut_gives_the_same_bits(seed: int, cuts: list[int]) -> None:
    samples = sound(seed, 4800)
    whole = MelDeltaEncoder().push(samples)
    encoder = MelDeltaEncoder()
    pieces = [encoder.push(piece) for piece in np.split(samples, sorted(cuts))]
    assert Events.concatenate(pieces).equals(whole)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), at=st.integers(0, 3200))
def test_later_sound_changes_no_earlier_event(seed: int, at: int) -> None:
    samples, other = sound(seed, 3200), sound(seed + 1, 3200)
    mixed = np.concatenate((samples[:at], other[at:]))
    before_ns = (at // HOP) * 10_000_000
    kept = [events.select(events.time_ns <= before_ns) for events in map(MelDeltaEncoder().push, [samples])]
    again = [events.select(events.time_ns <= before_ns) for events in map(MelDeltaEncoder().push, [mixed])]
    assert kept[0].equals(again[0])


@given(st.lists(st.integers(0, 700), max_size=10))
def test_no_event_comes_before_the_horizon_promised(sizes: list[int]) -> None:
    encoder, rng = MelDeltaEncoder(), np.random.default_rng(0)
    encoder.reset(start_ns=70_000_000)
    for size in sizes:
        promised = encoder.horizon_ns
        events = encoder.push(rng.standard_normal(size).astype(np.float32))
        assert (events.time_ns >= promised).all()
        assert (events.time_ns < encoder.horizon_ns).all()
    assert encoder.horizon_ns == 70_000_000 + (sum(sizes) // HOP + 1) * 10_000_000


def test_silence_gives_no_events() -> None:
    assert len(MelDeltaEncoder().push(np.zeros(16_000, np.float32))) == 0


def test_a_louder_tone_is_worth_its_steps() -> None:
    t = np.arange(16_000) / 16_000
    gain = np.where(t < 0.5, 1.0, np.exp(3.0 * 0.7 / 2.0) * 1.001)
    samples = (0.02 * gain * np.sin(2 * np.pi * 1000.0 * t)).astype(np.float32)
    encoder = MelDeltaEncoder(MelDeltaConfig(step=0.7, floor=1e-12))
    band = int(np.argmax(LogMel(encoder.config).push(samples)[20]))
    events = encoder.push(samples)
    up = events.select((events.address == band) & (events.time_ns > 490_000_000))
    # Energy grows by 3.002 steps: three ups in that band, whatever hops they fall in.
    assert up.value.sum() - events.select(
        (events.address == band + 40) & (events.time_ns > 490_000_000)
    ).value.sum() == pytest.approx(3.0)


def test_reset_forgets_and_moves_the_start() -> None:
    samples, encoder = sound(5, 8000), MelDeltaEncoder()
    first = encoder.push(samples)
    encoder.reset(start_ns=10_000_000_000)
    again = encoder.push(samples)
    assert np.array_equal(again.time_ns, first.time_ns + 10_000_000_000)
    assert np.array_equal(again.address, first.address)
    assert len(first) > 0


def test_a_sample_that_is_not_finite_is_named_and_changes_nothing() -> None:
    samples, encoder = sound(6, 8000), MelDeltaEncoder()
    encoder.push(samples[:4000])
    bad = samples[4000:].copy()
    bad[7] = np.nan
    with pytest.raises(EventError, match="sample 4007 is not finite"):
        encoder.push(bad)
    whole = MelDeltaEncoder().push(samples)
    rest = encoder.push(samples[4000:])
    assert rest.equals(whole.select(whole.time_ns > 250_000_000))


def test_description_makes_the_same_encoder() -> None:
    encoder = MelDeltaEncoder(MelDeltaConfig(step=1.25, n_bands=20))
    assert encoder_from_config(encoder.describe()).config == encoder.config


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "other"}, "kind 'other' is unknown"),
        ({"kind": "mel-delta", "bands": 3}, "bands"),
        ({"kind": "mel-delta", "step": 0.0}, "step must be positive"),
        ({"kind": "mel-delta", "high_hz": 9000.0}, "band edges"),
        ({"kind": "mel-delta", "n_bands": 400}, "holds no spectrum bin"),
    ],
)
def test_a_wrong_description_is_refused(values: dict, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        encoder_from_config(values)
