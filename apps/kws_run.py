"""One invocation of the keyword spotter: hears its sources one after the other and sums up what they cost."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from apps.assets import embedded_clip
from apps.decision_sender import DecisionSender
from apps.kws_remote import RemoteStream
from apps.kws_report import KwsReport, Summary
from apps.sound_choice import Sound
from apps.spotter import NS_PER_S, KeywordSpotter, SpotEvent
from apps.stream_limit import limited
from apps.transcript import Transcript, load_transcript
from streams.audio_block import AudioBlock, AudioSource
from streams.audio_file import AudioFile
from streams.description import Block
from streams.event_block import EventBlock
from streams.microphone import Microphone
from streams.pacing import PacedAudio
from streams.remote_source import RemoteAudio
from streams.resample import ResampledSource

_REALTIME_BLOCKS_PER_S = 25


class KwsRun:
    """Spots keywords in one source after the other. summary : the sums so far.

    seconds : the most to be heard of each source. sender : where decisions go, too.
    """

    def __init__(
        self,
        spotter: KeywordSpotter,
        report: KwsReport,
        *,
        realtime: bool = False,
        seconds: float | None = None,
        sender: DecisionSender | None = None,
    ) -> None:
        self._spotter, self._report, self._sender = spotter, report, sender
        self._realtime, self._seconds = realtime, seconds
        ticks_per_s = 1e9 / spotter.tick_ns
        self.summary = Summary(dense_events_per_s=spotter.model.n_synapses * ticks_per_s)

    def play_clip(self, why: str | None) -> None:
        """Spot keywords in the clip of the package, truth beside decision."""
        if why:
            self._report.notice(f"{why}; playing the clip that comes with the package")
        sound, transcript = embedded_clip()
        self.play(AudioFile(sound), "clip", load_transcript(transcript))

    def play(self, file: AudioFile, name: str, transcript: Transcript | None = None) -> None:
        """Spot keywords in a file."""
        source: AudioSource = file
        if self._realtime:
            source = PacedAudio(AudioFile(file.path, max(1, file.rate_hz // _REALTIME_BLOCKS_PER_S)))
        self._report.stream(name, live=self._realtime, transcript=transcript)
        self._hear(self._at_rate(source), _known_or_now)

    def listen(self, microphone: Microphone) -> None:
        """Spot keywords live in an open microphone."""
        self._report.stream(f"microphone {microphone.name}, Ctrl-C ends", live=True, transcript=None)
        try:
            self._hear(self._at_rate(microphone), _known_or_now)
        finally:
            self.summary = replace(
                self.summary,
                overflows=self.summary.overflows + microphone.overflows,
                dropped_samples=self.summary.dropped_samples + microphone.dropped_samples,
                only_zeros=self.summary.samples > 0 and microphone.only_zeros,
            )

    def read(self, sound: Sound) -> None:
        """Spot keywords in raw samples as they come."""
        self._report.stream(sound.name, live=sound.live, transcript=None)
        self._hear(self._at_rate(sound.source), _known_or_now)

    def follow(self, remote: RemoteStream, live: bool) -> None:
        """Spot keywords in a stream from elsewhere."""
        self._report.stream(remote.name, live=live, transcript=None)
        heard = remote.blocks
        blocks = self._at_rate(heard) if isinstance(heard, RemoteAudio) else heard
        try:
            self._hear(blocks, lambda _: remote.origin_ns())
        finally:
            self.summary = replace(self.summary, network=self.summary.network.plus(remote.loss()))

    def _at_rate(self, source: AudioSource) -> AudioSource:
        rate_hz = self._spotter.rate_hz
        return source if source.rate_hz == rate_hz else ResampledSource(source, rate_hz)

    def _hear(self, blocks: Iterable[Block], origin_ns: Callable[[Block], int | None]) -> None:
        spotter = self._spotter
        spotter.reset()
        cpu_s, slowest_s, now_ns = time.process_time(), 0.0, 0
        last_origin_ns: int | None = None
        try:
            for block in limited(blocks, self._seconds):
                last_origin_ns = origin_ns(block)
                began = time.perf_counter()
                outcomes = self._pushed(block)
                slowest_s = max(slowest_s, time.perf_counter() - began)
                before_ns, now_ns = now_ns, self._heard_ns
                if self._sender is not None:
                    self._sender.send(outcomes, before_ns, now_ns, last_origin_ns)
                self._report.outcomes(outcomes)
            outcomes = spotter.finish()
            if self._sender is not None and outcomes:
                self._sender.send(outcomes, now_ns, now_ns, last_origin_ns)
            self._report.outcomes(outcomes)
        finally:
            self.summary = self.summary.plus(
                spotter.work, spotter.rate_hz, spotter.tick_ns, time.process_time() - cpu_s, slowest_s
            )
        self._report.end_of_stream(spotter.work.samples / spotter.rate_hz)

    def _pushed(self, block: Block) -> list[SpotEvent]:
        if isinstance(block, AudioBlock):
            return self._spotter.push(block.samples)
        if isinstance(block, EventBlock):
            return self._spotter.push_events(block.events, block.end_ns)
        raise TypeError(f"a keyword spotter cannot hear {type(block).__name__}")

    @property
    def _heard_ns(self) -> int:
        return self._spotter.work.samples * NS_PER_S // self._spotter.rate_hz


def _known_or_now(block: Block) -> int:
    known = block.captured_ns if isinstance(block, AudioBlock) else None
    return time.time_ns() if known is None else known
