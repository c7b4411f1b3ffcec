"""Events of an event camera from one process to another, beside plain ways to send them.

python -m benchmarks.transport [--seconds 30] [--events 20000] [--rounds 1] [--carriers NAME ...]
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from apps.command_line import CommandParser, positive_count
from benchmarks.exit_code import exit_code_of
from benchmarks.machine import Machine, this_machine
from benchmarks.result_file import write_result
from benchmarks.transport_process import LIMIT_S, End, Options
from eventsim.errors import DataError

RESULT = Path(__file__).parent / "results" / "transport.json"
BAR_HZ = 5e6
"""Events per second that two processes must sustain without loss."""
CARRIERS = {
    "eventsim": "eventsim, lossless",
    "eventsim live": "eventsim, live",
    "pickle": "pyzmq and pickle",
    "msgspec": "pyzmq, msgspec header, arrays as frames",
    "packed": "pyzmq, msgspec header, packed records",
}


class Run(msgspec.Struct, kw_only=True):
    """One connection, measured. load : of the machine, before and after."""

    options: Options
    sent: End
    received: End
    load: tuple[float, float]

    @property
    def rate_hz(self) -> float:
        """Events per second, as they were received."""
        return self.received.events / self.received.seconds

    @property
    def lowest_hz(self) -> int:
        """Events received in the worst whole second."""
        return min(self.received.per_second, default=0)


class TransportResult(msgspec.Struct, kw_only=True):
    """All runs, when and on what machine they were made, and the bar they are held to."""

    measured_at: str
    machine: Machine
    bar_hz: float
    runs: list[Run]
    met: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code: 0, 1 where the bar is missed, 2 for a named error."""
    return exit_code_of("transport", lambda: _run_all(_parser().parse_args(arguments)))


def _run_all(options: argparse.Namespace) -> int:
    runs: list[Run] = []
    for _ in range(options.rounds):
        runs += [_run(plan) for plan in _plans(options)]
    result = TransportResult(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=this_machine(),
        bar_hz=BAR_HZ,
        runs=runs,
        met=all(_met(run) for run in runs if run.options.carrier == "eventsim"),
    )
    print(table(result))
    write_result(options.json, result)
    return 0 if result.met else 1


def table(result: TransportResult) -> str:
    """Return the runs as a Markdown table."""
    lines = [
        f"{result.measured_at}, {result.machine.cpu}, {result.machine.cores} cores.",
        "",
        "| carrier | million events/s | worst second | lost | CPU of sender, receiver | load |",
        "|---|---|---|---|---|---|",
    ]
    for run in result.runs:
        sent, received = run.sent, run.received
        at = "" if run.options.rate_hz is None else f" at {run.options.rate_hz / 1e6:g} M/s"
        lost = received.lost_events / sent.events
        cpu = f"{sent.cpu_s / sent.seconds:.0%}, {received.cpu_s / received.seconds:.0%}"
        lines.append(
            f"| {CARRIERS[run.options.carrier]}{at} | {run.rate_hz / 1e6:.1f} | {run.lowest_hz / 1e6:.1f} "
            f"| {lost:.2%} | {cpu} | {run.load[0]:.1f} to {run.load[1]:.1f} |"
        )
    verdict = "met" if result.met else "missed"
    return "\n".join(
        [*lines, "", f"Bar: {BAR_HZ / 1e6:g} million events/s in every second, nothing lost: {verdict}."]
    )


def _met(run: Run) -> bool:
    nothing_lost = run.received.messages == run.sent.messages and not run.received.wrong_messages
    return nothing_lost and not run.received.lost_events and run.lowest_hz >= BAR_HZ


def _plans(options: argparse.Namespace) -> list[Options]:
    common = {"seconds": float(options.seconds), "events": options.events}
    rates = {"eventsim live": BAR_HZ}
    return [Options(carrier=name, rate_hz=rates.get(name), **common) for name in options.carriers]


def _run(options: Options) -> Run:
    print(f"{CARRIERS[options.carrier]} ...", file=sys.stderr, flush=True)
    before = this_machine().load
    sender = _started("send", options)
    try:
        assert sender.stdout is not None
        address = sender.stdout.readline().strip()
        receiver = _started("receive", msgspec.structs.replace(options, address=address))
        try:
            limit_s = options.seconds + 2 * LIMIT_S
            received, sent = (process.communicate(timeout=limit_s)[0] for process in (receiver, sender))
        finally:
            receiver.kill()
    finally:
        sender.kill()
    try:
        ends = [msgspec.json.decode(text, type=End) for text in (sent, received)]
    except msgspec.MsgspecError as error:
        raise DataError(f"a process of {CARRIERS[options.carrier]} measured nothing: {error}") from None
    return Run(options=options, sent=ends[0], received=ends[1], load=(before, this_machine().load))


def _started(end: str, options: Options) -> "subprocess.Popen[str]":
    text = msgspec.json.encode(options).decode()
    command = [sys.executable, "-m", "benchmarks.transport_process", end, text]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _parser() -> CommandParser:
    parser = CommandParser(prog="python -m benchmarks.transport", description=__doc__)
    parser.add_argument("--seconds", type=positive_count, default=30, help="of each run")
    parser.add_argument("--events", type=positive_count, default=20_000, help="per message")
    parser.add_argument("--rounds", type=positive_count, default=1)
    parser.add_argument("--carriers", nargs="+", choices=CARRIERS, default=list(CARRIERS), metavar="NAME")
    parser.add_argument("--json", type=Path, default=RESULT, help="where the result is written")
    return parser


if __name__ == "__main__":
    sys.exit(main())
