"""The slow truth: the meaning of a network, computed for every neuron at every tick.

Written from the equations alone; shares nothing with the engine but the description of the network.
"""

import math

import numpy as np
from dense_neurons import SLOW
from dense_synapses import row

from eventsim.sources import SpikeSource


class DenseReference:
    """A network stepped tick by tick. `margin` is the least distance met to where a spike would change.

    The events of a Poisson source must be pushed like an input's.
    """

    def __init__(self, net, start_ns=0):
        self.net = net
        self.tick = start_ns // net.tick_ns
        self.inputs = {name: {} for name in [*net.inputs, *net.sources]}
        self.sent = {name: {} for name in [*self.inputs, *net.populations]}
        self.out = {name: [] for name in net.populations}
        self.neurons = {
            p.name: SLOW[type(p.model)](p.model, p.size, net.tick_ns) for p in net.populations.values()
        }
        self.margin = math.inf
        self.input_events = 0
        self.synaptic_events = [0] * len(net.projections)
        self.spike_counts = dict.fromkeys(net.populations, 0)
        self.neuron_updates = dict.fromkeys(net.populations, 0)
        levels = net.levels()
        self.order = sorted(net.populations, key=lambda name: levels[name])
        for name, source in net.sources.items():
            if isinstance(source, SpikeSource):
                self.push(name, source.events.select(source.events.time_ns >= start_ns))

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
        return self.spike_counts[name]

    def _step(self, tick):
        for name, waiting in self.inputs.items():
            if tick in waiting:
                self.sent[name][tick] = sorted(waiting.pop(tick))
                self.input_events += len(self.sent[name][tick])
        for name in self.order:
            neurons = self.neurons[name]
            drive, touched = self._drive(name, tick)
            fired, values, margin, updated = neurons.step(drive, touched)
            self.margin = min(self.margin, float(margin))
            self.neuron_updates[name] += int(updated.sum())
            self.spike_counts[name] += int(fired.sum())
            said = [(int(i), float(np.float32(values[i]))) for i in np.flatnonzero(fired)]
            if not neurons.spiking:
                said = [(int(i), float(np.float32(values[i]))) for i in np.flatnonzero(touched)]
            elif said:
                self.sent[name][tick] = said
            self.out[name] += [(tick * self.net.tick_ns, i, value) for i, value in said]

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
                    targets, weights = row(projection, address, delay_ns)
                    for j, w in zip(targets, weights, strict=True):
                        drive[j] += float(w) * value
                        touched[j] = True
                    self.synaptic_events[number] += len(targets)
        return drive, touched
