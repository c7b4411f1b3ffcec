"""`eventsim eval`: the options of the evaluations."""

import argparse
from pathlib import Path

from apps.command_line import natural, positive_count, probability


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `eval` and its tasks to the command line."""
    evaluate = commands.add_parser("eval", help="measure a network on recorded data")
    tasks = evaluate.add_subparsers(dest="task", required=True, metavar="TASK")
    parser = tasks.add_parser(
        "kws",
        help="the keyword network on one-second clips: accuracy, decision times, cost",
        description=(
            "Run each one-second clip of a split through encoder and event engine: accuracy at the end of "
            "the clip and with early decision, decision times, confusion, events."
        ),
    )
    _add_data(parser)
    parser.add_argument(
        "--threshold", type=probability, metavar="P", help="decide above this probability, 0..1 [the model's]"
    )
    parser.add_argument("--curve", action="store_true", help="a table over thresholds 0.5 to 0.999")
    parser.add_argument("--limit", type=positive_count, metavar="N", help="use N clips only, drawn at random")
    parser.add_argument("--jobs", type=positive_count, default=1, metavar="N", help="processes [%(default)s]")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the JSON object to FILE")
    parser.set_defaults(run=run)
    _add_twin(tasks)
    _add_ecg(tasks)


def _add_twin(tasks: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = tasks.add_parser(
        "twin",
        help="event engine against its dense twin, spike by spike (needs the extra `train`)",
        description="Run the clips of a split through engine and dense twin, and count where they differ.",
    )
    _add_data(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per precision")
    parser.set_defaults(run=_run_twin)


def _add_ecg(tasks: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = tasks.add_parser(
        "ecg",
        help="the published ECG network, event by event beside a dense float64 run",
        description=(
            "Run a published recurrent ECG network (Yin, Corradi, Bohté 2021) from its arrays through the "
            "event engine and through a dense float64 evaluation: accuracy at every step, spikes that "
            "differ, cost."
        ),
    )
    parser.add_argument(
        "--weights", type=Path, required=True, metavar="FILE", help=".npz with the network's arrays"
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="PATH",
        help=".npz with x and y, or a folder with test.npz",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.set_defaults(run=_run_ecg)


def _run_ecg(arguments: argparse.Namespace) -> int:
    from apps import eval_ecg

    return eval_ecg.run(arguments)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder in the Speech Commands layout"
    )
    parser.add_argument(
        "--split", choices=("test", "val", "train"), default="test", help="speakers to use [%(default)s]"
    )
    parser.add_argument("--model", type=Path, metavar="PATH", help="model bundle [the one that comes along]")
    parser.add_argument("--seed", type=natural, default=0, help="of every draw [%(default)s]")


def _run_twin(arguments: argparse.Namespace) -> int:
    from apps import eval_twin

    return eval_twin.run(arguments)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate as the parsed `arguments` say; return the exit code."""
    from apps.eval_kws import EvalOptions, run_eval

    return run_eval(
        EvalOptions(
            data=arguments.data,
            split=arguments.split,
            model=arguments.model,
            threshold=arguments.threshold,
            curve=arguments.curve,
            limit=arguments.limit,
            seed=arguments.seed,
            jobs=arguments.jobs,
            json=arguments.json,
            output=arguments.output,
        )
    )
