"""Current-based leaky integrator: the readout behind an exponential current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventsim.engine.crossing import power
from eventsim.engine.jit import entry, floats_at, ints_at, part
from eventsim.engine.layout import HANDLE_SIZE, Neurons, neurons_at, touched_at
from eventsim.models.cuba_lif import exponential_current
from eventsim.models.current_course import (
    ALPHA,
    N_COURSE_ROWS,
    SIGMA,
    DrivenCourse,
    coupling_at,
    decay_at,
    driven_after,
)
from eventsim.models.model import Entries, FloatArray, NeuronModel, Parameter


@dataclass(frozen=True, eq=False)
class CubaLI(NeuronModel):
    """Current-based leaky integrator: `CubaLIF` without a threshold; where an event reaches it, it says v.

    Per tick, with the constants of `CubaLIF`: ``v = alpha v' + c (alpha - sigma) i' + bias``;
    ``i = sigma i' + input_gain sum w x``. The output event is (tick, index, value = v); the input of that
    tick is in the current by then, and moves v from the next tick on. `Session.membrane` and probes tell v at
    any time.

    Parameters
    ----------
    tau_mem_ns : membrane time constant, ns, finite
    tau_syn_ns : time constant of the current, ns; inf for a current that stays
    bias : constant added to the membrane per tick
    input_gain : by how much an input of 1 raises the current

    Source: Rotter and Diesmann 1999, Biological Cybernetics 81, 381-402, section 3.1; the CubaLI of NIR.
    """

    kind: ClassVar[str] = "cuba_li"
    spiking: ClassVar[bool] = False

    tau_mem_ns: Parameter
    tau_syn_ns: Parameter
    bias: Parameter = 0.0
    input_gain: Parameter = 1.0

    def validate(self) -> None:
        """Raise NetworkError where a parameter has a value that is not allowed."""
        tau = np.asarray(self.tau_mem_ns)
        self.require("tau_mem_ns", (tau > 0) & np.isfinite(tau), "positive and finite")
        self.require("tau_syn_ns", np.greater(self.tau_syn_ns, 0), "positive")
        for name in ("bias", "input_gain"):
            self.require(name, np.isfinite(getattr(self, name)), "finite")

    def kernel_parameters(self, tick_ns: int) -> FloatArray:
        """Return the rows of the course, then DRIVE, GAIN."""
        course = exponential_current(np.asarray(self.tau_mem_ns), np.asarray(self.tau_syn_ns), tick_ns)
        return np.stack([*course, np.asarray(self.bias), np.asarray(self.input_gain)])

    def initial_state(self) -> FloatArray:
        """Return membrane and current, at 0."""
        return np.zeros((2, np.asarray(self.tau_mem_ns).shape[0]))

    def entries(self) -> Entries:
        """Return the compiled functions that run the model."""
        return Entries(update_cuba_li, membrane_of_cuba_li)


# Rows of the parameters after those of the course, then of the state.
_DRIVE, _GAIN = range(N_COURSE_ROWS, N_COURSE_ROWS + 2)
_V, _I = range(2)


@part
def _membrane_at(neurons: Neurons, i: int, tick: int) -> float:
    p, v, n = neurons.parameters, neurons.values, neurons.size
    k = tick - neurons.last[i]
    if k <= 0:
        return float(v[_V * n + i])
    alpha, sigma = decay_at(p, ALPHA, n, i), decay_at(p, SIGMA, n, i)
    course = DrivenCourse(
        v[_V * n + i], p[_DRIVE * n + i], alpha, v[_I * n + i], sigma, coupling_at(p, n, i), 0.0
    )
    return driven_after(course, k)


@entry
def update_cuba_li(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Bring the touched neurons to `tick` with their input; none fires."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons = neurons_at(handle, population)
    touched = touched_at(handle, neurons, count).who
    n, p, v = neurons.size, neurons.parameters, neurons.values
    for q in range(touched.shape[0]):
        i = touched[q]
        v[_V * n + i] = _membrane_at(neurons, i, tick)
        left = power(decay_at(p, SIGMA, n, i), tick - neurons.last[i])
        v[_I * n + i] = left * v[_I * n + i] + p[_GAIN * n + i] * neurons.drive[i]
        neurons.drive[i] = 0.0
        neurons.last[i] = tick
    return 0


@entry
def membrane_of_cuba_li(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write the membranes at `tick`."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    membranes = floats_at(address, neurons.size)
    for i in range(neurons.size):
        membranes[i] = _membrane_at(neurons, i, tick)
    return 0
