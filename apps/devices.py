"""Lists microphones, event cameras and webcams; what is missing for one kind never hides the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from rich.console import Console

from eventsim.errors import EventSimError


@dataclass(frozen=True, slots=True)
class Section:
    """The devices of one kind. devices : as `eventsim stream` takes each, with a name and details.

    why_empty : None where there are any.
    """

    kind: str
    devices: list[dict[str, Any]]
    why_empty: str | None


def find_devices() -> list[Section]:
    """Return what each kind of device says; never raises because a library is missing."""
    return [
        _section("microphones", _microphones),
        _section("event cameras", _cameras),
        _section("webcams", _webcams),
    ]


def show_devices(as_json: bool) -> int:
    """Print the devices, or one JSON object with them; return the exit code."""
    sections = find_devices()
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if as_json:
        told = {
            section.kind.replace(" ", "_"): {"devices": section.devices, "why_empty": section.why_empty}
            for section in sections
        }
        console.file.write(msgspec.json.encode(told).decode() + "\n")
        return 0
    for section in sections:
        console.print(f"{section.kind}:", style="bold")
        for device in section.devices:
            mark = " (default)" if device.get("is_default") else ""
            console.print(f"  {device['source']:<12} {device['name']}{mark}  {device['detail']}".rstrip())
        if section.why_empty:
            console.print(f"  none: {section.why_empty}", style="yellow")
    return 0


def _section(kind: str, list_them: Callable[[], list[dict[str, Any]]]) -> Section:
    try:
        devices = list_them()
    except (EventSimError, ImportError, OSError) as error:
        return Section(kind, [], " ".join(str(error).split()) or type(error).__name__)
    return Section(kind, devices, None if devices else "none is connected to this machine")


def _microphones() -> list[dict[str, Any]]:
    from streams.microphone_devices import list_microphones

    return [
        {
            "source": f"mic:{device.index}",
            "name": device.name,
            "detail": f"{device.n_channels} channels  {device.rate_hz} Hz  {device.host_api}".rstrip(),
            "n_channels": device.n_channels,
            "rate_hz": device.rate_hz,
            "is_default": device.is_default,
        }
        for device in list_microphones()
    ]


def _cameras() -> list[dict[str, Any]]:
    from streams.dvs.camera import list_cameras

    return [
        {
            "source": "camera" if device.serial is None else f"camera:{device.serial}",
            "name": device.name,
            "detail": device.connection if device.error is None else f"cannot be used: {device.error}",
        }
        for device in list_cameras()
    ]


def _webcams() -> list[dict[str, Any]]:
    from streams.dvs.webcams import list_webcams

    return [
        {"source": f"webcam:{device.index}", "name": device.name, "detail": str(device.path)}
        for device in list_webcams()
    ]
