"""Videos and webcams seen as an event camera."""

import itertools
import re
import sys
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from until_refused import read_until_refused

from eventsim.errors import ParameterError, SourceError
from streams.dvs.picture_thread import PictureThread
from streams.dvs.pixel_model import PixelConfig
from streams.dvs.video_camera import VideoAsCamera
from streams.dvs.webcams import Webcam, list_webcams

av = pytest.importorskip("av", reason="needs the extra video")

WIDTH, HEIGHT = 64, 48
EXACT = PixelConfig(0.2, 0.2, mismatch=0.0, refractory_ns=0)


def video(
    path: Path,
    picture: Callable[[int], np.ndarray],
    n: int = 12,
    rate: Fraction = Fraction(30),
    codec: str = "ffv1",
    times: list[int] | None = None,
) -> Path:
    """Encode `n` grey pictures; ffv1 loses nothing. times : in ms, else by the rate."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "gray" if codec == "ffv1" else "yuv420p"
        if times:
            stream.codec_context.time_base = Fraction(1, 1000)
        for k in range(n):
            frame = av.VideoFrame.from_ndarray(picture(k), format="gray").reformat(format=stream.pix_fmt)
            if times:
                frame.pts, frame.time_base = times[k], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def bar(k: int) -> np.ndarray:
    """A bright bar, 8 columns wide, that has moved by 2 columns per picture."""
    picture = np.full((HEIGHT, WIDTH), 50, np.uint8)
    picture[:, 10 + 2 * k : 18 + 2 * k] = 200
    return picture


def test_a_bar_gives_on_events_before_it_and_off_events_behind(tmp_path: Path) -> None:
    config = PixelConfig(0.2, 0.17, mismatch=0.0, refractory_ns=0)
    with VideoAsCamera(video(tmp_path / "bar.mkv", bar), 10.0, config) as source:
        assert (source.width, source.height) == (WIDTH, HEIGHT)
        blocks = list(source)
    # ln 4 = 1.386 of change are 6 thresholds of 0.2 upwards. Downwards they are 8 of 0.17 for a pixel that
    # was bright from the start, and 7 for one that was left comparing with 6 * 0.2 above the dark level.
    shown_ns = np.round(np.arange(12) * 1000 / 30) * 1e6  # Matroska counts in ms
    on, off = np.zeros((HEIGHT, WIDTH), int), np.zeros((HEIGHT, WIDTH), int)
    for block in blocks:
        np.add.at(on, (block.y[block.on], block.x[block.on]), 1)
        np.add.at(off, (block.y[~block.on], block.x[~block.on]), 1)
        # Between picture k and k + 1 only the columns that changed speak.
        frames = np.searchsorted(shown_ns, block.time_ns, "right") - 1
        assert np.isin((block.x - 10 - 2 * frames)[~block.on], [0, 1]).all()
        assert np.isin((block.x - 18 - 2 * frames)[block.on], [0, 1]).all()
    column = np.arange(WIDTH)
    assert (on == 6 * ((column >= 18) & (column < 18 + 22))).all()
    assert (off == 8 * ((column >= 10) & (column < 18)) + 7 * ((column >= 18) & (column < 32))).all()
    assert blocks[0].start_ns == 0
    assert all(a.end_ns == b.start_ns for a, b in pairwise(blocks))
    assert source.statistics.events == on.sum() + off.sum()
    assert source.statistics.lines() == []


def test_a_video_can_be_read_again_and_made_smaller(tmp_path: Path) -> None:
    path = video(tmp_path / "bar.mkv", bar)
    source = VideoAsCamera(path, 5.0, EXACT, max_width=32)
    assert (source.width, source.height) == (32, 24)
    first, second = (sum(map(len, source)) for _ in range(2))
    assert first == second > 0
    assert VideoAsCamera(path, max_width=1000).width == WIDTH


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(7), Fraction(240)])
def test_odd_rates_keep_their_times(tmp_path: Path, rate: Fraction) -> None:
    def flash(k: int) -> np.ndarray:
        return np.full((HEIGHT, WIDTH), 200 if k == 9 else 50, np.uint8)

    source = VideoAsCamera(video(tmp_path / "flash.avi", flash, rate=rate, codec="ffv1"), 10.0, EXACT)
    blocks = list(source)
    times = np.concatenate([block.time_ns[block.on] for block in blocks])
    # All within the rise from picture 8 to 9.
    assert 8 / rate <= Fraction(int(times.min()) + 1, 10**9)
    assert Fraction(int(times.max()) - 1, 10**9) <= 9 / rate


def test_pictures_at_uneven_times(tmp_path: Path) -> None:
    times = [0, 10, 15, 100, 101, 300]

    def steps(k: int) -> np.ndarray:
        return np.full((HEIGHT, WIDTH), 50 if k < 4 else 200, np.uint8)

    path = video(tmp_path / "uneven.mkv", steps, 6, times=times)
    blocks = list(VideoAsCamera(path, 10.0, EXACT))
    found = np.concatenate([block.time_ns for block in blocks])
    assert 100e6 <= found.min() <= found.max() <= 101e6
    assert blocks[-1].end_ns >= 300e6


def noise(k: int) -> np.ndarray:
    return np.random.default_rng(k).integers(0, 255, (HEIGHT, WIDTH), dtype=np.uint8)


@pytest.mark.compiled
def test_damaged_videos_end_in_one_line_or_as_shorter_ones(tmp_path: Path) -> None:
    good = video(tmp_path / "good.mkv", noise, 20).read_bytes()
    path = tmp_path / "damaged.mkv"
    n_refused = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        content = bytearray(good)
        for at in rng.integers(0, len(content) if seed % 2 else 600, 5):
            content[at] = rng.integers(256)
        path.write_bytes(content[: rng.integers(1, len(content))] if seed % 3 == 0 else content)
        try:
            source = VideoAsCamera(path, 100.0, EXACT)
        except SourceError as error:
            line = str(error)
        else:
            _, line = read_until_refused(source)
        assert not line or line.startswith(str(path))
        assert "\n" not in line
        n_refused += line != ""
    assert n_refused > 0


@pytest.mark.compiled
def test_a_video_cut_off_says_how_much_is_missing(tmp_path: Path) -> None:
    path = video(tmp_path / "good.mkv", noise, 60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = VideoAsCamera(path, 100.0, EXACT)
    n = sum(map(len, source))
    assert n > 0
    missing = source.statistics.notes["milliseconds of video missing before its stated end"]
    assert 800 < missing < 1200


def test_what_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        VideoAsCamera(tmp_path / "missing.mp4")
    (tmp_path / "text.mp4").write_text("this is no video, but long enough to look into " * 50)
    with pytest.raises(SourceError, match=r"text.mp4: no video that can be read \("):
        VideoAsCamera(tmp_path / "text.mp4")
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(SourceError, match=r"is empty \(0 bytes\)"):
        VideoAsCamera(tmp_path / "empty.mp4")
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(SourceError, match=r"sound\.wav: holds no video"):
        VideoAsCamera(tmp_path / "sound.wav")
    with pytest.raises(ParameterError, match="max_width must be at least 1"):
        VideoAsCamera(tmp_path / "x.mp4", max_width=0)
    with pytest.raises(ParameterError, match="number must be at least 0"):
        VideoAsCamera(-1)


def test_without_pyav_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SourceError, match=r"need PyAV \(pip install 'eventsim\[video\]'\)"):
        VideoAsCamera("film.mp4")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="webcams are read on Linux only")
def test_a_webcam_that_is_not_there() -> None:
    with pytest.raises(SourceError, match=r"^/dev/video987: cannot be opened as a webcam \("):
        VideoAsCamera(987)


class FakeWebcam:
    """Opens a video file where a webcam is asked for, and ends or fails as one that is unplugged."""

    def __init__(self, path: Path, fault: Exception | None) -> None:
        self._path, self._fault = path, fault

    def __call__(self, name: str, format: str | None = None, timeout: float | None = None) -> Any:
        assert (name, format) == ("/dev/video3", "v4l2")
        container = av.open(str(self._path))
        fault = self._fault

        class Webcam:
            streams, duration = container.streams, None

            def decode(self, stream: Any) -> Any:
                yield from container.decode(stream)
                if fault:
                    raise fault

            def close(self) -> None:
                container.close()

        return Webcam()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="webcams are read on Linux only")
@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (None, r"/dev/video3: no more pictures after 0.4 s \(unplugged\?\)"),
        (
            OSError(19, "No such device"),
            r"/dev/video3: stops after picture 12 at 0.367 s \(No such device; unplugged\?\)",
        ),
    ],
)
def test_a_webcam_unplugged_is_one_line_after_what_it_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception | None, what: str
) -> None:
    path = video(tmp_path / "bar.mkv", bar)
    whole = sum(map(len, VideoAsCamera(path, 10.0, EXACT)))
    fake = type(
        "av",
        (),
        {"open": staticmethod(FakeWebcam(path, fault)), "error": av.error, "time_base": av.time_base},
    )
    monkeypatch.setattr("streams.dvs.video_camera._pyav", lambda: fake)
    with VideoAsCamera(3, 10.0, EXACT) as webcam:
        blocks, line = read_until_refused(webcam)
    assert re.match(what, line)
    assert sum(map(len, blocks)) == whole


def endless(wait: threading.Event | None) -> Iterator[tuple[np.ndarray, int]]:
    """Pictures without end, or three and then none until `wait`."""
    for k in itertools.count():
        if wait is not None and k == 3:
            wait.wait(60.0)
            return
        yield bar(k % 12), k


def test_a_webcam_that_goes_silent_in_its_driver_is_told() -> None:
    let_go, ended = threading.Event(), threading.Event()
    pictures = PictureThread(endless(let_go), ended.set, "webcam", timeout_s=0.3)
    found = iter(pictures)
    assert [next(found)[1] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(SourceError, match=r"webcam: delivers no picture \(waited 0.3 s; unplugged\?\)"):
        next(found)
    assert not ended.is_set()
    let_go.set()
    assert ended.wait(30.0)  # the thread lets go of the device when the driver comes back


def test_pictures_nobody_takes_are_dropped_and_counted() -> None:
    done = threading.Event()
    pictures = PictureThread(itertools.islice(endless(None), 100), done.set, "webcam", timeout_s=30.0)
    assert done.wait(30.0)
    assert [k for _, k in pictures] == list(range(32))
    assert pictures.dropped == 68


def test_webcams_are_listed_as_linux_lists_them(tmp_path: Path) -> None:
    for name, title in (
        ("video10", "Second\n"),
        ("video2", "Integrated Camera\n"),
        ("v4l-subdev0", "no camera"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(title)
    assert list_webcams(tmp_path) == [
        Webcam(2, "/dev/video2", "Integrated Camera"),
        Webcam(10, "/dev/video10", "Second"),
    ]
    assert list_webcams(tmp_path / "absent") == []
