"""Durations as people write them: 5ms, 100us, 1.5s, 20ns."""

import re
from decimal import Decimal

from eventsim.errors import ParameterError

_UNITS_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}


def duration_ns(text: str) -> int:
    """Return a duration in ns.

    Raises ParameterError when the text is no number with a unit, or no whole number of ns.

    >>> duration_ns("1.5ms")
    1500000
    """
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)(ns|us|ms|s)", text.strip())
    if not match:
        raise ParameterError(f"{text!r} is no duration: a number with ns, us, ms or s, such as 5ms")
    value = Decimal(match[1]) * _UNITS_NS[match[2]]
    if value != int(value):
        raise ParameterError(f"{text!r} is no whole number of nanoseconds")
    return int(value)


def duration_text(value_ns: int) -> str:
    """Return a duration in the largest unit that leaves a whole number.

    >>> duration_text(5_000_000)
    '5ms'
    """
    unit = next(unit for unit in ("s", "ms", "us", "ns") if value_ns % _UNITS_NS[unit] == 0)
    return f"{value_ns // _UNITS_NS[unit]}{unit}"
