"""The closed loop: the time a message takes on the chip shifts what it causes, and all that follows.

The network is cut open at its projections (`hwmodels.relays`). A spike is made in its tick in real time, or
when its core's neuron unit is free, its messages travel without contention and queue at their cores, and
their synapses take effect at the first tick not before the message is served, plus their delay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventsim.errors import ParameterError
from eventsim.events import Events
from eventsim.network import Network
from eventsim.session import Session
from eventsim.sources import PoissonSource
from hwmodels.activity import Activity, Indices, Ints, SpikeTrain
from hwmodels.closed_loop_kernels import send_groups, serve_in_order
from hwmodels.costs import PS_PER_NS, HardwareCosts
from hwmodels.engine_arrays import laid_out
from hwmodels.ideal_kernels import N_BUCKETS
from hwmodels.messages import MessageTable
from hwmodels.pending import NEVER, Known, Pending, Values
from hwmodels.reached_kernels import count_updates, mark_fired, mark_targets
from hwmodels.relays import Relays, cut_open
from hwmodels.sending import Entrance, Sending, sending_of
from hwmodels.timing_result import Latencies, buckets_of

_MOST_WINDOWS = 10**6
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class ClosedLoop:
    """What network and chip do together.

    Parameters
    ----------
    activity : spikes of everything, in the ticks in which they happen on the chip
    outputs : what each population emitted, readouts included, as `Session.read` gives it
    latencies : of all messages served, from made to served
    neuron_updates : how many neurons were brought up to date, summed over ticks
    n_parts : parts of messages that were served
    n_late : parts of messages (one per projection and delay) whose effect came a tick or more later than it
        would have without the chip
    latest_ticks : by how many ticks at most
    """

    activity: Activity
    outputs: Mapping[str, Events]
    latencies: Latencies
    neuron_updates: int
    n_parts: int
    n_late: int
    latest_ticks: int


def run_closed_loop(
    table: MessageTable,
    costs: HardwareCosts,
    inputs: Mapping[str, Events] | None = None,
    until_ns: int = 0,
    *,
    start_ns: int = 0,
    entrance: Entrance | None = None,
    relays: Relays | None = None,
) -> ClosedLoop:
    """Return what the network of `table` does on the chip of `costs`, from `start_ns` to before `until_ns`.

    With all costs 0 it is what a session does without a chip. The same arguments give the same result.

    Parameters
    ----------
    table : MessageTable
        The network's messages under a placement.
    costs : HardwareCosts
        An asynchronous chip; its links are taken to be without contention.
    inputs : mapping of str to Events
        Events for each input by name; those from `until_ns` on are left out.
    until_ns, start_ns : int, ns
        The end and the begin, at which all is at rest; `start_ns` is a multiple of the tick.
    entrance : Entrance
        Where input comes in; left out, at tile (0, 0). What is absent acts at once, as without a chip.
    relays : Relays
        `cut_open(table)`, where several runs share it.

    Raises
    ------
    ParameterError
        if the chip is not asynchronous, or the run would take more than a million steps: one per shortest
        delay (at least a tick) in which anything happens.
    """
    if costs.mode != "asynchronous":
        raise ParameterError(
            "the closed loop is for asynchronous chips: a barrier keeps every spike in its tick"
        )
    relays = relays or cut_open(table)
    loop = _Loop(table, costs, entrance or Entrance(), relays, inputs or {}, start_ns, until_ns)
    loop.run()
    return loop.result()


class _Loop:
    """The state of a run: sessions, units, cores, messages and effects under way."""

    def __init__(
        self,
        table: MessageTable,
        costs: HardwareCosts,
        entrance: Entrance,
        relays: Relays,
        inputs: Mapping[str, Events],
        start_ns: int,
        until_ns: int,
    ) -> None:
        self.table, self.costs = table, costs
        self.sending: Sending = sending_of(table, costs, entrance)
        self.relays = relays
        self.relay_level = np.array([relay.level for relay in self.relays.relays], np.int64)
        self.tick_ps = table.network.tick_ns * PS_PER_NS
        self.start = start_ns // table.network.tick_ns
        self.stop = -(-until_ns // table.network.tick_ns)
        self.sessions = [Session(n, start_ns=start_ns, count_updates=True) for n in self.relays.networks]
        self.outside = _outside(table.network, inputs, start_ns, until_ns)
        self.absent = entrance.absent
        self.unit_free = np.zeros(costs.n_cores, np.int64)
        self.core_free = np.zeros(costs.n_cores, np.int64)
        # Messages on their way: arrival, level, unit, number, entry, sent, tick of the spike; those from
        # outside wait for their tick. Effects to come: tick, projection, address.
        self.flying, self.entering = Pending(7), Known(8)
        self.effects, self.certain = Pending(3), Known(3)
        self.emitted: dict[str, list[Events]] = {name: [] for name in table.network.populations}
        self.histogram = np.zeros(N_BUCKETS, np.int64)
        self.latency, self.late = [0, 0], [0, 0, 0]
        self.n_made = 0
        self._enter()

    def _enter(self) -> None:
        """Let all that comes from outside set out in its tick: it is known beforehand."""
        for name, events in self.outside.items():
            tick = events.time_ns // self.table.network.tick_ns
            rows = self.table.rows[name][events.address]
            entry, which = _expand(self.table.indptr, rows)
            at, value = tick[which], events.value[which]
            if name in self.absent:
                self.certain.add(*self._effects_of(entry, at, at, value))
                continue
            sent = at * self.tick_ps
            arrival = sent + self.sending.entries.flight[entry]
            outer, zero = np.full(entry.shape[0], -1), np.zeros(entry.shape[0], np.int64)
            self.entering.add(np.stack([at, arrival, outer, zero, entry, entry, sent, at]), value)
        # Within a tick in the order of inputs and sources, address, core: that of the table's entries.
        self.entering.sort(0, 4)
        self.certain.sort(0, 1, 2)
        self.entering.rows.numbers[4] = np.arange(self.entering.rows.value.shape[0])
        self.n_made = self.entering.rows.value.shape[0]

    def run(self) -> None:
        """Go through time in windows no longer than the shortest delay: nothing acts within its own."""
        window = max(1, min((int(d) for d in self._delays()), default=self.stop - self.start))
        now, windows = self.start, 0
        while now < self.stop:
            windows += 1
            if windows > _MOST_WINDOWS:
                raise ParameterError(
                    f"the closed loop would take more than {_MOST_WINDOWS} steps of {window} ticks: "
                    "take a coarser grid, longer delays or a shorter time"
                )
            until = min(now + window, self.stop)
            ahead = min(self._next_known(), self.stop)
            if ahead > until and self._silent_until(ahead):
                now = ahead
                continue
            numbers, value = self.entering.take_before(until)
            self.flying.add(numbers[1:], value)
            self.effects.add(*self.certain.take_before(until))
            self._serve(now * self.tick_ps)
            for level in range(len(self.sessions)):
                self._advance(level, until)
                self._serve(now * self.tick_ps)
            self._serve(until * self.tick_ps - 1)
            now = until

    def _delays(self) -> Ints:
        outside = {k for k, p in enumerate(self.table.network.projections) if p.pre in self.absent}
        return self.relays.delay[~np.isin(self.relays.projection, list(outside))]

    def _next_known(self) -> int:
        """Return the first tick in which a message arrives or something takes effect, as far as known."""
        arrival = self.flying.first()
        tick = NEVER if arrival == NEVER else arrival // self.tick_ps
        return min(tick, self.entering.first(), self.effects.first(), self.certain.first())

    def _silent_until(self, tick: int) -> bool:
        """Return True, and go there, if no neuron fires by itself before `tick`."""
        saved = [session.save() for session in self.sessions]
        for session in self.sessions:
            session.advance(tick * self.table.network.tick_ns)
        found = {
            name: session.read(name)
            for session, network in zip(self.sessions, self.relays.networks, strict=True)
            for name in network.populations
        }
        spiking = self.table.network.populations
        if any(len(events) and spiking[name].model.spiking for name, events in found.items()):
            for session, state in zip(self.sessions, saved, strict=True):
                session.restore(state)
            return False
        for name, events in found.items():
            self.emitted[name].append(events)
        return True

    def _advance(self, level: int, until: int) -> None:
        """Run the populations of one level to `until`, and let their spikes set out."""
        session, tick_ns = self.sessions[level], self.table.network.tick_ns
        reached = self._push(session, level, until)
        session.advance(until * tick_ns)
        ticks, slots, values = [], [], []
        for name in self.relays.networks[level].populations:
            events = session.read(name)
            self.emitted[name].append(events)
            if self.table.network.populations[name].model.spiking:
                ticks.append(events.time_ns // tick_ns)
                slots.append(self.table.rows[name][events.address])
                values.append(events.value)
        tick, slot = np.concatenate([*ticks, _NONE]), np.concatenate([*slots, _NONE])
        value = np.concatenate([*values, np.empty(0, np.float32)])
        order = np.lexsort((slot, tick))
        self._send(level, tick[order], slot[order].astype(np.int32), value[order], reached)

    def _push(self, session: Session, level: int, until: int) -> list[tuple[int, Ints, Ints]]:
        """Push what takes effect before `until` on one level; return it as (projection, ticks, addresses)."""
        due = (self.effects.numbers[0] < until) & (self.relay_level[self.effects.numbers[1]] == level)
        (tick, projection, address), value = self.effects.take(due)
        reached = []
        for k in np.unique(projection).tolist():
            mine = np.flatnonzero(projection == k)
            mine = mine[np.lexsort((address[mine], tick[mine]))]
            at, who = tick[mine], address[mine]
            events = Events.of(at * self.table.network.tick_ns, who, value[mine])
            session.push(self.relays.relays[k].name, events)
            reached.append((k, at, who))
        return reached

    def _send(
        self,
        level: int,
        tick: Ints,
        slot: Indices,
        value: Values,
        reached: list[tuple[int, Ints, Ints]],
    ) -> None:
        """Let each core's unit do its updates and make its messages."""
        busy = np.unique(np.concatenate([tick, *(at for _, at, _ in reached)]))
        if not busy.shape[0]:
            return
        table, n_cores = self.table, self.costs.n_cores
        bits = np.zeros((busy.shape[0], (table.n_slots + 63) >> 6), np.uint64)
        for k, at, who in reached:
            relay = self.relays.relays[k]
            mark_targets(at, who.astype(np.int32), relay.indptr, relay.slots, busy + 1, bits)
        row = np.searchsorted(busy, tick)
        mark_fired(row, slot, bits)
        core = table.core_of_row[slot]
        found, upto = np.zeros((busy.shape[0], n_cores), np.int64), np.zeros(slot.shape[0], np.int64)
        everyone = np.full(bits.shape[1], ~np.uint64(0))
        count_updates(bits, everyone, table.core_start, (row, slot, core), upto, found)
        at_tick, at_core = np.nonzero(found)
        group = np.searchsorted(at_tick * n_cores + at_core, row * n_cores + core)
        laid = laid_out(
            (group, slot, np.zeros(slot.shape[0], np.int64), upto),
            (np.zeros(at_tick.shape[0], np.int64), found[at_tick, at_core]),
            (_NONE, _NONE),
            0,
            table,
            self.costs,
        )
        sent = np.zeros(laid.entry.shape[0], np.int64)
        release = busy[at_tick] * self.tick_ps
        send_groups(at_core, release, laid.inner, laid.gap, laid.tail, self.unit_free, sent)
        which = np.repeat(np.arange(slot.shape[0]), np.diff(table.indptr)[slot])
        self._fly(
            laid.entry.astype(np.int64),
            sent,
            tick[which],
            value[which],
            level,
            core[which].astype(np.int64) + 1,
        )

    def _fly(self, entry: Ints, sent: Ints, tick: Ints, value: Values, level: int, unit: Ints) -> None:
        """Let messages of one level set out."""
        number = self.n_made + np.arange(entry.shape[0])
        self.n_made += entry.shape[0]
        arrival, levels = sent + self.sending.entries.flight[entry], np.full(entry.shape[0], level)
        self.flying.add(np.stack([arrival, levels, unit, number, entry, sent, tick]), value)

    def _serve(self, until_ps: int) -> None:
        """Serve what has arrived by `until_ps`, in order of (arrival, level, unit, number)."""
        due = self.flying.numbers[0] <= until_ps
        if not due.any():
            return
        numbers, value = self.flying.take(due)
        order = np.lexsort(numbers[3::-1])
        arrival, _, _, _, entry, sent, tick = numbers[:, order]
        core, service = self.sending.entries.core[entry], self.sending.entries.service[entry]
        served = np.empty(entry.shape[0], np.int64)
        serve_in_order(core, arrival, service, self.core_free, served)
        latency = served - sent
        self.histogram += np.bincount(buckets_of(latency), minlength=N_BUCKETS)
        self.latency = [self.latency[0] + int(latency.sum()), max(self.latency[1], int(latency.max()))]
        self.effects.add(*self._effects_of(entry, tick, -(-served // self.tick_ps), value[order]))

    def _effects_of(self, entry: Ints, tick: Ints, served: Ints, value: Values) -> tuple[Ints, Values]:
        """Return what messages of spikes in `tick` bring about, served in time for the tick `served`."""
        part, which = _expand(self.relays.first, entry)
        late = (served - tick)[which]
        self.late = [
            self.late[0] + late.shape[0],
            self.late[1] + int(np.count_nonzero(late)),
            max(self.late[2], int(late.max(initial=0))),
        ]
        at = served[which] + self.relays.delay[part]
        numbers = np.stack([at, self.relays.projection[part], self.relays.address[part]])
        kept = at < self.stop
        return numbers[:, kept], value[which][kept]

    def result(self) -> ClosedLoop:
        """Return what happened."""
        tick_ns = self.table.network.tick_ns
        outputs = {name: Events.concatenate(parts) for name, parts in self.emitted.items()}
        spikes = {name: SpikeTrain(e.time_ns // tick_ns, e.address) for name, e in self.outside.items()}
        for name, events in outputs.items():
            if self.table.network.populations[name].model.spiking:
                spikes[name] = SpikeTrain(events.time_ns // tick_ns, events.address)
        updates = [n for s in self.sessions for n in s.counters.neuron_updates.values()]
        return ClosedLoop(
            Activity(tick_ns, self.start, self.stop, spikes),
            outputs,
            Latencies(self.histogram, *self.latency),
            sum(n or 0 for n in updates),
            *self.late,
        )


def _expand(first: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Return all of [first[r], first[r + 1]) for each row r, and which of `rows` each belongs to."""
    lengths = first[rows + 1] - first[rows]
    which = np.repeat(np.arange(rows.shape[0]), lengths)
    begin = np.cumsum(lengths) - lengths
    return first[rows][which] + np.arange(which.shape[0]) - begin[which], which


def _outside(
    network: Network, inputs: Mapping[str, Events], start_ns: int, until_ns: int
) -> dict[str, Events]:
    """Return the events of inputs and sources from `start_ns` on, sorted by (tick, address)."""
    alone = Network(network.tick_ns)
    for name, size in network.inputs.items():
        alone.add_input(name, size)
    for name, source in network.sources.items():
        if isinstance(source, PoissonSource):
            alone.add_poisson(name, source.size, source.rate_hz, source.seed, source.start_ns, source.stop_ns)
        else:
            alone.add_spikes(name, source.size, source.events)
    session = Session(alone, record=[*network.inputs, *network.sources], start_ns=start_ns)
    for name, events in inputs.items():
        session.push(name, events.select(events.time_ns < until_ns))
    session.advance(until_ns)
    return {name: session.read(name) for name in [*network.inputs, *network.sources]}
