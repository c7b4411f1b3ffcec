"""Receives streams, measures them, shows them, and records them if asked to."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from apps.listen_report import ListenReport
from apps.receiving import ReceivingOptions
from apps.stream_meter import StreamMeter
from apps.termination import exit_code, sigterm_interrupts
from eventsim.errors import OutputError
from streams.description import describe
from streams.received import Received
from streams.recording import RecordingWriter
from streams.subscriber import Subscriber

_WAIT_S = 0.1
_SECOND_S = 1.0


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """What a person chooses; the options of the command line say more."""

    come_from: ReceivingOptions
    seconds: float | None = None
    count: int | None = None
    record: Path | None = None
    json: bool = False


def run_listen(options: ListenOptions) -> int:
    """Receive until the stream ends, or as long as asked; return the exit code (130 after Ctrl-C).

    Raises an EventSimError that names what is wrong with the address, a key, the stream or the recording.
    """
    with ExitStack() as stack, sigterm_interrupts():
        subscriber = stack.enter_context(options.come_from.subscriber())
        recorder = None
        if options.record is not None:
            recorder = stack.enter_context(_recorder(options.record))
        report = stack.enter_context(ListenReport(options.json, subscriber))
        listening = _Listening(options, subscriber, report, recorder)
        try:
            listening.run()
        except KeyboardInterrupt as interrupt:
            return exit_code(interrupt)
        finally:
            # Whatever ended it: what came so far is told.
            report.end(listening.meters, listening.heard_s)
        if listening.recording_failure is not None:
            raise OutputError(listening.recording_failure)
    return 0


@contextmanager
def _recorder(path: Path) -> Iterator[RecordingWriter]:
    """Record; where nothing came, leave no file, which would stand in the way of the next try."""
    recorder = RecordingWriter(path)
    try:
        with recorder:
            yield recorder
    finally:
        if recorder.messages == 0:
            path.unlink(missing_ok=True)


class _Listening:
    """One invocation. meters : one for each stream, in the order they came."""

    def __init__(
        self,
        options: ListenOptions,
        subscriber: Subscriber,
        report: ListenReport,
        recorder: RecordingWriter | None,
    ) -> None:
        self._options, self._subscriber = options, subscriber
        self._report, self._recorder = report, recorder
        self.meters: dict[str, StreamMeter] = {}
        self.recording_failure: str | None = None
        self._began: float | None = None

    @property
    def heard_s(self) -> float:
        """Seconds since the first message."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def run(self) -> None:
        """Receive until one of the ends is reached."""
        report, seconds = self._report, self._options.seconds
        report.listening(self._options.come_from.address)
        started = told = time.monotonic()
        while not self._subscriber.ended:
            # Not later than a second may be told late, or the time be over.
            received = self._subscriber.receive(_WAIT_S)
            if received is not None:
                self._take(received)
                if self._complete():
                    return
            now = time.monotonic()
            report.refresh(self.meters, now)
            if now - told >= _SECOND_S:
                report.second(self.meters, now - told)
                told = now
            if seconds is not None and now - started >= seconds:
                return

    def _take(self, received: Received) -> None:
        meter = self.meters.get(received.stream)
        if meter is None:
            self._began = self._began or time.monotonic()
            meter = self.meters[received.stream] = StreamMeter(describe(received.block).stream_kind)
            self._report.stream(received.stream, describe(received.block))
        meter.count(received)
        if self._recorder is not None:
            self._record(self._recorder, received)
        self._report.received(received)

    def _record(self, recorder: RecordingWriter, received: Received) -> None:
        try:
            recorder.write(received, self._subscriber.descriptions.get(received.stream))
        except OutputError as error:
            # What comes is still shown: a full disk is no reason to stop listening.
            self._recorder, self.recording_failure = None, str(error)
            self._report.notice(str(error))

    def _complete(self) -> bool:
        count = self._options.count
        return count is not None and sum(meter.items for meter in self.meters.values()) >= count
