"""A sweep as TOML: what stays the same, and the grid of what varies."""

from __future__ import annotations

import itertools
import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from apps.hw_model import SHIPPED
from apps.hw_network_change import POPULATION, SCALE
from apps.hw_options import Mesh, Mode, Pace
from eventsim.errors import ParameterError
from hwmodels.activity import Updates
from hwmodels.placing import STRATEGIES

MAX_POINTS = 100_000
MAX_STEPS = 10_000
MAX_FILE_BYTES = 1_000_000
Value = str | float | int | bool


class Fixed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table [sweep]: model, input and all that the grid does not vary. The options of `eventsim hw`."""

    model: str = SHIPPED
    chip: str = "loihi"
    data: tuple[str, ...] = ()
    split: Literal["train", "val", "test"] = "test"
    clips: int | None = None
    seed: int = 0
    poisson_hz: float | None = None
    duration_ms: float | None = None
    input: str | None = None
    strategy: str = "fill"
    weight_bits: int | None = None
    cores: int | None = None
    network: Mesh = "ideal"
    mode: Mode = "chip"
    pace: Pace = "chip"
    chip_tick_ns: int | None = None
    updates: Updates = "reached"
    threshold: float | None = None
    full: bool = False
    time_unit: Literal["s", "ms"] | None = None
    tick_ns: int = 1_000_000


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sweep: Fixed
    grid: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep: what stays the same, and for each parameter its values, in the order of the file."""

    file: str
    fixed: Fixed
    grid: dict[str, tuple[Value, ...]]

    @property
    def n_points(self) -> int:
        """Return how many combinations there are."""
        return math.prod(len(values) for values in self.grid.values())

    def points(self) -> Iterator[dict[str, Value]]:
        """Yield every combination; what changes the network's activity varies slowest, and is run once."""
        names = sorted(self.grid, key=lambda name: not name.startswith(("network.", "decision.")))
        for values in itertools.product(*(self.grid[name] for name in names)):
            chosen = dict(zip(names, values, strict=True))
            yield {name: chosen[name] for name in self.grid}


CHOICES: dict[str, tuple[str, ...]] = {
    "placement.strategy": STRATEGIES,
    "timing.network": get_args(Mesh),
    "timing.mode": get_args(Mode),
    "timing.pace": get_args(Pace),
    "timing.updates": get_args(Updates),
}
# (least, most, whole, least itself allowed); what is not bounded above is held to 1e12 like chip files.
_RANGES: dict[str, tuple[float, float, bool, bool]] = {
    "placement.weight_bits": (1, 64, True, True),
    "placement.cores": (1, 2**20, True, True),
    "network.threshold_scale": (0, 1e6, False, False),
    "network.weight_scale": (0, 1e6, False, False),
    "decision.threshold": (0, 1, False, True),
    "timing.chip_tick_ns": (1, 2**61, True, True),
}
_CHIP_RANGE = (0, 1e12, False, True)


def load_sweep(path: Path) -> Sweep:
    """Return the sweep a file describes.

    Raises ParameterError, one line that names file, key and what is allowed.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ParameterError(f"{path}: larger than {MAX_FILE_BYTES} bytes, which no sweep is")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise ParameterError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return sweep_from_toml(data, path.name)


def sweep_from_toml(data: bytes, file: str) -> Sweep:
    """Return the sweep that the bytes of a file describe.

    Raises ParameterError, one line, if they are no TOML or say something that is not allowed.
    """
    try:
        raw = tomllib.loads(data.decode("utf-8"))
        held = msgspec.convert(raw, _File)
    except msgspec.ValidationError as error:
        raise _refusal(file, *_located(str(error))) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError, ValueError, OverflowError) as error:
        raise ParameterError(_plain(f"{file}: no readable TOML: {error}")) from None
    _check_fixed(file, held.sweep)
    grid = {name: _values(file, name, leaf) for name, leaf in _leaves(file, held.grid, "")}
    if not grid:
        raise _refusal(file, "grid", "is empty: name at least one parameter and its values")
    sweep = Sweep(file, held.sweep, grid)
    if sweep.n_points > MAX_POINTS:
        raise _refusal(file, "grid", f"makes {sweep.n_points} points, at most {MAX_POINTS} are allowed")
    return sweep


def _check_fixed(file: str, fixed: Fixed) -> None:
    if fixed.strategy not in STRATEGIES:
        among = ", ".join(STRATEGIES)
        raise _refusal(file, "sweep.strategy", f"{fixed.strategy!r} is not among {among}")
    for key, least, most in (
        ("clips", 1, 1_000_000),
        ("seed", 0, 2**63),
        ("weight_bits", 1, 64),
        ("cores", 1, 2**20),
        ("poisson_hz", 0, 1e9),
        ("duration_ms", 1e-6, 1e9),
        ("threshold", 0, 1),
        ("tick_ns", 1, 2**61),
        ("chip_tick_ns", 1, 2**61),
    ):
        value = getattr(fixed, key)
        if value is not None and not least <= value <= most:
            raise _refusal(file, f"sweep.{key}", f"must be from {least:g} to {most:g}, got {value!r}")
    if fixed.full and fixed.threshold is not None:
        raise _refusal(file, "sweep.threshold", "has no meaning with full = true")


def _leaves(file: str, table: dict[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    """Yield each parameter by its whole name, written with dots or as tables."""
    for key, held in table.items():
        name = at + key
        if isinstance(held, dict) and not {"from", "to", "steps"} & held.keys():
            yield from _leaves(file, held, f"{name}.")
        else:
            yield name, held


def _values(file: str, name: str, leaf: Any) -> tuple[Value, ...]:
    key = f"grid.{name}"
    _check_name(file, name)
    found = _span(file, key, leaf) if isinstance(leaf, dict) else leaf
    if not isinstance(found, list) or not found:
        raise _refusal(file, key, "must be a list of values, or { from = , to = , steps = }")
    if len(found) > MAX_STEPS:
        raise _refusal(file, key, f"has {len(found)} values, at most {MAX_STEPS} are allowed")
    for k, value in enumerate(found):
        fault = _fault(name, value)
        if fault:
            raise _refusal(file, f"{key}[{k}]", fault)
    if len(set(found)) != len(found):
        raise _refusal(file, key, "names a value twice")
    return tuple(found)


def _check_name(file: str, name: str) -> None:
    if name in CHOICES or name in _RANGES or name == "chip.name":
        return
    if name.startswith("chip.") and len(name) > len("chip."):
        return  # whether the chip has such a number is known once it is loaded
    if name.startswith(POPULATION) and name.endswith(SCALE) and len(name) > len(POPULATION + SCALE):
        return
    known = ["chip.name", "chip.<key of the chip file>", *CHOICES, *_RANGES]
    raise _refusal(
        file,
        f"grid.{name}",
        f"unknown; there are {', '.join(known)}, network.populations.<name>.threshold_scale",
    )


def _fault(name: str, value: Any) -> str:
    """Return what is wrong with one value, nothing where it is allowed."""
    if name == "chip.name":
        return "" if isinstance(value, str) and value else f"must be the name of a chip, got {value!r}"
    if name in CHOICES:
        allowed = CHOICES[name]
        return "" if value in allowed else f"{value!r} is not among {', '.join(allowed)}"
    bounds = _RANGES["network.threshold_scale"] if name.endswith("threshold_scale") else _CHIP_RANGE
    least, most, whole, closed = _RANGES.get(name, bounds)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    inside = number and (least <= value <= most if closed else least < value <= most)
    if not inside or (whole and value != int(value)) or not math.isfinite(value):
        kind = "a whole number" if whole else "a number"
        low = f"from {least:g}" if closed else f"above {least:g}"
        return f"must be {kind} {low} to {most:g}, got {value!r}"
    return ""


def _span(file: str, key: str, leaf: dict[str, Any]) -> list[float]:
    """Return evenly spaced values, by difference or (scale = "log") by ratio."""
    unknown = sorted(leaf.keys() - {"from", "to", "steps", "scale"})
    if unknown:
        raise _refusal(file, f"{key}.{unknown[0]}", "unknown; a span has from, to, steps and scale")
    for part in ("from", "to", "steps"):
        value = leaf.get(part)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _refusal(file, f"{key}.{part}", f"must be a number, got {value!r}")
    first, last, steps, scale = leaf["from"], leaf["to"], leaf["steps"], leaf.get("scale", "linear")
    if not isinstance(steps, int) or not 2 <= steps <= MAX_STEPS:
        raise _refusal(file, f"{key}.steps", f"must be a whole number from 2 to {MAX_STEPS}, got {steps!r}")
    if scale not in ("linear", "log"):
        raise _refusal(file, f"{key}.scale", f'must be "linear" or "log", got {scale!r}')
    if scale == "log" and not (first > 0 and last > 0):
        raise _refusal(file, f"{key}.from", 'and to must be above 0 with scale = "log"')
    shares = [k / (steps - 1) for k in range(steps)]
    if scale == "log":
        between = [first * (last / first) ** share for share in shares]
    else:
        between = [first + (last - first) * share for share in shares]
    return [first, *between[1:-1], last]


def _located(message: str) -> tuple[str, str]:
    """Return key and fault of a message of msgspec."""
    what, _, path = message.partition(" - at `$")
    what = what.replace("`", "")
    key = path.rstrip("`").lstrip(".")
    if "contains unknown field" in what:
        name = what.rpartition(" ")[2]
        known = Fixed.__struct_fields__ if key == "sweep" else ("sweep", "grid")
        return f"{key}.{name}".lstrip("."), f"unknown; there are {', '.join(known)}"
    if "missing required field" in what:
        return f"{key}.{what.rpartition(' ')[2]}".lstrip("."), "missing, and required"
    if "Invalid enum value" in what:
        fields = {f.name: f.type for f in msgspec.structs.fields(Fixed)}
        known = tuple(v for v in _literals(fields.get(key.rpartition(".")[2])) if v)
        return key, f"{what.removeprefix('Invalid enum value ')} is not among {', '.join(known)}"
    return key or "(the whole file)", what.replace("Expected", "must be")


def _literals(kind: Any) -> tuple[Any, ...]:
    found = get_args(kind)
    return tuple(v for part in found for v in (get_args(part) or (part,)) if isinstance(v, str))


def _refusal(file: str, key: str, what: str) -> ParameterError:
    return ParameterError(_plain(f"{file}: key {key}: {what}"))


def _plain(text: str) -> str:
    """Return a text in which names from a file can break no line and command no terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
