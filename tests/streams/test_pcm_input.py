"""Raw samples from pipes and streams: every format, every cut, every way they can be wrong."""

import io
import os
import pty
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsim.errors import SourceError
from streams.audio_block import AudioBlock
from streams.pcm_input import SAMPLE_FORMATS, PcmInput


class Pieces(io.RawIOBase):
    """A stream whose reads give one piece each."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self._pieces:
            return b""
        piece, rest = self._pieces[0][:size], self._pieces[0][size:]
        self._pieces[:1] = [rest] if rest else []
        return piece


def encoded(values: list[int], sample_format: str) -> bytes:
    """Return 16-bit values in a format, one sample at a time, by the definition of each."""
    parts = []
    for value in values:
        if sample_format == "f32le":
            parts.append(np.float32(value / 32_768).astype("<f4").tobytes())
        else:
            n_bytes = int(sample_format[1:3]) // 8
            parts.append((value << (8 * n_bytes - 16)).to_bytes(n_bytes, "little", signed=True))
    return b"".join(parts)


def heard(source: PcmInput) -> np.ndarray:
    blocks = list(source)
    assert [b.start_sample for b in blocks] == [
        sum(c.samples.size for c in blocks[:i]) for i in range(len(blocks))
    ]
    return np.concatenate([np.empty(0, np.float32), *(block.samples for block in blocks)])


@pytest.mark.parametrize("sample_format", SAMPLE_FORMATS)
@given(
    values=st.lists(st.integers(-32_768, 32_767), max_size=40),
    n_channels=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 480), max_size=8),
    block=st.integers(1, 50),
)
def test_any_cut_gives_the_samples_sent(
    sample_format: str, values: list[int], n_channels: int, cuts: list[int], block: int
) -> None:
    values = values[: len(values) - len(values) % n_channels]
    data = encoded(values, sample_format)
    pieces = [data[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True)]
    source = PcmInput(Pieces(pieces), 16_000, sample_format, n_channels, block)
    frames = np.array(values, np.float64).reshape(-1, n_channels) / 32_768
    assert np.array_equal(heard(source), frames.mean(axis=1).astype(np.float32))


def test_all_bits_of_the_wide_formats_count() -> None:
    assert heard(PcmInput(io.BytesIO(b"\x01\x00\x00\xff\xff\xff"), 8_000, "s24le")).tolist() == [
        2**-23,
        -(2**-23),
    ]
    assert heard(PcmInput(io.BytesIO(b"\x01\x00\x00\x00"), 8_000, "s32le")).tolist() == [2**-31]


def test_a_block_comes_before_the_writer_is_done() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", 0) as writer:
        blocks = iter(PcmInput(stream, 16_000, block_samples=1_000))
        before_ns = time.time_ns()
        writer.write(bytes(7))
        first = next(blocks)
        # Three whole samples; half a sample waits.
        assert (first.samples.size, first.start_sample) == (3, 0)
        assert first.captured_ns is not None
        assert before_ns <= first.captured_ns <= time.time_ns()
        writer.write(bytes(5_001))
        assert [next(blocks).samples.size for _ in range(3)] == [1_000, 1_000, 501]
        threading.Timer(0.05, writer.close).start()
        assert list(blocks) == []


def test_a_pipe_set_not_to_wait_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", 0) as writer:

        def write_and_close() -> None:
            writer.write(bytes(8))
            writer.close()

        threading.Timer(0.1, write_and_close).start()
        assert heard(PcmInput(stream, 16_000)).size == 4


@pytest.mark.parametrize(
    ("n_bytes", "n_channels", "whole"), [(5, 1, 2), (7, 2, 1), (1, 1, 0), (1_283, 1, 641)]
)
def test_a_torn_last_sample_is_named(n_bytes: int, n_channels: int, whole: int) -> None:
    blocks: list[AudioBlock] = []
    with pytest.raises(SourceError) as error:
        blocks.extend(PcmInput(io.BytesIO(bytes(n_bytes)), 16_000, n_channels=n_channels, name="pipe"))
    assert sum(block.samples.size for block in blocks) == whole
    assert str(error.value) == (
        f"pipe: ends at byte {n_bytes}, within a sample; {n_channels} x s16le are {2 * n_channels} bytes"
    )


@pytest.mark.parametrize(("value", "said"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf")])
def test_a_number_that_is_not_finite_is_named(value: float, said: str) -> None:
    samples = np.zeros(3_000, "<f4")
    samples[2_001] = value
    source = PcmInput(io.BytesIO(samples.tobytes()), 16_000, "f32le", block_samples=100)
    with pytest.raises(SourceError, match=f"^standard input: sample 2001 is {said}, not a finite number$"):
        heard(source)
    stereo = PcmInput(io.BytesIO(samples.tobytes()), 16_000, "f32le", n_channels=2)
    with pytest.raises(SourceError, match="sample 1000 is"):
        heard(stereo)


@pytest.mark.filterwarnings("error")
def test_a_signalling_nan_is_named_without_a_warning() -> None:
    with pytest.raises(SourceError, match="sample 0 is nan, not a finite number"):
        heard(PcmInput(io.BytesIO(b"\x00\x00\xa0\x7f"), 16_000, "f32le"))


def test_the_largest_floats_are_averaged_without_overflow() -> None:
    largest = np.full(2, np.finfo(np.float32).max, "<f4")
    assert heard(PcmInput(io.BytesIO(largest.tobytes()), 16_000, "f32le", n_channels=2)).tolist() == [
        largest[0]
    ]


def test_a_terminal_is_refused_with_a_hint() -> None:
    ours, theirs = pty.openpty()
    with (
        os.fdopen(ours, "rb", 0),
        os.fdopen(theirs, "rb", 0) as terminal,
        pytest.raises(SourceError, match="standard input: is a terminal; pipe raw samples into it, for"),
    ):
        PcmInput(terminal, 16_000)


def test_a_wav_file_is_refused() -> None:
    wav = b"RIFF\x24\x08\x00\x00WAVEfmt " + bytes(30)
    for pieces in ([wav], [wav[:4], wav[4:6], wav[6:]]):
        with pytest.raises(SourceError, match="begins like a WAV file"):
            heard(PcmInput(Pieces(pieces), 16_000, n_channels=8))
    assert heard(PcmInput(io.BytesIO(b"RIFF" + bytes(40)), 16_000)).size == 22


def test_a_stream_that_cannot_be_read_is_named() -> None:
    stream = io.BytesIO(bytes(8))
    source = PcmInput(stream, 16_000)
    stream.close()
    with pytest.raises(SourceError, match=r"^standard input: cannot be read after sample 0 \("):
        heard(source)
    with pytest.raises(SourceError, match=r"^standard input: is closed$"):
        PcmInput(None, 16_000)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rate_hz": 10}, r"the rate must lie in 1000\.\.768000 Hz, not 10"),
        ({"sample_format": "u8"}, "sample format 'u8' is unknown; allowed are s16le, s24le, s32le, f32le"),
        ({"n_channels": 0}, r"channels must lie in 1\.\.64, not 0"),
        ({"n_channels": 65}, "channels must lie in"),
        ({"block_samples": 0}, r"block_samples must lie in 1\.\.960000, not 0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        PcmInput(io.BytesIO(), **{"rate_hz": 16_000, **settings})
