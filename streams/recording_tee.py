"""Records a stream on its way: what comes goes on, whatever becomes of the recording."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from eventsim.errors import OutputError, WireError
from streams.description import Block, Description
from streams.received import Received
from streams.recording_writer import RecordingWriter

T = TypeVar("T", bound=Block | Received)


def recorded(stream: Iterable[T], writer: RecordingWriter, on_failure: Callable[[str], None]) -> Iterator[T]:
    """Yield what comes, recorded first; a full disk ends the recording, not the stream.

    stream : a source of blocks, or a Subscriber. on_failure : is told, once and in one line, why the
    recording ended. The writer is the caller's to close.
    """
    recording = True
    for item in stream:
        if recording:
            try:
                if isinstance(item, Received):
                    writer.write(item, _description(stream, item))
                else:
                    writer.send(item)
            except (OutputError, WireError) as error:
                recording = False
                on_failure(str(error))
        yield item


def _description(stream: object, received: Received) -> Description | None:
    descriptions: dict[str, Description] = getattr(stream, "descriptions", {})
    return descriptions.get(received.stream)
