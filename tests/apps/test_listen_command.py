"""`eventsim listen`: what it says of a stream, its losses and latency, and of a recording; how it looks."""

import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from apps.listen_report import ListenReport
from apps.listen_view import ListenView, sparkline
from apps.main import main
from apps.stream_meter import LatencyCounts, StreamMeter
from eventsim.events import Events
from streams.audio_block import AudioBlock
from streams.decision_block import DecisionBlock, StreamedDecision
from streams.description import Block
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock
from streams.intake import Intake
from streams.publisher import Publisher
from streams.received import Received
from streams.recording import Recording, RecordingWriter
from streams.subscriber import Subscriber
from streams.wire import Place, encode
from tests.apps.running_command import ipc_address

WHOLE = ("--lossless", "--timeout", "30")
DECISION = StreamedDecision(1, "no", True, 0, 400_000_000, 0.93, ("no", "go", "on"), True)


def sound(n_blocks: int) -> list[Block]:
    tone = 0.1 * np.sin(np.arange(160) * 0.3).astype(np.float32)
    return [AudioBlock(tone, index * 160, 16_000) for index in range(n_blocks)]


def camera(n: int = 50) -> DvsBlock:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 64, n).astype(np.uint16), rng.integers(0, 48, n).astype(np.uint16)
    return DvsBlock(np.arange(n, dtype=np.int64), x, y, np.arange(n) % 2 == 0, 64, 48, 0, 1_000)


def some_events() -> EventBlock:
    return EventBlock(Events.of([0, 1, 2], [0, 5, 79]), 0, 10_000_000, 80)


@contextmanager
def sending(
    address: str,
    blocks: list[Block],
    origin: Callable[[], int | None] = time.time_ns,
    name: str = "s",
    **options: Any,
) -> Iterator[Publisher]:
    """Send the blocks, lossless, from another thread."""
    with Publisher(address, name, mode="lossless", **options) as publisher:

        def send() -> None:
            for block in blocks:
                publisher.send(block, origin())
            publisher.close()

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        yield publisher
        thread.join(60)


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_rates_and_latency_of_a_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metadata = {"room": "kitchen"}
    with sending(ipc_address(tmp_path), sound(50), metadata=metadata) as publisher:
        assert main(["listen", publisher.address, "--json", *WHOLE]) == 0
    lines = told(capsys)
    assert [line["type"] for line in lines if line["type"] != "status"] == ["listening", "stream", "summary"]
    description = {"stream_kind": "audio", "rate_hz": 16_000, "metadata": metadata}
    assert lines[1]["description"] == description
    summary = lines[-1]
    assert (summary["received_items"], summary["received_messages"], summary["lost_items"]) == (8_000, 50, 0)
    stream = summary["streams"]["s"]
    assert 0 < stream["latency_p50_ns"] <= stream["latency_p99_ns"]
    assert not stream["clocks_disagree"]


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (lambda: time.time_ns() + 10**12, r"unknown \(the clocks disagree\)"),
        (lambda: None, r"unknown \(nothing says when it was made\)"),
        (time.time_ns, r"[\d.]+ [mu]?s \(p50\), [\d.]+ [mu]?s \(p99\)"),
    ],
)
def test_a_latency_that_cannot_be_told_is_not(
    origin: Callable[[], int | None], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sending(ipc_address(tmp_path), [camera()], origin) as publisher:
        assert main(["listen", publisher.address, *WHOLE]) == 0
    said = capsys.readouterr().out
    assert re.search(f"latency {words}", said)
    assert "dvs of 64 x 48 pixels" in said
    assert "50 events in 1 messages" in said


def test_decisions_are_told_as_they_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks: list[Block] = [DecisionBlock((), 0, 10), DecisionBlock((DECISION,), 10, 500_000_000)]
    with sending(ipc_address(tmp_path), blocks) as publisher:
        assert main(["listen", publisher.address, "--json", *WHOLE]) == 0
    (decision,) = [line for line in told(capsys) if line["type"] == "decision"]
    assert decision["name"] == "no"
    assert decision["rank"] == ["no", "go", "on"]
    assert decision["latency_ns"] > 0
    with sending(ipc_address(tmp_path), blocks) as publisher:
        assert main(["listen", publisher.address, *WHOLE]) == 0
    assert re.search(r"0\.40 s  no +93 %  .* late", capsys.readouterr().out)


def test_count_and_seconds_end_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Publisher(ipc_address(tmp_path), "s", mode="lossless") as publisher:
        for block in sound(4):
            publisher.send(block)
        assert main(["listen", publisher.address, "--json", "--count", "320", *WHOLE]) == 0
        assert told(capsys)[-1]["received_items"] == 320
        assert main(["listen", publisher.address, "--json", "--seconds", "0.3", *WHOLE]) == 0
        assert told(capsys)[-1]["type"] == "summary"


def test_what_is_lost_is_counted_exactly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a recording lost before it was recorded stays lost, and is told to whoever hears it."""
    recording, frames, place = tmp_path / "r.evrec", [], Place("s", "0123456789abcdef")
    for block in sound(10):
        frames.append(encode(block, place))
        place = Place("s", place.session, place.sequence + 1, place.items_before + 160)
    intake = Intake("s")
    with RecordingWriter(recording) as writer:
        for index in (0, 1, 2, 6, 7):
            received = intake.take(frames[index], 0)
            assert received is not None
            writer.write(received)
    assert main(["listen", str(recording), "--json"]) == 0
    (line,) = told(capsys)
    assert (line["lost_messages"], line["lost_items"]) == (3, 480)
    assert line["streams"]["s"]["items"] == 800
    assert line["complete"]
    assert main(["listen", str(recording)]) == 0
    assert "lost before it was recorded: 3 messages, 480 items" in capsys.readouterr().out
    # A damaged end is said, and what lies before it told.
    whole = recording.read_bytes()
    recording.write_bytes(whole[:-200])
    assert main(["listen", str(recording)]) == 0
    assert "truncated" in capsys.readouterr().out


def test_what_comes_is_recorded_and_an_existing_file_is_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = tmp_path / "r.evrec"
    with sending(ipc_address(tmp_path), [camera(), camera(7)]) as publisher:
        assert main(["listen", publisher.address, "--record", str(recording), *WHOLE]) == 0
    assert [len(item.block) for item in Recording(recording) if isinstance(item.block, DvsBlock)] == [50, 7]
    before = recording.read_bytes()
    assert main(["listen", ipc_address(tmp_path), "--record", str(recording)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert recording.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "tcp://HOST:PORT or ipc://PATH"),
        (["tcp://127.0.0.1:99999"], "port '99999'"),
        (["tcp://127.0.0.1:9", "--timeout", "0.2"], "nothing came for 0.2 s"),
        (["tcp://127.0.0.1:9", "--timeout", "0.2", "--stream", "x"], "stream 'x'"),
        (["tcp://127.0.0.1:9", "--stream", "a b"], "'a b' is not allowed"),
        (["tcp://127.0.0.1:9", "--keys", "none.key_secret"], "go together"),
        (["tcp://127.0.0.1:9", "--keys", "none.key_secret", "--server-key", "x.key"], "none.key_secret"),
        (["tcp://127.0.0.1:9", "--record", "nowhere/r.evrec"], "nowhere/r.evrec"),
        (["tcp://127.0.0.1:9", "--count", "0"], "--count"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["listen", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("eventsim: error: ")
    assert words in line


def received(block: Block, name: str = "s") -> Received:
    item = Intake().take(encode(block, Place(name, "0123456789abcdef"), time.time_ns()), time.time_ns())
    assert item is not None
    return item


def drawn(blocks: list[Block], width: int = 80) -> str:
    """Return the picture of a stream on a terminal."""
    view, meters = ListenView(width), {}
    for block in blocks:
        item = received(block)
        meter = meters.setdefault("s", StreamMeter("audio" if isinstance(block, AudioBlock) else "dvs"))
        meter.count(item)
        view.take(item)
        meter.second(1.0)
    console = Console(file=io.StringIO(), width=width)
    console.print(view.picture(meters, ["something is lost"]))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_the_picture_shows_each_kind() -> None:
    level = drawn(sound(3))
    assert re.search(r"█+·+ +-2\d dB", level)
    assert "160 samples/s" in level
    grid = drawn([camera(400)])
    # Title, bars, and what is lost, beside as many rows as keep the shape of the sensor.
    assert 10 < len(grid.splitlines()) - 3 <= 20
    assert set(grid) & set("#%@")
    assert "@" in drawn([some_events()])
    assert "no > go > on" in drawn([DecisionBlock((DECISION,), 0, 10)])
    assert "something is lost" in level
    assert "nothing has come yet" in str(ListenView(80).picture({}, []))


def test_events_are_drawn_where_they_are() -> None:
    """One corner speaks: its character is the only one."""
    corner = np.full(9, 63, np.uint16), np.full(9, 47, np.uint16)
    block = DvsBlock(np.arange(9, dtype=np.int64), *corner, np.ones(9, np.bool_), 64, 48, 0, 1_000)
    view = ListenView(80)
    view.take(received(block))
    rows = drawn([block]).splitlines()
    (row,) = [line for line in rows if "@" in line]
    assert len(row.rstrip()) == len(row.split("@")[0]) + 1
    assert len(row.split("@")[0]) > 30


def test_bars_are_as_high_as_the_values() -> None:
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "  "
    assert sparkline([8, 1, 0.0001]) == "█▁▁"


def test_percentiles_of_latency() -> None:
    counts = LatencyCounts()
    assert counts.percentile_ns(50) is None
    for ns in (10, 100, 1_000, 10_000):
        counts.add(ns)
    for percent, ns in ((25, 10), (50, 100), (75, 1_000), (99, 10_000)):
        assert counts.percentile_ns(percent) == pytest.approx(ns, rel=0.01)
    counts.add(-1)
    assert counts.percentile_ns(50) is None
    assert counts.before_origin == 1


def test_on_a_terminal_the_view_is_drawn_and_taken_away(tmp_path: Path) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80, highlight=False)
    with Subscriber(ipc_address(tmp_path)) as subscriber, ListenReport(False, subscriber, terminal) as report:
        report.listening("ipc://somewhere")
        item = received(camera())
        meters = {"s": StreamMeter("dvs")}
        meters["s"].count(item)
        report.received(item)
        report.refresh(meters, time.monotonic())
    shown = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "latency p50/p99" in shown
    assert "\x1b[2K" in shown


def test_nothing_that_came_is_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Or the next try would be refused, so that an empty recording is not replaced."""
    path = tmp_path / "heard.evrec"
    for _ in range(2):
        arguments = ["--record", str(path), "--seconds", "0.2"]
        assert main(["listen", ipc_address(tmp_path, "quiet"), *arguments]) == 0
        assert not path.exists()
