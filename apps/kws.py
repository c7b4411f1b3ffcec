"""Runs the keyword spotter over files, the embedded clip, a microphone or a stream, and measures its cost."""

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rich.console import Console

from apps.decision_sender import DecisionSender, ToOptions
from apps.keyword_model import KeywordModel, load_keyword_model
from apps.kws_remote import receive, replay
from apps.kws_report import JsonReport, KwsReport, Reports, TextReport
from apps.kws_run import KwsRun
from apps.receiving import ReceivingOptions
from apps.sound_choice import SoundOptions, names_microphone, open_sound
from apps.source_choice import is_recording
from apps.spotter import KeywordSpotter
from apps.termination import exit_code, sigterm_interrupts
from apps.writable import check_writable
from eventsim.errors import OutputError, ParameterError, SourceError
from streams.audio_file import AudioFile
from streams.microphone import Microphone, list_microphones

if TYPE_CHECKING:
    from apps.hw_live import LiveChip


@dataclass(frozen=True, slots=True)
class KwsOptions:
    """What a person chooses; the options of the command line say more.

    sources : files, recordings, "mic", "mic:NAME_OR_NUMBER", or "-" for raw samples on standard input.
    """

    sources: tuple[str, ...] = ()
    model: Path | None = None
    threshold: float | None = None
    full: bool = False
    show_all: bool = False
    json: bool = False
    output: Path | None = None
    clip: bool = False
    device: str | None = None
    seconds: float | None = None
    realtime: bool = False
    sound: SoundOptions = field(default_factory=SoundOptions)
    stream: str | None = None
    come_from: ReceivingOptions | None = None
    go_to: ToOptions | None = None
    chip: str | None = None

    def __post_init__(self) -> None:
        chosen = {
            "files": bool(self.sources),
            "--clip": self.clip,
            "--device": self.device is not None,
            "--from": self.come_from is not None,
        }
        given = [name for name, is_given in chosen.items() if is_given]
        if len(given) > 1:
            raise ParameterError(f"{' and '.join(given)} exclude each other")


def run_kws(options: KwsOptions) -> int:
    """Spot keywords as `options` say and report them; return the exit code (130 after Ctrl-C).

    Raises an EventSimError that names what is wrong with a source, the model, an address or the output.
    """
    started = time.perf_counter()
    _check_sources(options)
    _check_output(options)
    with ExitStack() as stack, sigterm_interrupts():
        model = load_keyword_model(options.model)
        sender = None if options.go_to is None else DecisionSender(options.go_to, model.labels)
        if sender is not None:
            stack.enter_context(sender)
        chip = None if options.chip is None else _live_chip(options.chip, model)
        spotter = KeywordSpotter(model, options.threshold, options.full, watcher=chip)
        # Not before: where nothing will be heard, the file keeps what it holds.
        report = _report(options, stack)
        spotter.warm_up()
        if chip is not None:
            chip.reset()
        run = KwsRun(spotter, report, realtime=options.realtime, seconds=options.seconds, sender=sender)
        run.summary = replace(run.summary, setup_s=time.perf_counter() - started)
        try:
            if sender is not None:
                report.notice(f"decisions go to {', '.join(sender.publisher.addresses)}")
                sender.wait()
            _hear_all(options, run, spotter)
        except KeyboardInterrupt as interrupt:
            return exit_code(interrupt)
        finally:
            # Also after Ctrl-C or an unplugged microphone: what was measured so far is told.
            report.summary(run.summary if chip is None else replace(run.summary, chip=chip.totals))
    return 0


def _live_chip(name: str, model: KeywordModel) -> "LiveChip":
    """Return a chip that listens along; the hardware models are loaded only where one is asked for."""
    from apps.hw_live import LiveChip
    from hwmodels.chip import load_chip

    return LiveChip(load_chip(name), model.bundle.network)


def _hear_all(options: KwsOptions, run: KwsRun, spotter: KeywordSpotter) -> None:
    """Hear every source there is: those named, a stream, the clip, or the microphone."""
    if options.come_from is not None:
        with ExitStack() as stack:
            remote = receive(options.come_from, spotter, stack)
            run.follow(remote, live=not options.come_from.lossless)
    elif options.sources:
        for text in options.sources:
            _hear_one(text, options, run, spotter)
    elif options.clip:
        run.play_clip(None)
    else:
        _hear_microphone(options, run, spotter)


def _hear_one(text: str, options: KwsOptions, run: KwsRun, spotter: KeywordSpotter) -> None:
    if names_microphone(text) or text == "-":
        with ExitStack() as stack:
            sound = open_sound(text, options.sound, stack, spotter.rate_hz)
            if isinstance(sound.source, Microphone):
                run.listen(sound.source)
            else:
                run.read(sound)
    elif is_recording(text):
        run.follow(replay(text, options.stream, spotter), live=False)
    else:
        run.play(AudioFile(text), text)


def _hear_microphone(options: KwsOptions, run: KwsRun, spotter: KeywordSpotter) -> None:
    """Spot keywords live; without a microphone say why and play the clip, unless one was asked for."""
    try:
        rate_hz = options.sound.rate_hz or spotter.rate_hz
        with Microphone(options.device, rate_hz, latency=options.sound.latency) as microphone:
            run.listen(microphone)
    except SourceError as error:
        if options.device is not None or run.summary.samples:
            raise
        run.play_clip(str(error))


def _check_sources(options: KwsOptions) -> None:
    """Raise SourceError for a file that cannot be heard, before the model is loaded."""
    for text in options.sources:
        if not (names_microphone(text) or text == "-" or is_recording(text)):
            AudioFile(text)
    if options.sources and not any(names_microphone(text) or text == "-" for text in options.sources):
        options.sound.refuse_rate(options.sources[0])
    if "-" in options.sources:
        options.sound.raw_rate_hz()
    if options.clip or options.come_from is not None:
        options.sound.refuse_rate("the clip" if options.clip else "the stream")
    if (
        options.stream is not None
        and options.come_from is None
        and not any(map(is_recording, options.sources))
    ):
        raise ParameterError("--stream needs --from ADDRESS or a recording")


def _check_output(options: KwsOptions) -> None:
    """Raise OutputError where the output cannot be written, or would go over what is heard."""
    output = options.output
    if output is None:
        return
    check_writable(output)
    for text in options.sources:
        if output.exists() and Path(text).exists() and output.samefile(text):
            raise OutputError(f"{output}: is heard; --output needs another file")


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


def _report(options: KwsOptions, stack: ExitStack) -> KwsReport:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    shown: KwsReport = JsonReport(console.file) if options.json else TextReport(console, options.show_all)
    if options.output is None:
        return shown
    try:
        file = options.output.open("w", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{options.output}: cannot be written ({error.strerror or error})") from None
    stack.callback(_close, file)
    return Reports([shown, JsonReport(file, str(options.output))])


def _close(file: IO[str]) -> None:
    # Every line was flushed, or its failure told: what a full disk left unwritten is no news.
    with suppress(OSError):
        file.close()
