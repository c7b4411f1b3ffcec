"""Train the networks of docs/seed-claims.md on the changes of sound bands, and write those that spike.

    python scripts/train_seed_networks.py --data DIR --work DIR [--only NAME ...] [--steps 1200] [--seed 0]

`low_pass` is a recurrent low-pass network (S2), `gated_v1` and `gated_v2` are input-gated multi-bit networks
(S3), `gru` and `lstm` the dense networks beside them: two layers of 96 units each, the same prepared clips,
the same number of updates. Of the running mean of the weights the state that scores best on the validation
speakers is kept. The test speakers are heard once, at the end. A run that is killed goes on where it was.

Spiking networks go to benchmarks/networks/, what was reached to benchmarks/results/seed_training.json. The
threshold of the low-pass network is the largest that costs at most a point on the validation speakers.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from seed_twin_check import twin_check

from apps.kws_bank import encode_split
from apps.train_kws import BATCH, CLASS_SHARES, TrainingOptions, TrainingRun
from eventsim.bundle import Bundle, save_bundle
from eventsim.learning.input_gated import InputGatedConfig, InputGatedNet
from eventsim.learning.keyword_task import BalancedBatches, ClipArrays
from eventsim.learning.low_pass import LowPassConfig, LowPassNet
from eventsim.learning.sequence_task import DenseBaseline, sequence_answers, sequence_loss, sequence_score
from eventsim.learning.training import Progress, TrainingPlan, seed_everything, train, use_cores
from streams.encoders import MelDeltaEncoder
from streams.speech_commands import LABELS

if TYPE_CHECKING:
    from torch import nn

    from eventsim.network import Network

ROOT = Path(__file__).resolve().parent.parent
NETWORKS = ROOT / "benchmarks" / "networks"
RESULT = ROOT / "benchmarks" / "results" / "seed_training.json"
HIDDEN = (96, 96)
BITS = 3
# Powers of two: what a spike adds up to is exact in float32.
THRESHOLDS = (0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125)
ALLOWED_LOSS = 0.01
# Every fifth validation clip is run through the engine and its twin.
TWIN_EVERY = 5
# Weight of what a unit sends per step, in its own unit: 1 is a saturated tanh, or one step of an output.
ACTIVITY = {"low_pass": 1.0, "gated_v1": 0.1, "gated_v2": 0.1, "gru": 0.0, "lstm": 0.0}
RATE = {"low_pass": 4e-3, "gated_v1": 4e-3, "gated_v2": 4e-3, "gru": 3e-3, "lstm": 3e-3}

MAKERS: dict[str, Callable[[], nn.Module]] = {
    "low_pass": lambda: LowPassNet(LowPassConfig(n_hidden=HIDDEN)),
    "gated_v1": lambda: InputGatedNet(InputGatedConfig(n_hidden=HIDDEN, bits=BITS, recurrent=False)),
    "gated_v2": lambda: InputGatedNet(InputGatedConfig(n_hidden=HIDDEN, bits=BITS)),
    "gru": lambda: DenseBaseline("gru", n_hidden=HIDDEN),
    "lstm": lambda: DenseBaseline("lstm", n_hidden=HIDDEN),
}


def main() -> None:
    """Train what is asked for, tell what it reaches, write the networks."""
    options, console = _parser().parse_args(), Console(highlight=False)
    use_cores(1)
    run = TrainingRun(
        TrainingOptions(data=options.data, out=options.work / "unused", work=options.work, copies=2, seed=0),
        console,
    )
    bank, val = run.bank(), run.clips("val")
    encoded = encode_split(options.data, "test", 0, run.encoder)
    test = ClipArrays(encoded.steps, encoded.log_mel, encoded.labels)
    for number, name in enumerate(MAKERS):
        if name in options.only:
            net = _trained(name, number, bank, val, options, console)
            told = _written(name, net, val, test, run, options)
            console.print(f"{name}: {told}", soft_wrap=True)
            console.file.flush()
            _record(name, told)


def _trained(
    name: str, number: int, bank: ClipArrays, val: ClipArrays, options: argparse.Namespace, console: Console
) -> nn.Module:
    seed_everything(options.seed)
    net = MAKERS[name]()
    batches = BalancedBatches(bank, CLASS_SHARES, BATCH, 1000 * (options.seed + 1) + number)
    plan = TrainingPlan(
        steps=options.steps,
        learning_rate=RATE[name],
        average=0.99,
        evaluate_every=min(100, options.steps),
        seed=options.seed,
    )

    def report(now: Progress) -> None:
        console.print(
            f"{name}: {now.step} loss {now.loss:.3f} validation {now.score:.4f} best {now.best:.4f}"
        )
        console.file.flush()

    train(
        net,
        lambda net, step: sequence_loss(net, batches, step, ACTIVITY[name]),
        lambda net: sequence_score(net, val),
        plan,
        options.work / f"{name}.pt",
        report,
    )
    return net


def _written(
    name: str,
    net: nn.Module,
    val: ClipArrays,
    test: ClipArrays,
    run: TrainingRun,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Return what the network reaches, its event form written to a file where it has one."""
    told: dict[str, Any] = {
        "command": f"python scripts/train_seed_networks.py --data DIR --work DIR --steps {options.steps} "
        f"--seed {options.seed} --only {name}",
        "date": datetime.date.today().isoformat(),
        "hidden": list(HIDDEN),
        "parameters": sum(p.numel() for p in net.parameters()),
        "validation": round(sequence_score(net, val), 4),
        "test": round(sequence_score(net, test), 4),
    }
    step_ns = MelDeltaEncoder(run.encoder).tick_ns
    network: Network | None = None
    if isinstance(net, LowPassNet):
        swept = {threshold: sequence_score(net, val, threshold=threshold) for threshold in THRESHOLDS}
        told["validation_by_threshold"] = {str(key): round(value, 4) for key, value in swept.items()}
        kept = [key for key, value in swept.items() if value >= told["validation"] - ALLOWED_LOSS]
        told["threshold"] = max(kept, default=min(THRESHOLDS))
        told["test_at_threshold"] = round(sequence_score(net, test, threshold=told["threshold"]), 4)
        network = net.to_network(told["threshold"], step_ns)
        told["twin"] = twin_check(net, network, val.steps[::TWIN_EVERY], threshold=told["threshold"])
        smooth, sent = (sequence_answers(net, test, **o) for o in ({}, {"threshold": told["threshold"]}))
        told["test_answers_like_smooth"] = round(float((smooth == sent).mean()), 4)
    elif isinstance(net, InputGatedNet):
        told["bits"] = BITS
        network = net.to_network(step_ns)
        told["twin"] = twin_check(net, network, val.steps[::TWIN_EVERY])
    if network is not None:
        NETWORKS.mkdir(exist_ok=True)
        info = told | {"data": "Speech Commands (Warden 2018, CC BY 4.0), training speakers only"}
        decision = {"kind": "end-of-input"}
        encoder = MelDeltaEncoder(run.encoder).describe()
        bundle = Bundle(network=network, labels=LABELS, encoder=encoder, decision=decision, info=info)
        save_bundle(NETWORKS / f"{name}.esb", bundle)
    return told


def _record(name: str, told: dict[str, Any]) -> None:
    held = msgspec.json.decode(RESULT.read_bytes()) if RESULT.exists() else {}
    held[name] = told
    ordered = {key: held[key] for key in MAKERS if key in held}
    RESULT.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=2) + b"\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder in the Speech Commands layout")
    parser.add_argument("--work", type=Path, required=True, help="folder for the bank and the checkpoints")
    parser.add_argument("--only", nargs="+", choices=list(MAKERS), default=list(MAKERS))
    parser.add_argument("--steps", type=int, default=1200, help="updates of each network [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="[%(default)s]")
    return parser


if __name__ == "__main__":
    main()
