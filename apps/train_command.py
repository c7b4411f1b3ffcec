"""`eventsim train kws`: the options of the training command."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from eventsim.errors import DataError, OutputError, ParameterError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `train` and its task `kws` to the command line."""
    train = commands.add_parser("train", help="train a network (needs the extra `train`)")
    tasks = train.add_subparsers(dest="task", required=True, metavar="TASK")
    parser = tasks.add_parser(
        "kws",
        help="a keyword network, from a folder of spoken words to a model bundle",
        description="Train a keyword network. A run that was killed goes on where it was when started again.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder in the Speech Commands layout")
    parser.add_argument("--out", type=Path, default=Path("kws.esb"), help="bundle to write [%(default)s]")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/kws"), help="folder for checkpoints [%(default)s]"
    )
    parser.add_argument("--synthetic", type=Path, help="folder of extra clips, <word>/*.wav of one second")
    parser.add_argument("--seed", type=int, default=0, help="of every draw [%(default)s]")
    parser.add_argument("--steps", type=int, default=3_600, help="updates of the main stage [%(default)s]")
    parser.add_argument("--copies", type=int, default=6, help="variations per clip [%(default)s]")
    parser.add_argument("--hidden", type=int, default=256, help="neurons per hidden layer [%(default)s]")
    parser.add_argument(
        "--encoder-step", type=float, default=0.7, help="log-energy worth one event [%(default)s]"
    )
    parser.add_argument(
        "--deadline-ms", type=float, default=655.0, help="mean decision time to train for [%(default)s]"
    )
    parser.add_argument(
        "--decide-by-ms", type=float, default=665.0, help="... and to choose the threshold for [%(default)s]"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processor cores to use [%(default)s]")
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
    if not options.out.parent.is_dir():
        raise OutputError(f"{options.out}: its folder does not exist (--out)")
    console = Console()
    if arguments.baselines:
        from apps.kws_baselines import train_baselines

        train_baselines(options, console)
    else:
        train_kws(options, console)
    return 0
