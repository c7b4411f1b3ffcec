"""One clip through encoder and engine: the evidence after every tick and the work done until then."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.keyword_model import KeywordModel
from eventsim.events import Events
from eventsim.session import Session


@dataclass(frozen=True, slots=True, eq=False)
class ClipRun:
    """The course of one clip.

    probability : float64[ticks], the largest softmax probability after each tick, 0 until an output speaks.
    label : int64[ticks], the most probable output after each tick, the lowest index among equals.
    input_events, spikes, synaptic_events : int64[ticks], done up to and including each tick.
    """

    probability: NDArray[np.float64]
    label: NDArray[np.int64]
    input_events: NDArray[np.int64]
    spikes: NDArray[np.int64]
    synaptic_events: NDArray[np.int64]

    def decision_tick(self, threshold: float) -> int:
        """Return the first tick with a probability above `threshold` (strict), else the last tick."""
        above = self.probability > threshold
        return int(above.argmax()) if above.any() else above.size - 1


class ClipRunner:
    """Runs clips one after the other on one session, each from rest and from its first sample.

    Tick k (from 0) holds the events of frame k, which end (k + 1) ticks after the start of the clip; the
    network takes its first step with frame 0, as in training.
    """

    def __init__(self, model: KeywordModel) -> None:
        self._model = model
        self._encoder = model.new_encoder()
        self._session = Session(model.bundle.network)
        self._scale = float(model.bundle.decision.get("scale", 1.0))

    @property
    def tick_ns(self) -> int:
        """Time of one tick in ns."""
        return self._encoder.tick_ns

    def run(self, samples: NDArray[np.float32]) -> ClipRun:
        """Return the course of a clip of at least one tick, float32[n] at the encoder's rate."""
        encoder, session, tick_ns = self._encoder, self._session, self._encoder.tick_ns
        encoder.reset()
        events = encoder.push(samples)
        n_ticks = encoder.horizon_ns // tick_ns - 1
        session.reset(tick_ns)
        session.push(self._model.input_name, events)
        spikes = np.empty(n_ticks, np.int64)
        synaptic = np.empty(n_ticks, np.int64)
        for tick in range(n_ticks):
            session.advance((tick + 2) * tick_ns)
            counters = session.counters
            spikes[tick] = sum(counters.spikes.values())
            synaptic[tick] = counters.synaptic_events
        arrived = np.bincount(events.time_ns // tick_ns - 1, minlength=n_ticks)
        outputs = session.read(self._model.output_name)
        evidence = self._evidence(outputs, n_ticks)
        distance = self._scale * (evidence - evidence.max(axis=1, keepdims=True))
        probability = 1.0 / np.exp(distance).sum(axis=1)
        # A rule watches output events: while there are none it cannot decide, however low its threshold.
        probability[: self._first_output(outputs)] = 0.0
        return ClipRun(probability, evidence.argmax(axis=1), np.cumsum(arrived), spikes, synaptic)

    def _first_output(self, outputs: Events) -> int | None:
        return int(outputs.time_ns[0]) // self.tick_ns - 1 if len(outputs) else None

    def _evidence(self, outputs: Events, n_ticks: int) -> NDArray[np.float64]:
        """Return each output's latest value after every tick, zero at first, float64[ticks, outputs]."""
        held = np.zeros((n_ticks + 1, len(self._model.labels)))
        source = np.zeros(held.shape, np.int64)
        row = outputs.time_ns // self.tick_ns
        held[row, outputs.address] = outputs.value
        source[row, outputs.address] = row
        latest = np.maximum.accumulate(source, axis=0)
        return np.take_along_axis(held, latest, axis=0)[1:]
