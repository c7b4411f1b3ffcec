"""Adaptive leaky integrate-and-fire neuron with the late soft reset of Yin, Corradi, Bohté 2021."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventsim.engine.calendar import schedule
from eventsim.engine.crossing import Course, earliest_crossing, first_crossing, membrane_after, power
from eventsim.engine.jit import part
from eventsim.engine.layout import NEVER, Calendar, Floats, Indices, Neurons
from eventsim.models.model import FloatArray, NeuronModel, Parameter, decay, input_gain


@dataclass(frozen=True, eq=False)
class ALIF(NeuronModel):
    """Adaptive LIF: every spike raises the neuron's own threshold; reset and raise come one tick late.

    Per tick (primes: previous tick), with alpha = exp(-tick / tau_mem), rho = exp(-tick / tau_adp) and
    g = 1 - alpha where normalised, else 1:
    ``a = rho a' + (1 - rho) S'``; ``theta = base_threshold + beta a``;
    ``u = alpha u' + g (bias + sum w x) - theta S'``; ``S = u > theta`` (strict).

    Parameters
    ----------
    tau_mem_ns, tau_adp_ns : time constants of membrane and adaptation, ns; inf allowed
    base_threshold, beta : threshold at rest, and what one unit of adaptation adds to it
    bias : constant input per tick
    initial_adaptation : a before the first tick
    normalised : True scales bias and input by 1 - alpha

    Source: Yin, Corradi, Bohté 2021 (arXiv 2103.12593) and its published code, `spike_neuron.py`.
    """

    kind: ClassVar[str] = "alif"
    code: ClassVar[int] = 2
    spiking: ClassVar[bool] = True

    tau_mem_ns: Parameter
    tau_adp_ns: Parameter
    base_threshold: Parameter
    beta: Parameter
    bias: Parameter = 0.0
    initial_adaptation: Parameter = 0.0
    normalised: bool = True

    def validate(self) -> None:
        """Raise NetworkError where a parameter has a value that is not allowed."""
        self.require("tau_mem_ns", np.greater(self.tau_mem_ns, 0), "positive")
        self.require("tau_adp_ns", np.greater(self.tau_adp_ns, 0), "positive")
        if self.normalised:
            self.require("tau_mem_ns", np.isfinite(self.tau_mem_ns), "finite where normalised")
        for name in ("base_threshold", "beta", "bias", "initial_adaptation"):
            self.require(name, np.isfinite(getattr(self, name)), "finite")

    def kernel_parameters(self, tick_ns: int) -> FloatArray:
        """Return the rows ALPHA, DRIVE, GAIN, RHO, BASE, BETA."""
        alpha = decay(np.asarray(self.tau_mem_ns), tick_ns)
        gain = input_gain(alpha, self.normalised)
        rho = decay(np.asarray(self.tau_adp_ns), tick_ns)
        return np.stack(
            [alpha, gain * self.bias, gain, rho, np.asarray(self.base_threshold), np.asarray(self.beta)]
        )

    def initial_state(self) -> FloatArray:
        """Return membrane 0, adaptation as given, previous spike 0."""
        adaptation = np.asarray(self.initial_adaptation)
        return np.stack([np.zeros_like(adaptation), adaptation, np.zeros_like(adaptation)])


_ALPHA, _DRIVE, _GAIN, _RHO, _BASE, _BETA = range(6)  # rows of the kernel's parameters
_U, _A, _S = range(3)  # rows of the state


@part
def _course(p: Floats, v: Floats, n: int, i: int) -> Course:
    return Course(
        v[_U * n + i],
        p[_DRIVE * n + i],
        p[_ALPHA * n + i],
        p[_BASE * n + i],
        p[_BETA * n + i],
        v[_A * n + i],
        p[_RHO * n + i],
    )


@part
def update_alif(neurons: Neurons, calendar: Calendar, tick: int, touched: Indices, fired: Indices) -> int:
    """Bring the touched neurons to `tick` with their input; list those that fire, return how many."""
    n, p, v, last, drive = neurons.size, neurons.parameters, neurons.values, neurons.last, neurons.drive
    population, first = neurons.population, neurons.first
    due, soon, soon_count = calendar.due, calendar.soon, calendar.soon_count
    heap, registers = calendar.heap, calendar.registers
    count = 0
    for q in range(touched.shape[0]):
        i = touched[q]
        x = drive[i]
        drive[i] = 0.0
        k = tick - last[i]
        last[i] = tick
        base, beta, rho = p[_BASE * n + i], p[_BETA * n + i], p[_RHO * n + i]
        a = power(rho, k) * v[_A * n + i]
        u = membrane_after(v[_U * n + i], p[_DRIVE * n + i], p[_ALPHA * n + i], k) + p[_GAIN * n + i] * x
        if v[_S * n + i] != 0.0:  # the tick after a spike: k is 1, because the spike made this tick due
            a += 1.0 - rho
            u -= base + beta * a
        v[_A * n + i], v[_U * n + i] = a, u
        if u > base + beta * a:
            v[_S * n + i] = 1.0
            fired[count] = i
            count += 1
            k = 1
        else:
            v[_S * n + i] = 0.0
            k = earliest_crossing(_course(p, v, n, i))
        when = NEVER if k >= NEVER else tick + k
        schedule(due, soon, soon_count, heap, registers, (population, first, i), tick, when)
    return count


@part
def crossing_alif(neurons: Neurons, i: int, k: int) -> int:
    """Return the first number of ticks >= k after which neuron i acts by itself, or NEVER."""
    if neurons.values[_S * neurons.size + i] != 0.0:
        return k  # its late reset
    return first_crossing(_course(neurons.parameters, neurons.values, neurons.size, i), k)


@part
def earliest_alif(neurons: Neurons, i: int) -> int:
    """Return a number of ticks before which neuron i certainly does not fire by itself, or NEVER."""
    return earliest_crossing(_course(neurons.parameters, neurons.values, neurons.size, i))
