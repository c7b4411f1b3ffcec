import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import EventError, ParameterError
from streams.audio_block import AudioBlock
from streams.resample import ResampledSource, Resampler

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 44_101]


def cut(samples: np.ndarray, borders: list[int]) -> list[np.ndarray]:
    return np.split(samples, sorted(border % (samples.size + 1) for border in borders))


@settings(max_examples=60)
@given(
    rate_hz=st.sampled_from(RATES),
    size=st.integers(0, 9_000),
    borders=st.lists(st.integers(0, 10**6), max_size=12),
    seed=st.integers(0, 100),
)
def test_output_does_not_depend_on_the_cut(rate_hz: int, size: int, borders: list[int], seed: int) -> None:
    samples = np.random.default_rng(seed).normal(0, 0.2, size).astype(np.float32)
    resampler = Resampler(rate_hz, 16_000)
    whole = np.concatenate([resampler.push(samples), resampler.finish()])
    # The same object again: finish leaves nothing behind.
    parts = [resampler.push(part) for part in cut(samples, borders)]
    pieces = np.concatenate([*parts, resampler.finish()])
    assert np.array_equal(whole.view(np.int32), pieces.view(np.int32))


@pytest.mark.parametrize("rate_hz", RATES)
def test_length_and_sound_are_those_of_the_whole_signal_resampled(rate_hz: int) -> None:
    samples = np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz).astype(np.float32)
    resampler = Resampler(rate_hz, 16_000)
    got = np.concatenate([resampler.push(samples), resampler.finish()])
    assert got.size == 16_000
    np.testing.assert_allclose(got, soxr.resample(samples, rate_hz, 16_000), atol=1e-6)


def test_equal_rates_pass_through() -> None:
    samples = np.arange(5, dtype=np.float32)
    resampler = Resampler(16_000, 16_000)
    assert np.array_equal(resampler.push(samples), samples)
    assert resampler.finish().size == 0


class Tone:
    rate_hz = 48_000

    def __iter__(self):
        sound = np.sin(np.arange(4_800) * 0.05).astype(np.float32)
        for start in range(0, sound.size, 500):
            yield AudioBlock(sound[start : start + 500], start, self.rate_hz)


def test_a_source_is_resampled_block_by_block() -> None:
    source = ResampledSource(Tone(), 16_000)
    assert source.rate_hz == 16_000
    end = 0
    for block in source:
        assert (block.start_sample, block.rate_hz) == (end, 16_000)
        end = block.end_sample
    assert end == 1_600
    assert sum(block.samples.size for block in source) == 1_600


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ParameterError, match="99"):
        Resampler(99, 16_000)
    with pytest.raises(EventError, match="mono"):
        Resampler(8_000, 16_000).push(np.zeros((4, 2), np.float32))
