"""A small valid chip file, to be varied."""

from hwmodels.chip import Chip
from hwmodels.chip_checks import chip_from_toml

HEAD = """format = 1
name = "own"
title = "A chip of one's own"
kind = "mesh"
boundary = "core"
technology_nm = { status = "unknown" }
static_power_mw = { status = "unknown" }

[sources.s]
citation = "Measured here"
seen = "first hand"
"""


def whole(name: str, value: int | None) -> str:
    return "" if value is None else f'{name} = {{ value = {value}, source = "s", status = "measured" }}\n'


def own_chip(
    tiles_x: int = 1,
    tiles_y: int = 1,
    cores_per_tile: int = 1,
    capacity: str = "",
    barrier: str = "",
    mode: str = "barrier",
    head: str = HEAD,
    **limits: int | None,
) -> str:
    """Return the text of a chip file; `limits` are keys of its capacity."""
    mesh = whole("tiles_x", tiles_x) + whole("tiles_y", tiles_y) + whole("cores_per_tile", cores_per_tile)
    held = "".join(whole(name, value) for name, value in limits.items())
    return f"""{head}
[capacity]
{mesh}{held}{capacity}
[synchronisation]
mode = "{mode}"
{barrier}
[operations.synapse]
energy_pj = {{ value = 1, source = "s", status = "measured" }}
latency_ns = {{ value = 1, source = "s", status = "measured" }}
"""


def load_own(**chip: int | str | None) -> Chip:
    """Return the chip of a file as `own_chip` writes it."""
    return chip_from_toml(own_chip(**chip).encode(), "own.toml")  # type: ignore[arg-type]
