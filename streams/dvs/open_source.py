"""Any source of camera events by one text: a file, a video, a webcam, an event camera."""

from pathlib import Path

from eventsim.errors import SourceError
from streams.dvs.camera import DvsCamera
from streams.dvs.detect import SUFFIXES
from streams.dvs.dvs_file import DvsFile
from streams.dvs.open_file import open_dvs_file
from streams.dvs.pixel_model import PixelConfig
from streams.dvs.video_camera import VideoAsCamera

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv", ".gif", ".y4m")


def is_dvs_source(text: str) -> bool:
    """Return whether a text names a source of camera events, by its word or suffix; opens nothing.

    A .txt or .npy counts: other readers of such files must be asked first.
    """
    word = text.partition(":")[0]
    suffix = Path(text).suffix.lower()
    return (
        word in ("webcam", "camera")
        or text.startswith("/dev/video")
        or suffix in SUFFIXES
        or suffix in VIDEO_SUFFIXES
    )


def open_dvs_source(
    text: str,
    block_ms: float = 10.0,
    width: int | None = None,
    height: int | None = None,
    *,
    pixel: PixelConfig | None = None,
    max_width: int | None = None,
) -> DvsFile | VideoAsCamera | DvsCamera:
    """Return the source that `text` names: an event file, a video file, webcam[:NUMBER], camera[:SERIAL].

    width, height : of the sensor, for files that do not say. pixel, max_width : for videos and webcams.

    Raises SourceError when it cannot be opened.
    """
    word, _, rest = text.partition(":")
    if word == "camera":
        return DvsCamera(rest or None, block_ms)
    if word == "webcam":
        if rest and not rest.isdecimal():
            raise SourceError(f"source {text!r}: the number of a webcam follows the colon, as webcam:0")
        return VideoAsCamera(int(rest or 0), block_ms, pixel, max_width)
    if text.startswith("/dev/video") or Path(text).suffix.lower() in VIDEO_SUFFIXES:
        return VideoAsCamera(text, block_ms, pixel, max_width)
    return open_dvs_file(text, block_ms, width, height)
