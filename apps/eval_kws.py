"""Evaluates the keyword network on the one-second clips of a split, all thresholds in one pass."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from apps.clip_run import ClipRun, ClipRunner
from apps.eval_report import Evaluation, OperatingPoint, print_evaluation, write_evaluation
from apps.keyword_model import KeywordModel, load_keyword_model
from apps.termination import interrupts_held
from apps.writable import check_writable
from eventsim.errors import BundleError, OutputError
from streams.speech_commands import LABELS, Clip, Split, load_split

CURVE_THRESHOLDS = (
    0.5,
    0.6,
    0.7,
    0.8,
    0.85,
    0.9,
    0.925,
    0.95,
    0.96,
    0.97,
    0.98,
    0.985,
    0.99,
    0.995,
    0.998,
    0.999,
)
# Threshold 1 is never exceeded: the decision falls at the end of the clip.
END_OF_CLIP = 1.0
_CLIPS_PER_TASK = 32


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """What a person chooses; the options of the command line say more."""

    data: Path
    split: Split = "test"
    model: Path | None = None
    threshold: float | None = None
    curve: bool = False
    limit: int | None = None
    seed: int = 0
    jobs: int = 1
    json: bool = False
    output: Path | None = None


def run_eval(options: EvalOptions) -> int:
    """Evaluate and report; return the exit code.

    Raises DataError for the data folder, BundleError for the model, OutputError for an unwritable --output.
    """
    model = load_keyword_model(options.model)
    if model.labels != LABELS:
        raise BundleError(f"the model names {', '.join(model.labels)}; the task is {', '.join(LABELS)}")
    threshold = _threshold(model, options.threshold)
    clips = _chosen(load_split(options.data, options.split, options.seed), options)
    if options.output is not None:
        check_writable(options.output)
    evaluation = evaluate(model, clips, threshold, options)
    if options.output is not None:
        try:
            with options.output.open("w", encoding="utf-8") as file:
                write_evaluation(evaluation, file)
        except OSError as error:
            raise OutputError(f"{options.output}: cannot be written ({error.strerror or error})") from None
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if options.json:
        write_evaluation(evaluation, console.file)
    else:
        print_evaluation(evaluation, console)
    return 0


def evaluate(
    model: KeywordModel, clips: Sequence[Clip], threshold: float, options: EvalOptions
) -> Evaluation:
    """Return accuracy, decision times and cost on `clips`, labelled by index into the model's labels."""
    started = time.perf_counter()
    console = Console(stderr=True)
    watched = track(
        _runs(model, clips, options), "clips", len(clips), console=console, disable=not console.is_terminal
    )
    runs = list(watched)
    truth = np.array([clip.label for clip in clips])
    tick_ms = model.bundle.network.tick_ns / 1e6
    labels = model.labels
    thresholds = CURVE_THRESHOLDS if options.curve else ()
    early = operating_point(runs, truth, threshold, tick_ms)
    end = operating_point(runs, truth, END_OF_CLIP, tick_ms)
    return Evaluation(
        split=options.split,
        clips=len(clips),
        labels=labels,
        end_of_clip=end,
        early=early,
        confusion_end=confusion(runs, truth, END_OF_CLIP, len(labels)),
        confusion_early=confusion(runs, truth, threshold, len(labels)),
        curve=[operating_point(runs, truth, t, tick_ms) for t in thresholds],
        by_class=_by_class(runs, truth, labels),
        dense_synaptic_events=float(model.n_synapses * np.mean([run.label.size for run in runs])),
        wall_s=time.perf_counter() - started,
    )


def operating_point(
    runs: Sequence[ClipRun], truth: NDArray[np.int64], threshold: float, tick_ms: float
) -> OperatingPoint:
    """Return how a threshold fares: accuracy, decision times from clip start, work until the decision."""
    ticks = [run.decision_tick(threshold) for run in runs]
    chosen = np.array([run.label[tick] for run, tick in zip(runs, ticks, strict=True)])
    decided_ms = (np.array(ticks) + 1) * tick_ms
    recall = [float((chosen[truth == label] == label).mean()) for label in np.unique(truth)]

    def mean(name: str) -> float:
        return float(np.mean([getattr(run, name)[tick] for run, tick in zip(runs, ticks, strict=True)]))

    return OperatingPoint(
        threshold=threshold,
        accuracy=float((chosen == truth).mean()),
        balanced_accuracy=float(np.mean(recall)),
        mean_ms=float(decided_ms.mean()),
        median_ms=float(np.median(decided_ms)),
        p90_ms=float(np.percentile(decided_ms, 90)),
        input_events=mean("input_events"),
        spikes=mean("spikes"),
        synaptic_events=mean("synaptic_events"),
    )


def confusion(
    runs: Sequence[ClipRun], truth: NDArray[np.int64], threshold: float, n_labels: int
) -> list[list[int]]:
    """Return how often truth (row) was taken for label (column)."""
    counts = np.zeros((n_labels, n_labels), np.int64)
    for run, label in zip(runs, truth, strict=True):
        counts[label, run.label[run.decision_tick(threshold)]] += 1
    return [[int(count) for count in row] for row in counts]


def _by_class(runs: Sequence[ClipRun], truth: NDArray[np.int64], labels: Sequence[str]) -> dict[str, float]:
    """Return the mean synaptic events of a whole clip of each class present."""
    whole = np.array([run.synaptic_events[-1] for run in runs], np.float64)
    return {name: float(whole[truth == k].mean()) for k, name in enumerate(labels) if (truth == k).any()}


def _threshold(model: KeywordModel, given: float | None) -> float:
    decision = model.bundle.decision
    if decision.get("kind") != "softmax-threshold":
        raise BundleError(
            f"the model decides by {decision.get('kind')!r}; eval kws knows only 'softmax-threshold'"
        )
    return float(decision["threshold"]) if given is None else given


def _chosen(clips: list[Clip], options: EvalOptions) -> list[Clip]:
    if options.limit is None or options.limit >= len(clips):
        return clips
    order = np.random.default_rng(options.seed).permutation(len(clips))[: options.limit]
    return [clips[i] for i in np.sort(order)]


def _runs(model: KeywordModel, clips: Sequence[Clip], options: EvalOptions) -> Iterator[ClipRun]:
    if options.jobs == 1:
        runner = ClipRunner(model)
        for clip in clips:
            yield runner.run(clip.samples())
        return
    tasks = [clips[i : i + _CLIPS_PER_TASK] for i in range(0, len(clips), _CLIPS_PER_TASK)]
    # spawn: a fork would copy the locks of threads that do not exist in the child.
    pool = ProcessPoolExecutor(options.jobs, get_context("spawn"), _start_worker, (options.model,))
    try:
        with interrupts_held():
            parts = pool.map(_run_task, tasks)
        for part in parts:
            yield from part
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker_runner: ClipRunner | None = None


def _start_worker(model: Path | None) -> None:
    global _worker_runner
    _worker_runner = ClipRunner(load_keyword_model(model))


def _run_task(clips: Sequence[Clip]) -> list[ClipRun]:
    assert _worker_runner is not None
    return [_worker_runner.run(clip.samples()) for clip in clips]
