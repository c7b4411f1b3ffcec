"""A session: push events, advance to a time, read what came out; any split of a run gives the same bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsim.engine import inputs
from eventsim.engine.advance import DONE, run_until
from eventsim.engine.compiled import CompiledNetwork
from eventsim.engine.layout import INPUT_EVENTS, PARAMETERS, PROJECTION, RECORDS, SIZE, STATE
from eventsim.engine.records import count_records, drain
from eventsim.engine.state import allocate, grow, reset
from eventsim.errors import CausalityError, EventError, GridError, ParameterError
from eventsim.events import MAX_TIME_NS, Events
from eventsim.network import Network


@dataclass(frozen=True)
class Counters:
    """What a session has done since its last reset.

    `synaptic_events` counts synapses passed by a spike or an input (each synapse of a dense row is one);
    `synaptic_events_by_projection` follows the order of `Network.projections`. `neuron_updates` counts
    neurons brought up to date because an event reached them or because they were due by themselves.
    """

    input_events: int
    spikes: dict[str, int]
    synaptic_events: int
    synaptic_events_by_projection: tuple[int, ...]
    neuron_updates: int


class Session:
    """A running network.

    Output populations (those that drive nothing) are recorded, and those named in `record`; what is recorded
    is kept until `read`.

    Parameters
    ----------
    network : Network or CompiledNetwork (which sessions may share)
    record : names of further populations to record
    start_ns : the first time that can be simulated, ns

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
        self, network: Network | CompiledNetwork, record: Iterable[str] = (), start_ns: int = 0
    ) -> None:
        compiled = network.compile() if isinstance(network, Network) else network
        wanted = [record] if isinstance(record, str) else list(record)
        for name in wanted:
            if name not in compiled.order:
                raise ParameterError(f"cannot record {name!r}; populations are {', '.join(compiled.order)}")
        self._network = compiled
        self._recorded = {*compiled.outputs, *wanted}
        self._sources = {name: k for k, name in enumerate(compiled.inputs)}
        self._state = allocate(compiled, self._recorded)
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
        reset(self._network.values, self._network.due, self._state, start // self._network.tick_ns)
        self._clock_ns = start

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
        source = self._sources.get(name)
        if source is None:
            raise EventError(f"{name!r} is no input; inputs are {', '.join(self._sources) or 'none'}")
        if not len(events):
            return
        size, tick_ns = self._network.inputs[name], self._network.tick_ns
        state = self._state
        outcome, k = inputs.check_and_append(
            state.queue,
            state.queue_value,
            state.registers,
            events.time_ns,
            events.address,
            events.value,
            (source, size, tick_ns, self._clock_ns),
        )
        if outcome == inputs.UNORDERED:
            self._state = inputs.merge(state, source, events.time_ns // tick_ns, events.address, events.value)
        elif outcome != inputs.ACCEPTED:
            self._refuse(name, outcome, events, k)

    def advance(self, until_ns: int) -> None:
        """Process every tick whose time is strictly before `until_ns`, which becomes the clock.

        Raises CausalityError where `until_ns` is earlier than the clock.
        """
        until = _whole_ns(until_ns, "until_ns")
        if until < self._clock_ns:
            raise CausalityError(f"cannot advance to {until} ns: the clock is at {self._clock_ns} ns already")
        tick = -(-until // self._network.tick_ns)
        while (lacking := run_until(self._network.plan, self._state, tick)) != DONE:
            self._state = grow(self._state, lacking)
        self._clock_ns = until

    def read(self, name: str) -> Events:
        """Return what population `name` emitted since the last read, by (tick, index).

        Spiking populations emit value 1; integrators their membrane, in each tick an event reached them.
        Raises ParameterError where `name` is not recorded.
        """
        if name not in self._recorded:
            raise ParameterError(
                f"{name!r} is not recorded; recorded are {', '.join(sorted(self._recorded))}"
            )
        state = self._state
        if state.registers[RECORDS] == 0:
            return Events.empty()
        population, tick_ns = self._network.order.index(name), self._network.tick_ns
        n = count_records(state.record, state.registers, population)
        out = (np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n, np.float32))
        drain(state.record, state.record_value, state.registers, population, tick_ns, out)
        return Events(*out)

    def membrane(self, name: str) -> npt.NDArray[np.float64]:
        """Return float64[n], the membranes of population `name` at the last tick before the clock.

        Changes nothing. Raises ParameterError where `name` is no population.
        """
        if name not in self._network.order:
            raise ParameterError(
                f"{name!r} is no population; populations are {', '.join(self._network.order)}"
            )
        p = self._network.order.index(name)
        row, plan = self._network.plan.populations[p], self._network.plan
        n, first = int(row[SIZE]), sum(self._network.sizes[:p])
        u = self._state.values[row[STATE] : row[STATE] + n]
        # Rows 0 and 1 of every model's parameters are the membrane's decay per tick and its constant drive.
        alpha, drive = plan.parameters[row[PARAMETERS] : row[PARAMETERS] + 2 * n].reshape(2, n)
        now = -(-self._clock_ns // self._network.tick_ns) - 1
        k = np.maximum(now - self._state.last[first : first + n], 0)
        kept = alpha**k
        with np.errstate(divide="ignore", invalid="ignore"):
            sums = np.where(alpha == 1.0, k, (1.0 - kept) / (1.0 - alpha))
        moved: npt.NDArray[np.float64] = np.where(k == 1, alpha * u + drive, kept * u + drive * sums)
        return moved

    @property
    def counters(self) -> Counters:
        """Return what has been done since the last reset."""
        state, projections = self._state, self._network.plan.classes[:, PROJECTION]
        by_projection = np.zeros(self._network.n_projections, np.int64)
        np.add.at(by_projection, projections, state.deliveries)
        return Counters(
            input_events=int(state.registers[INPUT_EVENTS]),
            spikes=dict(zip(self._network.order, state.spikes.tolist(), strict=True)),
            synaptic_events=int(state.deliveries.sum()),
            synaptic_events_by_projection=tuple(by_projection.tolist()),
            neuron_updates=int(state.updates.sum()),
        )

    def _refuse(self, name: str, outcome: int, events: Events, k: int) -> None:
        time = int(events.time_ns[k])
        if outcome == inputs.BEFORE_CLOCK:
            raise CausalityError(
                f"{name!r}: event {k} at {time} ns is earlier than the clock, {self._clock_ns} ns"
            )
        if outcome == inputs.OFF_GRID:
            raise GridError(
                f"{name!r}: event {k} at {time} ns is off the grid of {self._network.tick_ns} ns "
                "(Events.on_grid moves events to it)"
            )
        if outcome == inputs.BAD_ADDRESS:
            size = self._network.inputs[name]
            raise EventError(
                f"{name!r}: address {int(events.address[k])} of event {k} is not in 0..{size - 1}"
            )
        raise EventError(f"{name!r}: value {events.value[k]} of event {k} is not finite")


def _whole_ns(value: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ParameterError(f"{what} must be whole ns, got {value!r}")
    if not -MAX_TIME_NS < value < MAX_TIME_NS:
        raise ParameterError(f"{what} must lie within +-2^62 ns, got {value}")
    return int(value)
