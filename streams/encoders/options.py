"""Options of encoders: each with default, range, unit and meaning, said once and checked everywhere."""

import math
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from eventsim.errors import ParameterError


@dataclass(frozen=True, slots=True)
class EncoderOption:
    """One option: its name, default, allowed range with both ends, unit and meaning."""

    name: str
    default: int | float
    low: float
    high: float
    unit: str
    meaning: str


def option(default: Any, low: float, high: float, unit: str, meaning: str) -> Any:
    """Return a dataclass field with a range; whole numbers where the default is one."""
    return field(default=default, metadata={"low": low, "high": high, "unit": unit, "meaning": meaning})


def options_of(config: Any) -> list[EncoderOption]:
    """Return the options that a configuration class, or one of its objects, declares."""
    return [
        EncoderOption(entry.name, entry.default, **entry.metadata)
        for entry in fields(config)
        if entry.metadata and entry.default is not MISSING
    ]


def check_options(config: Any, kind: str) -> None:
    """Raise ParameterError, naming option and range, when a value of `config` lies outside its range."""
    for entry in options_of(config):
        value = getattr(config, entry.name)
        whole = isinstance(entry.default, int)
        allowed = f"{entry.low:g}..{entry.high:g} {entry.unit}".rstrip()
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            wanted = "a whole number" if whole else "a number"
            raise ParameterError(f"encoder {kind}: {entry.name} must be {wanted} in {allowed}, not {value!r}")
        # Written so that not-a-number fails too.
        if not (math.isfinite(value) and entry.low <= value <= entry.high):
            raise ParameterError(f"encoder {kind}: {entry.name} must lie in {allowed}, not {value}")


def number_from(value: object, default: object, kind: str, name: str) -> int | float:
    """Return a number, or a text that is one, as a number of the default's kind.

    Raises ParameterError naming encoder and option.

    >>> number_from("3", 0.5, "lif", "tau_ms")
    3.0
    """
    whole = isinstance(default, int)
    try:
        if isinstance(value, bool):
            raise ValueError
        if isinstance(value, str):
            return int(value) if whole else float(value)
        if whole and isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, int | float) and not (whole and isinstance(value, float)):
            return value if whole else float(value)
    except (ValueError, OverflowError):
        pass
    wanted = "a whole number" if whole else "a number"
    raise ParameterError(f"encoder {kind}: {name} must be {wanted}, not {value!r}")
