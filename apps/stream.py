"""Sends a source to other programs, says what it does, and ends cleanly however it is ended."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from apps.source_choice import Source, SourceOptions, is_live_device, open_source
from apps.stream_limit import limited
from apps.stream_report import StreamReport
from apps.termination import exit_code, sigterm_interrupts
from eventsim.errors import OutputError, ParameterError
from streams.audio_block import AudioBlock
from streams.description import Block, Description
from streams.event_block import EventBlock
from streams.pacing import pace
from streams.publisher import Publisher
from streams.recording import RecordingWriter

_WAIT_SLICE_S = 0.2


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What a person chooses; the command line says more.

    speed : of a file; None is as fast as possible. speed_given : by the person: it holds for a pipe, too.
    """

    source: str
    addresses: tuple[str, ...]
    how: SourceOptions = field(default_factory=SourceOptions)
    name: str | None = None
    lossless: bool = False
    wait_for: int | None = None
    encode: str | None = None
    speed: float | None = 1.0
    speed_given: bool = False
    seconds: float | None = None
    record: Path | None = None
    json: bool = False
    keys: Path | None = None
    clients: Path | None = None

    def __post_init__(self) -> None:
        if len(self.addresses) > 1 and not self.lossless:
            raise ParameterError("several --to need --lossless: live, any number receive from one address")
        if self.clients is not None and self.keys is None:
            raise ParameterError("--clients needs --keys, the secret key of this sender")
        if self.speed_given and is_live_device(self.source):
            raise ParameterError(f"--speed is for files; {self.source} has its own pace")

    @property
    def awaited(self) -> int:
        """Receivers to wait for before the stream begins."""
        return (len(self.addresses) if self.lossless else 0) if self.wait_for is None else self.wait_for


def run_stream(options: StreamOptions) -> int:
    """Send as `options` say until the source ends; return the exit code: 130 after Ctrl-C, 143 after SIGTERM.

    Raises an EventSimError that names what is wrong with the source, an address, a key or the recording.
    """
    with ExitStack() as stack, sigterm_interrupts():
        report = stack.enter_context(StreamReport(options.json))
        try:
            return _Sending(options, report).run()
        except KeyboardInterrupt as interrupt:
            return exit_code(interrupt)


class _Sending:
    """One invocation."""

    def __init__(self, options: StreamOptions, report: StreamReport) -> None:
        self._options, self._report = options, report
        self._recorder: RecordingWriter | None = None
        self._recording_failure: str | None = None

    def run(self) -> int:
        options = self._options
        with ExitStack() as stack:
            opened = stack.enter_context(ExitStack())
            source = open_source(options.source, options.how, opened)
            description, blocks = self._stream(source)
            name = options.name
            if name is None:
                name = source.stream or _stream_name(description)
            publisher = self._publisher(name, description, stack)
            if options.record is not None:
                self._recorder = stack.enter_context(
                    RecordingWriter(options.record, name, metadata=description.metadata)
                )
            self._report.begin(source.name, name, description, publisher, options.lossless)
            try:
                if self._wait(publisher) and is_live_device(options.source):
                    # What a device heard or saw while nobody was there is not sent late: it is opened anew.
                    opened.close()
                    source = open_source(options.source, options.how, opened)
                    _, blocks = self._stream(source)
                self._send(blocks, publisher)
            except KeyboardInterrupt:
                self._close_interrupted(publisher)
                raise
            finally:
                # Also after Ctrl-C or an unplugged device: what was sent so far is told.
                self._report.end(publisher, source.losses())
        if self._recording_failure is not None:
            raise OutputError(self._recording_failure)
        return 0

    def _stream(self, source: Source) -> tuple[Description, Iterable[Block]]:
        """Return the stream as it is sent: paced, limited, encoded."""
        options = self._options
        blocks: Iterable[Block] = limited(source.blocks, options.seconds)
        if not source.live or options.speed_given:
            blocks = pace(blocks, options.speed)
        if options.encode is None:
            return source.description, blocks
        rate_hz = source.description.rate_hz
        if rate_hz is None:
            raise ParameterError(
                f"--encode is for sound, {options.source} is {source.description.stream_kind}"
            )
        # Loads the compiler of their kernels, which sound as it is does without.
        from apps.encoder_choice import encoder_from_text
        from streams.encoded_source import EncodedSource

        encoder = encoder_from_text(options.encode)
        encoded = EncodedSource(_SoundOf(blocks, rate_hz), encoder)
        metadata = {**source.description.metadata, "encoder": encoder.describe()}
        description = Description(stream_kind="events", n_addresses=encoder.n_addresses, metadata=metadata)
        return description, encoded

    def _publisher(self, name: str, description: Description, stack: ExitStack) -> Publisher:
        options = self._options
        return stack.enter_context(
            Publisher(
                options.addresses,
                name,
                mode="lossless" if options.lossless else "live",
                description=description,
                server_keys=options.keys,
                allowed_clients=options.clients,
            )
        )

    def _wait(self, publisher: Publisher) -> bool:
        """Wait for the receivers that are to be there; True where that took a while."""
        n = self._options.awaited
        if not n or publisher.wait_for_subscribers(n, _WAIT_SLICE_S):
            return False
        self._report.waiting(n, publisher)
        while not publisher.wait_for_subscribers(n, _WAIT_SLICE_S):
            pass
        return True

    def _send(self, blocks: Iterable[Block], publisher: Publisher) -> None:
        for block in blocks:
            captured_ns = block.captured_ns if isinstance(block, AudioBlock | EventBlock) else None
            origin_ns = time.time_ns() if captured_ns is None else captured_ns
            if self._recorder is not None:
                self._record(self._recorder, block, origin_ns)
            publisher.send(block, origin_ns)
            self._report.sent(block)

    def _close_interrupted(self, publisher: Publisher) -> None:
        try:
            publisher.close()
        except OutputError as error:
            # Whoever ends a stream by hand learns what did not arrive; it is no failure.
            self._report.notice(str(error))

    def _record(self, recorder: RecordingWriter, block: Block, origin_ns: int) -> None:
        try:
            recorder.send(block, origin_ns)
        except OutputError as error:
            # The stream goes on: a full disk here is no reason to leave those who listen.
            self._recorder, self._recording_failure = None, str(error)
            self._report.notice(str(error))


class _SoundOf:
    """Blocks of sound as a source of sound; each tells when it was there."""

    def __init__(self, blocks: Iterable[Block], rate_hz: int) -> None:
        self._blocks, self._rate_hz = blocks, rate_hz

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    def __iter__(self) -> Iterator[AudioBlock]:
        for block in self._blocks:
            if isinstance(block, AudioBlock):
                known = block.captured_ns is not None
                yield block if known else replace(block, captured_ns=time.time_ns())


def _stream_name(description: Description) -> str:
    return {"audio": "sound"}.get(description.stream_kind, description.stream_kind)
