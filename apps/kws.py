"""Runs the keyword spotter over files, the embedded clip or the microphone, and measures what it costs."""

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from apps.assets import embedded_clip
from apps.keyword_model import load_keyword_model
from apps.kws_report import JsonReport, KwsReport, Reports, Summary, TextReport
from apps.spotter import KeywordSpotter
from apps.transcript import Transcript, load_transcript
from eventsim.errors import OutputError, ParameterError, SourceError
from streams.audio_block import AudioBlock, AudioSource
from streams.audio_file import AudioFile
from streams.microphone import Microphone, list_microphones
from streams.resample import ResampledSource

EXIT_INTERRUPTED = 130
_REALTIME_BLOCKS_PER_S = 25


@dataclass(frozen=True, slots=True)
class KwsOptions:
    """What a person chooses; the options of the command line say more."""

    files: tuple[Path, ...] = ()
    model: Path | None = None
    threshold: float | None = None
    full: bool = False
    show_all: bool = False
    json: bool = False
    output: Path | None = None
    clip: bool = False
    device: int | str | None = None
    seconds: float | None = None
    realtime: bool = False

    def __post_init__(self) -> None:
        if self.files and (self.clip or self.device is not None):
            raise ParameterError("files, --clip and --device exclude each other")
        if self.clip and self.device is not None:
            raise ParameterError("--clip and --device exclude each other")


def run_kws(options: KwsOptions) -> int:
    """Spot keywords as `options` say and report them; return the exit code (130 after Ctrl-C).

    Raises an EventSimError that names what is wrong with a file, the model, the microphone or the output.
    """
    started = time.perf_counter()
    files = [AudioFile(path) for path in options.files]
    with ExitStack() as stack:
        report = _report(options, stack)
        spotter = KeywordSpotter(load_keyword_model(options.model), options.threshold, options.full)
        spotter.warm_up()
        run = _Run(spotter, report, options)
        run.summary = replace(run.summary, setup_s=time.perf_counter() - started)
        try:
            if files:
                for file in files:
                    run.play(file, str(file.path))
            elif options.clip:
                run.play_clip(None)
            else:
                run.listen()
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
        finally:
            # Also after Ctrl-C or an unplugged microphone: what was measured so far is told.
            report.summary(run.summary)
    return 0


def list_devices() -> int:
    """Print the microphones of this machine, one a line."""
    console = Console(highlight=False, soft_wrap=True)
    devices = list_microphones()
    for device in devices:
        mark = "*" if device.is_default else " "
        console.print(
            f"{mark} {device.index:3d}  {device.name}  {device.n_channels} channels  {device.rate_hz} Hz",
            markup=False,
        )
    if not devices:
        raise SourceError("microphone: this machine has no input device")
    return 0


class _Run:
    """One invocation: its spotter, its report and the sums over all streams."""

    def __init__(self, spotter: KeywordSpotter, report: KwsReport, options: KwsOptions) -> None:
        self._spotter = spotter
        self._report = report
        self._options = options
        ticks_per_s = 1e9 / spotter.tick_ns
        self.summary = Summary(dense_events_per_s=spotter.model.n_synapses * ticks_per_s)

    def play(self, file: AudioFile, name: str, transcript: Transcript | None = None) -> None:
        """Spot keywords in a file."""
        if self._options.realtime:
            file = AudioFile(file.path, max(1, file.rate_hz // _REALTIME_BLOCKS_PER_S))
        self._report.stream(name, live=self._options.realtime, transcript=transcript)
        self._hear(file, paced=self._options.realtime)

    def play_clip(self, why: str | None) -> None:
        """Spot keywords in the clip of the package, truth beside decision."""
        if why:
            self._report.notice(f"{why}; playing the clip that comes with the package")
        sound, transcript = embedded_clip()
        self.play(AudioFile(sound), "clip", load_transcript(transcript))

    def listen(self) -> None:
        """Spot keywords live; without a microphone say why and play the clip, unless one was asked for."""
        try:
            with Microphone(self._options.device, self._spotter.rate_hz) as microphone:
                self._report.stream(f"microphone {microphone.name}, Ctrl-C ends", live=True, transcript=None)
                try:
                    self._hear(microphone, paced=False)
                finally:
                    self._count_losses(microphone)
        except SourceError as error:
            if self._options.device is not None or self.summary.samples:
                raise
            self.play_clip(str(error))

    def _hear(self, source: AudioSource, paced: bool) -> None:
        spotter = self._spotter
        spotter.reset()
        if source.rate_hz != spotter.rate_hz:
            source = ResampledSource(source, spotter.rate_hz)
        cpu_s = time.process_time()
        slowest_s = 0.0
        try:
            for block in _limited(_paced(source) if paced else source, self._options.seconds):
                began = time.perf_counter()
                outcomes = spotter.push(block.samples)
                slowest_s = max(slowest_s, time.perf_counter() - began)
                self._report.outcomes(outcomes)
            self._report.outcomes(spotter.finish())
        finally:
            self.summary = self.summary.plus(
                spotter.work, spotter.rate_hz, spotter.tick_ns, time.process_time() - cpu_s, slowest_s
            )
        self._report.end_of_stream(spotter.work.samples / spotter.rate_hz)

    def _count_losses(self, microphone: Microphone) -> None:
        self.summary = replace(
            self.summary,
            overflows=microphone.overflows,
            dropped_samples=microphone.dropped_samples,
            only_zeros=self.summary.samples > 0 and microphone.only_zeros,
        )


def _report(options: KwsOptions, stack: ExitStack) -> KwsReport:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    shown: KwsReport = JsonReport(console.file) if options.json else TextReport(console, options.show_all)
    if options.output is None:
        return shown
    try:
        file = stack.enter_context(options.output.open("w", encoding="utf-8"))
    except OSError as error:
        raise OutputError(f"{options.output}: cannot be written ({error.strerror or error})") from None
    return Reports([shown, JsonReport(file, str(options.output))])


def _limited(blocks: Iterable[AudioBlock], seconds: float | None) -> Iterator[AudioBlock]:
    """Yield the blocks up to exactly `seconds` of sound."""
    for block in blocks:
        left = math.inf if seconds is None else round(seconds * block.rate_hz) - block.start_sample
        if left > 0:
            yield block if left >= block.samples.size else replace(block, samples=block.samples[: int(left)])
        if left <= block.samples.size:
            return


def _paced(source: AudioSource) -> Iterator[AudioBlock]:
    """Yield each block when its last sample would have been heard."""
    started = time.monotonic()
    for block in source:
        time.sleep(max(0.0, started + block.end_sample / block.rate_hz - time.monotonic()))
        yield block
