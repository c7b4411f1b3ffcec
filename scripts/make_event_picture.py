"""Makes a video, sees it as an event camera would, and draws docs/event-camera.png of both.

Run from the root: `python scripts/make_event_picture.py [--video FILE]`; needs the extra video. The video, of
a turning wheel and a ball, is made by PyAV; one of your own can be named instead.
"""

import argparse
import tempfile
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from streams.dvs.filter_text import filters_from_text
from streams.dvs.filtered import Filtered
from streams.dvs.video_camera import VideoAsCamera

WIDTH, HEIGHT, RATE_HZ, N_PICTURES = 320, 240, 60, 60
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "event-camera.png"
WHITE, ON, OFF = (255, 255, 255), (31, 119, 180), (214, 39, 40)
BLOCK_MS = 20.0


def scene(k: int) -> NDArray[np.uint8]:
    """Return picture `k`: a wheel of six spokes that turns half a round per second, and a ball that falls."""
    y, x = np.mgrid[: 2 * HEIGHT, : 2 * WIDTH] / 2.0
    radius, angle = np.hypot(x - 120, y - 120), np.arctan2(y - 120, x - 120)
    turned = angle - k * np.pi / RATE_HZ
    light = 60.0 + 0.2 * x
    light = np.where((np.abs(radius - 95) < 6) | ((radius < 95) & (np.sin(6 * turned) > 0.75)), 210.0, light)
    light = np.where(np.hypot(x - 270, y - (20 + 200 * (k / N_PICTURES) ** 2)) < 22, 25.0, light)
    # Four points per pixel, or edges would jump from pixel to pixel.
    smooth = light.reshape(HEIGHT, 2, WIDTH, 2).mean(axis=(1, 3))
    noise = np.random.default_rng(k).normal(0.0, 1.0, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def make_video(path: Path) -> None:
    """Write the scene as an ordinary compressed video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE_HZ)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 4_000_000
        for k in range(N_PICTURES):
            frame = av.VideoFrame.from_ndarray(scene(k), format="gray").reformat(format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def picture_at(path: Path, time_s: float, width: int, height: int) -> NDArray[np.uint8]:
    """Return the video's picture shown at a time, in colour."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= time_s:
                break
        shown: NDArray[np.uint8] = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
    return shown


def main() -> None:
    """Write the picture and say what is on it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--video", type=Path, help="a video of your own")
    parser.add_argument("--at", type=float, default=0.5, help="time in s (default 0.5)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.video or Path(folder) / "scene.mp4"
        if arguments.video is None:
            make_video(path)
        camera = VideoAsCamera(path, BLOCK_MS, max_width=WIDTH)
        panels = [picture_at(path, arguments.at, camera.width, camera.height)]
        for source in (camera, Filtered(camera, filters_from_text(["background:5ms", "refractory:5ms"]))):
            block = next(b for b in source if b.end_ns >= arguments.at * 1e9)
            panel = np.full((camera.height, camera.width, 3), WHITE, np.uint8)
            panel[block.y[block.on], block.x[block.on]] = ON
            panel[block.y[~block.on], block.x[~block.on]] = OFF
            panels.append(panel)
            print(f"{len(block)} events in {BLOCK_MS:g} ms")
    gap = np.full((panels[0].shape[0], 4, 3), WHITE, np.uint8)
    whole = np.hstack([panels[0], gap, panels[1], gap, panels[2]])
    with av.open(str(PICTURE), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.height, stream.width, stream.pix_fmt = whole.shape[0], whole.shape[1], "rgb24"
        stream.options = {"compression_level": "9", "pred": "mixed"}
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(whole), format="rgb24")))
        container.mux(stream.encode())
    print(f"wrote {PICTURE.name}, {PICTURE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
