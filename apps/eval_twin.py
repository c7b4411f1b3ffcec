"""`eventsim eval twin`: whether the event engine spikes where the dense twin does, on real clips."""

from __future__ import annotations

import argparse
from importlib.util import find_spec

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import track

from eventsim.bundle import Bundle, load_bundle
from eventsim.errors import ParameterError
from eventsim.session import Session
from streams.encoders import encoder_from_config
from streams.speech_commands import CLIP_SAMPLES, RATE_HZ, Clip, load_split

_BATCH = 64


class TwinResult(msgspec.Struct, frozen=True):
    """How engine and twin compare.

    label_agreement : share of clips with the same label at the end. engine_spikes, twin_spikes : of all
    spiking populations. differing_spikes : (neuron, tick) where only one of the two spiked.
    clips_that_differ : clips with any such spike. largest_evidence_gap : of the readouts at the clips' ends.
    """

    precision: str
    clips: int
    label_agreement: float
    engine_spikes: int
    twin_spikes: int
    differing_spikes: int
    clips_that_differ: int
    largest_evidence_gap: float


def compare(bundle: Bundle, clips: list[Clip], precision: str) -> TwinResult:
    """Return the comparison of the engine with the dense twin in `precision`, float64 or float32."""
    from eventsim.learning.network_twin import NetworkTwin

    twin = NetworkTwin(bundle.network, precision)
    network, encoder = bundle.network, encoder_from_config(bundle.encoder)
    (source,), (output,) = network.inputs, network.outputs
    hidden = [name for name, population in network.populations.items() if population.model.spiking]
    session = Session(network, record=hidden)
    tick_ns = network.tick_ns
    same_label = engine_spikes = twin_spikes = differing = clips_that_differ = 0
    gap = 0.0
    console = Console(stderr=True)
    starts = range(0, len(clips), _BATCH)
    for start in track(starts, "clips", console=console, disable=not console.is_terminal):
        batch = clips[start : start + _BATCH]
        ticks = CLIP_SAMPLES * 10**9 // (RATE_HZ * tick_ns)
        counts = np.zeros((ticks, len(batch), network.inputs[source]))
        found = {name: np.zeros((ticks, len(batch), network.populations[name].size)) for name in hidden}
        evidence = np.zeros((len(batch), network.populations[output].size))
        for k, clip in enumerate(batch):
            encoder.reset()
            # As in training and in `eval kws`: the first step is the tick at which the first frame ends.
            session.reset(tick_ns)
            events = encoder.push(clip.samples())
            counts[events.time_ns // tick_ns - 1, k, events.address] = events.value
            session.push(source, events)
            session.advance((ticks + 1) * tick_ns)
            for name in hidden:
                spikes = session.read(name)
                found[name][spikes.time_ns // tick_ns - 1, k, spikes.address] = 1.0
            evidence[k] = session.membrane(output)
        said = twin.run(source, counts)
        expected = said[output][-1]
        same_label += int(np.sum(expected.argmax(axis=1) == evidence.argmax(axis=1)))
        gap = max(gap, float(np.abs(expected - evidence).max()))
        wrong = np.zeros(len(batch), bool)
        for name in hidden:
            different = said[name] != found[name]
            engine_spikes += int(found[name].sum())
            twin_spikes += int(said[name].sum())
            differing += int(different.sum())
            wrong |= different.any(axis=(0, 2))
        clips_that_differ += int(wrong.sum())
    return TwinResult(
        precision=precision,
        clips=len(clips),
        label_agreement=same_label / len(clips),
        engine_spikes=engine_spikes,
        twin_spikes=twin_spikes,
        differing_spikes=differing,
        clips_that_differ=clips_that_differ,
        largest_evidence_gap=gap,
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare as the parsed `arguments` say; return the exit code."""
    from apps.assets import default_model

    if find_spec("torch") is None:
        raise ParameterError("the dense twin needs PyTorch: pip install 'eventsim[train]'")
    bundle = load_bundle(arguments.model or default_model())
    clips = load_split(arguments.data, arguments.split, arguments.seed)
    console = Console()
    for precision in ("float64", "float32"):
        result = compare(bundle, clips, precision)
        if arguments.json:
            print(msgspec.json.encode(result).decode())  # noqa: T201
            continue
        console.print(
            f"{precision} twin: same label on {100 * result.label_agreement:.2f} % of {result.clips} clips; "
            f"{result.engine_spikes:,} spikes in the engine, {result.twin_spikes:,} in the twin, "
            f"{result.differing_spikes:,} differ (in {result.clips_that_differ} clips); "
            f"largest gap of evidence {result.largest_evidence_gap:.2g}"
        )
    return 0
