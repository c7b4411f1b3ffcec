"""When a keyword model decides: options of the command line that several commands share."""

import argparse

from apps.command_line import probability


def add_decision_options(parser: argparse.ArgumentParser) -> None:
    """Add the threshold of the decision, or that there is no early one."""
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--threshold", type=probability, metavar="P", help="decide above this probability, 0..1 [the model's]"
    )
    choice.add_argument(
        "--full", action="store_true", help="no early decision: wait for the end of the window"
    )
