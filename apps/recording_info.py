"""Says what a recording holds: its streams, their length, and whether it is whole."""

from dataclasses import dataclass
from typing import Any

import msgspec
from rich.console import Console

from apps.quantities import NOUNS
from apps.source_choice import recorded_losses
from streams.audio_block import NS_PER_S, AudioBlock
from streams.description import Block, Description, describe
from streams.received import Received
from streams.recording import Recording


@dataclass(slots=True)
class StreamInfo:
    """What a recording holds of one stream: blocks, items, and the time they span."""

    description: Description
    messages: int = 0
    items: int = 0
    start_ns: int | None = None
    end_ns: int = 0

    def add(self, received: Received) -> None:
        """Take in a block."""
        start_ns, end_ns = _span_ns(received.block)
        self.messages += 1
        self.items += received.header.n_items
        self.start_ns = start_ns if self.start_ns is None else min(self.start_ns, start_ns)
        self.end_ns = max(self.end_ns, end_ns)

    @property
    def seconds(self) -> float:
        """Length of the stream in its own time."""
        return 0.0 if self.start_ns is None else (self.end_ns - self.start_ns) / NS_PER_S


def show_recording(path: str, stream: str | None, as_json: bool) -> int:
    """Print what a recording holds; return the exit code: 0, also where its end is damaged, which is said.

    Raises SourceError where it cannot be read at all.
    """
    recording = Recording(path, stream, on_damage="stop")
    streams: dict[str, StreamInfo] = {}
    for received in recording:
        name = received.stream
        if name not in streams:
            description = recording.descriptions.get(name) or describe(received.block)
            streams[name] = StreamInfo(description)
        streams[name].add(received)
    console = Console(highlight=False, soft_wrap=True, markup=False)
    lost = recording.statistics
    if as_json:
        told: dict[str, Any] = {
            "recording": path,
            "streams": {name: _as_json(info) for name, info in streams.items()},
            "complete": recording.complete,
            "damage": recording.damage,
            "lost_messages": lost.lost_messages,
            "lost_items": lost.lost_items,
        }
        console.file.write(msgspec.json.encode(told).decode() + "\n")
        return 0
    console.print(f"recording {path}", style="bold")
    for name, info in streams.items():
        console.print(
            f"  stream {name!r}: {info.description.geometry}, {info.items} "
            f"{NOUNS[info.description.stream_kind]} in {info.messages} messages, {info.seconds:.3f} s"
        )
    for line in recorded_losses(recording):
        console.print(f"  {line}", style="yellow")
    if recording.damage is not None:
        console.print(f"  {recording.damage}; everything before it is whole", style="yellow")
    elif not recording.complete:
        console.print("  its end is missing: the recorder was stopped, or still writes", style="yellow")
    return 0


def _as_json(info: StreamInfo) -> dict[str, Any]:
    told = {"messages": info.messages, "items": info.items, "seconds": info.seconds}
    return {"description": msgspec.to_builtins(info.description), **told}


def _span_ns(block: Block) -> tuple[int, int]:
    if isinstance(block, AudioBlock):
        return block.start_ns, block.end_sample * NS_PER_S // block.rate_hz
    return block.start_ns, block.end_ns
