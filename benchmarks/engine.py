"""How fast the engine is, beside prototypes and other simulators, each in turn in processes of their own.

python -m benchmarks.engine [--workloads w1 w2 w3 cost start] [--prototypes DIR] [--peers NAME=PYTHON ...]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from apps.command_line import CommandParser, positive_count
from benchmarks.engine_plan import WORKLOADS, plan
from benchmarks.engine_result import EngineResult
from benchmarks.engine_runs import Surroundings, measure_group
from benchmarks.engine_tables import RESULT, markdown
from benchmarks.exit_code import exit_code_of
from benchmarks.result_file import write_result
from eventsim.errors import DataError, OutputError, ParameterError


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code: 0, 1 where a bar is missed, 2 for a named error."""
    return exit_code_of("engine", lambda: _measure(_parser().parse_args(arguments)))


def _measure(options: argparse.Namespace) -> int:
    peers = dict(options.peers)
    surroundings = Surroundings(_scripts(options.prototypes), peers)
    if peers and surroundings.scripts is None:
        raise ParameterError("--peers needs --prototypes DIR, where the peers' scripts lie too")
    groups = plan(tuple(options.workloads), surroundings.scripts is not None, tuple(peers))
    wanted = [group for group in groups if not options.groups or group.name in options.groups]
    if unknown := set(options.groups) - {group.name for group in groups}:
        names = ", ".join(group.name for group in groups)
        raise ParameterError(f"no group {', '.join(sorted(unknown))}; there are {names}")
    held, measured = _held(options.json), EngineResult([])
    for group in wanted:
        done = measure_group(group, surroundings, options.rounds, _tell)
        measured, held = measured.with_group(done), held.with_group(done)
        # After every group: what took an hour must not be lost to the last minute.
        write_result(options.json, held)
    print(markdown(measured))
    met = [ratio.met for group in measured.groups for ratio in group.ratios]
    met += [judged.met for group in measured.groups for judged in group.judged]
    return 1 if False in met else 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _scripts(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    if not (folder / "prototypes" / "w1_numba.py").is_file():
        raise DataError(f"{folder}: holds no prototypes/w1_numba.py")
    return folder.resolve()


def _held(file: Path) -> EngineResult:
    """Return what an earlier run wrote there, for the groups that this one does not measure."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=EngineResult)
    except FileNotFoundError:
        return EngineResult([])
    except (OSError, msgspec.MsgspecError) as error:
        raise OutputError(f"{file}: is no result to add to: {error}") from None


def _peer(text: str) -> tuple[str, Path]:
    name, _, python = text.partition("=")
    if name not in ("brian2", "nest") or not Path(python).is_file():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not brian2=PYTHON or nest=PYTHON with a file for PYTHON"
        )
    # Not resolved: the link in a virtual environment is what makes it one.
    return name, Path(python).absolute()


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m benchmarks.engine",
        description="The engine beside prototypes and other simulators: times in turns, ratios, bars.",
    )
    parser.add_argument(
        "--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), help="which [all]"
    )
    parser.add_argument("--groups", nargs="+", default=[], metavar="NAME", help="only these of their groups")
    parser.add_argument(
        "--prototypes",
        type=Path,
        metavar="DIR",
        help="folder that holds prototypes/w1_numba.py ... and the peers' w1_brian2.py ...",
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        type=_peer,
        default=[],
        metavar="NAME=PYTHON",
        help="other simulators, brian2 or nest, each with the Python that can import it",
    )
    parser.add_argument("--rounds", type=positive_count, default=3, help="turns of every entry [%(default)s]")
    parser.add_argument(
        "--json",
        type=Path,
        default=RESULT,
        metavar="FILE",
        help="result to write or add to [benchmarks/results]",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
