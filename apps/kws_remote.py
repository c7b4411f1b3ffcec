"""What the keyword spotter hears from elsewhere: a stream of sound, or of its encoder's events."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

from apps.receiving import ReceivingOptions
from apps.spotter import KeywordSpotter
from eventsim.errors import EventSimError, SourceError
from streams.audio_block import AudioBlock
from streams.description import Description, describe
from streams.encoders import encoder_from_config
from streams.event_block import EventBlock
from streams.intake import IntakeStatistics
from streams.received import Received
from streams.recording import Recording
from streams.remote_source import Continuity, ReceivedStream, RemoteAudio, RemoteEvents


@dataclass(frozen=True, slots=True)
class NetworkLoss:
    """What a stream from elsewhere lost, and how it was made continuous.

    filled_s : silence in place of what was lost. restarts : the sender began anew; the stream went on.
    """

    lost_messages: int = 0
    lost_items: int = 0
    filled_s: float = 0.0
    restarts: int = 0
    duplicates: int = 0
    reordered: int = 0
    malformed: int = 0

    def plus(self, other: "NetworkLoss") -> "NetworkLoss":
        """Return the sums."""
        names = self.__slots__
        return NetworkLoss(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def lines(self) -> list[str]:
        """Return what is worth saying, a line each; nothing where all came."""
        said = []
        if self.lost_messages:
            said.append(
                f"lost on the way: {self.lost_messages} messages, {self.lost_items} samples or events; "
                f"{self.filled_s:.3f} s of silence in their place"
            )
        if self.restarts:
            said.append(f"the sender began anew {self.restarts} times")
        odd = [f"{getattr(self, name)} {name}" for name in ("duplicates", "reordered", "malformed")]
        odd = [text for text in odd if not text.startswith("0 ")]
        if odd:
            said.append(f"messages not used: {', '.join(odd)}")
        return said


@dataclass(frozen=True, slots=True)
class RemoteStream:
    """A stream from elsewhere, fit for a spotter. origin_ns : of the block yielded last, where known."""

    name: str
    blocks: RemoteAudio | Iterable[EventBlock]
    origin_ns: Callable[[], int | None]
    loss: Callable[[], NetworkLoss]


def receive(options: ReceivingOptions, spotter: KeywordSpotter, stack: ExitStack) -> RemoteStream:
    """Return the stream at an address, as soon as its first block is there; the stack closes it.

    Raises SourceError where nothing comes, it is refused, or the stream is none a spotter can hear.
    """
    return fitted_stream(stack.enter_context(options.subscriber()), options.address, spotter)


def replay(path: str, stream: str | None, spotter: KeywordSpotter) -> RemoteStream:
    """Return a recorded stream; raises SourceError as `receive` does."""
    return fitted_stream(Recording(path, stream), path, spotter)


class DescribedStream(ReceivedStream, Protocol):
    """What a Subscriber and a Recording offer."""

    @property
    def descriptions(self) -> dict[str, Description]:
        """What each stream is, as its sender says."""
        ...

    @property
    def statistics(self) -> IntakeStatistics:
        """What came and what did not."""
        ...


def fitted_stream(stream: DescribedStream, where: str, spotter: KeywordSpotter) -> RemoteStream:
    """Return a stream as one a spotter can hear, as soon as its first block is there.

    where : it comes from, for messages.

    Raises SourceError where it is neither sound nor events of the model's own encoder.
    """
    received = iter(stream)
    first = next(received, None)
    if first is None:
        raise SourceError(f"{where}: the stream ended before its first block")
    began = _Begun(first, received, stream.close)
    name = f"{where}, stream {first.stream!r}"
    if isinstance(first.block, AudioBlock):
        sound = RemoteAudio(began)
        return RemoteStream(
            name,
            sound,
            lambda: sound.origin_ns,
            lambda: _loss(stream, sound.continuity, sound.rate_hz),
        )
    description = stream.descriptions.get(first.stream) or describe(first.block)
    _check_encoder(description, name, spotter)
    events = RemoteEvents(began)
    # An encoder's first event comes a tick after its start; one that is joined later has its first at once.
    late = isinstance(first.block, EventBlock) and first.block.start_ns > 0
    blocks = _later(events, spotter.tick_ns) if late else events
    return RemoteStream(
        name,
        blocks,
        lambda: events.origin_ns,
        lambda: _loss(stream, events.continuity, 1_000_000_000),
    )


def _check_encoder(description: Description, name: str, spotter: KeywordSpotter) -> None:
    """Raise SourceError unless the events are what the model's own encoder makes."""
    if description.stream_kind != "events":
        raise SourceError(
            f"{name}: is {description.geometry}; a keyword model hears audio, or its encoder's events"
        )
    wanted = spotter.encoder_description
    told = description.metadata.get("encoder")
    if not isinstance(told, dict):
        raise SourceError(
            f"{name}: does not say which encoder made its events; the model wants {_in_words(wanted)}"
        )
    try:
        found = encoder_from_config(told).describe()
    except (EventSimError, TypeError) as error:
        raise SourceError(f"{name}: its encoder is unknown here ({error})") from None
    if found != wanted:
        raise SourceError(
            f"{name}: its events are made by {_in_words(found, wanted)}, "
            f"the model wants {_in_words(wanted, found)}"
        )


def _in_words(description: dict[str, object], beside: dict[str, object] | None = None) -> str:
    """Return an encoder's name and settings, only those that differ where another one is beside it."""
    same_kind = beside is not None and description.get("kind") == beside.get("kind")
    settings = [
        f"{key}={value}"
        for key, value in description.items()
        if key != "kind" and not (same_kind and beside is not None and beside.get(key) == value)
    ]
    shown = settings if beside is None or same_kind else []
    return f"{description.get('kind')}{':' if shown else ''}{','.join(shown)}"


class _Begun:
    """A stream whose first block was looked at."""

    def __init__(self, first: Received, rest: Iterator[Received], close: Callable[[], None]) -> None:
        self._blocks, self._close = chain([first], rest), close

    def __iter__(self) -> Iterator[Received]:
        return self._blocks

    def close(self) -> None:
        self._close()


def _later(blocks: Iterable[EventBlock], shift_ns: int) -> Iterator[EventBlock]:
    for block in blocks:
        events = replace(block.events, time_ns=block.events.time_ns + shift_ns)
        yield replace(
            block, events=events, start_ns=block.start_ns + shift_ns, end_ns=block.end_ns + shift_ns
        )


def _loss(stream: DescribedStream, continuity: Continuity, per_s: int) -> NetworkLoss:
    counts = stream.statistics
    return NetworkLoss(
        counts.lost_messages,
        counts.lost_items,
        continuity.filled / per_s,
        counts.restarts,
        counts.duplicates,
        counts.reordered,
        counts.malformed,
    )
