"""A chip with one of its constants set to another value, checked like a chip file."""

from __future__ import annotations

from typing import Any

import msgspec

from eventsim.errors import ChipError
from hwmodels.chip import OPERATIONS, Chip, Constant
from hwmodels.chip_checks import check_chip
from hwmodels.chip_schema import Capacity

SOURCE = "set_here"


def changed(chip: Chip, key: str, value: float) -> Chip:
    """Return `chip` with the constant `key` (as `Chip.constants` names it) set to `value`, without a band.

    Operations and limits that the chip file leaves out can be set as well. What the old number included, the
    new one includes too.

    Raises ChipError where the chip cannot have such a key, or the value is not allowed.

    >>> from hwmodels.chip import load_chip
    >>> changed(load_chip("loihi"), "operations.synapse.energy_pj", 30.0).operations.synapse.energy_pj.value
    30.0
    """
    known = dict(chip.constants())
    if key not in known and key not in _absent(chip):
        raise ChipError(f"{chip.name}: has no constant {key!r}; it has {', '.join([*known, *_absent(chip)])}")
    raw = msgspec.to_builtins(chip)
    old = known.get(key, Constant(status="unknown"))
    number = {"status": "assumed", "value": value, "source": SOURCE, "includes": list(old.includes)}
    holder, name = _holder(raw, key)
    holder[name] = number
    raw["sources"][SOURCE] = {"citation": "Set for this run, no published number", "seen": "first hand"}
    try:
        made = msgspec.convert(raw, Chip)
    except msgspec.ValidationError:
        raise ChipError(f"{chip.name}: key {key}: must be a number, got {value!r}") from None
    check_chip(made, chip.name)
    return made


def _absent(chip: Chip) -> list[str]:
    """Return the constants that a mesh chip may have and this one's file leaves out."""
    if chip.kind != "mesh":
        return []
    names = [f"operations.{name}" for name in OPERATIONS if getattr(chip.operations, name) is None]
    found = [f"{name}.{part}" for name in names for part in ("energy_pj", "latency_ns")]
    found += [f"capacity.{n}" for n in Capacity.__struct_fields__ if getattr(chip.capacity, n) is None]
    if chip.synchronisation is not None and chip.synchronisation.tick_ns is None:
        found.append("synchronisation.tick_ns")
    return found if chip.network.link_buffer is not None else [*found, "network.link_buffer"]


def _holder(raw: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """Return the table that holds a key, made where it is missing, and the key's last part."""
    *path, name = key.split(".")
    table = raw
    for part in path:
        if part.startswith("barrier[tiles="):
            tiles = int(part.removeprefix("barrier[tiles=").removesuffix("]"))
            table = next(point for point in table["barrier"] if point["tiles"] == tiles)
            continue
        if table[part] is None:
            table[part] = {half: {"status": "unknown"} for half in ("energy_pj", "latency_ns")}
        table = table[part]
    return table, name
