"""The twin of a whole network: every tick computed densely in PyTorch, from the network's own arrays.

This is what the event engine is held against on real data: it shares no code with it, only the description.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from eventsim.errors import NetworkError
from eventsim.learning.surrogate import Spike
from eventsim.models import ALIF, LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Csr, Projection


class NetworkTwin(nn.Module):
    """Runs batches of a network of ALIF, LIF and leaky integrators, tick by tick, in float64 or float32.

    Raises NetworkError for a model, a per-synapse delay or a refractory time it has no twin for.
    """

    def __init__(self, network: Network, precision: str = "float64") -> None:
        super().__init__()
        self._network = network
        self._dtype = {"float64": torch.float64, "float32": torch.float32}[precision]
        levels = network.levels()
        self._order = sorted(network.populations, key=lambda name: levels[name])
        self._steps = {name: self._neuron(name) for name in self._order}
        self._weights = [self._matrix(projection) for projection in network.projections]
        self._delays = [self._ticks(projection) for projection in network.projections]

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return what each population says per tick: spikes, or an integrator's membrane.

        inputs : per input population [ticks, batch, n], the summed event values; results have that form too.
        """
        first = next(iter(inputs.values()))
        ticks, batch = first.shape[:2]
        longest = max(self._delays, default=0)
        past: dict[str, deque[Tensor]] = {name: deque(maxlen=longest + 1) for name in (*inputs, *self._order)}
        states = {name: step.initial(batch) for name, step in self._steps.items()}
        said: dict[str, list[Tensor]] = {name: [] for name in self._order}
        for tick in range(ticks):
            for name, events in inputs.items():
                past[name].appendleft(events[tick].to(self._dtype))
            now: dict[str, Tensor] = {}
            for name in self._order:
                current = self._current(name, past, now, batch)
                states[name], now[name] = self._steps[name](states[name], current)
                said[name].append(now[name])
            for name, spikes in now.items():
                past[name].appendleft(spikes)
        return {name: torch.stack(values) for name, values in said.items()}

    @torch.no_grad()
    def run(self, name: str, counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return what each population says for the input population `name`, all float64[ticks, batch, n]."""
        said = self({name: torch.from_numpy(counts)})
        return {population: values.double().numpy() for population, values in said.items()}

    def _current(
        self, name: str, past: dict[str, deque[Tensor]], now: dict[str, Tensor], batch: int
    ) -> Tensor:
        current = torch.zeros(batch, self._network.populations[name].size, dtype=self._dtype)
        for projection, weights, delay in zip(
            self._network.projections, self._weights, self._delays, strict=True
        ):
            if projection.post != name:
                continue
            if projection.pre in now and delay == 0:
                current = current + now[projection.pre] @ weights
                continue
            # A population's own past starts with the tick before; an input's with the present one.
            age = delay if projection.pre in self._network.inputs else delay - 1
            if age < len(past[projection.pre]):
                current = current + past[projection.pre][age] @ weights
        return current

    def _matrix(self, projection: Projection) -> Tensor:
        synapses = projection.synapses
        if isinstance(synapses, Csr):
            sizes = {**self._network.inputs, **{k: p.size for k, p in self._network.populations.items()}}
            dense = np.zeros((sizes[projection.pre], sizes[projection.post]))
            rows = np.repeat(np.arange(sizes[projection.pre]), np.diff(synapses.indptr))
            np.add.at(dense, (rows, synapses.indices), synapses.weights)
            return torch.from_numpy(dense).to(self._dtype)
        return torch.from_numpy(np.array(synapses.weights)).to(self._dtype)

    def _ticks(self, projection: Projection) -> int:
        if len(projection.delays_ns) > 1:
            raise NetworkError(f"{projection}: the twin has no per-synapse delays")
        return (projection.delays_ns or (0,))[0] // self._network.tick_ns

    def _neuron(self, name: str) -> _NeuronStep:
        model = self._network.populations[name].model
        tick_ns = self._network.tick_ns
        if isinstance(model, ALIF):
            return _AlifStep(model, tick_ns, self._dtype)
        if isinstance(model, LIF):
            return _LifStep(model, tick_ns, self._dtype)
        if isinstance(model, LeakyIntegrator):
            return _IntegratorStep(model, tick_ns, self._dtype)
        raise NetworkError(f"population {name!r}: the twin has no model of kind {model.kind!r}")


class _NeuronStep:
    """One tick of a population's neurons: (state, current) to (state, what it says)."""

    def __init__(self, tau_ns: np.ndarray, normalised: bool, tick_ns: int, dtype: torch.dtype) -> None:  # type: ignore[type-arg]
        self.dtype = dtype
        self.tick_ns = tick_ns
        self.alpha = self.tensor(np.exp(-tick_ns / np.asarray(tau_ns)))
        self.gain = 1.0 - self.alpha if normalised else torch.ones_like(self.alpha)

    def tensor(self, array: object) -> Tensor:
        return torch.as_tensor(np.array(array, np.float64)).to(self.dtype)

    def initial(self, batch: int) -> tuple[Tensor, ...]:
        return (torch.zeros(batch, self.alpha.numel(), dtype=self.dtype),)

    def __call__(self, state: tuple[Tensor, ...], current: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        raise NotImplementedError


class _AlifStep(_NeuronStep):
    def __init__(self, model: ALIF, tick_ns: int, dtype: torch.dtype) -> None:
        super().__init__(np.asarray(model.tau_mem_ns), model.normalised, tick_ns, dtype)
        self.rho = self.tensor(np.exp(-tick_ns / np.asarray(model.tau_adp_ns)))
        self.base, self.beta = self.tensor(model.base_threshold), self.tensor(model.beta)
        self.bias, self.start = self.tensor(model.bias), self.tensor(model.initial_adaptation)

    def initial(self, batch: int) -> tuple[Tensor, ...]:
        zero = torch.zeros(batch, self.alpha.numel(), dtype=self.dtype)
        return zero, self.start.expand_as(zero), zero

    def __call__(self, state: tuple[Tensor, ...], current: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        membrane, adaptation, spike = state
        adaptation = self.rho * adaptation + (1.0 - self.rho) * spike
        threshold = self.base + self.beta * adaptation
        membrane = self.alpha * membrane + self.gain * (current + self.bias) - threshold * spike
        spike = Spike.apply(membrane - threshold)
        return (membrane, adaptation, spike), spike


class _LifStep(_NeuronStep):
    def __init__(self, model: LIF, tick_ns: int, dtype: torch.dtype) -> None:
        super().__init__(np.asarray(model.tau_ns), model.normalised, tick_ns, dtype)
        if np.any(model.refractory_ns):
            raise NetworkError("the twin of a LIF neuron has no refractory time")
        self.threshold, self.bias = self.tensor(model.threshold), self.tensor(model.bias)
        self.reset, self.potential = model.reset, self.tensor(model.reset_potential)

    def __call__(self, state: tuple[Tensor, ...], current: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        membrane = self.alpha * state[0] + self.gain * (current + self.bias)
        spike = Spike.apply(membrane - self.threshold)
        if self.reset == "soft":
            membrane = membrane - self.threshold * spike
        elif self.reset == "hard":
            membrane = membrane + spike * (self.potential - membrane)
        return (membrane,), spike


class _IntegratorStep(_NeuronStep):
    def __init__(self, model: LeakyIntegrator, tick_ns: int, dtype: torch.dtype) -> None:
        super().__init__(np.asarray(model.tau_ns), model.normalised, tick_ns, dtype)
        self.bias = self.tensor(model.bias)

    def __call__(self, state: tuple[Tensor, ...], current: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        membrane = self.alpha * state[0] + self.gain * (current + self.bias)
        return (membrane,), membrane
