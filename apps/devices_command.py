"""`eventsim devices`: what this machine can hear and see with."""

import argparse


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `devices` to the command line."""
    parser = commands.add_parser(
        "devices",
        help="the microphones, event cameras and webcams of this machine",
        description=(
            "List the microphones, event cameras and webcams of this machine, each with the text that "
            "`eventsim stream` takes; an empty section says why it is empty."
        ),
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the devices; return the exit code."""
    from apps.devices import show_devices

    return show_devices(arguments.json)
