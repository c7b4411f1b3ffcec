"""A keyword network of events on the test speakers: what it answers, and what every address sent."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.kws_bank import FRAMES, Encoded, encode_split
from eventsim import Events, Network, Session
from eventsim.bundle import Bundle, load_bundle
from hwmodels.activity import emitters
from hwmodels.metrics import effective_events
from streams.encoders import MelDeltaEncoder, encoder_from_config

NETWORKS = Path(__file__).resolve().parent / "networks"
Counts = dict[str, NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Heard:
    """What a network did on some clips of 100 steps each, every clip from rest.

    fired, not_one : how often each address sent anything, and anything but a value of 1.
    value : summed magnitude of what each population sent. updates : neurons brought up to date.
    answers : int64[clips], the highest output at the end. labels : int64[clips].
    """

    network: Network
    clips: int
    fired: Counts
    not_one: Counts
    value: dict[str, float]
    updates: dict[str, int]
    answers: NDArray[np.int64]
    labels: NDArray[np.int64]

    @property
    def n_steps(self) -> int:
        """Return the steps of all clips together."""
        return self.clips * FRAMES

    @property
    def accuracy(self) -> float:
        """Return the mean over classes of the share of their clips that were named rightly."""
        right = self.answers == self.labels
        return float(np.mean([right[self.labels == label].mean() for label in np.unique(self.labels)]))

    def synaptic_events(self, counts: Counts | None = None) -> int:
        """Return the synaptic events, weight not zero, of what was fired or of other counts."""
        chosen = self.fired if counts is None else counts
        return sum(effective_events(p, chosen[p.pre]) for p in self.network.projections)

    def without_input(self, counts: Counts) -> Counts:
        """Return counts as they would be if nothing came from outside."""
        return {k: np.zeros_like(n) if k in self.network.inputs else n for k, n in counts.items()}

    def is_gated(self, name: str) -> bool:
        """Return whether half of a population's addresses are gates, which never spike."""
        populations = self.network.populations
        return name in populations and populations[name].model.kind == "input_gated"


def own_network(name: str) -> Bundle:
    """Return one of the networks beside the benchmarks."""
    return load_bundle(NETWORKS / f"{name}.esb")


def spoken_clips(data: Path, bundle: Bundle, seed: int) -> Encoded:
    """Return the clips of the test speakers as the network hears them: changes per band and frame."""
    encoder = encoder_from_config(bundle.encoder)
    assert isinstance(encoder, MelDeltaEncoder)
    return encode_split(data, "test", seed, encoder.config)


def hear(network: Network, steps: NDArray[np.int8], labels: NDArray[np.int64]) -> Heard:
    """Return what a network does on clips int8[clips, frames, bands], each from rest.

    Its input has two addresses per band: ups, then downs. Its answer is the highest membrane of its output at
    the last step.
    """
    (source,), output = network.inputs, network.outputs[-1]
    hidden = [name for name in emitters(network) if name not in (source, output)]
    session = Session(network, record=hidden, count_updates=True)
    sizes = emitters(network)
    fired, not_one = ({name: np.zeros(size, np.int64) for name, size in sizes.items()} for _ in range(2))
    value, updates = dict.fromkeys(sizes, 0.0), dict.fromkeys(network.populations, 0)
    answers = np.zeros(labels.size, np.int64)
    for k, clip in enumerate(steps):
        session.reset()
        events = clip_events(clip, network.tick_ns)
        session.push(source, events)
        session.advance(clip.shape[0] * network.tick_ns)
        for name, sent in ((source, events), *((name, session.read(name)) for name in hidden)):
            fired[name] += np.bincount(sent.address, minlength=sizes[name])
            not_one[name] += np.bincount(sent.address[sent.value != 1.0], minlength=sizes[name])
            value[name] += float(np.abs(sent.value).sum())
        for name, count in session.counters.neuron_updates.items():
            updates[name] += count or 0
        answers[k] = int(session.membrane(output).argmax())
    return Heard(network, labels.size, fired, not_one, value, updates, answers, labels)


def clip_events(clip: NDArray[np.int8], tick_ns: int) -> Events:
    """Return the changes of a clip [frames, bands] as events, frame k at tick k."""
    frame, band = np.nonzero(clip)
    steps = clip[frame, band].astype(np.float32)
    address = np.where(steps > 0, band, clip.shape[1] + band)
    return Events.of(frame * tick_ns, address, np.abs(steps))
