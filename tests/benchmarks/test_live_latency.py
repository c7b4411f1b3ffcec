"""The benchmark of live latency: a short run of it, in its own processes, tells what it should."""

import json
from pathlib import Path

import pytest

from benchmarks.live_latency import BAR_MS, LiveLatencyResult, main, measure, table
from benchmarks.live_latency_process import Arrivals


@pytest.mark.compiled
def test_a_short_run_counts_every_block_and_decision() -> None:
    result = measure(None, seconds=4.0, length_ms=20.0, speed=2.0)
    assert result.audio.n == result.answers.n == 200
    assert result.decisions.n >= 2
    assert result.lost_messages == 0
    for latency in (result.audio, result.decisions, result.answers):
        assert 0 < latency.p50_ms <= latency.p99_ms <= latency.max_ms
    assert result.met == (result.decisions.p99_ms < BAR_MS)
    assert f"| decision received by the third process | {result.decisions.n} |" in table(result)


def test_the_result_is_written_and_the_bar_decides_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    late_ns = 20_000_000

    def chain(*_: object, **__: object) -> tuple[Arrivals, Arrivals, dict[str, object]]:
        counts = {"lost_messages": 0, "missed_messages": 0}
        sound = Arrivals(stream_kind="audio", latency_ns=[1_000_000] * 100, decisions=[0] * 100, **counts)
        answers = Arrivals(
            stream_kind="decisions", latency_ns=[late_ns, 1_000_000, 2_000_000], decisions=[0, 1, 1], **counts
        )
        return sound, answers, {"network": {"lost_messages": 0}, "slowest_block_ms": 1.0}

    monkeypatch.setattr("benchmarks.live_latency._chain", chain)
    file = tmp_path / "result.json"
    assert main(["--seconds", "1", "--json", str(file)]) == 0
    written = json.loads(file.read_text())
    assert written["decisions"] == {"n": 2, "p50_ms": 2.0, "p99_ms": 2.0, "max_ms": 2.0}
    assert written["answers"]["p99_ms"] == 20.0
    assert "| decision received by the third process | 2 | 2.00 | 2.00 | 2.00 |" in capsys.readouterr().out
    monkeypatch.setattr("benchmarks.live_latency.BAR_MS", 1.5)
    assert main(["--seconds", "1", "--json", str(file)]) == 1
    assert set(written) == set(LiveLatencyResult.__struct_fields__)


def test_a_folder_without_words_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--data", str(tmp_path), "--json", str(tmp_path / "r.json")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("live_latency: error: ")
