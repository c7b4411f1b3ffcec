import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from eventsim.errors import SourceError
from streams.audio_file import AudioFile


def written(path: Path, samples: np.ndarray, rate_hz: int = 16_000, **options: str) -> Path:
    soundfile.write(path, samples, rate_hz, **options)
    return path


def heard(file: AudioFile) -> np.ndarray:
    return np.concatenate([block.samples for block in file])


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 96_000])
def test_lossless_formats_come_back_exactly(tmp_path: Path, suffix: str, rate_hz: int) -> None:
    samples = (np.arange(5_000) % 321 - 160).astype(np.float32) / 2**10
    file = AudioFile(written(tmp_path / f"x.{suffix}", samples, rate_hz, subtype="PCM_16"), block_samples=77)
    assert file.rate_hz == rate_hz
    assert np.array_equal(heard(file), samples)


def test_lossy_format_is_read(tmp_path: Path) -> None:
    samples = 0.5 * np.sin(np.arange(16_000) * 0.2)
    file = AudioFile(written(tmp_path / "x.ogg", samples))
    got = heard(file)
    assert got.size == samples.size
    assert np.corrcoef(got, samples)[0, 1] > 0.99


@given(block_samples=st.integers(1, 3_000))
def test_blocks_are_consecutive_and_bounded(
    tmp_path_factory: pytest.TempPathFactory, block_samples: int
) -> None:
    path = written(tmp_path_factory.mktemp("a") / "x.wav", np.linspace(-0.5, 0.5, 2_000), subtype="FLOAT")
    end = 0
    for block in AudioFile(path, block_samples):
        assert block.start_sample == end
        assert 1 <= block.samples.size <= block_samples
        assert block.samples.dtype == np.float32
        end = block.end_sample
    assert end == 2_000


def test_stereo_becomes_the_mean_without_overflow(tmp_path: Path) -> None:
    largest = np.finfo(np.float32).max
    channels = np.array([[0.5, -0.25], [largest, largest]], np.float32)
    file = AudioFile(written(tmp_path / "x.wav", channels, subtype="FLOAT"))
    assert heard(file).tolist() == [0.125, float(largest)]


def test_a_file_can_be_read_twice(tmp_path: Path) -> None:
    file = AudioFile(written(tmp_path / "x.wav", np.full(100, 0.25)))
    assert np.array_equal(heard(file), heard(file))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_first_sample_that_is_not_finite_is_named(tmp_path: Path, bad: float) -> None:
    samples = np.zeros(9_000, np.float32)
    samples[[5_001, 7_000]] = bad
    file = AudioFile(written(tmp_path / "x.wav", samples, subtype="FLOAT"))
    with pytest.raises(SourceError, match=rf"x\.wav: sample 5001 is {bad}, not a finite number"):
        heard(file)


def test_what_is_no_sound_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is no sound\n" * 50)
    (tmp_path / "samples.raw").write_bytes(bytes(range(256)) * 8)
    written(tmp_path / "none.wav", np.zeros(0))
    written(tmp_path / "slow.wav", np.zeros(9), 7)
    os.mkfifo(tmp_path / "pipe.wav")
    for name, words in {
        "missing.wav": "no such file",
        "": "is a folder",
        "empty.wav": r"is empty \(0 bytes\)",
        "text.wav": "not a sound file",
        "samples.raw": "not a sound file",
        "none.wav": "holds 0 samples",
        "slow.wav": "7 Hz is not allowed",
        "pipe.wav": "is no regular file",
        "nul\0.wav": "cannot be opened",
    }.items():
        with pytest.raises(SourceError, match=words) as caught:
            AudioFile(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert str(tmp_path) in str(caught.value)


def test_damage_in_the_middle_is_an_error_not_a_short_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = written(tmp_path / "x.flac", rng.normal(0, 0.1, 50_000))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4_000] = bytes(4_000)
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"x\.flac: damaged after sample"):
        heard(AudioFile(path))


def test_a_header_that_promises_more_than_there_is_does_not_hang(tmp_path: Path) -> None:
    path = written(tmp_path / "x.wav", np.full(1_000, 0.25), subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[40:44] = struct.pack("<I", 2**31 - 1)
    path.write_bytes(content)
    assert heard(AudioFile(path)).size == 1_000


def test_a_block_size_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="block_samples"):
        AudioFile(tmp_path / "x.wav", 0)
