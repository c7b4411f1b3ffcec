"""How late a live answer is: from the end of a block of sound to the decision in a third process.

python -m benchmarks.live_latency [--data DIR] [--seconds 300] [--block-ms 10] [--json FILE]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile

from apps.assets import embedded_clip
from apps.command_line import CommandParser, positive_seconds
from apps.transport_options import block_ms
from benchmarks.exit_code import exit_code_of
from benchmarks.kws_sounds import load_sounds
from benchmarks.live_latency_process import WAIT_S, Arrivals
from benchmarks.machine import Machine, this_machine
from benchmarks.result_file import write_result
from eventsim.errors import DataError
from streams.speech_commands import RATE_HZ

RESULT = Path(__file__).parent / "results" / "live_latency.json"
BAR_MS = 15.0
"""End to end, beyond the block itself, at the 99th percentile."""


class Latency(msgspec.Struct, kw_only=True):
    """Latencies of n messages; each percentile is one that was measured, the next one up."""

    n: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class LiveLatencyResult(msgspec.Struct, kw_only=True):
    """What was measured, when and on what machine, and the bar it is held to.

    sound : what was played. audio : of each block of sound, received beside the spotter. decisions : of the
    messages that hold a decision; answers : of every message of the spotter, with a decision or without.
    load : of the machine, before and after. slowest_push_ms : the longest time the spotter took for a block.
    """

    measured_at: str
    machine: Machine
    sound: str
    seconds: float
    block_ms: float
    bar_ms: float
    audio: Latency
    decisions: Latency
    answers: Latency
    lost_messages: int
    slowest_push_ms: float
    load: tuple[float, float]
    met: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code: 0, 1 where the bar is missed, 2 for a named error."""
    return exit_code_of("live_latency", lambda: _run(_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    result = measure(options.data, options.seconds, options.block_ms)
    print(table(result))
    write_result(options.json, result)
    return 0 if result.met else 1


def measure(data: Path | None, seconds: float, length_ms: float, speed: float = 1.0) -> LiveLatencyResult:
    """Return the latencies of a chain of processes that hears sound for `seconds`.

    data : folder in the Speech Commands layout, whose keywords are played back to back; None repeats the clip
    of the package. length_ms : of a block. speed : of the play; 1 is live.

    Raises DataError where nothing was measured.
    """
    before = this_machine().load
    with tempfile.TemporaryDirectory() as folder:
        name, file = _sound(data, seconds, Path(folder))
        played_s = soundfile.info(file).duration
        sound, answers, summary = _chain(file, length_ms, speed, limit_s=played_s / speed + 2 * WAIT_S)
    # One answer for each block; one more where only the end of the sound decided, which is not live.
    answered_ns = answers.latency_ns[: len(sound.latency_ns)]
    decided = [late for late, n in zip(answered_ns, answers.decisions, strict=False) if n]
    lost = [one.lost_messages + one.missed_messages for one in (sound, answers)]
    heard_lost = summary["network"]["lost_messages"]
    latency = _latency(decided)
    return LiveLatencyResult(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=this_machine(),
        sound=name,
        seconds=round(played_s, 1),
        block_ms=length_ms,
        bar_ms=BAR_MS,
        audio=_latency(sound.latency_ns),
        decisions=latency,
        answers=_latency(answered_ns),
        lost_messages=sum(lost) + heard_lost,
        slowest_push_ms=summary["slowest_block_ms"],
        load=(before, this_machine().load),
        met=latency.p99_ms < BAR_MS and not sum(lost) and not heard_lost,
    )


def table(result: LiveLatencyResult) -> str:
    """Return the result as a Markdown table."""
    rows = (
        ("block of sound received", result.audio),
        ("decision received by the third process", result.decisions),
        ("every answer of the spotter, with a decision or without", result.answers),
    )
    machine = result.machine
    lines = [
        f"{result.measured_at}, {machine.cpu}, {machine.cores} cores, load {result.load[0]:.1f} to "
        f"{result.load[1]:.1f}; {result.seconds:.0f} s of {result.sound}, blocks of {result.block_ms:g} ms.",
        "",
        "| from the end of a block of sound to | messages | p50 ms | p99 ms | max ms |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {name} | {r.n} | {r.p50_ms:.2f} | {r.p99_ms:.2f} | {r.max_ms:.2f} |" for name, r in rows]
    verdict = "met" if result.met else "missed"
    lines += [
        "",
        f"Bar: p99 of a decision under {BAR_MS:g} ms, nothing lost: {verdict}; {result.lost_messages} "
        f"messages lost. Slowest block in the spotter: {result.slowest_push_ms:.1f} ms.",
    ]
    return "\n".join(lines)


def _sound(data: Path | None, seconds: float, folder: Path) -> tuple[str, Path]:
    """Write what is to be played into a file."""
    file = folder / "sound.wav"
    if data is None:
        clip, rate_hz = soundfile.read(embedded_clip()[0], dtype="float32")
        count = round(seconds * rate_hz)
        soundfile.write(file, np.resize(clip, count), rate_hz, subtype="FLOAT")
        return "the clip of the package, repeated", file
    keywords = load_sounds(data, None, seconds, seed=0)[0]
    soundfile.write(file, keywords.samples, RATE_HZ, subtype="FLOAT")
    return f"{keywords.recordings} keywords back to back", file


def _chain(
    file: Path, length_ms: float, speed: float, limit_s: float
) -> tuple[Arrivals, Arrivals, dict[str, Any]]:
    """Play, spot and receive, each in its process; return what came of sound and of answers, and the sums."""
    told = file.with_name("spotter.jsonl")
    with ExitStack() as stack, told.open("w") as output:
        player = _started(
            stack, "benchmarks.live_latency_process", "play", str(file), str(length_ms), str(speed)
        )
        assert player.stdout is not None
        address = player.stdout.readline().strip()
        options = f"--to tcp://127.0.0.1:0 --wait-for 1 --timeout {WAIT_S} --json --all".split()
        spotter = _started(stack, "apps.main", "kws", "--from", address, *options, stdout=output.fileno())
        answers = _started(
            stack, "benchmarks.live_latency_process", "receive", _address_of_decisions(told, spotter)
        )
        sound = _started(stack, "benchmarks.live_latency_process", "receive", address)
        texts = [process.communicate(timeout=limit_s)[0] for process in (sound, answers, spotter, player)]
    try:
        heard, came = (msgspec.json.decode(text, type=Arrivals) for text in texts[:2])
        (summary,) = [
            line for line in map(json.loads, told.read_text().splitlines()) if line["type"] == "summary"
        ]
    except (msgspec.MsgspecError, ValueError) as error:
        raise DataError(f"a process measured nothing: {error}") from None
    return heard, came, summary


def _address_of_decisions(told: Path, spotter: "subprocess.Popen[str]") -> str:
    """Return the address that the spotter tells, as soon as it does."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and spotter.poll() is None:
        first = told.read_text().partition("\n")
        if first[1]:
            return str(json.loads(first[0])["text"].split()[-1])
        time.sleep(0.05)
    raise DataError("the spotter did not say where its decisions go")


def _started(
    stack: ExitStack, module: str, *arguments: str, stdout: int = subprocess.PIPE
) -> "subprocess.Popen[str]":
    """Start a process; the stack ends it."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=stdout, text=True)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def _latency(latency_ns: Sequence[int]) -> Latency:
    if not latency_ns:
        raise DataError("nothing to be measured came: no message, or no decision")
    ms = np.sort(np.asarray(latency_ns)) / 1e6
    p50, p99 = (float(np.percentile(ms, percent, method="higher")) for percent in (50, 99))
    return Latency(n=ms.size, p50_ms=p50, p99_ms=p99, max_ms=float(ms[-1]))


def _parser() -> CommandParser:
    parser = CommandParser(prog="python -m benchmarks.live_latency", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder in the Speech Commands layout [the clip of the package]",
    )
    parser.add_argument("--seconds", type=positive_seconds, default=300.0, help="of sound, at its own pace")
    parser.add_argument("--block-ms", type=block_ms, default=10.0, help="length of a block")
    parser.add_argument("--json", type=Path, default=RESULT, help="where the result is written")
    return parser


if __name__ == "__main__":
    sys.exit(main())
