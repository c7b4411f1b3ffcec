"""The slow truth: the meaning of a network, computed for every neuron at every tick.

Written from the equations alone; shares nothing with the engine but the description of the network.
"""

import math

import numpy as np

from eventsim.models import ALIF, LIF, LeakyIntegrator
from eventsim.projections import Dense


class DenseReference:
    """A network stepped tick by tick. `margin` is the least |membrane - threshold| met so far."""

    def __init__(self, net, start_ns=0):
        self.net = net
        self.tick = start_ns // net.tick_ns
        self.inputs = {name: {} for name in net.inputs}
        self.sent = {name: {} for name in [*net.inputs, *net.populations]}
        self.out = {name: [] for name in net.populations}
        self.neurons = {p.name: _Neurons(p, net.tick_ns) for p in net.populations.values()}
        self.margin = math.inf
        self.input_events = 0
        self.synaptic_events = [0] * len(net.projections)
        self.neuron_updates = dict.fromkeys(net.populations, 0)
        levels = net.levels()
        self.order = sorted(net.populations, key=lambda name: levels[name])

    def push(self, name, events):
        for t, a, v in zip(events.time_ns, events.address, events.value, strict=True):
            assert t % self.net.tick_ns == 0
            self.inputs[name].setdefault(int(t) // self.net.tick_ns, []).append((int(a), float(v)))

    def advance(self, until_ns):
        while self.tick * self.net.tick_ns < until_ns:
            self._step(self.tick)
            self.tick += 1

    def read(self, name):
        events, self.out[name] = self.out[name], []
        return events

    def membrane(self, name):
        return self.neurons[name].u.copy()

    def spikes(self, name):
        return self.neurons[name].spikes

    def _step(self, tick):
        for name, waiting in self.inputs.items():
            if tick in waiting:
                self.sent[name][tick] = sorted(waiting.pop(tick))
                self.input_events += len(self.sent[name][tick])
        for name in self.order:
            neurons = self.neurons[name]
            drive, touched = self._drive(name, tick)
            fired, margin, updated = neurons.step(drive, touched)
            self.margin = min(self.margin, margin)
            self.neuron_updates[name] += int(updated.sum())
            if neurons.spiking:
                indices = np.flatnonzero(fired)
                if indices.size:
                    self.sent[name][tick] = [(int(i), 1.0) for i in indices]
                self.out[name] += [(tick * self.net.tick_ns, int(i), 1.0) for i in indices]
            else:
                self.out[name] += [
                    (tick * self.net.tick_ns, int(i), float(np.float32(neurons.u[i])))
                    for i in np.flatnonzero(touched)
                ]

    def _drive(self, name, tick):
        """Sum all that arrives: by projection, then delay, then source in ascending order."""
        n = self.net.populations[name].size
        drive, touched = np.zeros(n), np.zeros(n, bool)
        for number, projection in enumerate(self.net.projections):
            if projection.post != name:
                continue
            for delay_ns in projection.delays_ns:
                arrived = self.sent[projection.pre].get(tick - delay_ns // self.net.tick_ns, [])
                for address, value in arrived:
                    targets, weights = _row(projection, address, delay_ns)
                    for j, w in zip(targets, weights, strict=True):
                        drive[j] += float(w) * value
                        touched[j] = True
                    self.synaptic_events[number] += len(targets)
        return drive, touched


def _row(projection, address, delay_ns):
    synapses = projection.synapses
    if isinstance(synapses, Dense):
        row = synapses.weights[address]
        return range(len(row)), row
    part = slice(synapses.indptr[address], synapses.indptr[address + 1])
    targets, weights = synapses.indices[part], synapses.weights[part]
    if isinstance(projection.delay_ns, int):
        return targets, weights
    chosen = projection.delay_ns[part] == delay_ns
    return targets[chosen], weights[chosen]


class _Neurons:
    def __init__(self, population, tick_ns):
        self.model = m = population.model
        self.spiking = not isinstance(m, LeakyIntegrator)
        self.n = population.size
        self.u = np.zeros(self.n)
        self.spikes = 0
        tau = m.tau_mem_ns if isinstance(m, ALIF) else m.tau_ns
        self.alpha = np.exp(-tick_ns / tau)
        self.g = 1 - self.alpha if m.normalised else np.ones(self.n)
        if isinstance(m, ALIF):
            self.rho = np.exp(-tick_ns / m.tau_adp_ns)
            self.a = m.initial_adaptation.copy()
            self.s = np.zeros(self.n)
        if isinstance(m, LIF):
            self.deaf = np.zeros(self.n, np.int64)
            self.refractory = (m.refractory_ns // tick_ns).astype(np.int64)

    def step(self, drive, touched):
        """Return (who fired, least |u - theta|, who counts as updated)."""
        if isinstance(self.model, ALIF):
            return self._step_alif(drive, touched)
        if isinstance(self.model, LIF):
            return self._step_lif(drive, touched)
        self.u = self.alpha * self.u + self.g * self.model.bias + self.g * drive
        return np.zeros(self.n, bool), math.inf, touched

    def _step_alif(self, drive, touched):
        m = self.model
        late = self.s > 0
        self.a = self.rho * self.a + (1 - self.rho) * self.s
        theta = m.base_threshold + m.beta * self.a
        self.u = self.alpha * self.u + self.g * m.bias + self.g * drive - theta * self.s
        fired = self.u > theta
        self.s = fired.astype(float)
        self.spikes += int(fired.sum())
        return fired, float(np.abs(self.u - theta).min()), touched | fired | late

    def _step_lif(self, drive, touched):
        m = self.model
        hearing = self.deaf == 0
        moved = self.alpha * self.u + self.g * m.bias + self.g * drive
        u = np.where(hearing, moved, self.u)
        fired = hearing & (u > m.threshold)
        margin = np.abs(u - m.threshold)[hearing]
        after = {"soft": u - m.threshold, "hard": m.reset_potential, "none": u}[m.reset]
        self.u = np.where(fired, after, u)
        self.deaf = np.where(fired, self.refractory, np.maximum(self.deaf - 1, 0))
        self.spikes += int(fired.sum())
        return fired, float(margin.min(initial=math.inf)), touched | fired
