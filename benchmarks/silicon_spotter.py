"""The project's own keyword network on recordings: what each chip file predicts per second of sound."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.assets import embedded_clip
from apps.keyword_model import KeywordModel, load_keyword_model
from benchmarks.silicon_loihi import without_count
from benchmarks.silicon_result import Band, OwnSpotter, PublishedSpotter, SpotterOnChip
from eventsim import Events, Network
from eventsim.errors import PlacementError
from hwmodels.activity import Activity, emitters, record_activity
from hwmodels.chip import OPERATIONS, Chip, chip_names, load_chip
from hwmodels.conventional import estimate_macs
from hwmodels.costs import HardwareCosts
from hwmodels.energy import energy
from hwmodels.messages import build_messages
from hwmodels.metrics import effective_events, macs_per_tick
from hwmodels.placing import place
from hwmodels.timing import time_activity
from streams.audio_file import AudioFile
from streams.resample import ResampledSource
from streams.speech_commands import load_split

NS_PER_S = 1_000_000_000
UJ_PER_PJ = 1e-6

# Source: results.txt of the submissions, mlcommons/tiny_results_v0.7 and v1.0, keyword spotting.
PUBLISHED = (
    PublishedSpotter("STM32L4R5, Cortex-M4, 120 MHz, 1.8 V, X-CUBE-AI", 4635.7, 47.7, 97.1),
    PublishedSpotter("STM32L4R5, Cortex-M4, microTVM and CMSIS-NN", 5230.3, 52.3, 100.0),
    PublishedSpotter("Syntiant NDP120, 0.9 V, 30 MHz", 35.29, 8.0, 4.40),
    PublishedSpotter("Syntiant NDP120, 1.1 V, 98 MHz", 49.59, 33.0, 1.50),
)


def own_spotter(data: Path | None, clips: int, seed: int) -> OwnSpotter:
    """Return what the network of the package takes on every chip.

    data : folder in the Speech Commands layout, of whose test speakers `clips` clips are drawn; without it
    the clip of the package is heard from end to end.
    """
    model = load_keyword_model()
    network = model.bundle.network
    sounds = list(_sounds(model, data, clips, seed))
    activities = [
        record_activity(network, {model.input_name: events}, seconds * NS_PER_S) for events, seconds in sounds
    ]
    n_seconds = sum(a.n_ticks * a.tick_ns for a in activities) // NS_PER_S
    spikes = spikes_in_all(network, activities)
    events = sum(effective_events(p, spikes[p.pre]) for p in network.projections)
    hidden = sum(int(spikes[name].sum()) for name in spikes if name != model.input_name)
    dense = macs_per_tick(network) * (NS_PER_S // network.tick_ns)
    whose = f"{len(activities)} clips of the test speakers" if data else "the clip of the package"
    return OwnSpotter(
        sound=whose,
        seconds=n_seconds,
        synaptic_events=events / n_seconds,
        dense_macs=dense,
        spikes=hidden / n_seconds,
        input_events=int(spikes[model.input_name].sum()) / n_seconds,
        input_value=sum(float(events.value.sum()) for events, _ in sounds) / n_seconds,
        chips=[on_chip(load_chip(name), network, activities, n_seconds, dense) for name in chip_names()],
    )


def _sounds(model: KeywordModel, data: Path | None, clips: int, seed: int) -> Iterator[tuple[Events, int]]:
    encoder = model.new_encoder()
    if data is None:
        source = ResampledSource(AudioFile(embedded_clip()[0]), encoder.rate_hz)
        events = Events.concatenate([encoder.push(block.samples) for block in source])
        yield events, -(-encoder.horizon_ns // NS_PER_S)
        return
    known = load_split(data, "test", seed)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(known))[:clips])
    for i in chosen.tolist():
        encoder.reset()
        yield encoder.push(known[i].samples()), 1


def spikes_in_all(network: Network, activities: Iterable[Activity]) -> dict[str, NDArray[np.int64]]:
    """Return how often each address of everything that emits fired, int64[size] by name."""
    total = {name: np.zeros(size, np.int64) for name, size in emitters(network).items()}
    for activity in activities:
        for name, train in activity.spikes.items():
            total[name] += np.bincount(train.index, minlength=total[name].size)
    return total


def on_chip(
    chip: Chip, network: Network, activities: list[Activity], n_seconds: int, dense_macs: int
) -> SpotterOnChip:
    """Return what a network that did this takes on one chip, per second of sound.

    dense_macs : of a second if every synapse were computed at every step, for chips of kind "macs".
    """
    if chip.kind == "macs":
        found = estimate_macs(chip, dense_macs)
        uj = Band(*(UJ_PER_PJ * pj for pj in (found.energy_pj, found.low_pj, found.high_pj)))
        return SpotterOnChip(chip.name, chip.kind, chip.boundary, dynamic=uj, left_out=list(found.left_out))
    if chip.kind != "mesh":
        return SpotterOnChip(
            chip.name, chip.kind, chip.boundary, refused="its form of network is another one"
        )
    try:
        placement = place(network, chip)
    except PlacementError as error:
        return SpotterOnChip(chip.name, chip.kind, chip.boundary, refused=str(error))
    table, costs = build_messages(network, placement), HardwareCosts.of(chip, placement.tiles_used())
    # As fast as it goes: a tick of real time is not waited for.
    costs = replace(costs, real_time_tick_ps=None)
    timings = [time_activity(activity, table, costs, live=False) for activity in activities]
    counts = {
        name: sum(int(timing.counts[name].sum()) for timing in timings)
        for name in timings[0].counts
        if name in OPERATIONS
    }
    own_ps = sum(timing.total_ps for timing in timings)
    spent = energy(chip, counts, own_ps)
    parts = spent.by_component()
    dynamic = [sum(sums[k] for name, sums in parts.items() if name != "static") for k in range(3)]
    static = chip.static_power_mw
    live = Band(*(mw * 1000.0 for mw in (static.value, *static.band))) if static.value is not None else None
    return SpotterOnChip(
        chip=chip.name,
        kind=chip.kind,
        boundary=chip.boundary,
        # Speck: nothing but static power is known.
        dynamic=Band(*(UJ_PER_PJ * pj / n_seconds for pj in dynamic)) if any(dynamic) else None,
        static_own_pace=Band(*(UJ_PER_PJ * pj / n_seconds for pj in parts["static"]))
        if live and own_ps
        else None,
        static_live=live,
        own_pace_ms=own_ps / 1e9 / n_seconds or None,
        cores=len(placement.cores_used()),
        left_out=[*(without_count(what) for what in spent.left_out), *spent.included],
    )
