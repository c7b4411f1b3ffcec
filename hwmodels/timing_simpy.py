"""When a chip is done with each tick of an activity: the readable model, on SimPy, which is the truth.

Neuron units, links and synapse units are processes; time is whole picoseconds. Nothing here is shared with
the compiled models but the costs and the form of the result. What happens at one instant happens in the
order of turns: units first (the entrance, then cores by number), then messages by (unit that sends,
position in what it sends).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator
from typing import Any

import simpy

from eventsim.convolutions import Conv2d, SumPool2d
from eventsim.network import Network
from eventsim.projections import Dense
from hwmodels.activity import Activity, emitters
from hwmodels.costs import PS_PER_NS, HardwareCosts
from hwmodels.placement import Placement
from hwmodels.sending import Entrance
from hwmodels.simpy_records import Message, Records, Synapse
from hwmodels.timing_result import Timing

Steps = Generator[simpy.Event, Any, None]

_MESSAGES_PER_UNIT = 10**12
_ANY_NUMBER = 10**12


class Turn(simpy.Event):
    """An event after some time that takes its turn among those of its instant: low orders first."""

    def __init__(self, env: simpy.Environment, delay: int, order: int) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        # SimPy's own events have priorities 0 and 1: what one turn brings about is over before the next.
        env.schedule(self, priority=2 + order, delay=delay)  # type: ignore[arg-type]


class Buffer:
    """A link's or a core's buffer: messages in line, and as many places as it has."""

    def __init__(self, env: simpy.Environment, places: int) -> None:
        self.places = simpy.Resource(env, capacity=places)
        self.line = simpy.Store(env)


def time_activity_simpy(
    activity: Activity,
    network: Network,
    placement: Placement,
    costs: HardwareCosts,
    *,
    queues: bool = False,
    entrance: Entrance | None = None,
    live: bool = True,
) -> Timing:
    """Return what `time_activity` returns with contention "queues" or "none", every message kept."""
    activity.check(network)
    chip = ChipModel(activity, network, placement, costs, queues, entrance or Entrance(), live)
    return chip.run()


class ChipModel:
    """A chip, the network on it, and what the activity makes them do."""

    def __init__(
        self,
        activity: Activity,
        network: Network,
        placement: Placement,
        costs: HardwareCosts,
        queues: bool,
        entrance: Entrance,
        live: bool,
    ) -> None:
        self.activity, self.costs, self.queues = activity, costs, queues
        self.entrance, self.live = entrance, live
        self.env = simpy.Environment()
        self.records = Records(costs)
        self._number(network, placement)
        self._connect(network)
        self._schedule()
        places = costs.link_buffer if queues and costs.link_buffer is not None else _ANY_NUMBER
        self.links = [Buffer(self.env, places) for _ in range(costs.n_links)]
        self.cores = [Buffer(self.env, places) for _ in range(costs.n_cores)]
        self.made = [0] * (costs.n_cores + 1)
        self.under_way = 0
        self.all_served = self.env.event()
        self.unserved: list[list[tuple[int, int]]] = [[] for _ in range(costs.n_cores)]
        self.one_served = [self.env.event() for _ in range(costs.n_cores)]

    @property
    def now(self) -> int:
        """Return the time, ps."""
        return int(self.env.now)

    # What is where, and what happens when.

    def _number(self, network: Network, placement: Placement) -> None:
        """Give numbers to neurons by (core, population as added, index), then to what comes from outside."""
        levels = network.levels()
        neurons = [
            (int(placement.core_of[name][i]), k, i, name)
            for k, (name, population) in enumerate(network.populations.items())
            for i in range(population.size)
        ]
        self.row: dict[tuple[str, int], int] = {}
        self.core: list[int] = []
        self.level: list[int] = []
        for core, _, i, name in sorted(neurons):
            self.row[name, i] = len(self.core)
            self.core.append(core)
            self.level.append(levels[name])
        self.neurons_on = [
            [r for r, c in enumerate(self.core) if c == core] for core in range(self.costs.n_cores)
        ]
        for name, size in emitters(network).items():
            if name not in network.populations:
                for i in range(size):
                    self.row[name, i] = len(self.row)
        self.outside = {name for name in emitters(network) if name not in network.populations}

    def _connect(self, network: Network) -> None:
        """List the synapses of each row."""
        self.synapses: dict[int, list[Synapse]] = defaultdict(list)
        for p in network.projections:
            form = (
                "dense"
                if isinstance(p.synapses, Dense)
                else "conv"
                if isinstance(p.synapses, Conv2d | SumPool2d)
                else "sparse"
            )
            csr = p.synapses.to_csr()
            for i in range(csr.n_pre):
                for s in range(int(csr.indptr[i]), int(csr.indptr[i + 1])):
                    target = self.row[p.post, int(csr.indices[s])]
                    delay_ns = p.delay_ns if isinstance(p.delay_ns, int) else int(p.delay_ns[s])
                    self.synapses[self.row[p.pre, i]].append(
                        Synapse(target, form, delay_ns // network.tick_ns)
                    )

    def _schedule(self) -> None:
        """Find out which neurons fire and are updated in each tick, and what enters from outside."""
        a = self.activity
        self.fired: dict[int, Counter[int]] = defaultdict(Counter)
        self.enters: dict[int, list[tuple[int, bool]]] = defaultdict(list)
        self.updated: dict[int, set[int]] = defaultdict(set)
        for name, train in a.spikes.items():
            for sent, index in zip(train.tick.tolist(), train.index.tolist(), strict=True):
                row, tick = self.row[name, index], sent // a.per_chip_tick
                if name not in self.outside:
                    self.fired[tick][row] += 1
                elif name not in self.entrance.absent:
                    self.enters[tick].append((row, name in self.entrance.direct))
                if a.updates == "reached":
                    for synapse in self.synapses[row]:
                        if sent + synapse.delay < a.stop_tick:
                            self.updated[(sent + synapse.delay) // a.per_chip_tick].add(synapse.target)
        for tick, rows in self.fired.items():
            self.updated[tick] |= rows.keys()
        self.busy = sorted({*self.fired, *self.enters, *self.updated})
        if a.updates == "every_tick":
            everyone = set(range(len(self.core)))
            self.updated = dict.fromkeys(self.chip_ticks(), everyone)

    def chip_ticks(self) -> range:
        """Return the ticks of the chip."""
        first = self.activity.first_chip_tick
        return range(first, first + self.activity.n_chip_ticks)

    def _messages(self, row: int, tick: int, unit: int, direct: bool = False) -> list[Message]:
        """Return the messages of one spike, by destination core."""
        found: dict[int, Message] = {}
        for synapse in self.synapses[row]:
            core = self.core[synapse.target]
            message = found.setdefault(core, Message(row, unit, core, direct))
            message.events[synapse.form] += 1
            message.due.append((tick + synapse.delay, self.level[synapse.target]))
        return [found[core] for core in sorted(found)]

    # Processes.

    def turn(self, delay: int, message: Message | None = None, unit: int = 0) -> Turn:
        """Return the event at which a message, or else a unit, has its turn after `delay`."""
        if message is None:
            return Turn(self.env, delay, unit)
        order = self.costs.n_cores + 1 + message.unit * _MESSAGES_PER_UNIT + message.position
        return Turn(self.env, delay, order)

    def place_of(self, unit: int) -> tuple[int, int]:
        """Return the place of a unit's tile; unit 0 is the entrance."""
        if unit == 0:
            return self.entrance.tile
        return divmod((unit - 1) // self.costs.cores_per_tile, self.costs.tiles_y)

    def send_all(self, messages: list[Message], work: int) -> Steps:
        """Make messages one after the other, the first after `work`, and hand each to the mesh."""
        own = 0 if messages and messages[0].unit == 0 else self.costs.message_out_ps
        for message in messages:
            message.position = self.made[message.unit]
            self.made[message.unit] += 1
            yield self.turn(work + own, message)
            work = 0
            message.sent = self.now
            self.under_way += 1
            self.records.count_message(message)
            yield from self.hand_over(message)

    def hand_over(self, message: Message) -> Steps:
        """Let a message into the mesh: at once where there is no contention, else when there is room."""
        route = self.costs.route(self.place_of(message.unit), self.place_of(message.core + 1))
        message.route = [] if message.direct else route
        if not message.direct:
            self.records.count_route(self.place_of(message.unit), route)
        on_tile = 0 if message.direct else self.costs.tile_ps
        if not self.queues:
            flight = on_tile + sum(self.costs.link_ps(link) for link in message.route)
            self.env.process(self.fly(message, flight))
            return
        asked = self.now
        yield from self.enter(message, on_tile)
        self.records.blocked[message.unit] += self.now - asked

    def fly(self, message: Message, flight: int) -> Steps:
        """Bring a message to its core's entrance."""
        yield self.turn(flight, message)
        yield from self.enter(message)

    def enter(self, message: Message, on_tile: int = 0) -> Steps:
        """Wait for a place in the next buffer, take it and give the former place back."""
        buffer = self.links[message.route[0]] if message.route and self.queues else self.cores[message.core]
        place = buffer.places.request()
        yield place
        former, message.place = message.place, place
        message.ready = self.now + on_tile
        if former is not None:
            former.resource.release(former)
        yield buffer.line.put(message)

    def link(self, number: int) -> Steps:
        """One message at a time; done with it, hold it until there is room in the next buffer."""
        while True:
            message = yield self.links[number].line.get()
            message.route = message.route[1:]
            wait = max(0, message.ready - self.now)
            yield self.turn(wait + self.costs.link_ps(number), message)
            asked = self.now
            yield from self.enter(message)
            self.records.link_blocked[number] += self.now - asked

    def synapse_unit(self, core: int) -> Steps:
        """Serve messages in the order they entered."""
        while True:
            message = yield self.cores[core].line.get()
            begin = max(self.now, message.ready)
            self.records.waiting[core] += begin - message.ready
            yield self.turn(begin - self.now + self.records.service_ps(message), message)
            self.records.note(message, self.now)
            self.cores[core].places.release(message.place)
            self.under_way -= 1
            if self.under_way == 0 and not self.all_served.triggered:
                self.all_served.succeed()
            if self.unserved[core]:
                self.unserved[core].remove(min(message.due))
                self.one_served[core].succeed()
                self.one_served[core] = self.env.event()

    def neuron_unit(self, core: int, tick: int, rows: list[int], access_ps: int) -> Steps:
        """Go over neurons in the order of their addresses: access, update, fire, send."""
        work = 0
        for row in rows:
            work += access_ps
            if row in self.updated[tick]:
                work += self.costs.neuron_update_ps
                self.records.counts["neuron_update"][core] += 1
            for _ in range(self.fired[tick][row]):
                work += self.costs.spike_out_ps
                self.records.counts["spike_out"][core] += 1
                messages = self._messages(row, tick, core + 1)
                yield from self.send_all(messages, work)
                work = 0 if messages else work
        yield self.turn(work, unit=core + 1)

    def inlet(self, tick: int) -> Steps:
        """Let in what comes from outside in one tick."""
        for row, direct in sorted(self.enters[tick]):
            yield from self.send_all(self._messages(row, tick, 0, direct), 0)
        yield self.turn(0, unit=0)

    # Barrier: tick by tick.

    def ticks(self) -> Steps:
        """Run tick after tick: all work, the barrier, the next begin."""
        c = self.costs
        for tick in self.chip_ticks():
            begin = self.now
            work = [self.env.process(self.inlet(tick))]
            for core, rows in enumerate(self.neurons_on):
                self.records.counts["neuron_access"][core] += len(rows)
                work.append(self.env.process(self.neuron_unit(core, tick, rows, c.neuron_access_ps)))
            yield self.env.all_of(work)
            if self.under_way:
                self.all_served = self.env.event()
                yield self.all_served
            yield self.env.timeout(c.barrier_ps)
            yield self.env.timeout(max(0, begin + (c.real_time_tick_ps or 0) - self.now))
            if tick in self.busy:
                self.records.ticks.append((tick, begin, self.now))
        self.records.total = self.now

    # Asynchronous: each core by itself.

    def core_without_barrier(self, core: int) -> Steps:
        """Work for tick after tick, each once all messages due by then are served and its time has come."""
        a = self.activity
        steps = sorted(
            {
                (tick, self.level[r])
                for tick, rows in self.updated.items()
                for r in rows
                if self.core[r] == core
            }
        )
        for tick, level in steps:
            while any(due <= (tick, level) for due in self.unserved[core]):
                yield self.one_served[core]
            time = (tick - a.start_tick) * a.tick_ns * PS_PER_NS if self.live else 0
            if self.now < time:
                yield self.turn(time - self.now, unit=core + 1)
            began = self.now
            rows = [r for r in self.neurons_on[core] if self.level[r] == level]
            yield from self.neuron_unit(core, tick, rows, 0)
            self.records.groups.append((core, tick, level, began, self.now))

    def inlet_without_barrier(self) -> Steps:
        """Let in what comes from outside, tick after tick."""
        a = self.activity
        for tick in sorted(self.enters):
            time = (tick - a.start_tick) * a.tick_ns * PS_PER_NS if self.live else 0
            if self.now < time:
                yield self.turn(time - self.now, unit=0)
            yield from self.inlet(tick)

    def expect(self) -> None:
        """List the messages that will reach each core: what is due by a tick must be known to wait for it."""
        for tick, rows in self.fired.items():
            for row in rows:
                for message in self._messages(row, tick, 1):
                    self.unserved[message.core].append(min(message.due))
        for tick, events in self.enters.items():
            for row, _ in events:
                for message in self._messages(row, tick, 0):
                    self.unserved[message.core].append(min(message.due))

    def run(self) -> Timing:
        """Run to the end and return what was measured."""
        a, c = self.activity, self.costs
        for core in range(c.n_cores):
            self.env.process(self.synapse_unit(core))
        for link in range(c.n_links if self.queues else 0):
            self.env.process(self.link(link))
        if c.mode == "barrier":
            self.env.process(self.ticks())
        else:
            self.expect()
            self.env.process(self.inlet_without_barrier())
            for core in range(c.n_cores):
                self.env.process(self.core_without_barrier(core))
        self.env.run()
        if c.mode == "asynchronous":
            real_time = (a.stop_tick - a.start_tick) * a.tick_ns * PS_PER_NS if self.live else 0
            self.records.total = max(self.now, real_time)
        neurons = [len(rows) for rows in self.neurons_on]
        return self.records.timing(a, neurons)
