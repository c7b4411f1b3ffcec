"""What a network did: which neuron spiked in which tick, as the functional session recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from eventsim.errors import EventError, ParameterError
from eventsim.events import Events
from eventsim.network import Network

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]
Updates = Literal["reached", "every_tick"]


@dataclass(frozen=True, eq=False)
class SpikeTrain:
    """Spikes of one population, input or source, sorted by (tick, index).

    Parameters
    ----------
    tick : int64[n], whole ticks
    index : int32[n], neuron or address
    """

    tick: Ints
    index: Indices

    def __post_init__(self) -> None:
        tick, index = np.asarray(self.tick, np.int64), np.asarray(self.index, np.int32)
        if tick.ndim != 1 or tick.shape != index.shape:
            raise EventError(f"a spike train wants two arrays of one length, got {tick.shape}, {index.shape}")
        falls = tick[1:] < tick[:-1]
        if bool((falls | ((tick[1:] == tick[:-1]) & (index[1:] < index[:-1]))).any()):
            order = np.lexsort((index, tick))
            tick, index = tick[order], index[order]
        object.__setattr__(self, "tick", tick)
        object.__setattr__(self, "index", index)

    def __len__(self) -> int:
        return int(self.tick.shape[0])


@dataclass(frozen=True, eq=False)
class Activity:
    """Spikes of everything that emits, over the ticks `start_tick` <= tick < `stop_tick`.

    Parameters
    ----------
    tick_ns : the network's grid, ns
    start_tick, stop_tick : the ticks covered; ticks in which nothing happened count too
    spikes : SpikeTrain for each input, source and spiking population by name
    updates : which neurons a tick brings up to date: "reached" means those an event reaches in that tick and
        those that fire in it; "every_tick" means all of them in every tick
    per_chip_tick : how many ticks of the network, counted from time 0, a chip with a barrier takes as one

    Raises
    ------
    ParameterError
        if the range of ticks is empty backwards, the grid or `per_chip_tick` is not positive, or `updates` is
        another word.
    EventError
        if a spike lies outside of the ticks covered.
    """

    tick_ns: int
    start_tick: int
    stop_tick: int
    spikes: Mapping[str, SpikeTrain]
    updates: Updates = "reached"
    per_chip_tick: int = 1

    def __post_init__(self) -> None:
        if self.tick_ns <= 0 or self.stop_tick < self.start_tick:
            raise ParameterError(
                f"activity wants a positive tick and start_tick <= stop_tick, got {self.tick_ns} ns, "
                f"{self.start_tick}, {self.stop_tick}"
            )
        if self.updates not in get_args(Updates):
            raise ParameterError(
                f"updates must be one of {', '.join(get_args(Updates))}, got {self.updates!r}"
            )
        every = self.per_chip_tick
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ParameterError(f"per_chip_tick must be a whole number of at least 1, got {every!r}")
        for name, train in self.spikes.items():
            if len(train) and not (self.start_tick <= train.tick[0] and train.tick[-1] < self.stop_tick):
                raise EventError(
                    f"{name!r} spikes in ticks {train.tick[0]}..{train.tick[-1]}, outside of "
                    f"{self.start_tick}..{self.stop_tick - 1}"
                )
        object.__setattr__(self, "spikes", MappingProxyType(dict(self.spikes)))

    @property
    def n_ticks(self) -> int:
        """Return how many ticks are covered."""
        return self.stop_tick - self.start_tick

    @property
    def first_chip_tick(self) -> int:
        """Return the chip's tick that the first tick of the network falls into."""
        return self.start_tick // self.per_chip_tick

    @property
    def n_chip_ticks(self) -> int:
        """Return how many ticks of the chip are covered, at least in part."""
        return -(-self.stop_tick // self.per_chip_tick) - self.first_chip_tick if self.n_ticks else 0

    @property
    def n_spikes(self) -> dict[str, int]:
        """Return the number of spikes by name."""
        return {name: len(train) for name, train in self.spikes.items()}

    def check(self, network: Network) -> None:
        """Raise ParameterError where this is no activity of `network`: grid, names or indices differ."""
        if self.tick_ns != network.tick_ns:
            raise ParameterError(
                f"the activity has ticks of {self.tick_ns} ns, the network of {network.tick_ns} ns"
            )
        sizes = emitters(network)
        for name, train in self.spikes.items():
            if name not in sizes:
                known = ", ".join(sizes) or "nothing"
                raise ParameterError(f"activity of {name!r}, which emits nothing here; there are {known}")
            if len(train) and not 0 <= int(train.index.min()) <= int(train.index.max()) < sizes[name]:
                raise ParameterError(
                    f"activity of {name!r} has indices {train.index.min()}..{train.index.max()}, "
                    f"it has 0..{sizes[name] - 1}"
                )


def emitters(network: Network) -> dict[str, int]:
    """Return the size of all that emits spikes: inputs, sources, spiking populations, in that order."""
    spiking = {name: p.size for name, p in network.populations.items() if p.model.spiking}
    return {**network.inputs, **{name: s.size for name, s in network.sources.items()}, **spiking}


def record_activity(
    network: Network,
    inputs: Mapping[str, Events] | None = None,
    until_ns: int = 0,
    *,
    start_ns: int = 0,
    updates: Updates = "reached",
) -> Activity:
    """Return what `network` does with `inputs` from `start_ns` to before `until_ns`, run from rest.

    Parameters
    ----------
    network : Network
        What is run.
    inputs : mapping of str to Events
        Events for each input by name; those at or after `until_ns` are left out.
    until_ns, start_ns : int, ns
        `start_ns` is a multiple of the tick.
    updates : "reached" or "every_tick"
        See `Activity`.

    Raises
    ------
    EventSimError
        as `Session.push` and `Session.advance` do.

    >>> from eventsim import LIF, Dense
    >>> net = Network(tick_ns=1_000_000)
    >>> net.add_input("in", 1)
    >>> net.add_population("out", 1, LIF(tau_ns=20e6, threshold=1.5))
    >>> net.connect("in", "out", Dense(np.ones((1, 1))), delay_ns=2_000_000)
    >>> activity = record_activity(net, {"in": Events.of([0, 1_000_000], [0, 0])}, 10_000_000)
    >>> activity.spikes["out"].tick.tolist(), activity.n_ticks
    ([3], 10)
    """
    from eventsim.session import Session

    names = list(emitters(network))
    session = Session(network, record=names, start_ns=start_ns)
    for name, events in (inputs or {}).items():
        session.push(name, events.select(events.time_ns < until_ns))
    session.advance(until_ns)
    spikes = {}
    for name in names:
        events = session.read(name)
        spikes[name] = SpikeTrain(events.time_ns // network.tick_ns, events.address)
    return Activity(
        tick_ns=network.tick_ns,
        start_tick=start_ns // network.tick_ns,
        stop_tick=-(-until_ns // network.tick_ns),
        spikes=spikes,
        updates=updates,
    )
