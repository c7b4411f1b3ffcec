"""`eventsim listen`: the options of looking at a stream, or into a recording of one."""

import argparse
import os
from pathlib import Path

from apps.command_line import positive_count, positive_seconds
from apps.transport_options import add_receiving_options, receiving_options
from eventsim.errors import ParameterError

_DESCRIPTION = """\
Receive a stream and say what comes: rates, losses, latency, and a small view of it. Ends with the stream.

ADDRESS is that of `eventsim stream` or `eventsim kws --to`, such as tcp://127.0.0.1:5555;
or a recording (.evrec), of which is then told what it holds.

Latency counts from the end of the sound or light to its arrival here; between two machines it is as exact as
their clocks agree, and unknown where a message seems to have come before it was made."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `listen` to the command line."""
    parser = commands.add_parser(
        "listen",
        help="receive a stream: rates, losses, latency, a small view",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("address", metavar="ADDRESS", help="of the sender, or a recording's path")
    add_receiving_options(parser)
    parser.add_argument("--seconds", type=positive_seconds, metavar="S", help="stop after S seconds")
    parser.add_argument(
        "--count", type=positive_count, metavar="N", help="stop after N samples, events or decisions"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="record what comes (.evrec), too")
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object per line: each second, each decision, and at the end",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Receive as the parsed `arguments` say; return the exit code."""
    from apps.listen import ListenOptions, run_listen
    from apps.recording_info import show_recording
    from apps.source_choice import is_recording

    if is_recording(arguments.address) or _names_file(arguments.address):
        _check_recording_options(arguments)
        return show_recording(arguments.address, arguments.stream, arguments.json)
    return run_listen(
        ListenOptions(
            come_from=receiving_options(arguments.address, arguments),
            seconds=arguments.seconds,
            count=arguments.count,
            record=arguments.record,
            json=arguments.json,
        )
    )


def _names_file(text: str) -> bool:
    """Return True where a text is meant as the path of a recording, whatever lies there."""
    return "://" not in text and (Path(text).suffix == ".evrec" or os.path.exists(text))


def _check_recording_options(arguments: argparse.Namespace) -> None:
    """Raise ParameterError for an option that a recording cannot follow."""
    for name in ("record", "seconds", "count", "lossless", "keys", "server_key", "timeout"):
        if getattr(arguments, name):
            raise ParameterError(
                f"--{name.replace('_', '-')} is for a stream; {arguments.address} is a recording"
            )
