"""Webcams of this machine, as Linux lists them."""

from dataclasses import dataclass
from pathlib import Path

_LISTED = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class Webcam:
    """One video device: its number, its path, and the name its driver gives."""

    index: int
    path: str
    name: str


def list_webcams(listed: Path = _LISTED) -> list[Webcam]:
    """Return the video devices, possibly none; on other systems than Linux none are known."""
    found = []
    for folder in listed.glob("video*"):
        number = folder.name.removeprefix("video")
        if number.isdecimal():
            try:
                name = (folder / "name").read_text(encoding="utf-8", errors="replace").strip()
            except OSError:
                name = ""
            found.append(Webcam(int(number), f"/dev/video{number}", name))
    return sorted(found, key=lambda webcam: webcam.index)
