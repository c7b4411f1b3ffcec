"""A session: push events, advance to a time, read what came out; any split of a run gives the same bits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import index

import numpy as np
import numpy.typing as npt

from eventsim.engine import inputs
from eventsim.engine.advance import DONE, membranes, run_until
from eventsim.engine.compiled import CompiledNetwork
from eventsim.engine.layout import (
    CLOCK_EMITTED,
    CLOCK_SOURCE,
    DELIVERIES,
    DIRECT,
    INPUT_EVENTS,
    INPUT_HEAD,
    INPUT_TAIL,
    N_SPIKES,
    N_UPDATES,
    PROJECTION,
    RECORDS,
)
from eventsim.engine.probe import Probe
from eventsim.engine.records import count_records, drain
from eventsim.engine.snapshot import restore_state, save_state
from eventsim.engine.state import State
from eventsim.errors import CausalityError, EventError, GridError, ParameterError
from eventsim.events import MAX_TIME_NS, Events
from eventsim.network import Network
from eventsim.sources import SpikeSource


@dataclass(frozen=True)
class Counters:
    """What a session has done since its last reset.

    `spikes` counts what each population emitted, `source_events` what each Poisson source did.
    `synaptic_events` counts synapses passed by a spike or an input (each synapse of a dense row is one);
    `synaptic_events_by_projection` follows the order of `Network.projections`. `neuron_updates` counts, per
    population, neurons brought up to date because an event reached them or because they were due by
    themselves, once per tick; None for populations that take events straight to the membrane, unless the
    session was asked to `count_updates`.
    """

    input_events: int
    source_events: dict[str, int]
    spikes: dict[str, int]
    synaptic_events: int
    synaptic_events_by_projection: tuple[int, ...]
    neuron_updates: dict[str, int | None]


class Session:
    """A running network.

    Output populations (those that drive nothing) are recorded, and those named in `record`; what is recorded
    is kept until `read`.

    Parameters
    ----------
    network : Network or CompiledNetwork (which sessions may share)
    record : names of further populations, inputs or sources to record
    start_ns : the first time that can be simulated, ns
    probe : for populations by name, the times in ns at which their membranes are kept for `read_probe`
    queue : "fifo", "ring", "heap" or "slots", for a Network: how spikes under way wait; left out, the fastest
    count_updates : count neuron updates of every population, which costs time for some

    >>> from eventsim.models import LIF
    >>> from eventsim.projections import Dense
    >>> net = Network(tick_ns=1_000_000)
    >>> net.add_input("in", 1)
    >>> net.add_population("out", 1, LIF(tau_ns=20e6, threshold=1.5))
    >>> net.connect("in", "out", Dense(np.ones((1, 1))), delay_ns=2_000_000)
    >>> session = Session(net)
    >>> session.push("in", Events.of([0, 1_000_000], [0, 0]))
    >>> session.advance(10_000_000)
    >>> session.read("out").time_ns.tolist()
    [3000000]
    """

    def __init__(
        self,
        network: Network | CompiledNetwork,
        record: Iterable[str] = (),
        start_ns: int = 0,
        *,
        probe: Mapping[str, npt.ArrayLike] | None = None,
        queue: str | None = None,
        count_updates: bool = False,
    ) -> None:
        if isinstance(network, Network):
            compiled = network.compile(queue)
        elif queue is not None:
            raise ParameterError("queue is chosen when a network is compiled: Network.compile(queue)")
        else:
            compiled = network
        wanted = [record] if isinstance(record, str) else list(record)
        for name in wanted:
            if name not in compiled.sources:
                raise ParameterError(f"cannot record {name!r}; there are {', '.join(compiled.sources)}")
        self._network = compiled
        self._recorded = {*compiled.outputs, *wanted}
        self._inputs = {name: compiled.sources[name] for name in compiled.network.inputs}
        self._probe = Probe(compiled, probe or {})
        self._state = State(compiled, self._recorded, count_updates)
        self._counting = count_updates
        self._clock_ns = 0
        self.reset(start_ns)

    @property
    def clock_ns(self) -> int:
        """Return the time before which everything has been processed, ns."""
        return self._clock_ns

    @property
    def network(self) -> CompiledNetwork:
        """Return the compiled network, for another session to share."""
        return self._network

    def reset(self, start_ns: int = 0) -> None:
        """Go back to the initial state, with the clock at `start_ns`, a multiple of the tick.

        Drops waiting inputs and unread outputs. Raises GridError where `start_ns` is off the grid.
        """
        start = _whole_ns(start_ns, "start_ns")
        if start % self._network.tick_ns:
            raise GridError(f"start_ns {start} is no multiple of the tick, {self._network.tick_ns} ns")
        tick_ns = self._network.tick_ns
        self._state.reset(start // tick_ns)
        self._clock_ns = start
        self._probe.reset(start)
        for name, source in self._network.network.sources.items():
            if isinstance(source, SpikeSource):
                events = source.events.select(source.events.time_ns >= start)
                self._merge(self._network.sources[name], events)

    def push(self, name: str, events: Events) -> None:
        """Hand over input events, in any order; where one is refused, none is taken.

        Raises
        ------
        EventError
            if `name` is no input, an address is beyond it, or a value is not finite.
        GridError
            if a time is no multiple of the tick (`Events.on_grid` moves it there).
        CausalityError
            if a time is earlier than the clock.
        """
        source = self._source_of(name)
        if not len(events):
            return
        time_ns, address, value = events.time_ns, events.address, events.value
        outcome, k = inputs.check_and_append(self._state.at, source, self._clock_ns, time_ns, address, value)
        if outcome == inputs.UNORDERED:
            self._merge(source, events)
        elif outcome != inputs.ACCEPTED:
            self._refuse(name, outcome, (int(time_ns[k]), int(address[k]), float(value[k])), k)

    def push_event(self, name: str, time_ns: int, address: int, value: float = 1.0) -> None:
        """Hand over one event: the quick way for events that come one by one.

        Raises as `push` does; and EventError where the time or the address is no whole number.
        """
        if type(time_ns) is not int or type(address) is not int or type(value) is not float:
            time_ns, address, value = self._plain_event(name, time_ns, address, value)
        source = self._source_of(name)
        if not -MAX_TIME_NS < time_ns < MAX_TIME_NS or not -(2**31) <= address < 2**31:
            raise EventError(
                f"{name!r}: time {time_ns} ns or address {address} is beyond what an event can hold"
            )
        outcome = inputs.check_and_append_one(self._state.at, source, self._clock_ns, time_ns, address, value)
        if outcome == inputs.UNORDERED:
            self._merge(self._inputs[name], Events.of([time_ns], [address], [value]))
        elif outcome != inputs.ACCEPTED:
            self._refuse(name, outcome, (time_ns, address, value), 0)

    def advance(self, until_ns: int) -> None:
        """Process every tick whose time is strictly before `until_ns`, which becomes the clock.

        Raises CausalityError where `until_ns` is earlier than the clock.
        """
        until = until_ns if type(until_ns) is int else _whole_ns(until_ns, "until_ns")
        if not self._clock_ns <= until < MAX_TIME_NS:
            _whole_ns(until_ns, "until_ns")
            raise CausalityError(f"cannot advance to {until} ns: the clock is at {self._clock_ns} ns already")
        for at_ns in self._probe.before(until):
            self._run(at_ns + 1)
            self._probe.keep(at_ns, self.membrane)
        self._run(until)

    def read(self, name: str) -> Events:
        """Return what `name` emitted since the last read, by (tick, index).

        Populations emit value 1, or graded spikes; integrators their membrane, in each tick an event reached
        them. Raises ParameterError where `name` is not recorded.
        """
        if name not in self._recorded:
            raise ParameterError(
                f"{name!r} is not recorded; recorded are {', '.join(sorted(self._recorded))}"
            )
        if self._state.handle[RECORDS] == 0:
            return Events.empty()
        source = self._network.sources[name]
        n = count_records(self._state.at, source)
        out = (np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n, np.float32))
        drain(self._state.at, source, *out)
        return Events(*out)

    def membrane(self, name: str) -> npt.NDArray[np.float64]:
        """Return float64[n], the membranes of population `name` at the last tick before the clock.

        Changes nothing. Raises ParameterError where `name` is no population.
        """
        if name not in self._network.order:
            raise ParameterError(
                f"{name!r} is no population; populations are {', '.join(self._network.order)}"
            )
        now = -(-self._clock_ns // self._network.tick_ns) - 1
        out = np.empty(self._network.network.populations[name].size)
        membranes(self._state.at, self._network.order.index(name), now, out.ctypes.data)
        return out

    def read_probe(self, name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the times and membranes kept since the last such read: int64[k] in ns, float64[k, n].

        They are those after all that happened at these times. Raises ParameterError where `name` is not
        probed.
        """
        return self._probe.read(name)

    def save(self) -> bytes:
        """Return the whole state: `restore` goes on from it bit for bit, in any session of the network."""
        return save_state(self._state, self._network, self._recorded, self._clock_ns)

    def restore(self, saved: bytes) -> None:
        """Go back to a saved state; what is recorded and unread comes back with it, probes start anew.

        Raises
        ------
        ParameterError
            if `saved` is damaged, or of another network or another choice of records; nothing has changed
            then.
        """
        self._clock_ns = restore_state(saved, self._state, self._network, self._recorded)
        self._probe.reset(self._clock_ns)

    @property
    def counters(self) -> Counters:
        """Return what has been done since the last reset."""
        state, network = self._state, self._network
        classes, populations = state.classes(), state.populations()
        by_projection = np.zeros(len(network.network.projections), np.int64)
        np.add.at(by_projection, classes[:, PROJECTION], classes[:, DELIVERIES])
        names = {number: name for name, number in network.sources.items()}
        updates = [int(row[N_UPDATES]) if self._counting or not row[DIRECT] else None for row in populations]
        return Counters(
            input_events=int(state.handle[INPUT_EVENTS]),
            source_events={names[int(row[CLOCK_SOURCE])]: int(row[CLOCK_EMITTED]) for row in state.clocks()},
            spikes=dict(zip(network.order, populations[:, N_SPIKES].tolist(), strict=True)),
            synaptic_events=int(by_projection.sum()),
            synaptic_events_by_projection=tuple(by_projection.tolist()),
            neuron_updates=dict(zip(network.order, updates, strict=True)),
        )

    def _run(self, until_ns: int) -> None:
        tick = -(-until_ns // self._network.tick_ns)
        while (lacking := run_until(self._state.at, tick)) != DONE:
            self._state.grow(lacking)
        self._clock_ns = until_ns

    def _source_of(self, name: str) -> int:
        source = self._inputs.get(name) if isinstance(name, str) else None
        if source is None:
            raise EventError(f"{name!r} is no input; inputs are {', '.join(self._inputs) or 'none'}")
        return source

    def _plain_event(self, name: str, time_ns: int, address: int, value: float) -> tuple[int, int, float]:
        try:
            if isinstance(value, str | bytes):
                raise TypeError
            return index(time_ns), index(address), float(value)
        except (TypeError, ValueError, OverflowError):
            raise EventError(
                f"{name!r}: an event is a whole time in ns, a whole address and a number, "
                f"got {time_ns!r}, {address!r}, {value!r}"
            ) from None

    def _merge(self, source: int, events: Events) -> None:
        """Merge valid events into those waiting, sorted by (tick, source, address, value)."""
        state = self._state
        waiting = slice(state.handle[INPUT_HEAD], state.handle[INPUT_TAIL])
        parts = (
            (state.field("input_tick")[waiting], events.time_ns // self._network.tick_ns),
            (state.field("input_source")[waiting], np.full(len(events), source, np.int32)),
            (state.field("input_address")[waiting], events.address),
            (state.field("input_value")[waiting], events.value),
        )
        columns = [np.concatenate(pair) for pair in parts]
        order = np.lexsort(columns[::-1])
        state.set_inputs(*(column[order] for column in columns))

    def _refuse(self, name: str, outcome: int, event: tuple[int, int, float], k: int) -> None:
        time_ns, address, value = event
        if outcome == inputs.BEFORE_CLOCK:
            raise CausalityError(
                f"{name!r}: event {k} at {time_ns} ns is earlier than the clock, {self._clock_ns} ns"
            )
        if outcome == inputs.OFF_GRID:
            raise GridError(
                f"{name!r}: event {k} at {time_ns} ns is off the grid of {self._network.tick_ns} ns "
                "(Events.on_grid moves events to it)"
            )
        if outcome == inputs.BAD_ADDRESS:
            size = self._network.network.inputs[name]
            raise EventError(f"{name!r}: address {address} of event {k} is not in 0..{size - 1}")
        raise EventError(f"{name!r}: value {value} of event {k} is not finite")


def _whole_ns(value: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ParameterError(f"{what} must be whole ns, got {value!r}")
    if not -MAX_TIME_NS < value < MAX_TIME_NS:
        raise ParameterError(f"{what} must lie within +-2^62 ns, got {value}")
    return int(value)
