"""`eventsim check`: the options of the look into a file."""

import argparse
import math
from pathlib import Path

from eventsim.errors import ParameterError

_UNITS_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `check` to the command line."""
    parser = commands.add_parser(
        "check",
        help="what is in a NIR file or a model bundle, and whether it can be run",
        description=(
            "Read a NIR file as `from_nir` does, or a model bundle, and print the network it makes; for NIR "
            "also everything that was folded, quantised, shifted or assumed. What cannot be run is one error."
        ),
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="NIR file (HDF5) or model bundle (.esb)")
    nir = parser.add_argument_group("how a NIR file is meant (a bundle needs none of it)")
    nir.add_argument("--time-unit", choices=("s", "ms"), help="unit of tau and delay; NIR does not say which")
    nir.add_argument(
        "--tick", type=duration_ns, metavar="T", default="1ms", help="time grid, as 1ms, 100us [%(default)s]"
    )
    nir.add_argument(
        "--spike",
        choices=("held", "dirac", "jump"),
        default="held",
        help="an event is input held for one tick, a pulse of its area, or a jump of the state [%(default)s]",
    )
    nir.add_argument(
        "--integration",
        choices=("exact", "euler"),
        default="exact",
        help="exact, or as tools with Euler steps of one tick compute [%(default)s]",
    )
    nir.add_argument(
        "--reset", choices=("hard", "soft"), default="hard", help="to v_reset, or by threshold [%(default)s]"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.set_defaults(run=run)


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


def run(arguments: argparse.Namespace) -> int:
    """Look into the file as the parsed `arguments` say; return the exit code."""
    from apps.check import check_bundle, check_nir, kind_of

    if kind_of(arguments.file) == "bundle":
        return check_bundle(arguments.file, arguments.json)
    if arguments.time_unit is None:
        raise ParameterError(
            f"{arguments.file}: NIR does not say the unit of its times; say --time-unit s or --time-unit ms"
        )
    how = {name: getattr(arguments, name) for name in ("time_unit", "spike", "integration", "reset")}
    return check_nir(arguments.file, arguments.json, tick_ns=arguments.tick, **how)
