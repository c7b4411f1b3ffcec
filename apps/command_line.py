"""The argument parser of the command `eventsim`: every mistake becomes one clear line."""

import argparse
import math
from collections.abc import Sequence
from typing import Any, NoReturn

from eventsim.errors import ParameterError

_UNITS_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}


class CommandParser(argparse.ArgumentParser):
    """Raises ParameterError instead of printing the usage and leaving; never guesses abbreviated options.

    tasks : parsers that take over where the first word is their name; any other is this parser's own.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["allow_abbrev"] = False
        super().__init__(*args, **kwargs)
        self.tasks: dict[str, CommandParser] = {}

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse as argparse does, or leave it to the task the first word names; leave nothing unknown."""
        if args and args[0] in self.tasks:
            return self.tasks[args[0]].parse_known_args(args[1:], namespace)
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            # Said here: the outermost parser, which argparse leaves it to, would name its own help.
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        """Raise ParameterError with argparse's message and where to find help."""
        raise ParameterError(f"{' '.join(message.split())} (see: {self.prog} --help)")


def probability(text: str) -> float:
    """Return `text` as a number in [0, 1].

    >>> probability("0.9")
    0.9
    """
    value = _number(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is outside [0, 1]")
    return value


def positive_seconds(text: str) -> float:
    """Return `text` as a finite number of seconds above 0."""
    value = _number(text)
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text} is not a time above 0 s")
    return value


def positive_number(text: str) -> float:
    """Return `text` as a finite number above 0."""
    value = _number(text)
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def duration_ns(text: str) -> int:
    """Return a time such as `1ms`, `100us` or `0.5 s` in ns.

    >>> duration_ns("1ms"), duration_ns("2.5 us")
    (1000000, 2500)
    """
    number = text.strip().rstrip("nmus").strip()
    unit = text.strip()[len(number) :].strip()
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if unit not in _UNITS_NS or not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time with its unit, such as 1ms or 100us")
    ns = value * _UNITS_NS[unit]
    if not 1 <= ns < 2**62 or round(ns) != ns:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of ns above 0")
    return round(ns)


def rate_hz(text: str) -> float:
    """Return `text` as a rate in Hz, finite and not negative.

    >>> rate_hz("20")
    20.0
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate in Hz of at least 0")
    return value


def positive_count(text: str) -> int:
    """Return `text` as a whole number of at least 1."""
    return _whole(text, at_least=1)


def natural(text: str) -> int:
    """Return `text` as a whole number of at least 0."""
    return _whole(text, at_least=0)


def _whole(text: str, at_least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < at_least:
        raise argparse.ArgumentTypeError(f"{text} is not at least {at_least}")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if math.isnan(value):
        raise argparse.ArgumentTypeError(f"{text} is not a number")
    return value
