"""`eventsim check`: the options of the look into a file."""

import argparse
from pathlib import Path

from apps.nir_options import add_nir_options, nir_options


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `check` to the command line."""
    parser = commands.add_parser(
        "check",
        help="what is in a NIR file or a model bundle, and whether it can be run",
        description=(
            "Read a NIR file as `from_nir` does, or a model bundle, and print the network it makes; for NIR "
            "also everything that was folded, quantised, shifted or assumed. What cannot be run is one error."
        ),
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="NIR file (HDF5) or model bundle (.esb)")
    add_nir_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look into the file as the parsed `arguments` say; return the exit code."""
    from apps.check import check_bundle, check_nir, kind_of

    if kind_of(arguments.file) == "bundle":
        return check_bundle(arguments.file, arguments.json)
    return check_nir(arguments.file, arguments.json, **nir_options(arguments))
