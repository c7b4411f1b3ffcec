"""What the SimPy model notes while it runs, and a message as it sees one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import simpy

from hwmodels.activity import Activity, Ints
from hwmodels.costs import EAST, WEST, HardwareCosts
from hwmodels.timing_result import Groups, Latencies, MessageTimes, Timing


@dataclass(frozen=True)
class Synapse:
    """One synapse: the row of its target, its form ("dense", "sparse", "conv"), its delay in ticks."""

    target: int
    form: str
    delay: int


@dataclass(eq=False)
class Message:
    """One message on its way: from a row, by a unit, to a core."""

    row: int
    unit: int
    core: int
    direct: bool
    events: dict[str, int] = field(default_factory=lambda: {"dense": 0, "sparse": 0, "conv": 0})
    due: list[tuple[int, int]] = field(default_factory=list)
    position: int = 0
    sent: int = 0
    ready: int = 0
    route: list[int] = field(default_factory=list)
    place: simpy.resources.resource.Request | None = None


class Records:
    """Counts and times of one run."""

    def __init__(self, costs: HardwareCosts) -> None:
        self.costs = costs
        per_core = ("neuron_access", "neuron_update", "spike_out", "message_out", "message_in")
        names = (*per_core, "synapse_dense", "synapse_sparse", "synapse_conv")
        self.counts = {name: [0] * costs.n_cores for name in names}
        self.counts |= {"hop_x": [0] * costs.n_links, "hop_y": [0] * costs.n_links}
        self.counts |= {"tile": [0] * costs.n_tiles}
        self.waiting = [0] * costs.n_cores
        self.blocked = [0] * (costs.n_cores + 1)
        self.link_blocked = [0] * costs.n_links
        self.messages: list[tuple[int, int, int, int]] = []
        self.ticks: list[tuple[int, int, int]] = []
        self.groups: list[tuple[int, int, int, int, int]] = []
        self.synapse_busy = [0] * costs.n_cores
        self.total = 0

    def count_message(self, message: Message) -> None:
        """Count a message that a neuron makes."""
        if message.unit > 0:
            self.counts["message_out"][message.unit - 1] += 1

    def count_route(self, source: tuple[int, int], route: list[int]) -> None:
        """Count a message on its tile and on the links it will pass."""
        self.counts["tile"][source[0] * self.costs.tiles_y + source[1]] += 1
        for link in route:
            self.counts["hop_x" if link % 4 in (EAST, WEST) else "hop_y"][link] += 1

    def service_ps(self, message: Message) -> int:
        """Return how long a core serves a message."""
        c, events = self.costs, message.events
        synapses = events["dense"] * c.synapse_dense_ps + events["sparse"] * c.synapse_sparse_ps
        return c.message_in_ps + synapses + events["conv"] * c.synapse_conv_ps

    def note(self, message: Message, now: int) -> None:
        """Note that a message is served."""
        self.counts["message_in"][message.core] += 1
        for form, n in message.events.items():
            self.counts[f"synapse_{form}"][message.core] += n
        self.synapse_busy[message.core] += self.service_ps(message)
        self.messages.append((message.row, message.core, message.sent, now))

    def timing(self, activity: Activity, neurons_on: list[int]) -> Timing:
        """Return all of it in the form of the compiled models."""
        c = self.costs
        counts = {name: np.array(values, np.int64) for name, values in self.counts.items()}
        latency = np.array([served - sent for _, _, sent, served in self.messages], np.int64)
        unit = ("neuron_access", "neuron_update", "spike_out", "message_out")
        neuron_busy = sum(counts[name] * int(getattr(c, f"{name}_ps")) for name in unit)
        per_neuron = c.neuron_access_ps + (activity.updates == "every_tick") * c.neuron_update_ps
        idle = max(max(neurons_on, default=0) * per_neuron + c.barrier_ps, c.real_time_tick_ps or 0)
        groups = None
        ticks = self.ticks
        if c.mode == "asynchronous":
            groups = Groups(*_columns(sorted(self.groups), 5))
            spans: dict[int, tuple[int, int]] = {}
            for _, at, _, began, ended in self.groups:
                low, high = spans.get(at, (began, ended))
                spans[at] = (min(low, began), max(high, ended))
            ticks = [(at, *spans[at]) for at in sorted(spans)]
        row, core, sent, served = _columns(self.messages, 4)
        tick, start, end = _columns(ticks, 3)
        return Timing(
            first_tick=activity.first_chip_tick,
            tick=tick,
            start_ps=start,
            end_ps=end,
            total_ps=self.total,
            idle_tick_ps=idle if c.mode == "barrier" else 0,
            counts=counts,
            neuron_busy_ps=np.asarray(neuron_busy, np.int64),
            synapse_busy_ps=np.array(self.synapse_busy, np.int64),
            link_busy_ps=counts["hop_x"] * c.hop_x_ps + counts["hop_y"] * c.hop_y_ps,
            waiting_ps=np.array(self.waiting, np.int64),
            blocked_ps=np.array(self.blocked, np.int64),
            link_blocked_ps=np.array(self.link_blocked, np.int64),
            latencies=Latencies(
                np.bincount([_bucket(x) for x in latency.tolist()], minlength=2048),
                int(latency.sum()),
                int(latency.max(initial=0)),
            ),
            messages=MessageTimes(row, core.astype(np.int32), sent, served),
            groups=groups,
            left_out=c.left_out,
        )


def _columns(rows: Sequence[tuple[int, ...]], n: int) -> tuple[Ints, ...]:
    table = np.array(rows, np.int64).reshape(-1, n)
    return tuple(np.ascontiguousarray(table[:, k]) for k in range(n))


def _bucket(latency: int) -> int:
    """Return the bucket of a latency: 0 for 0, then 32 equal ones per factor of two."""
    if latency == 0:
        return 0
    power = latency.bit_length() - 1
    return 1 + 32 * power + ((latency - (1 << power)) * 32 >> power)
