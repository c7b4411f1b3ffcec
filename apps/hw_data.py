"""What the network hears: recordings, arrays of events or random events, each an inference from rest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from apps.assets import embedded_clip
from apps.ecg_checkpoint import EcgCheckpoint, load_recordings
from apps.hw_event_file import load_events
from apps.hw_model import HwModel
from apps.keyword_model import KeywordModel
from eventsim.errors import DataError, ParameterError
from eventsim.events import Events
from streams.audio_file import AudioFile
from streams.onset_gate import OnsetGate, WindowOpened
from streams.resample import ResampledSource
from streams.speech_commands import Split, load_split

T = TypeVar("T")

NS_PER_S = 1_000_000_000
EVENT_FILES = (".npz", ".npy")
FOLDER_CLIPS = 20


@dataclass(frozen=True, slots=True)
class DataChoice:
    """What a person chooses; the options of the command line say more.

    paths : recordings; none: the clip of the package, or `poisson_hz` events per second and address.
    clips : how many are taken, drawn at random with `seed`; None: all that were named, 20 of a folder, one
    of random events. duration_ns : length of one inference, where the recording does not say.
    """

    paths: tuple[Path, ...] = ()
    split: Split = "test"
    clips: int | None = None
    seed: int = 0
    poisson_hz: float | None = None
    duration_ns: int | None = None
    input_name: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The input of one inference, which runs from rest over the ticks `start_ns` <= t < `until_ns`.

    label : the true one, where it is known. moved : events that were not on the grid, and moved up to it.
    """

    name: str
    inputs: Mapping[str, Events]
    start_ns: int
    until_ns: int
    label: int | None = None
    moved: int = 0


def samples_of(model: HwModel, choice: DataChoice) -> list[Sample]:
    """Return the inputs of all inferences.

    Raises DataError or SourceError for recordings, ParameterError where a choice does not fit the model.
    """
    if choice.poisson_hz is not None:
        if choice.paths:
            raise ParameterError("--poisson and --data exclude each other")
        return [_poisson(model, choice, k) for k in range(choice.clips or 1)]
    if choice.paths and all(path.suffix in EVENT_FILES for path in choice.paths) and model.ecg is None:
        return [_events(model, choice, path) for path in _drawn(choice.paths, choice)]
    if model.ecg is not None or model.keyword is not None:
        _refuse_options_of_events(model, choice)
    if model.ecg is not None:
        return _recordings(model.ecg, choice)
    if model.keyword is not None:
        return _sounds(model, model.keyword, choice)
    if not choice.paths and not model.network.inputs and choice.duration_ns is not None:
        return [Sample("sources of its own", {}, 0, choice.duration_ns)]
    raise ParameterError(
        f"{model.name}: is no keyword model; say --data FILE.npz (arrays time_ns, address and, if not "
        "all 1, value), or --poisson RATE"
    )


def _refuse_options_of_events(model: HwModel, choice: DataChoice) -> None:
    for option, value in (("--duration", choice.duration_ns), ("--input", choice.input_name)):
        if value is not None:
            raise ParameterError(
                f"{option} is for events (.npz, .npy, --poisson), {model.name} takes recordings here"
            )


def _sounds(model: HwModel, keyword: KeywordModel, choice: DataChoice) -> list[Sample]:
    if len(choice.paths) == 1 and choice.paths[0].is_dir():
        return list(_clips(keyword, choice))
    paths = choice.paths or (embedded_clip()[0],)
    windows = [window for path in paths for window in _windows(keyword, path)]
    if not windows:
        raise DataError(f"{paths[0]}: no onset of a word in it, nothing to decide on")
    return list(_drawn(windows, choice))


def _clips(model: KeywordModel, choice: DataChoice) -> Iterator[Sample]:
    """Yield one-second clips of a folder, each from its first sample, as in training."""
    encoder = model.new_encoder()
    count = replace(choice, clips=choice.clips or FOLDER_CLIPS)
    for clip in _drawn(load_split(choice.paths[0], choice.split, choice.seed), count):
        encoder.reset()
        events = encoder.push(clip.samples())
        known = clip.label < len(model.labels)
        yield Sample(
            clip.name,
            {model.input_name: events},
            encoder.tick_ns,
            encoder.horizon_ns,
            clip.label if known else None,
        )


def _windows(model: KeywordModel, path: Path) -> Iterator[Sample]:
    """Yield the windows that the onset gate opens in a recording, each until its end or the next onset."""
    encoder = model.new_encoder()
    source = AudioFile(path)
    blocks = source if source.rate_hz == encoder.rate_hz else ResampledSource(source, encoder.rate_hz)
    events = Events.concatenate([encoder.push(block.samples) for block in blocks])
    config, tick_ns = encoder.config, encoder.tick_ns
    gate = OnsetGate(config.n_bands, config.step, tick_ns)
    opened = [e for e in gate.push(events, encoder.horizon_ns) if isinstance(e, WindowOpened)]
    # The window at the start of a recording only counts where no onset follows.
    chosen = [w for w in opened if not w.provisional] or opened
    for k, window in enumerate(chosen):
        end_ns = min(window.end_ns, encoder.horizon_ns - tick_ns)
        if k + 1 < len(chosen):
            end_ns = min(end_ns, chosen[k + 1].time_ns - tick_ns)
        first, last = np.searchsorted(events.time_ns, (window.from_ns + 1, end_ns + 1))
        name = f"{path.name} at {window.start_ns / NS_PER_S:.2f} s"
        heard = events.select(slice(first, last))
        yield Sample(name, {model.input_name: heard}, window.start_ns + tick_ns, end_ns + tick_ns)


def _recordings(checkpoint: EcgCheckpoint, choice: DataChoice) -> list[Sample]:
    if len(choice.paths) != 1:
        raise ParameterError("the ECG network wants --data with one .npz file of x and y, or its folder")
    recordings = load_recordings(choice.paths[0], checkpoint)
    tick_ns = checkpoint.network().tick_ns
    chosen = _drawn(range(len(recordings)), choice)
    until_ns = recordings.steps * tick_ns
    return [Sample(f"recording {k}", {"input": recordings.events(k)}, 0, until_ns) for k in chosen]


def _events(model: HwModel, choice: DataChoice, path: Path) -> Sample:
    name, tick_ns = _input_of(model, choice), model.network.tick_ns
    held = load_events(path)
    if len(held) and int(held.time_ns.min()) < 0:
        raise DataError(f"{path}: time_ns starts at {int(held.time_ns.min())}, before 0")
    events, moved = held.on_grid(tick_ns)
    size = model.network.inputs[name]
    if len(events) and not 0 <= int(events.address.min()) <= int(events.address.max()) < size:
        raise DataError(
            f"{path}: addresses {int(events.address.min())}..{int(events.address.max())}, but input "
            f"{name!r} of {model.name} has 0..{size - 1}"
        )
    last_ns = int(events.time_ns.max()) + tick_ns if len(events) else tick_ns
    return Sample(path.name, {name: events}, 0, choice.duration_ns or last_ns, moved=moved)


def _poisson(model: HwModel, choice: DataChoice, k: int) -> Sample:
    """Return random events, at most one per address and tick: a tick has one with 1 - exp(-rate tick)."""
    rate_hz, tick_ns = choice.poisson_hz, model.network.tick_ns
    assert rate_hz is not None
    duration_ns = choice.duration_ns or NS_PER_S
    n_ticks = -(-duration_ns // tick_ns)
    share = -math.expm1(-rate_hz * tick_ns / NS_PER_S)
    rng = np.random.default_rng([choice.seed, k])
    inputs = {}
    for name, size in model.network.inputs.items():
        if choice.input_name in (None, name):
            inputs[name] = _bernoulli(rng, n_ticks, size, share, tick_ns)
    if choice.input_name is not None:
        _input_of(model, choice)
    return Sample(f"random {k}", inputs, 0, n_ticks * tick_ns)


def _bernoulli(rng: np.random.Generator, n_ticks: int, size: int, share: float, tick_ns: int) -> Events:
    n_places = n_ticks * size
    if n_places >= 2**62:
        raise ParameterError(f"{n_ticks} ticks of {size} addresses are too many: shorten --duration")
    n = int(rng.binomial(n_places, share))
    if n > 50_000_000:
        raise ParameterError(f"--poisson would draw {n} events, at most 50000000: lower it, or --duration")
    places: NDArray[np.int64] = np.unique(rng.integers(n_places, size=n))
    # Those that fell on a place already taken are drawn again: few, unless nearly all places are taken.
    while places.size < n:
        more = rng.integers(n_places, size=n - places.size)
        places = np.unique(np.concatenate([places, more]))
    return Events.of(places // size * tick_ns, places % size)


def _input_of(model: HwModel, choice: DataChoice) -> str:
    names = ", ".join(model.network.inputs) or "none"
    if choice.input_name is not None:
        if choice.input_name not in model.network.inputs:
            raise ParameterError(f"--input {choice.input_name}: {model.name} has {names}")
        return choice.input_name
    if len(model.network.inputs) != 1:
        raise ParameterError(f"{model.name} has inputs {names}: say which one with --input")
    return next(iter(model.network.inputs))


def _drawn(items: Sequence[T], choice: DataChoice) -> Sequence[T]:
    """Return `clips` of the items in their order, drawn with the seed; all where there are no more."""
    if choice.clips is None or choice.clips >= len(items):
        return items
    order = np.random.default_rng(choice.seed).permutation(len(items))[: choice.clips]
    return [items[i] for i in np.sort(order).tolist()]
