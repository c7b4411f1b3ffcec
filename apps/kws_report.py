"""What a person or a program sees of the keyword spotter: lines of text, or JSON objects, and a summary."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any, Protocol

import msgspec
from rich.console import Console

from apps.decision_cost import ChipTotals, CostedDecision, totals_text
from apps.kws_remote import NetworkLoss
from apps.quantities import count_text
from apps.sound_choice import microphone_losses
from apps.spotter import NS_PER_S, KeywordDecision, SpotEvent, WordEnd, Work
from apps.transcript import SpokenWord, Transcript, Verdict
from eventsim.errors import OutputError

_STYLES = {"correct": "green", "wrong": "red", "missed": "red", "false alarm": "red", "rejected": "dim"}


@dataclass(frozen=True, slots=True)
class Summary:
    """Sums over all streams of one invocation.

    dense_events_per_s : what a time-stepped evaluation of the network would do, synapses x ticks per second.
    """

    dense_events_per_s: float
    setup_s: float = 0.0
    samples: int = 0
    audio_s: float = 0.0
    window_s: float = 0.0
    cpu_s: float = 0.0
    slowest_block_ms: float = 0.0
    windows: int = 0
    input_events: int = 0
    spikes: int = 0
    synaptic_events: int = 0
    overflows: int = 0
    dropped_samples: int = 0
    only_zeros: bool = False
    network: NetworkLoss = field(default_factory=NetworkLoss)
    chip: ChipTotals | None = None

    def plus(self, work: Work, rate_hz: int, tick_ns: int, cpu_s: float, slowest_block_s: float) -> "Summary":
        """Return the sums with one more stream."""
        return replace(
            self,
            samples=self.samples + work.samples,
            audio_s=self.audio_s + work.samples / rate_hz,
            window_s=self.window_s + work.window_ticks * tick_ns / NS_PER_S,
            cpu_s=self.cpu_s + cpu_s,
            slowest_block_ms=max(self.slowest_block_ms, 1e3 * slowest_block_s),
            windows=self.windows + work.windows,
            input_events=self.input_events + work.input_events,
            spikes=self.spikes + work.spikes,
            synaptic_events=self.synaptic_events + work.synaptic_events,
        )

    def per_second(self, count: float) -> float:
        """Return `count` per second of sound heard, 0 where none was."""
        return count / self.audio_s if self.audio_s else 0.0


class KwsReport(Protocol):
    """Takes what happens, in order."""

    def notice(self, text: str) -> None:
        """Tell something about the run itself."""

    def stream(self, name: str, live: bool, transcript: Transcript | None) -> None:
        """Begin a stream; a transcript puts the truth beside each decision."""

    def outcomes(self, outcomes: Sequence[SpotEvent]) -> None:
        """Tell what was decided."""

    def end_of_stream(self, heard_s: float) -> None:
        """End a stream."""

    def summary(self, summary: Summary) -> None:
        """Tell the sums, once, at the very end."""


class TextReport:
    """Lines for a person; colours only on a terminal.

    A live stream gets its line at the decision and a second one at the end of the word; a file gets one line
    when both are known.
    """

    def __init__(self, console: Console, show_all: bool) -> None:
        self._console = console
        self._show_all = show_all
        self._live = False
        self._transcript: Transcript | None = None

    def notice(self, text: str) -> None:
        """Print a line of its own."""
        self._console.print(text, style="yellow")

    def stream(self, name: str, live: bool, transcript: Transcript | None) -> None:
        """Print the name of the stream."""
        self._live = live
        # Its own copy: a transcript remembers what was matched, and several reports may read the same one.
        self._transcript = None if transcript is None else transcript.fresh()
        self._console.print(f"listening: {name}", style="bold")

    def outcomes(self, outcomes: Sequence[SpotEvent]) -> None:
        """Print decisions, each beside the truth where that is known."""
        for outcome in outcomes:
            if isinstance(outcome, KeywordDecision):
                if self._live:
                    self._decision(outcome, None)
            elif self._live:
                self._word_end(outcome)
            else:
                self._decision(outcome.decision, outcome)

    def end_of_stream(self, heard_s: float) -> None:
        """Print the words that were missed last, and the score."""
        if self._transcript is None:
            return
        for verdict in self._transcript.close(heard_s):
            self._verdict(verdict, None)
        score = self._transcript.score
        self._console.print(
            f"score: {score.correct} of {score.n_keywords} keywords right, {score.wrong} wrong, "
            f"{score.missed} missed; of the other words {score.rejected} rejected, "
            f"{score.false_alarm} false alarms"
        )
        self._transcript = None

    def summary(self, summary: Summary) -> None:
        """Print the sums; nothing where nothing was heard."""
        if not summary.samples:
            return
        per_second = summary.per_second
        synaptic, dense = per_second(summary.synaptic_events), summary.dense_events_per_s
        self._console.print(
            f"summary: {summary.audio_s:.1f} s of sound, {summary.windows} windows "
            f"({summary.window_s:.1f} s of network time), {per_second(summary.input_events):.0f} events/s, "
            f"{count_text(synaptic)} synaptic events/s ({100 * synaptic / dense:.1f} % of "
            f"{count_text(dense)}/s, dense and time-stepped)"
        )
        self._console.print(
            f"cost: {1e3 * per_second(summary.cpu_s):.1f} ms of CPU per second of sound, "
            f"slowest block {summary.slowest_block_ms:.1f} ms, set-up {summary.setup_s:.1f} s"
        )
        if summary.chip is not None:
            self._console.print(totals_text(summary.chip, summary.audio_s))
        lost = microphone_losses(summary.overflows, summary.dropped_samples, summary.only_zeros)
        for line in (*lost, *summary.network.lines()):
            self.notice(line)

    def _decision(self, decision: KeywordDecision, end: WordEnd | None) -> None:
        if self._transcript is None:
            if decision.keyword or self._show_all:
                self._console.print(_line(decision, end), style=None if decision.keyword else "dim")
            return
        for verdict in self._transcript.match(decision):
            if verdict.outcome != "nothing" or self._show_all:
                self._verdict(verdict, end)

    def _verdict(self, verdict: Verdict, end: WordEnd | None) -> None:
        truth = _truth(verdict.word)
        if verdict.decision is None:
            text = f"{verdict.word.start_s:7.2f} s  {'-':<8}" if verdict.word else ""
        else:
            text = _line(verdict.decision, end)
        self._console.print(
            f"{truth} {verdict.outcome:<11} {text}".rstrip(), style=_STYLES.get(verdict.outcome)
        )

    def _word_end(self, end: WordEnd) -> None:
        if end.decision.keyword or self._show_all:
            self._console.print(f"{'':10} {_lead(end)}", style="dim")


class JsonReport:
    """One JSON object per line: type stream, decision, word_end, verdict, score, notice, summary."""

    def __init__(self, file: IO[str], name: str = "") -> None:
        self._file = file
        self._name = name
        self._transcript: Transcript | None = None

    def notice(self, text: str) -> None:
        """Write a notice."""
        self._write("notice", {"text": text})

    def stream(self, name: str, live: bool, transcript: Transcript | None) -> None:
        """Write the name of the stream."""
        self._transcript = None if transcript is None else transcript.fresh()
        self._write("stream", {"name": name, "live": live})

    def outcomes(self, outcomes: Sequence[SpotEvent]) -> None:
        """Write decisions and ends of words as they come."""
        for outcome in outcomes:
            if isinstance(outcome, KeywordDecision):
                self._write("decision", msgspec.to_builtins(outcome))
                self._verdicts(self._transcript.match(outcome) if self._transcript else [])
            else:
                decision = outcome.decision
                fields = {
                    "name": decision.name,
                    "decided_ns": decision.decided_ns,
                    "keyword": decision.keyword,
                }
                measured = {
                    "word_end_ns": outcome.word_end_ns,
                    "lead_ms": outcome.lead_ms,
                    "how": outcome.how,
                }
                self._write("word_end", fields | measured)

    def end_of_stream(self, heard_s: float) -> None:
        """Write the score."""
        if self._transcript is not None:
            self._verdicts(self._transcript.close(heard_s))
            self._write("score", msgspec.to_builtins(self._transcript.score))
            self._transcript = None

    def summary(self, summary: Summary) -> None:
        """Write the sums."""
        self._write("summary", msgspec.to_builtins(summary))

    def _verdicts(self, verdicts: list[Verdict]) -> None:
        for verdict in verdicts:
            told = {"outcome": verdict.outcome, "word": msgspec.to_builtins(verdict.word)}
            heard = verdict.decision.name if verdict.decision else None
            self._write("verdict", told | {"heard": heard})

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        try:
            self._file.write(msgspec.json.encode({"type": kind, **fields}).decode() + "\n")
            self._file.flush()
        except OSError as error:
            if not self._name:
                raise
            raise OutputError(f"{self._name}: cannot be written ({error.strerror or error})") from None


class Reports:
    """Tells several reports the same."""

    def __init__(self, reports: Sequence[KwsReport]) -> None:
        self._reports = reports

    def notice(self, text: str) -> None:
        """Pass on."""
        for report in self._reports:
            report.notice(text)

    def stream(self, name: str, live: bool, transcript: Transcript | None) -> None:
        """Pass on."""
        for report in self._reports:
            report.stream(name, live, transcript)

    def outcomes(self, outcomes: Sequence[SpotEvent]) -> None:
        """Pass on."""
        for report in self._reports:
            report.outcomes(outcomes)

    def end_of_stream(self, heard_s: float) -> None:
        """Pass on."""
        for report in self._reports:
            report.end_of_stream(heard_s)

    def summary(self, summary: Summary) -> None:
        """Pass on."""
        for report in self._reports:
            report.summary(summary)


def _line(decision: KeywordDecision, end: WordEnd | None) -> str:
    lead = f"{_lead(end)}; " if end else ""
    chip = f"; {decision.chip.text()}" if isinstance(decision, CostedDecision) else ""
    return (
        f"{decision.decided_ns / NS_PER_S:7.2f} s  {decision.name:<8} {100 * decision.confidence:3.0f} %  "
        f"{lead}{' > '.join(decision.rank[:3])}; {decision.input_events} events, {decision.spikes} spikes, "
        f"{count_text(decision.synaptic_events)} synaptic{chip}"
    )


def _lead(end: WordEnd) -> str:
    side = "before" if end.lead_ms >= 0 else "after"
    what = {"level": "the word's end", "next": "the next word", "end": "the clip's end"}[end.how]
    return f"{abs(end.lead_ms):.0f} ms {side} {what}"


def _truth(word: SpokenWord | None) -> str:
    return f"{word.text if word else '-':<10}"
