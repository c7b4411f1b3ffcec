"""`eventsim keys`: makes the keys that keep strangers out of a stream."""

import argparse
from pathlib import Path


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `keys` to the command line."""
    parser = commands.add_parser(
        "keys",
        help="make the keys that keep strangers out of a stream",
        description=(
            "Make CURVE keys: one pair for the program that sends a stream, one for each that may read it, "
            "and say which file goes where. Existing keys are never overwritten; with --client, new clients "
            "are added beside an existing server key."
        ),
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the key files go")
    parser.add_argument(
        "--client", action="append", metavar="NAME", help="name of a client, may be repeated [client]"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the keys as the parsed `arguments` say; return the exit code."""
    from apps.keys import make_keys

    return make_keys(arguments.folder, arguments.client)
