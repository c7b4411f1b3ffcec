"""What is seen of streams that come in: a live view on a terminal, lines in a pipe, or JSON."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import msgspec
from rich.console import Console
from rich.live import Live

from apps.listen_view import ListenView
from apps.quantities import NOUNS, count_text, time_text
from apps.stream_meter import StreamMeter
from streams.decision_block import DecisionBlock, StreamedDecision
from streams.description import Description
from streams.received import Received
from streams.subscriber import Subscriber

_REFRESH_S = 0.125
_LOSSES = (
    ("lost_messages", "lost_items", "lost on the way"),
    ("missed_messages", "missed_items", "sent before we came"),
)
_ODD = ("duplicates", "reordered", "stale", "restarts", "unfinished", "malformed", "foreign", "other_version")


class ListenReport:
    """Tells what comes; a context manager, as a terminal's view must be taken away again.

    as_json : one JSON object per line: type listening, stream, status (each second and stream), decision,
    notice, summary.
    """

    def __init__(self, as_json: bool, subscriber: Subscriber, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True, markup=False)
        self._json, self._subscriber = as_json, subscriber
        self._view: ListenView | None = None
        self._live: Live | None = None
        self._shown_at = 0.0
        if self._console.is_terminal and not as_json:
            self._view = ListenView(self._console.width)
            self._live = Live(console=self._console, transient=True, auto_refresh=False)

    def __enter__(self) -> "ListenReport":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_live()

    def listening(self, address: str) -> None:
        """Tell where."""
        if self._json:
            self._write("listening", {"address": address})
        else:
            self._console.print(f"listening: {address}, Ctrl-C ends", style="bold")

    def stream(self, name: str, description: Description) -> None:
        """Tell of a stream that is new."""
        told = self._subscriber.descriptions.get(name, description)
        if self._json:
            self._write("stream", {"stream": name, "description": msgspec.to_builtins(told)})
            return
        encoder = told.metadata.get("encoder")
        made = f", made by encoder {encoder.get('kind')!r}" if isinstance(encoder, dict) else ""
        self._console.print(f"stream {name!r}: {told.geometry}{made}")

    def notice(self, text: str) -> None:
        """Tell something worth a line."""
        if self._json:
            self._write("notice", {"text": text})
        else:
            self._console.print(text, style="yellow")

    def received(self, received: Received) -> None:
        """Take in a block: decisions are told, the rest is for the view."""
        if received.restarted:
            self.notice(f"stream {received.stream!r}: its publisher has started anew")
        if isinstance(received.block, DecisionBlock):
            for decision in received.block.decisions:
                self._decision(decision, received)
        if self._view is not None:
            self._view.take(received)

    def refresh(self, meters: Mapping[str, StreamMeter], now: float) -> None:
        """Draw the view, if it is time."""
        if self._view is not None and self._live is not None and now - self._shown_at >= _REFRESH_S:
            self._shown_at = now
            self._live.update(self._view.picture(meters, self._losses()), refresh=True)

    def second(self, meters: Mapping[str, StreamMeter], passed_s: float) -> None:
        """Tell the rates of a second that is over."""
        for name, meter in meters.items():
            items, messages, n_bytes = meter.second(passed_s)
            if self._json:
                rates = {"items_per_s": items, "messages_per_s": messages, "bytes_per_s": n_bytes}
                self._write("status", {"stream": name, **rates, **self._counts(name, meter)})

    def end(self, meters: Mapping[str, StreamMeter], seconds: float) -> None:
        """Tell the sums."""
        self._stop_live()
        if self._json:
            counts = msgspec.to_builtins(self._subscriber.statistics)
            streams = {name: self._counts(name, meter) for name, meter in meters.items()}
            self._write("summary", {"seconds": round(seconds, 3), **counts, "streams": streams})
            return
        for name, meter in meters.items():
            self._console.print(_sums(name, meter, seconds))
        for line in self._losses():
            self._console.print(line, style="yellow")

    def _decision(self, decision: StreamedDecision, received: Received) -> None:
        if self._json:
            told = {"stream": received.stream, "latency_ns": received.latency_ns}
            self._write("decision", {**told, **msgspec.to_builtins(decision)})
        elif decision.keyword:
            latency = "" if received.latency_ns is None else f"  {time_text(received.latency_ns)} late"
            when = f"{decision.decided_ns / 1e9:7.2f} s"
            self._console.print(f"{when}  {decision.name:<8} {100 * decision.confidence:3.0f} %{latency}")

    def _losses(self) -> list[str]:
        counts = self._subscriber.statistics
        said = [
            f"{what}: {getattr(counts, messages)} messages, {getattr(counts, items)} items"
            for messages, items, what in _LOSSES
            if getattr(counts, messages)
        ]
        odd = [f"{getattr(counts, name)} {name.replace('_', ' ')}" for name in _ODD if getattr(counts, name)]
        if odd:
            problem = f" ({counts.last_problem})" if counts.last_problem else ""
            said.append(f"messages: {', '.join(odd)}{problem}")
        return said

    def _counts(self, name: str, meter: StreamMeter) -> dict[str, Any]:
        counts = self._subscriber.streams[name]
        latency = meter.latency
        return {
            "kind": meter.kind,
            "items": meter.items,
            "messages": meter.messages,
            "lost_items": counts.lost_items,
            "lost_messages": counts.lost_messages,
            "missed_items": counts.missed_items,
            "restarts": counts.restarts,
            "latency_p50_ns": latency.percentile_ns(50),
            "latency_p99_ns": latency.percentile_ns(99),
            "clocks_disagree": latency.before_origin > 0,
        }

    def _stop_live(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        self._console.file.write(msgspec.json.encode({"type": kind, **fields}).decode() + "\n")
        self._console.file.flush()


def _sums(name: str, meter: StreamMeter, seconds: float) -> str:
    per_s = meter.items / seconds if seconds > 0 else 0.0
    noun = NOUNS[meter.kind]
    return (
        f"summary: {name!r}: {meter.items} {noun} in {meter.messages} messages, {seconds:.1f} s, "
        f"{count_text(per_s)} {noun}/s, {latency_text(meter)}"
    )


def latency_text(meter: StreamMeter) -> str:
    """Return the latency of a stream in words."""
    p50, p99 = meter.latency.percentile_ns(50), meter.latency.percentile_ns(99)
    if p50 is None or p99 is None:
        why = "the clocks disagree" if meter.latency.before_origin else "nothing says when it was made"
        return f"latency unknown ({why})"
    return f"latency {time_text(p50)} (p50), {time_text(p99)} (p99)"
