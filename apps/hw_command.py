"""`eventsim hw`: the options of the hardware models."""

import argparse
from pathlib import Path

from apps.command_line import CommandParser, duration_ns, natural, positive_count, rate_hz
from apps.decision_options import add_decision_options
from apps.nir_options import add_nir_options

_TASKS = {
    "compare": "the same network on several chips, side by side",
    "sweep": "a grid over parameters of chip, placement and network, from a TOML file",
    "chips": "the chips there are; one chip with every constant and its source",
}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `hw` and its tasks to the command line."""
    parser = commands.add_parser(
        "hw",
        help="what a network takes on a chip: energy, latency, load; chips side by side; sweeps",
        description=(
            "Run a network on its input, place it on a chip, and print energy until the decision and of the "
            "whole window by component, latency, load of cores and links, and what nobody has published."
        ),
        epilog="tasks: " + "; ".join(f"eventsim hw {name}: {what}" for name, what in _TASKS.items()),
    )
    assert isinstance(parser, CommandParser)
    _add_model(parser)
    parser.add_argument(
        "--chip",
        default="loihi",
        metavar="C",
        help="a chip of `eventsim hw chips`, or a TOML file [%(default)s]",
    )
    _add_use(parser).add_argument(
        "--closed-loop",
        action="store_true",
        help="the chip's delays shift the spikes that follow: asynchronous, --pace live, ideal network",
    )
    parser.add_argument("--placement", action="store_true", help="also print which neurons sit on which core")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="also draw: .png, .svg or .pdf (extra `plot`: matplotlib)"
    )
    parser.set_defaults(run=_run)
    parser.tasks = {"compare": _compare_parser(), "sweep": _sweep_parser(), "chips": _chips_parser()}


def _compare_parser() -> CommandParser:
    parser = CommandParser(prog="eventsim hw compare", description=f"Show {_TASKS['compare']}.")
    _add_model(parser)
    parser.add_argument(
        "--chips",
        default="all",
        metavar="A,B,...",
        help="chips or TOML files, with commas between them, or all [%(default)s]",
    )
    _add_use(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per chip instead of the table")
    parser.set_defaults(run=_run_compare, closed_loop=False)
    return parser


def _sweep_parser() -> CommandParser:
    parser = CommandParser(
        prog="eventsim hw sweep",
        description=(
            f"Compute {_TASKS['sweep']}. Results are JSON lines; what is done is not done again, so that a "
            "sweep goes on where it was after a kill or Ctrl-C."
        ),
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the sweep, as TOML (see docs/hardware.md)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the results [FILE with .jsonl]")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=positive_count, metavar="N", help="processes [one per processor]")
    where.add_argument(
        "--cluster", metavar="ADDRESS", help="Dask scheduler, as tcp://host:8786 (extra `cluster`)"
    )
    parser.add_argument("--json", action="store_true", help="print each result line instead of the table")
    parser.set_defaults(run=_run_sweep)
    return parser


def _chips_parser() -> CommandParser:
    parser = CommandParser(prog="eventsim hw chips", description=f"Show {_TASKS['chips']}.")
    parser.add_argument("name", nargs="?", metavar="NAME", help="a chip, or a TOML file [list all]")
    parser.add_argument("--json", action="store_true", help="JSON instead of the table")
    parser.set_defaults(run=_run_chips)
    return parser


def _add_model(parser: CommandParser) -> None:
    parser.add_argument(
        "model",
        nargs="?",
        default="kws",
        metavar="MODEL",
        help="bundle or network (.esb), NIR file, ECG arrays (.npz), or kws, which comes along [%(default)s]",
    )
    add_nir_options(parser)
    data = parser.add_argument_group("input, each recording from rest")
    data.add_argument(
        "--data",
        nargs="+",
        action="extend",
        metavar="PATH",
        help="sound files, a folder of spoken words, or events (.npz, .npy) [the clip that comes along]",
    )
    data.add_argument(
        "--split", choices=("test", "val", "train"), default="test", help="of a folder [%(default)s]"
    )
    data.add_argument(
        "--clips", type=positive_count, metavar="N", help="how many, drawn at random [of a folder 20]"
    )
    data.add_argument("--seed", type=natural, default=0, help="of every draw [%(default)s]")
    data.add_argument("--poisson", type=rate_hz, metavar="HZ", help="random events instead, per address")
    data.add_argument(
        "--duration", type=duration_ns, metavar="T", help="of events, as 500ms [to the last; random 1s]"
    )
    data.add_argument("--input", metavar="NAME", help="which input events go to, where there are several")


def _add_use(parser: CommandParser) -> "argparse._ArgumentGroup":
    use = parser.add_argument_group("how the chip is used")
    use.add_argument(
        "--strategy", choices=("fill", "balance", "hops"), default="fill", help="placement [%(default)s]"
    )
    use.add_argument(
        "--weight-bits", type=positive_count, metavar="N", help="[8, or the nearest that is allowed]"
    )
    use.add_argument("--cores", type=positive_count, metavar="N", help="cores to use at most")
    use.add_argument(
        "--network",
        choices=("ideal", "queued"),
        default="ideal",
        help="of the chip: hops alone, or links with queues and buffers [%(default)s]",
    )
    use.add_argument(
        "--mode",
        choices=("chip", "barrier", "asynchronous"),
        default="chip",
        help="synchronisation: the chip's own, or another [%(default)s]",
    )
    use.add_argument(
        "--pace",
        choices=("chip", "live"),
        help="a tick begins when the one before is done, or when its input is there, live [chip]",
    )
    use.add_argument(
        "--chip-tick",
        type=duration_ns,
        metavar="T",
        help="time, as 1ms, that a chip with a barrier takes as one of its ticks [the network's tick]",
    )
    use.add_argument(
        "--updates",
        choices=("reached", "every_tick"),
        default="reached",
        help="neurons updated in a tick: those that events reach, or all [%(default)s]",
    )
    add_decision_options(parser)
    return use


def _run(arguments: argparse.Namespace) -> int:
    from apps import hw

    return hw.run(arguments)


def _run_compare(arguments: argparse.Namespace) -> int:
    from apps import hw_compare

    return hw_compare.run(arguments)


def _run_sweep(arguments: argparse.Namespace) -> int:
    from apps import hw_sweep

    return hw_sweep.run(arguments)


def _run_chips(arguments: argparse.Namespace) -> int:
    from apps import hw_chips

    return hw_chips.run(arguments)
