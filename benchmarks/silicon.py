"""Predicted energy beside measured energy, as far as it was published.

python -m benchmarks.silicon [--data DIR] [--clips 60] [--seed 0]     writes results/silicon.json and the page
python -m benchmarks.silicon --page                                   writes docs/silicon.md from the result
"""

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from apps.command_line import CommandParser, natural
from benchmarks.exit_code import exit_code_of
from benchmarks.pages import renew
from benchmarks.result_file import write_result
from benchmarks.silicon_loihi import predict
from benchmarks.silicon_result import Silicon
from benchmarks.silicon_spotter import PUBLISHED, own_spotter
from benchmarks.silicon_tables import markdown

RESULT = Path(__file__).resolve().parent / "results" / "silicon.json"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "silicon.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict, print and write; return the exit code: 0, 2 for a named error."""
    return exit_code_of("silicon", lambda: _run(_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    result = load() if options.page else compare(options.data, options.clips, options.seed)
    if not options.page:
        write_result(RESULT, result)
    print(markdown(result))
    renew(PAGE, "silicon", markdown(result))
    return 0


def compare(data: Path | None, clips: int, seed: int) -> Silicon:
    """Return predictions beside measurements.

    Raises DataError or SourceError for the recordings.
    """
    heard = f" --data DIR --clips {clips}" if data else ""
    return Silicon(
        command=f"python -m benchmarks.silicon{heard} --seed {seed}",
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        seed=seed,
        loihi=predict(seed),
        own=own_spotter(data, clips, seed),
        published=list(PUBLISHED),
    )


def load(file: Path = RESULT) -> Silicon:
    """Return the result as it was written."""
    return msgspec.json.decode(file.read_bytes(), type=Silicon)


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m benchmarks.silicon", description="Predicted beside measured energy."
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder in the Speech Commands layout")
    parser.add_argument(
        "--clips", type=natural, default=60, help="clips of the test speakers that are heard [%(default)s]"
    )
    parser.add_argument("--seed", type=natural, default=0, help="of every draw [%(default)s]")
    parser.add_argument("--page", action="store_true", help="only write the page from the result")
    return parser


if __name__ == "__main__":
    sys.exit(main())
