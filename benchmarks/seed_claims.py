"""The claims of the seed papers on the project's own networks, from measured activity.

python -m benchmarks.seed_claims --data DIR [--ecg-weights FILE --ecg-data DIR] [--clips N] [--seed 0]
    writes results/seed_claims.json and the tables of docs/seed-claims.md
python -m benchmarks.seed_claims --page
    writes the page from the result

DIR is a folder in the Speech Commands layout. Without it S2 and S3 have nothing to hear and are left out.
The networks of S2 and S3 come from scripts/train_seed_networks.py; PyTorch is not needed here.
"""

import argparse
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from apps.command_line import CommandParser, natural
from benchmarks.exit_code import exit_code_of
from benchmarks.pages import renew
from benchmarks.result_file import write_result
from benchmarks.seed_claims_result import Baseline, SeedClaims, TwinCheck
from benchmarks.seed_energy import ecg_energy, keyword_energy
from benchmarks.seed_gated import multiplications
from benchmarks.seed_low_pass import low_pass_claim
from benchmarks.seed_tables import markdown
from eventsim.errors import ParameterError

RESULTS = Path(__file__).resolve().parent / "results"
RESULT, TRAINING = RESULTS / "seed_claims.json", RESULTS / "seed_training.json"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "seed-claims.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, print and write; return the exit code: 0, 2 for a named error."""
    return exit_code_of("seed_claims", lambda: _run(_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    result = load() if options.page else count(options)
    if not options.page:
        write_result(RESULT, result)
    print(markdown(result))
    renew(PAGE, "seed-claims", markdown(result))
    return 0


def count(options: argparse.Namespace) -> SeedClaims:
    """Return what the networks need on the recordings that were named.

    Raises DataError, SourceError or BundleError for the files, ParameterError where nothing was named.
    """
    data, seed, clips = options.data, options.seed, options.clips
    told = training()
    energy = [keyword_energy(data, seed, clips)] if data else []
    if options.ecg_weights and options.ecg_data:
        energy.append(ecg_energy(options.ecg_weights, options.ecg_data))
    if not energy:
        raise ParameterError("nothing to count on: say --data, or --ecg-weights and --ecg-data")
    said = " --data DIR" * bool(data) + " --ecg-weights FILE --ecg-data DIR" * bool(options.ecg_data)
    said += f" --clips {clips}" if clips else ""
    return SeedClaims(
        command=f"python -m benchmarks.seed_claims{said} --seed {seed}",
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        energy=energy,
        low_pass=low_pass_claim(data, seed, told["low_pass"], clips) if data else None,
        gated=[multiplications(data, v, seed, told[f"gated_v{v}"], clips) for v in (1, 2)] if data else [],
        baselines=[_baseline(kind, told[kind]) for kind in ("gru", "lstm")],
        twins=[TwinCheck(name, **told[name]["twin"]) for name in ("low_pass", "gated_v1", "gated_v2")],
    )


def training() -> dict[str, Any]:
    """Return what the training script told of each network."""
    told: dict[str, Any] = msgspec.json.decode(TRAINING.read_bytes())
    return told


def load(file: Path = RESULT) -> SeedClaims:
    """Return the result as it was written."""
    return msgspec.json.decode(file.read_bytes(), type=SeedClaims)


def _baseline(kind: str, told: dict[str, Any]) -> Baseline:
    return Baseline(kind, told["hidden"], told["parameters"], told["validation"], told["test"])


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m benchmarks.seed_claims", description="The seed papers' claims on own networks."
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder in the Speech Commands layout")
    parser.add_argument("--ecg-weights", type=Path, metavar="FILE", help="published ECG network, .npz")
    parser.add_argument("--ecg-data", type=Path, metavar="DIR", help="its recordings, .npz or their folder")
    parser.add_argument("--clips", type=natural, help="only so many clips of the test speakers [all]")
    parser.add_argument("--seed", type=natural, default=0, help="of the draw of the split [%(default)s]")
    parser.add_argument("--page", action="store_true", help="only write the page from the result")
    return parser


if __name__ == "__main__":
    sys.exit(main())
