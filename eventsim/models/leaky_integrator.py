"""Leaky integrator: the readout that never spikes and says its membrane whenever an event reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventsim.engine.crossing import Decay, membrane_after
from eventsim.engine.jit import entry, floats_at, ints_at, part
from eventsim.engine.layout import HANDLE_SIZE, Neurons, neurons_at, touched_at
from eventsim.models.model import Entries, FloatArray, NeuronModel, Parameter, decay_rows, input_gain


@dataclass(frozen=True, eq=False)
class LeakyIntegrator(NeuronModel):
    """Leaky integrator: no threshold; each tick in which an event reaches it, it emits its membrane.

    Per tick, with alpha = exp(-tick / tau) and g = 1 - alpha where normalised, else 1:
    ``v = alpha v' + g (bias + sum w x)``. The output event is (tick, index, value = v).

    Parameters
    ----------
    tau_ns : time constant, ns; inf for a perfect integrator
    bias : constant input per tick
    normalised : True scales bias and input by 1 - alpha

    Source: Yin, Corradi, Bohté 2021 (arXiv 2103.12593), the readout neuron.
    """

    kind: ClassVar[str] = "leaky_integrator"
    spiking: ClassVar[bool] = False

    tau_ns: Parameter
    bias: Parameter = 0.0
    normalised: bool = False

    def validate(self) -> None:
        """Raise NetworkError where a parameter has a value that is not allowed."""
        self.require("tau_ns", np.greater(self.tau_ns, 0), "positive")
        if self.normalised:
            self.require("tau_ns", np.isfinite(self.tau_ns), "finite where normalised")
        self.require("bias", np.isfinite(self.bias), "finite")

    def kernel_parameters(self, tick_ns: int) -> FloatArray:
        """Return the rows ALPHA, LOG, LOSS, DRIVE, GAIN."""
        alpha, log2, loss = decay_rows(np.asarray(self.tau_ns), tick_ns)
        gain = input_gain(loss, self.normalised)
        return np.stack([alpha, log2, loss, gain * self.bias, gain])

    def initial_state(self) -> FloatArray:
        """Return the membrane, at 0."""
        return np.zeros((1, np.asarray(self.tau_ns).shape[0]))

    def entries(self) -> Entries:
        """Return the compiled functions that run the model."""
        return Entries(update_leaky_integrator, membrane_of_leaky_integrator)


_ALPHA, _LOG, _LOSS, _DRIVE, _GAIN = range(5)  # rows of the parameters


@part
def _membrane_at(neurons: Neurons, i: int, tick: int) -> float:
    p, n = neurons.parameters, neurons.size
    k = tick - neurons.last[i]
    if k <= 0:
        return float(neurons.values[i])
    alpha = Decay(p[_ALPHA * n + i], p[_LOG * n + i], p[_LOSS * n + i])
    return membrane_after(neurons.values[i], p[_DRIVE * n + i], alpha, k)


@entry
def update_leaky_integrator(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Bring the touched neurons to `tick` with their input; none fires."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons = neurons_at(handle, population)
    touched = touched_at(handle, neurons, count).who
    gain = _GAIN * neurons.size
    for q in range(touched.shape[0]):
        i = touched[q]
        neurons.values[i] = _membrane_at(neurons, i, tick) + neurons.parameters[gain + i] * neurons.drive[i]
        neurons.drive[i] = 0.0
        neurons.last[i] = tick
    return 0


@entry
def membrane_of_leaky_integrator(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write the membranes at `tick`."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    membranes = floats_at(address, neurons.size)
    for i in range(neurons.size):
        membranes[i] = _membrane_at(neurons, i, tick)
    return 0
