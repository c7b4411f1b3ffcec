"""One inference on the functional simulator: all spikes, and when the decision fell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from apps.hw_data import Sample
from apps.hw_model import HwModel
from eventsim.decisions import Decision, Rule
from eventsim.errors import EventSimError, ParameterError
from eventsim.events import Events
from eventsim.network import Network
from eventsim.session import Session
from hwmodels.activity import Activity, SpikeTrain, Updates, emitters


@dataclass(frozen=True, slots=True, eq=False)
class Inference:
    """What the network did with one input.

    activity : all spikes of the whole window. decision : None where the model has no rule, or the rule says
    nothing. membrane_updates : neurons brought up to date. valued : inputs and populations whose events
    carried values other than 1. label : the true one, where it is known.
    """

    name: str
    activity: Activity
    decision: Decision | None
    membrane_updates: int
    valued: frozenset[str]
    label: int | None = None

    @property
    def decided_tick(self) -> int | None:
        """The tick whose events decided: of a forced decision the last one."""
        if self.decision is None:
            return None
        last = self.activity.stop_tick - 1
        return min(self.decision.time_ns // self.activity.tick_ns, last)

    def until_decision(self) -> Activity | None:
        """Return the activity up to and including the tick of the decision, None where there is none."""
        tick = self.decided_tick
        return None if tick is None else shortened(self.activity, tick + 1)


class InferenceRunner:
    """Runs inputs one after the other on one session, each from rest.

    threshold : takes the place of the model's; full : decide only at the end of the window.
    updates : which neurons the chip brings up to date in a tick (`hwmodels.activity.Activity`).
    """

    def __init__(
        self, model: HwModel, threshold: float | None = None, full: bool = False, updates: Updates = "reached"
    ) -> None:
        self._model, self._updates = model, updates
        self._rule = model.rule(threshold, full)
        self._names = list(emitters(model.network))
        self._session = Session(model.network, record=self._names, count_updates=True)

    def run(self, sample: Sample) -> Inference:
        """Return what the network did with `sample`.

        Raises an EventSimError that names the sample where its events do not belong to the network.
        """
        session, network = self._session, self._model.network
        try:
            session.reset(sample.start_ns)
            for name, events in sample.inputs.items():
                session.push(name, events.select(events.time_ns < sample.until_ns))
            session.advance(sample.until_ns)
        except EventSimError as error:
            raise type(error)(f"{sample.name}: {error}") from None
        emitted = {name: session.read(name) for name in self._names}
        for name in network.outputs:
            emitted.setdefault(name, session.read(name))
        activity = Activity(
            tick_ns=network.tick_ns,
            start_tick=sample.start_ns // network.tick_ns,
            stop_tick=-(-sample.until_ns // network.tick_ns),
            spikes={
                n: SpikeTrain(emitted[n].time_ns // network.tick_ns, emitted[n].address) for n in self._names
            },
            updates=self._updates,
        )
        output = self._model.output_name
        decision = decision_on(self._rule, sample, emitted[output], network.tick_ns) if output else None
        updates = session.counters.neuron_updates.values()
        return Inference(
            sample.name,
            activity,
            decision,
            sum(count or 0 for count in updates),
            frozenset(n for n in self._names if (emitted[n].value != 1.0).any()),
            sample.label,
        )


def decision_on(rule: Rule | None, sample: Sample, outputs: Events, tick_ns: int) -> Decision | None:
    """Return what `rule` says of the outputs of a whole window, None where there is no rule."""
    if rule is None:
        return None
    # As the spotter counts: the window begins a tick before the network's first step.
    rule.reset(sample.start_ns - tick_ns)
    return rule.observe(outputs) or rule.close(sample.until_ns - tick_ns)


def shortened(activity: Activity, stop_tick: int) -> Activity:
    """Return the activity of the ticks before `stop_tick` alone."""
    spikes = {}
    for name, train in activity.spikes.items():
        n = int(np.searchsorted(train.tick, stop_tick))
        spikes[name] = SpikeTrain(train.tick[:n], train.index[:n])
    return replace(activity, stop_tick=stop_tick, spikes=spikes)


def fired_in_all(network: Network, activities: Iterable[Activity]) -> dict[str, NDArray[np.int64]]:
    """Return how often each address fired, summed over activities: int64[size] for all that emits.

    Raises ParameterError where an activity doesn't belong to the network.
    """
    total = {name: np.zeros(size, np.int64) for name, size in emitters(network).items()}
    for activity in activities:
        activity.check(network)
        for name, train in activity.spikes.items():
            total[name] += np.bincount(train.index, minlength=total[name].size)
    return total


def steps_fired(network: Network, activities: Iterable[Activity]) -> dict[str, NDArray[np.int64]]:
    """Return in how many ticks each address fired, several spikes of one tick counting once."""
    once = []
    for activity in activities:
        spikes = {}
        for name, train in activity.spikes.items():
            pairs = np.unique(np.stack([train.tick, train.index]), axis=1)
            spikes[name] = SpikeTrain(pairs[0], pairs[1])
        once.append(replace(activity, spikes=spikes))
    return fired_in_all(network, once)


def run_all(
    model: HwModel,
    samples: Iterable[Sample],
    threshold: float | None = None,
    full: bool = False,
    updates: Updates = "reached",
) -> list[Inference]:
    """Return the inferences of all samples.

    Raises ParameterError where there is none.
    """
    runner = InferenceRunner(model, threshold, full, updates)
    found = [runner.run(sample) for sample in samples]
    if not found:
        raise ParameterError(f"{model.name}: no input to run")
    return found
