"""How a NIR file is meant: options of the command line that several commands share."""

import argparse
from typing import Any

from apps.command_line import duration_ns


def add_nir_options(parser: argparse.ArgumentParser) -> None:
    """Add what a NIR file leaves open."""
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


def nir_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the options of `add_nir_options` say, as `from_nir` takes it."""
    how = {name: getattr(arguments, name) for name in ("time_unit", "spike", "integration", "reset")}
    return {"tick_ns": arguments.tick, **how}
