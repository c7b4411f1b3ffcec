"""Leaky integrator: the readout that never spikes and says its membrane whenever an event reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventsim.engine.crossing import membrane_after
from eventsim.engine.jit import part
from eventsim.engine.layout import Indices, Neurons
from eventsim.models.model import FloatArray, NeuronModel, Parameter, decay, input_gain


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
    code: ClassVar[int] = 3
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
        """Return the rows ALPHA, DRIVE, GAIN."""
        alpha = decay(np.asarray(self.tau_ns), tick_ns)
        gain = input_gain(alpha, self.normalised)
        return np.stack([alpha, gain * self.bias, gain])

    def initial_state(self) -> FloatArray:
        """Return the membrane, at 0."""
        return np.zeros((1, np.asarray(self.tau_ns).shape[0]))


_ALPHA, _DRIVE, _GAIN = range(3)  # rows of the kernel's parameters


@part
def update_leaky_integrator(neurons: Neurons, tick: int, touched: Indices) -> int:
    """Bring the touched neurons to `tick` with their input; return 0, the number of spikes."""
    n, p, v, last, drive = neurons.size, neurons.parameters, neurons.values, neurons.last, neurons.drive
    for q in range(touched.shape[0]):
        i = touched[q]
        moved = membrane_after(v[i], p[_DRIVE * n + i], p[_ALPHA * n + i], tick - last[i])
        v[i] = moved + p[_GAIN * n + i] * drive[i]
        drive[i] = 0.0
        last[i] = tick
    return 0
