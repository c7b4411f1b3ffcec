"""`eventsim eval ecg`: the published ECG network run event by event, beside a dense float64 evaluation."""

from __future__ import annotations

import argparse
import time

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from apps.ecg_checkpoint import TICK_NS, EcgCheckpoint, EcgRecordings, load_checkpoint, load_recordings
from apps.ecg_dense import EcgRun, run_dense
from eventsim.session import Session


class EcgResult(msgspec.Struct, frozen=True):
    """How event engine and dense evaluation compare on the same recordings.

    accuracies : share of (recording, step) whose label is the output with the highest membrane, over all
    steps as published (a step without a label counts as label 0), and over the labelled ones alone.
    differing_* : (recording, step, neuron) where only one of the two spiked; predictions : (recording, step).
    largest_membrane_gap : between the output membranes of the two, over all steps.
    hidden_spikes_per_step : per neuron and step. dense_macs : every weight at every step.
    neuron_updates : of the engine, beside neurons x steps of the dense one. engine_s, dense_s : wall time.
    """

    recordings: int
    steps: int
    engine_accuracy: float
    dense_accuracy: float
    labelled_steps: int
    engine_accuracy_labelled: float
    dense_accuracy_labelled: float
    hidden_spikes: int
    dense_hidden_spikes: int
    differing_hidden_spikes: int
    output_spikes: int
    dense_output_spikes: int
    differing_output_spikes: int
    differing_predictions: int
    largest_membrane_gap: float
    hidden_spikes_per_step: float
    output_spikes_per_step: float
    input_events: int
    synaptic_events: int
    dense_macs: int
    neuron_updates: int
    dense_neuron_updates: int
    engine_s: float
    dense_s: float


class EngineWork(msgspec.Struct, frozen=True):
    """What the engine counted over all recordings, and the seconds it took."""

    input_events: int
    synaptic_events: int
    neuron_updates: int
    seconds: float


def run_events(checkpoint: EcgCheckpoint, recordings: EcgRecordings) -> tuple[EcgRun, EngineWork]:
    """Return what the event engine did, each recording from rest, and what it took."""
    shape = (len(recordings), recordings.steps)
    hidden = np.zeros((*shape, checkpoint.n_hidden), bool)
    output = np.zeros((*shape, checkpoint.n_outputs), bool)
    membrane = np.zeros((*shape, checkpoint.n_outputs))
    steps_ns = np.arange(recordings.steps) * TICK_NS
    session = Session(checkpoint.network(), record=["hidden"], probe={"output": steps_ns})
    session.advance(TICK_NS)  # compiles the kernels, or loads them, before the clock runs
    console = Console(stderr=True)
    input_events = synaptic_events = neuron_updates = 0
    start = time.perf_counter()
    for k in track(range(shape[0]), "recordings", console=console, disable=not console.is_terminal):
        session.reset()
        session.push("input", recordings.events(k))
        session.advance(recordings.steps * TICK_NS)
        _, membrane[k] = session.read_probe("output")
        for name, spikes in (("hidden", hidden), ("output", output)):
            events = session.read(name)
            spikes[k, events.time_ns // TICK_NS, events.address] = True
        counters = session.counters
        input_events += counters.input_events
        synaptic_events += counters.synaptic_events
        neuron_updates += sum(count or 0 for count in counters.neuron_updates.values())
    seconds = time.perf_counter() - start
    return EcgRun(hidden, output, membrane), EngineWork(
        input_events, synaptic_events, neuron_updates, seconds
    )


def compare(checkpoint: EcgCheckpoint, recordings: EcgRecordings) -> EcgResult:
    """Return the comparison of the event engine with the dense evaluation on `recordings`."""
    run, work = run_events(checkpoint, recordings)
    start = time.perf_counter()
    dense = run_dense(checkpoint, recordings.x)
    dense_s = time.perf_counter() - start
    n_steps = recordings.labels.size

    right, dense_right = (each.predictions == recordings.labels for each in (run, dense))
    labelled = recordings.labelled

    return EcgResult(
        recordings=len(recordings),
        steps=recordings.steps,
        engine_accuracy=float(right.mean()),
        dense_accuracy=float(dense_right.mean()),
        labelled_steps=int(labelled.sum()),
        engine_accuracy_labelled=_mean(right[labelled]),
        dense_accuracy_labelled=_mean(dense_right[labelled]),
        hidden_spikes=int(run.hidden_spikes.sum()),
        dense_hidden_spikes=int(dense.hidden_spikes.sum()),
        differing_hidden_spikes=int((run.hidden_spikes != dense.hidden_spikes).sum()),
        output_spikes=int(run.output_spikes.sum()),
        dense_output_spikes=int(dense.output_spikes.sum()),
        differing_output_spikes=int((run.output_spikes != dense.output_spikes).sum()),
        differing_predictions=int((run.predictions != dense.predictions).sum()),
        largest_membrane_gap=float(np.abs(run.membrane - dense.membrane).max()),
        hidden_spikes_per_step=float(run.hidden_spikes.mean()),
        output_spikes_per_step=float(run.output_spikes.mean()),
        input_events=work.input_events,
        synaptic_events=work.synaptic_events,
        dense_macs=n_steps * checkpoint.n_synapses,
        neuron_updates=work.neuron_updates,
        dense_neuron_updates=n_steps * (checkpoint.n_hidden + checkpoint.n_outputs),
        engine_s=work.seconds,
        dense_s=dense_s,
    )


def _mean(right: NDArray[np.bool_]) -> float:
    return float(right.mean()) if right.size else 0.0


def run(arguments: argparse.Namespace) -> int:
    """Evaluate as the parsed `arguments` say; return the exit code."""
    checkpoint = load_checkpoint(arguments.weights)
    result = compare(checkpoint, load_recordings(arguments.data, checkpoint))
    if arguments.json:
        print(msgspec.json.encode(result).decode())  # noqa: T201
    else:
        _print(result, Console(highlight=False, soft_wrap=True))
    return 0


def _print(result: EcgResult, console: Console) -> None:
    r = result
    console.print(f"{r.recordings} recordings x {r.steps} steps, a label predicted at every step")
    console.print(
        f"{'':18}{'accuracy':>9} {'labelled':>9} {'hidden spikes':>14} {'output spikes':>14} {'time':>8}",
        style="bold",
    )
    rows = (
        ("event by event", r.engine_accuracy, r.engine_accuracy_labelled),
        ("dense float64", r.dense_accuracy, r.dense_accuracy_labelled),
    )
    work = (
        (r.hidden_spikes, r.output_spikes, r.engine_s),
        (r.dense_hidden_spikes, r.dense_output_spikes, r.dense_s),
    )
    for (name, all_steps, labelled), (hidden, output, seconds) in zip(rows, work, strict=True):
        accuracies = f"{100 * all_steps:8.2f}% {100 * labelled:8.2f}%"
        console.print(f"{name:18}{accuracies} {hidden:14,} {output:14,} {seconds:6.2f} s")
    console.print(
        f"accuracy over all {r.recordings * r.steps:,} steps, where a step without a label counts as label 0 "
        f"(as published); labelled: over the {r.labelled_steps:,} labelled steps alone"
    )
    console.print(
        f"different: {r.differing_hidden_spikes:,} hidden spikes, {r.differing_output_spikes:,} output "
        f"spikes, {r.differing_predictions:,} predictions; largest gap of output membranes "
        f"{r.largest_membrane_gap:.2g}"
    )
    console.print(
        f"spikes per neuron and step: hidden {r.hidden_spikes_per_step:.4f}, "
        f"output {r.output_spikes_per_step:.4f}; {r.input_events:,} input events"
    )
    console.print(
        f"synaptic events {r.synaptic_events:,}, dense {r.dense_macs:,} multiply-accumulates "
        f"({100 * r.synaptic_events / r.dense_macs:.1f} %); neuron updates {r.neuron_updates:,}, "
        f"dense {r.dense_neuron_updates:,} ({100 * r.neuron_updates / r.dense_neuron_updates:.1f} %)"
    )
