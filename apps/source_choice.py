"""One text names any source that can be streamed: sound, an event camera, a file of either, a recording."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from apps.sound_choice import SoundOptions, names_microphone, open_sound
from eventsim.errors import ParameterError, SourceError
from streams.audio_block import AudioBlock
from streams.description import Block, Description, describe
from streams.dvs_block import DvsSource
from streams.event_block import EventBlock
from streams.received import Received
from streams.recording import Recording
from streams.recording_format import MAGIC

DEFAULT_BLOCK_MS = 10.0
# Names that mean sound beyond doubt: what cameras need, a compiler among it, is not loaded for them.
_SOUND_SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"}


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What a person may say about a source; the options of the command line say more.

    filters : texts of filters for camera events. recorded_stream : name in a recording of several streams.
    """

    sound: SoundOptions = field(default_factory=SoundOptions)
    width: int | None = None
    height: int | None = None
    filters: tuple[str, ...] = ()
    recorded_stream: str | None = None

    @property
    def block_ms(self) -> float:
        """Length of a block."""
        return DEFAULT_BLOCK_MS if self.sound.block_ms is None else self.sound.block_ms


@dataclass(frozen=True, slots=True)
class Source:
    """An open source.

    description : what its stream is. blocks : the stream. live : it sets its own pace.
    losses : what went wrong so far, a line each. stream : its name, where it had one before.
    """

    description: Description
    blocks: Iterable[Block]
    name: str
    live: bool
    losses: Callable[[], list[str]]
    stream: str | None = None


def is_recording(text: str) -> bool:
    """Return True where a text is the path of a file that begins like a recording."""
    try:
        path = Path(text)
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def is_live_device(text: str) -> bool:
    """Return True where a text names a device, whose sound or light nobody keeps while nobody listens.

    >>> [is_live_device(text) for text in ("mic", "camera:7", "webcam", "film.mp4", "-")]
    [True, True, True, False, False]
    """
    camera = text.partition(":")[0] in ("camera", "webcam") or text.startswith("/dev/video")
    return names_microphone(text) or camera


def open_source(text: str, options: SourceOptions, stack: ExitStack) -> Source:
    """Return the source that `text` names; the stack closes it.

    Raises SourceError where it cannot be opened, ParameterError where an option does not fit it.
    """
    recording, camera = is_recording(text), _names_camera_events(text)
    if options.recorded_stream is not None and not recording and _is_there(text):
        raise ParameterError(f"--stream is for recordings, {text} is none")
    if recording:
        options.sound.refuse_rate(text)
        source = _recording(text, options)
    elif camera:
        options.sound.refuse_rate(text)
        return _camera(text, options, stack)
    else:
        source = _sound(text, options, stack)
    _refuse_camera_options(text, source.description.stream_kind, options)
    return source


def _is_there(text: str) -> bool:
    return is_live_device(text) or text == "-" or Path(text).is_file()


def _refuse_camera_options(text: str, kind: str, options: SourceOptions) -> None:
    if options.filters:
        raise ParameterError(f"--filter is for camera events, {text} is {kind}")
    for option, value in (("--width", options.width), ("--height", options.height)):
        if value is not None and kind == "dvs":
            raise ParameterError(f"{option} is for camera events of a file that says no size; {text} says it")
        if value is not None:
            raise ParameterError(f"{option} is for camera events, {text} is {kind}")


def _names_camera_events(text: str) -> bool:
    if names_microphone(text) or text == "-" or Path(text).suffix.lower() in _SOUND_SUFFIXES:
        return False
    from streams.dvs.open_source import is_dvs_source

    return is_dvs_source(text)


def _sound(text: str, options: SourceOptions, stack: ExitStack) -> Source:
    sound_options = options.sound
    if sound_options.block_ms is None:
        sound_options = replace(sound_options, block_ms=DEFAULT_BLOCK_MS)
    try:
        opened = open_sound(text, sound_options, stack)
    except SourceError as error:
        if "not a sound file" in str(error):
            raise SourceError(
                f"{text}: neither a sound file nor an event file nor a recording that can be read"
            ) from None
        raise
    description = Description(stream_kind="audio", rate_hz=opened.source.rate_hz)
    return Source(description, opened.source, opened.name, opened.live, opened.losses)


def _camera(text: str, options: SourceOptions, stack: ExitStack) -> Source:
    from streams.dvs.filter_text import filters_from_text
    from streams.dvs.filtered import Filtered
    from streams.dvs.open_source import open_dvs_source

    filters = filters_from_text(list(options.filters))
    camera: Any = stack.enter_context(
        open_dvs_source(text, block_ms=options.block_ms, width=options.width, height=options.height)
    )
    filtered = Filtered(camera, filters) if filters else None
    source: DvsSource = camera if filtered is None else filtered

    def losses() -> list[str]:
        dropped = [] if filtered is None else filtered.dropped
        return [
            *camera.statistics.lines(),
            *(f"filter {name}: {count} events dropped" for name, count in dropped),
        ]

    description = Description(stream_kind="dvs", width=source.width, height=source.height)
    return Source(description, source, str(camera.name), is_live_device(text), losses)


def _recording(text: str, options: SourceOptions) -> Source:
    recording = Recording(text, options.recorded_stream)
    received = iter(recording)
    first = next(received, None)
    if first is None:
        which = "" if options.recorded_stream is None else f" of stream {options.recorded_stream!r}"
        raise SourceError(f"{text}: the recording holds no block{which}")
    description = recording.descriptions.get(first.stream) or describe(first.block)
    blocks = _one_stream(text, first.stream, chain([first], received))
    return Source(
        description,
        blocks,
        f"recording {text}",
        live=False,
        losses=lambda: recorded_losses(recording),
        stream=first.stream,
    )


def _one_stream(text: str, name: str, received: Iterable[Received]) -> Iterable[Block]:
    for item in received:
        if item.stream != name:
            raise SourceError(
                f"{text}: holds the streams {name!r} and {item.stream!r}; choose one with --stream NAME"
            )
        block = item.block
        # Sent anew: how late it comes is counted from now, not from when it was recorded.
        yield replace(block, captured_ns=None) if isinstance(block, AudioBlock | EventBlock) else block


def recorded_losses(recording: Recording) -> list[str]:
    """Return what a recording never got, as far as it was read: a line, or none."""
    lost = recording.statistics
    if not lost.lost_messages:
        return []
    return [f"lost before it was recorded: {lost.lost_messages} messages, {lost.lost_items} items"]
