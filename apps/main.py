"""The command `eventsim`: runs one task, turns errors into one line and an exit code."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from apps.command_line import CommandParser
from apps.termination import EXIT_INTERRUPTED
from eventsim import __version__
from eventsim.errors import EventSimError, OutputError

EXIT_ERROR = 2
EXIT_BROKEN_PIPE = 141

# Each module offers add_parser(commands) and imports what is heavy only when its task runs.
COMMAND_MODULES = (
    "apps.kws_command",
    "apps.stream_command",
    "apps.listen_command",
    "apps.devices_command",
    "apps.keys_command",
    "apps.eval_command",
    "apps.train_command",
    "apps.hw_command",
    "apps.check_command",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, 2 for a named error, 130 after Ctrl-C."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except EventSimError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough. Without this the interpreter would complain when it flushes at the end.
        _discard_stdout()
        return EXIT_BROKEN_PIPE
    except OSError as error:
        # Only what is written to standard output gets here: files are opened and named where they are used.
        _discard_stdout()
        return _fail(OutputError(f"standard output: {error.strerror or error}"))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = CommandParser(
        prog="eventsim", description="From sound to an early spiking decision, one event at a time."
    )
    parser.add_argument("--version", action="version", version=f"eventsim {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMAND_MODULES:
        import_module(module).add_parser(commands)
    return parser


def _run(arguments: Sequence[str] | None) -> int:
    parsed = build_parser().parse_args(arguments)
    return int(parsed.run(parsed))


def _fail(error: EventSimError) -> int:
    print(f"eventsim: error: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201
    return EXIT_ERROR


def _discard_stdout() -> None:
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass  # standard output is no real file (a test's): nothing will be flushed into it


if __name__ == "__main__":
    sys.exit(main())
