"""The input devices of this machine: listed, and chosen by number or name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from eventsim.errors import SourceError
from streams.bounded_call import CallHangs, bounded_call
from streams.native_stderr import native_stderr_muted

# A sound server that stands still holds up whoever asks for its devices, for ever.
MAX_LOOKING_S = 10.0


@dataclass(frozen=True, slots=True)
class MicrophoneDevice:
    """One input device: its number, name, channel count, preferred rate, and the system that offers it."""

    index: int
    name: str
    n_channels: int
    rate_hz: int
    is_default: bool
    host_api: str = ""


def list_microphones() -> list[MicrophoneDevice]:
    """Return the input devices of this machine, possibly none.

    Raises SourceError when the PortAudio library is missing or does not answer.
    """
    sounddevice = portaudio()
    try:
        devices = sounddevice.query_devices()
        host_apis = sounddevice.query_hostapis()
        default = int(sounddevice.default.device[0])
        if default < 0:
            default = next((d for h in host_apis if (d := int(h["default_input_device"])) >= 0), -1)
    except sounddevice.PortAudioError as error:
        raise SourceError(f"microphone: devices cannot be listed ({reason(error)})") from None
    return [
        _device(number, found, host_apis, number == default)
        for number, found in enumerate(devices)
        if found["max_input_channels"] > 0
    ]


def chosen_microphone(device: int | str | None) -> MicrophoneDevice:
    """Return the one input device that a number, or (part of) a name, means; None means the default.

    A name is compared without regard to case, with the host system's name after a comma; the whole name wins
    over a part of another. A text of digits is a number.

    Raises SourceError when there is no input device, none of that number or name (with those there are), or
    several (with their numbers).
    """
    found = list_microphones()
    if not found:
        raise SourceError("microphone: this machine has no input device")
    if device is None:
        return next((d for d in found if d.is_default), found[0])
    if isinstance(device, str) and device.strip().isdecimal():
        device = int(device)
    if isinstance(device, int):
        matches = [d for d in found if d.index == device]
    else:
        wanted = device.strip().lower()
        matches = [d for d in found if wanted in (d.name.lower(), _full_name(d).lower())]
        matches = matches or [d for d in found if wanted and wanted in _full_name(d).lower()]
    if not matches:
        raise SourceError(f"microphone {device!r}: no such input device; there are {_listed(found)}")
    if len(matches) > 1:
        raise SourceError(
            f"microphone {device!r}: fits {len(matches)} devices, say which by number: {_listed(matches)}"
        )
    return matches[0]


def portaudio() -> ModuleType:
    """Return the sounddevice module, through which PortAudio is reached.

    Raises SourceError when the PortAudio library is missing, or when the sound system does not answer.
    """
    try:
        # The import starts PortAudio, which looks through all devices and says so. Meanwhile sounddevice
        # keeps descriptor 2 on the null device, and would for ever where a sound server stands still.
        with native_stderr_muted(), _descriptor_kept(2):
            return bounded_call(_import_sounddevice, MAX_LOOKING_S)
    except CallHangs:
        raise SourceError(
            "microphone: the sound system does not answer (looking for devices took more than "
            f"{MAX_LOOKING_S:g} s)"
        ) from None
    except OSError as error:
        raise SourceError(
            f"microphone: no PortAudio library ({reason(error)}); on Debian: apt install libportaudio2"
        ) from None
    except ImportError as error:
        raise SourceError(f"microphone: sounddevice cannot be imported ({reason(error)})") from None


def _import_sounddevice() -> ModuleType:
    import sounddevice

    module: ModuleType = sounddevice
    return module


@contextmanager
def _descriptor_kept(number: int) -> Iterator[None]:
    """Put a file descriptor back to where it led, should a call that hangs have moved it."""
    try:
        kept = os.dup(number)
    except OSError:
        yield
        return
    try:
        yield
    except CallHangs:
        os.dup2(kept, number)
        raise
    finally:
        os.close(kept)


def reason(error: Exception) -> str:
    """Return the first line of the system's own words."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def _device(number: int, found: Any, host_apis: Any, is_default: bool) -> MicrophoneDevice:
    return MicrophoneDevice(
        index=number,
        name=str(found["name"]),
        n_channels=int(found["max_input_channels"]),
        rate_hz=round(found["default_samplerate"]),
        is_default=is_default,
        host_api=str(host_apis[found["hostapi"]]["name"]),
    )


def _full_name(device: MicrophoneDevice) -> str:
    return f"{device.name}, {device.host_api}"


def _listed(devices: list[MicrophoneDevice]) -> str:
    return "; ".join(f"{d.index} {d.name!r} ({d.host_api})" for d in devices)
