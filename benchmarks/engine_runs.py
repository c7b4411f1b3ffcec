"""Runs the entries of a group in turns, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.engine_plan import Entry, Group, Script
from benchmarks.engine_process import Case
from benchmarks.engine_result import EntryResult, GroupResult, judge, ratio_of
from benchmarks.machine import this_machine
from benchmarks.measured import Measured
from eventsim._cache import source_hash

ROOT = Path(__file__).resolve().parent.parent
TIME_LIMIT_S = 1800.0


class RunError(Exception):
    """A process ended without a measurement; the message says how, in one line."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the scripts lie, and which Python runs each peer."""

    scripts: Path | None = None
    interpreters: Mapping[str, Path] = field(default_factory=dict)


def measure_group(
    group: Group, surroundings: Surroundings, rounds: int, tell: Callable[[str], None]
) -> GroupResult:
    """Return what `rounds` rounds through the group's entries gave; an entry that fails is not run again."""
    load_before = round(os.getloadavg()[0], 2)
    runs: dict[str, list[Measured]] = {entry.name: [] for entry in group.entries}
    failed: dict[str, str] = {}
    for number in range(rounds):
        for entry in group.entries:
            if entry.name in failed or (entry.once and number > 0):
                continue
            try:
                measured = run_entry(entry, surroundings)
            except RunError as error:
                failed[entry.name] = str(error)
                tell(f"{group.name}, {entry.name}: {error}")
                continue
            runs[entry.name].append(measured)
            tell(f"{group.name}, round {number + 1}, {entry.name}: {_brief(measured)}")
    entries = [EntryResult(name, runs[name], failed.get(name, "")) for name in runs]
    machine = this_machine()
    return GroupResult(
        name=group.name,
        title=group.title,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        sources=source_hash(str(ROOT)),
        cpu=machine.cpu,
        cores=machine.cores,
        load_before=load_before,
        load_after=machine.load,
        entries=entries,
        ratios=[ratio for asked in group.asked if (ratio := ratio_of(asked, entries))],
        judged=[judged for limit in group.limits if (judged := judge(limit, entries))],
    )


def run_entry(entry: Entry, surroundings: Surroundings) -> Measured:
    """Return what one process measured. Raises RunError where it fails or says nothing."""
    if isinstance(entry.what, Script):
        return _run_script(entry.what, surroundings)
    return _run_case(entry.what)


def _run_case(case: Case) -> Measured:
    text = msgspec.json.encode(case).decode()
    printed = _run([sys.executable, "-m", "benchmarks.engine_process", text], ROOT, os.environ)
    return msgspec.json.decode(printed.strip().splitlines()[-1], type=Measured)


def _run_script(script: Script, surroundings: Surroundings) -> Measured:
    if surroundings.scripts is None:
        raise RunError("no folder of scripts was named")
    python = surroundings.interpreters[script.interpreter] if script.interpreter else Path(sys.executable)
    # A cache of kernels, and settings of the compiler, are the project's own.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    environment |= {
        "BENCH_DATA": str(surroundings.scripts / "cache"),
        "BENCH_RESULTS": str(surroundings.scripts / "results.jsonl"),
        # Brian2 compiles with what stands first here.
        "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        **script.environment,
    }
    command = [str(python), str(surroundings.scripts / script.path), *script.arguments]
    return read_script(script, _run(command, surroundings.scripts, environment))


def read_script(script: Script, printed: str) -> Measured:
    """Return what a script printed of the thing that `script` selects, as a measurement of one repetition."""
    for line in printed.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # a banner, a warning
        if not isinstance(said, dict) or any(said.get(k) != v for k, v in script.select.items()):
            continue
        if script.time_key in said:
            seconds = float(said[script.time_key]) * script.time_unit_s
            rate = said.get(script.rate_key)
            figures = {k: float(v) for k, v in said.items() if isinstance(v, int | float)}
            return Measured(
                seconds=[seconds], events=float(rate) * 1e6 * seconds if rate else None, figures=figures
            )
    raise RunError(f"{script.path} printed no {script.time_key}")


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except OSError as error:
        raise RunError(f"{command[0]}: {error.strerror or error}") from None
    except subprocess.TimeoutExpired:
        raise RunError(f"took longer than {TIME_LIMIT_S:.0f} s") from None
    if done.returncode or not done.stdout.strip():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"exit code {done.returncode}: {last}")
    return done.stdout


def _brief(measured: Measured) -> str:
    seconds = sorted(measured.seconds)
    parts = [f"{seconds[len(seconds) // 2] * 1e3:,.2f} ms"]
    if measured.events:
        parts.append(f"{measured.events / seconds[len(seconds) // 2] / 1e6:,.1f} M events/s")
    wanted = ("rate_hz", "hidden_spikes", "spikes", "event_p50_us", "event_p99_us", "first_run_s", "peak_mb")
    parts += [f"{name} {measured.figures[name]:,.2f}" for name in wanted if name in measured.figures]
    return ", ".join(parts)
