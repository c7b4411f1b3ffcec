"""`eventsim train kws`: the options of the training command."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from apps.command_line import natural, positive_count, positive_number
from apps.writable import check_writable
from eventsim.errors import DataError, ParameterError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `train` and its task `kws` to the command line."""
    train = commands.add_parser("train", help="train a network (needs the extra `train`)")
    tasks = train.add_subparsers(dest="task", required=True, metavar="TASK")
    parser = tasks.add_parser(
        "kws",
        help="a keyword network, from a folder of spoken words to a model bundle",
        description="Train a keyword network. A run that was killed goes on where it was when started again.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder in the Speech Commands layout"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("kws.esb"), metavar="FILE", help="bundle to write [%(default)s]"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("runs/kws"), metavar="DIR", help="for checkpoints [%(default)s]"
    )
    parser.add_argument(
        "--synthetic", type=Path, metavar="DIR", help="folder of extra clips, <word>/*.wav of one second"
    )
    for option, default, metavar, what in (
        ("--steps", 3_600, "N", "updates of the main stage"),
        ("--copies", 6, "N", "variations per clip"),
        ("--hidden", 256, "N", "neurons per hidden layer"),
        ("--jobs", 1, "N", "processor cores to use"),
    ):
        parser.add_argument(
            option, type=positive_count, default=default, metavar=metavar, help=f"{what} [%(default)s]"
        )
    for option, value, metavar, what in (
        ("--encoder-step", 0.7, "NATS", "log-energy worth one event"),
        ("--deadline-ms", 655.0, "MS", "mean decision time to train for"),
        ("--decide-by-ms", 665.0, "MS", "... and to choose the threshold for"),
    ):
        parser.add_argument(
            option, type=positive_number, default=value, metavar=metavar, help=f"{what} [%(default)s]"
        )
    parser.add_argument("--seed", type=natural, default=0, help="of every draw [%(default)s]")
    parser.add_argument(
        "--baselines", action="store_true", help="train CNN, GRU and LSTM on the same clips instead"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train as the parsed `arguments` say; return the exit code."""
    if find_spec("torch") is None:
        raise ParameterError("training needs PyTorch: pip install 'eventsim[train]' (or torch alone)")
    from rich.console import Console

    from apps.train_kws import TrainingOptions, train_kws

    options = TrainingOptions(
        data=arguments.data,
        out=arguments.out,
        work=arguments.work,
        synthetic=arguments.synthetic,
        seed=arguments.seed,
        steps=arguments.steps,
        copies=arguments.copies,
        hidden=arguments.hidden,
        encoder_step=arguments.encoder_step,
        deadline_ms=arguments.deadline_ms,
        decide_by_ms=arguments.decide_by_ms,
        jobs=arguments.jobs,
    )
    if options.synthetic is not None and not options.synthetic.is_dir():
        raise DataError(f"{options.synthetic}: no such folder (--synthetic)")
    check_writable(options.out)
    console = Console()
    if arguments.baselines:
        from apps.kws_baselines import train_baselines

        train_baselines(options, console)
    else:
        train_kws(options, console)
    return 0
