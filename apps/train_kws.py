"""`eventsim train kws`: from a folder of spoken words to a model bundle, in stages that survive a kill."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from rich.console import Console

from apps.kws_bank import build_bank, encode_split
from eventsim import __version__
from eventsim.bundle import Bundle, save_bundle
from eventsim.errors import OutputError, ParameterError
from streams.encoders import MelDeltaConfig, MelDeltaEncoder
from streams.speech_commands import LABELS, Split

if TYPE_CHECKING:
    from torch.nn import Module

    from eventsim.learning.keyword_net import KeywordNet
    from eventsim.learning.keyword_task import BalancedBatches, ClipArrays, EarlyPoint, Objective
    from eventsim.learning.training import Progress

# How often each class is drawn: unknown holds many words, silence few kinds of noise.
CLASS_SHARES = [1.0] * 10 + [1.5, 1.0]
BATCH = 128


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What a person chooses.

    data : folder in the Speech Commands layout; out : bundle to write; work : folder for the bank and the
    checkpoints; synthetic : folder of extra words, one folder per word, or None. steps : updates of the main
    stage, the other stages scale with it. copies : variations per clip in the bank. encoder_step : log-energy
    worth one event. deadline_ms : mean decision time that rank-coded training is selected at;
    decide_by_ms : the one that the threshold is then chosen for; both on validation data.
    """

    data: Path
    out: Path
    work: Path
    synthetic: Path | None = None
    seed: int = 0
    steps: int = 3_600
    copies: int = 6
    hidden: int = 256
    encoder_step: float = 0.7
    deadline_ms: float = 655.0
    decide_by_ms: float = 665.0
    jobs: int = 1

    def __post_init__(self) -> None:
        for name in ("steps", "copies", "hidden", "jobs"):
            if getattr(self, name) < 1:
                raise ParameterError(f"--{name} must be at least 1, not {getattr(self, name)}")


def train_kws(options: TrainingOptions, console: Console) -> Bundle:
    """Run every stage that is not done yet and write the bundle; return it.

    Raises DataError when the data folder lacks a part, ParameterError for options that do not fit the work
    folder's earlier run.
    """
    run = TrainingRun(options, console)
    bank = run.bank()
    teacher_logits = run.teacher(bank)
    net, objective = run.spiking(bank, teacher_logits)
    return run.bundle(net, objective)


class TrainingRun:
    """The stages of one training run, each leaving its result in the work folder."""

    def __init__(self, options: TrainingOptions, console: Console) -> None:
        from eventsim.learning.training import use_cores

        use_cores(options.jobs)
        self.options = options
        self.console = console
        self.encoder = MelDeltaConfig(step=options.encoder_step)
        # Before the work folder is claimed: a mistyped --data must not stick to it.
        self._val = self.clips("val")
        self._claim_work_folder()

    def _claim_work_folder(self) -> None:
        """Refuse to mix two different runs in one folder."""
        told = {
            name: str(getattr(self.options, name))
            for name in (
                "data",
                "synthetic",
                "seed",
                "steps",
                "copies",
                "hidden",
                "encoder_step",
                "deadline_ms",
            )
        }
        file = self.options.work / "options.json"
        try:
            self.options.work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.options.work}: {error.strerror or error} (--work)") from None
        if file.exists():
            before = msgspec.json.decode(file.read_bytes())
            changed = [name for name in told if told[name] != before.get(name)]
            if changed:
                raise ParameterError(
                    f"{self.options.work} holds a run with another --{changed[0]} "
                    f"({before.get(changed[0])}, now {told[changed[0]]}): choose another --work"
                )
        file.write_bytes(msgspec.json.encode(told))

    def clips(self, split: Split) -> ClipArrays:
        """Return the clips of a split as they are, encoded."""
        from eventsim.learning.keyword_task import ClipArrays

        encoded = encode_split(self.options.data, split, self.options.seed, self.encoder)
        return ClipArrays(encoded.steps, encoded.log_mel, encoded.labels)

    def bank(self) -> ClipArrays:
        """Return the prepared training clips, built on the first call."""
        from eventsim.learning.keyword_task import ClipArrays

        files = {name: self.options.work / f"bank_{name}.npy" for name in ("steps", "log_mel", "labels")}
        if not all(file.exists() for file in files.values()):
            started = time.monotonic()
            parts = []
            for part in build_bank(
                self.options.data,
                self.options.synthetic,
                self.options.seed,
                self.options.copies,
                self.encoder,
                self.options.jobs,
            ):
                parts.append(part)
                self._tell(f"bank: {len(parts)}/64 parts, {time.monotonic() - started:.0f} s", end="\r")
            for name, file in files.items():
                _save_array(file, np.concatenate([getattr(part, name) for part in parts]))
            self._tell(f"bank: {sum(map(len, parts))} clips in {time.monotonic() - started:.0f} s")
        arrays = {name: np.load(file) for name, file in files.items()}
        return ClipArrays(arrays["steps"], arrays["log_mel"], arrays["labels"])

    def batches(self, bank: ClipArrays, stage: int) -> BalancedBatches:
        """Return the draw of balanced batches of one stage."""
        from eventsim.learning.keyword_task import BalancedBatches

        # Each stage its own seed, so that a later stage does not see the first batches again.
        return BalancedBatches(bank, CLASS_SHARES, BATCH, self.options.seed * 100 + stage)

    def conventional(self, bank: ClipArrays, name: str) -> tuple[Module, float]:
        """Return a trained conventional network (conv, gru or lstm) and its score on validation data."""
        from eventsim.learning.baselines import RecurrentBaseline, ResidualConvNet
        from eventsim.learning.keyword_task import balanced_accuracy, conventional_logits, conventional_loss
        from eventsim.learning.training import seed_everything

        seed_everything(self.options.seed)
        net: Module = ResidualConvNet(width=2.0) if name == "conv" else RecurrentBaseline(name)
        batches = self.batches(bank, {"conv": 1, "gru": 2, "lstm": 3}[name])

        def score(net: Module) -> float:
            logits = conventional_logits(net, self._val.log_mel)
            last = logits if logits.ndim == 2 else logits[:, -1]
            return balanced_accuracy(last.argmax(dim=1).numpy(), self._val.labels)

        # The convolutional net is the teacher too, and settled after fewer updates than the recurrent ones.
        share = 0.6 if name == "conv" else 1.0
        best = self._train(name, net, lambda net, step: conventional_loss(net, batches, step), score, share)
        return net, best

    def teacher(self, bank: ClipArrays) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return the convolutional teacher's logits for every clip of the bank."""
        from eventsim.learning.keyword_task import conventional_logits

        file = self.options.work / "teacher_logits.npy"
        if not file.exists():
            net, _ = self.conventional(bank, "conv")
            _save_array(file, conventional_logits(net, bank.log_mel).numpy())
        logits: np.ndarray[Any, np.dtype[np.float32]] = np.load(file)
        return logits

    def spiking(self, bank: ClipArrays, teacher_logits: Any) -> tuple[KeywordNet, Objective]:
        """Return the network trained for evidence first, then where its decision falls (rank coding)."""
        from eventsim.learning.keyword_net import KeywordNet, KeywordNetConfig
        from eventsim.learning.keyword_task import Objective, early_score, end_score, spiking_loss
        from eventsim.learning.training import seed_everything

        seed_everything(self.options.seed)
        hidden = self.options.hidden
        net = KeywordNet(KeywordNetConfig(n_hidden1=hidden, n_hidden2=hidden))
        taught = replace(bank, teacher_logits=teacher_logits)
        deadline = self.options.deadline_ms * 1e6 / net.config.step_ns
        stages = (
            ("evidence", Objective(), lambda net: end_score(net, self._val), 1.0, 4e-3),
            (
                "rank",
                Objective(anytime=0.3, rank=1.0),
                lambda net: end_score(net, self._val) + early_score(net, self._val, deadline),
                0.3,
                1e-3,
            ),
        )
        for number, (name, objective, score, share, rate) in enumerate(stages):
            batches = self.batches(taught, 10 + number)
            self._train(
                name,
                net,
                lambda net, step, b=batches, o=objective: spiking_loss(net, b, step, o),  # type: ignore[misc]
                score,
                share,
                rate,
            )
        return net, objective

    def bundle(self, net: KeywordNet, objective: Objective) -> Bundle:
        """Write the bundle, its threshold chosen on validation data, and return it."""
        from eventsim.learning.export import to_network

        point = self._threshold(net)
        info = {
            "made_by": f"eventsim {__version__} train kws",
            "date": datetime.date.today().isoformat(),
            "seed": self.options.seed,
            "steps": self.options.steps,
            "objective": msgspec.to_builtins(objective),
            "data": "Speech Commands (Warden 2018, CC BY 4.0), training speakers only",
            "synthetic_voices": self.options.synthetic is not None,
            "validation": {
                "threshold": point.threshold,
                "balanced_accuracy": round(point.balanced_accuracy, 4),
                "mean_decision_ms": round(point.mean_step * net.config.step_ns / 1e6, 1),
            },
        }
        bundle = Bundle(
            network=to_network(net),
            labels=LABELS,
            encoder=MelDeltaEncoder(self.encoder).describe(),
            decision={"kind": "softmax-threshold", "threshold": point.threshold, "scale": 1.0},
            info=info,
        )
        save_bundle(self.options.out, bundle)
        self._tell(f"wrote {self.options.out} ({self.options.out.stat().st_size / 1e6:.2f} MB)")
        return bundle

    def _threshold(self, net: KeywordNet) -> EarlyPoint:
        """Return the most accurate point on validation data that decides by `decide_by_ms` in the mean."""
        from eventsim.learning.keyword_task import early_point, spiking_evidence

        evidence = spiking_evidence(net, self._val.steps)
        points = [early_point(evidence, self._val.labels, percent / 100) for percent in range(50, 100)]
        for point in points:
            self._tell(
                f"validation, threshold {point.threshold}: {100 * point.balanced_accuracy:.2f} % "
                f"at {point.mean_step * net.config.step_ns / 1e6:.0f} ms"
            )
        deadline = self.options.decide_by_ms * 1e6 / net.config.step_ns
        in_time = [point for point in points if point.mean_step <= deadline] or points[:1]
        return max(in_time, key=lambda point: point.balanced_accuracy)

    def _train(
        self,
        name: str,
        net: Module,
        loss_at: Callable[[Module, int], Any],
        score: Callable[[Module], float],
        share: float,
        rate: float = 3e-3,
    ) -> float:
        from eventsim.learning.training import TrainingPlan, train

        steps = max(1, round(share * self.options.steps))
        plan = TrainingPlan(
            steps=steps,
            learning_rate=rate,
            evaluate_every=min(250, max(1, steps // 4)),
            seed=self.options.seed,
        )
        checkpoint = self.options.work / f"{name}.pt"
        started = time.monotonic()

        def report(progress: Progress) -> None:
            self._tell(
                f"{name}: {progress.step}/{plan.steps} loss {progress.loss:.3f} "
                f"validation {progress.score:.4f} best {progress.best:.4f} "
                f"({time.monotonic() - started:.0f} s)"
            )

        return train(net, loss_at, score, plan, checkpoint, report)

    def _tell(self, line: str, end: str = "\n") -> None:
        # A counter that rewrites its line is for a person; a log gets whole lines only.
        if end == "\n" or self.console.is_terminal:
            self.console.print(line, end=end, highlight=False)
            # An hour of training must be seen to move, also in a log file.
            self.console.file.flush()


def _save_array(file: Path, array: np.ndarray[Any, Any]) -> None:
    partial = file.with_suffix(".partial")
    with partial.open("wb") as out:
        np.save(out, array)
    os.replace(partial, file)
