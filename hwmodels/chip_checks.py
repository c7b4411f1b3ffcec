"""Whether a chip file says only what is allowed; a refusal is one line with file, key and allowed range."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from typing import get_args

import msgspec

from eventsim.errors import ChipError
from hwmodels.chip_schema import (
    FORMAT_VERSION,
    Capacity,
    Chip,
    Component,
    Constant,
    Seen,
    Status,
    Synchronisation,
)

_NAME = re.compile(r"[a-z0-9][a-z0-9\-]*")
_UNITS = ("pj", "nj", "uj", "mj", "ns", "us", "ms", "ps", "nm", "mw", "uw", "w")
_WHOLE = ("capacity.", "network.link_buffer", "cycles.input", "cycles.hidden", "cycles.output")
_CHOICES = {
    "status": get_args(Status),
    "seen": get_args(Seen),
    "includes": get_args(Component),
    "kind": ("mesh", "cycles", "macs"),
    "boundary": ("core", "chip", "board", "system"),
    "mode": ("barrier", "asynchronous"),
}
_TYPES = (
    ("object", "a table"),
    ("array", "a list"),
    ("float", "a number"),
    ("int", "a whole number"),
    ("str", "text"),
    ("bool", "true or false"),
)
MAX_CORES = 1 << 20
MAX_VALUE = 1e12
MAX_WEIGHT_BITS = 64


def chip_from_toml(data: bytes, file: str) -> Chip:
    """Return the chip that the bytes of a file describe.

    Raises
    ------
    ChipError
        in one line, if the bytes are no TOML or say something that is not allowed.
    """
    try:
        raw = tomllib.loads(data.decode("utf-8"))
        chip = msgspec.convert(raw, Chip)
    except msgspec.ValidationError as error:
        raise _wrong_shape(str(error), file) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError, ValueError, OverflowError) as error:
        raise ChipError(one_line(f"{file}: no readable TOML: {error}")) from None
    check_chip(chip, file)
    return chip


def check_chip(chip: Chip, file: str) -> None:
    """Raise ChipError, one line with `file` in front, where a chip says something that is not allowed."""
    for key, what in _faults(chip):
        raise ChipError(one_line(f"{file}: key {key}: {what}"))


def one_line(text: str) -> str:
    """Return a text in which names from a file can break no line and command no terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _wrong_shape(message: str, file: str) -> ChipError:
    """Return the error for a file of the wrong shape, with the key first."""
    what, _, path = message.partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    missing = re.search(r"missing required field `(.*)`", what)
    unknown = re.search(r"contains unknown field `(.*)`", what)
    if missing:
        key, what = f"{key}.{missing[1]}".lstrip("."), "missing, and required"
    elif unknown:
        key, what = f"{key}.{unknown[1]}".lstrip("."), f"unknown{_unit_hint(unknown[1])}"
    elif "Invalid enum value" in what:
        name = re.sub(r"\[.*\]$", "", key).rpartition(".")[2]
        what = f"{what.removeprefix('Invalid enum value ')} is not among {', '.join(_CHOICES.get(name, ()))}"
    else:
        what = what.replace("`", "").replace("Expected", "must be")
        for term, words in _TYPES:
            what = re.sub(rf"\b{term}\b", words, what, count=1)
        what = what.replace(" | null", "")
    return ChipError(one_line(f"{file}: key {key or '(the whole file)'}: {what}"))


def _unit_hint(key: str) -> str:
    """Return what to write where a key lacks its unit, or has another."""
    stem = key.rpartition("_")[0] if key.rpartition("_")[2] in _UNITS else key
    for known in ("energy_pj", "latency_ns", "tick_ns", "static_power_mw", "technology_nm"):
        if stem and known.startswith(stem) and key != known:
            return f"; the unit is in the key's name: {known}"
    return ""


def _faults(chip: Chip) -> Iterator[tuple[str, str]]:
    if chip.format != FORMAT_VERSION:
        yield "format", f"must be {FORMAT_VERSION}, got {chip.format}"
    if not _NAME.fullmatch(chip.name):
        yield "name", f"must be lower-case letters, digits and '-', got {chip.name!r}"
    for key, source in chip.sources.items():
        if not source.citation.strip():
            yield f"sources.{key}.citation", "must not be empty"
    yield from _wrong_sections(chip)
    for key, constant in chip.constants():
        for part, what in _constant_faults(chip, key, constant):
            yield f"{key}.{part}", what
    if chip.capacity is not None:
        yield from _capacity_faults(chip.capacity)
    if chip.synchronisation is not None:
        yield from _synchronisation_faults(chip.synchronisation)


def _wrong_sections(chip: Chip) -> Iterator[tuple[str, str]]:
    wanted = {"mesh": ("capacity", "synchronisation", "operations"), "cycles": ("cycles",), "macs": ("macs",)}
    for section in ("capacity", "synchronisation", "operations", "cycles", "macs"):
        held, needed = getattr(chip, section) is not None, section in wanted[chip.kind]
        if needed and not held:
            yield section, f"missing, and required of kind {chip.kind!r}"
        if held and not needed:
            yield section, f"has no place in kind {chip.kind!r}, which takes {', '.join(wanted[chip.kind])}"


def _constant_faults(chip: Chip, key: str, constant: Constant) -> Iterator[tuple[str, str]]:
    if constant.status == "unknown":
        for part in ("value", "low", "high"):
            if getattr(constant, part) is not None:
                yield part, 'status "unknown" has no number: leave it out, or give its status'
        if constant.source and constant.source not in chip.sources:
            yield "source", f"{constant.source!r} is not among [sources]"
        return
    if constant.value is None:
        yield "value", f'missing, and required of status "{constant.status}"; where none is known: "unknown"'
        return
    if not constant.source:
        yield "source", "missing: every number says where it is from"
    elif constant.source not in chip.sources:
        yield "source", f"{constant.source!r} is not among [sources]: {', '.join(chip.sources) or 'empty'}"
    elif chip.sources[constant.source].seen == "memory" and constant.status != "assumed":
        yield "status", f'must be "assumed", as its source was not read, got "{constant.status}"'
    for part in ("value", "low", "high"):
        number = getattr(constant, part)
        if number is not None:
            fault = _number_fault(key, number)
            if fault:
                yield part, fault
    low, high = constant.band
    if low > constant.value:
        yield "low", f"must be at most the value, {constant.value:g}, got {low:g}"
    if high < constant.value:
        yield "high", f"must be at least the value, {constant.value:g}, got {high:g}"


def _number_fault(key: str, number: float) -> str:
    # False of nan too.
    if not 0 <= number <= MAX_VALUE:
        return f"must be a number from 0 to {MAX_VALUE:g}, got {number:g}"
    if key.startswith(_WHOLE) or key.endswith("_bits"):
        if number != int(number) or number < 1:
            return f"must be a whole number of at least 1, got {number:g}"
    elif key.endswith(("tick_ns", "technology_nm")) and number == 0:
        return "must be above 0, got 0"
    return ""


def _capacity_faults(capacity: Capacity) -> Iterator[tuple[str, str]]:
    mesh = [
        ("tiles_x", capacity.tiles_x),
        ("tiles_y", capacity.tiles_y),
        ("cores_per_tile", capacity.cores_per_tile),
    ]
    for name, constant in mesh:
        if not constant.known:
            yield f"capacity.{name}.value", "missing: without the mesh nothing can be placed"
            return
    cores = math.prod(int(constant.value or 0) for _, constant in mesh)
    if cores > MAX_CORES:
        yield "capacity", f"tiles_x x tiles_y x cores_per_tile must be at most {MAX_CORES}, got {cores}"
    bits = capacity.weight_bits_min, capacity.weight_bits_max
    for name, held in zip(("weight_bits_min", "weight_bits_max"), bits, strict=True):
        if held is not None and held.value is not None and held.value > MAX_WEIGHT_BITS:
            yield f"capacity.{name}.value", f"must be from 1 to {MAX_WEIGHT_BITS}, got {held.value:g}"
    least, most = (held.value if held is not None else None for held in bits)
    if least is not None and most is not None and least > most:
        yield "capacity.weight_bits_min.value", f"must be at most weight_bits_max, {most:g}, got {least:g}"


def _synchronisation_faults(synchronisation: Synchronisation) -> Iterator[tuple[str, str]]:
    if synchronisation.barrier and synchronisation.mode != "barrier":
        yield "synchronisation.barrier", 'has no place in mode "asynchronous"'
    before = 0
    for k, point in enumerate(synchronisation.barrier):
        if point.tiles <= before:
            yield f"synchronisation.barrier[{k}].tiles", f"must be above {before}, got {point.tiles}"
        before = point.tiles
