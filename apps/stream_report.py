"""What is seen of a stream that is sent: a line of status on a terminal, or JSON, and a summary."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import msgspec
from rich.console import Console
from rich.live import Live
from rich.text import Text

from apps.quantities import NOUNS, count_text
from streams.description import Block, Description
from streams.publisher import Publisher
from streams.wire_payload import item_count

_REFRESH_S = 0.25
_JSON_S = 1.0


class StreamReport:
    """Says what is sent; a context manager, as a terminal's status line must be taken away again.

    as_json : one JSON object per line: type stream, status (each second), notice, summary.

    The status is told by a thread of its own: also while the source or a slow receiver lets the other wait.
    """

    def __init__(self, as_json: bool, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True, markup=False)
        self._json = as_json
        self._live: Live | None = None
        if self._console.is_terminal and not as_json:
            self._live = Live(console=self._console, transient=True, auto_refresh=False)
        self._period_s = _JSON_S if as_json else _REFRESH_S
        self._started = time.monotonic()
        self._items = 0
        self._begun = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None
        self._noun = "items"

    def __enter__(self) -> "StreamReport":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_live()

    def begin(
        self, source: str, name: str, description: Description, publisher: Publisher, lossless: bool
    ) -> None:
        """Tell what is sent, and where."""
        self._noun = NOUNS[description.stream_kind]
        mode = "lossless" if lossless else "live"
        if self._json:
            told = {
                "source": source,
                "stream": name,
                "description": msgspec.to_builtins(description),
                "addresses": publisher.addresses,
                "mode": mode,
            }
            self._write("stream", told)
        else:
            where = ", ".join(publisher.addresses)
            self._console.print(
                f"streaming: {source} as {name!r} ({description.geometry}), {mode}, at {where}", style="bold"
            )
        self._started = time.monotonic()
        if self._live is not None:
            self._live.start()
        if self._json or self._live is not None:
            self._ticker = threading.Thread(target=self._tick, args=(publisher,), daemon=True)
            self._ticker.start()

    def waiting(self, n: int, publisher: Publisher) -> None:
        """Tell that the stream has not begun."""
        self.notice(f"waiting for {n} receiver{'s' if n > 1 else ''} at {', '.join(publisher.addresses)}")

    def notice(self, text: str) -> None:
        """Tell something worth a line."""
        if self._json:
            self._write("notice", {"text": text})
        else:
            self._console.print(text, style="yellow")

    def sent(self, block: Block) -> None:
        """Count a block."""
        if not self._begun:
            self._begun = True
            self._started = time.monotonic()
        self._items += item_count(block)

    def _tick(self, publisher: Publisher) -> None:
        told, last_items = time.monotonic(), 0
        while not self._over.wait(self._period_s):
            now, items = time.monotonic(), self._items
            per_s = (items - last_items) / (now - told)
            told, last_items = now, items
            self._status(now - self._started, per_s, publisher)

    def _status(self, seconds: float, per_s: float, publisher: Publisher) -> None:
        if self._json:
            # A reader that has left is noticed where the stream itself writes next.
            with suppress(OSError, ValueError):
                told = {"seconds": round(seconds, 3), "items_per_s": per_s, **_counts(publisher)}
                self._write("status", told)
        elif self._live is not None:
            counts = publisher.statistics
            dropped = f", {count_text(counts.dropped_items)} dropped" if counts.dropped_items else ""
            receivers = f"{counts.subscribers} receiver{'' if counts.subscribers == 1 else 's'}"
            line = f"{seconds:6.1f} s  {count_text(per_s)} {self._noun}/s  {receivers}{dropped}"
            self._live.update(Text(line), refresh=True)

    def end(self, publisher: Publisher, losses: Sequence[str]) -> None:
        """Tell the sums, and what went wrong on the way."""
        self._stop_live()
        seconds = time.monotonic() - self._started
        counts = publisher.statistics
        per_s = counts.sent_items / seconds if seconds > 0 else 0.0
        if self._json:
            told = {"seconds": round(seconds, 3), "items_per_s": per_s, **_counts(publisher)}
            self._write("summary", {**told, "losses": list(losses)})
            return
        self._console.print(
            f"summary: {counts.sent_items} {self._noun} in {counts.sent_messages} messages, {seconds:.1f} s, "
            f"{count_text(per_s)} {self._noun}/s, {counts.dropped_items} {self._noun} dropped"
        )
        for line in losses:
            self.notice(line)
        if counts.refused:
            self.notice(f"{counts.refused} connections refused, the last: {counts.last_refusal}")

    def _stop_live(self) -> None:
        self._over.set()
        ticker, self._ticker = self._ticker, None
        if ticker is not None:
            ticker.join()
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        with self._lock:
            self._console.file.write(msgspec.json.encode({"type": kind, **fields}).decode() + "\n")
            self._console.file.flush()


def _counts(publisher: Publisher) -> dict[str, Any]:
    counts = publisher.statistics
    return {name: getattr(counts, name) for name in counts.__slots__}
