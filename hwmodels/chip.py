"""Chips by name or from a file of one's own: `load_chip`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from eventsim.errors import ChipError
from hwmodels.chip_checks import chip_from_toml
from hwmodels.chip_schema import OPERATIONS as OPERATIONS
from hwmodels.chip_schema import BarrierPoint as BarrierPoint
from hwmodels.chip_schema import Chip as Chip
from hwmodels.chip_schema import Constant as Constant
from hwmodels.chip_schema import Limits as Limits
from hwmodels.chip_schema import Operation as Operation
from hwmodels.chip_schema import Source as Source
from hwmodels.chip_schema import Synchronisation as Synchronisation

MAX_FILE_BYTES = 1_000_000


def chip_names() -> tuple[str, ...]:
    """Return the names of the chips that come with the package, sorted."""
    files = resources.files("hwmodels") / "chips"
    return tuple(sorted(f.name.removesuffix(".toml") for f in files.iterdir() if f.name.endswith(".toml")))


def load_chip(name_or_path: str | Path) -> Chip:
    """Return a chip: one of `chip_names()`, or a file of one's own (a name with a dot or a slash).

    Raises
    ------
    ChipError
        if the name is unknown, the file cannot be read, or it says something that is not allowed; the line
        names file, key and what is allowed.

    >>> load_chip("loihi").operations.synapse.energy_pj.value
    23.6
    """
    text = str(name_or_path)
    if isinstance(name_or_path, str) and not any(c in text for c in "./\\"):
        if text not in chip_names():
            raise ChipError(f"there is no chip {text!r}; there are {', '.join(chip_names())}, or a TOML file")
        data = (resources.files("hwmodels") / "chips" / f"{text}.toml").read_bytes()
        return chip_from_toml(data, f"{text}.toml")
    path = Path(name_or_path)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ChipError(f"{path}: larger than {MAX_FILE_BYTES} bytes, which no chip file is")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ChipError(f"{path}: cannot be read: {reason}") from None
    return chip_from_toml(data, path.name)
