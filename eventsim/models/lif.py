"""Leaky integrate-and-fire neuron with current jumps; integrate-and-fire where tau is infinite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventsim.engine.calendar import schedule
from eventsim.engine.crossing import Course, earliest_crossing, first_crossing, membrane_after
from eventsim.engine.jit import part
from eventsim.engine.layout import NEVER, Calendar, Floats, Indices, Neurons
from eventsim.errors import NetworkError
from eventsim.models.model import FloatArray, NeuronModel, Parameter, decay, input_gain


@dataclass(frozen=True, eq=False)
class LIF(NeuronModel):
    """Leaky integrate-and-fire: an input jumps the membrane, and a spike resets it at once.

    Per tick, with alpha = exp(-tick / tau) and g = 1 - alpha where normalised, else 1:
    ``v = alpha v' + g (bias + sum w x)``; it spikes where ``v > threshold`` (strict), at most once per
    tick, and then at once ``v -= threshold`` (soft), ``v = reset_potential`` (hard) or nothing (none). For
    the refractory time after a spike the membrane is held and input is lost.

    Parameters
    ----------
    tau_ns : membrane time constant, ns; inf for a perfect integrator
    threshold : membrane value that must be exceeded
    bias : constant input per tick
    reset : "soft", "hard" or "none"
    reset_potential : membrane after a hard reset
    refractory_ns : whole ticks during which the neuron is deaf after a spike, ns
    normalised : True scales bias and input by 1 - alpha

    Source: Gerstner et al. 2014, Neuronal Dynamics, section 1.3, integrated exactly over one tick.
    """

    kind: ClassVar[str] = "lif"
    code: ClassVar[int] = 1
    spiking: ClassVar[bool] = True

    tau_ns: Parameter
    threshold: Parameter = 1.0
    bias: Parameter = 0.0
    reset: str = "soft"
    reset_potential: Parameter = 0.0
    refractory_ns: Parameter = 0.0
    normalised: bool = False

    def validate(self) -> None:
        """Raise NetworkError where a parameter has a value that is not allowed."""
        if self.reset not in ("soft", "hard", "none"):
            raise NetworkError(f'lif: reset must be "soft", "hard" or "none", got {self.reset!r}')
        self.require("tau_ns", np.greater(self.tau_ns, 0), "positive")
        if self.normalised:
            self.require("tau_ns", np.isfinite(self.tau_ns), "finite where normalised")
        for name in ("threshold", "bias", "reset_potential"):
            self.require(name, np.isfinite(getattr(self, name)), "finite")
        refractory = np.asarray(self.refractory_ns)
        allowed = (refractory >= 0) & (refractory < 2**53) & (refractory == np.floor(refractory))
        self.require("refractory_ns", allowed, "a whole number of ns, not negative")

    def kernel_parameters(self, tick_ns: int) -> FloatArray:
        """Return the rows ALPHA, DRIVE, GAIN, THETA, KEEP, DROP, REFRACTORY: a reset is ``v KEEP - DROP``."""
        refractory = np.asarray(self.refractory_ns)
        self.require("refractory_ns", refractory % tick_ns == 0, f"a multiple of the tick ({tick_ns} ns)")
        alpha = decay(np.asarray(self.tau_ns), tick_ns)
        gain = input_gain(alpha, self.normalised)
        theta, potential = np.asarray(self.threshold), np.asarray(self.reset_potential)
        keep = np.full_like(alpha, 0.0 if self.reset == "hard" else 1.0)
        drop = {"soft": theta, "hard": -potential, "none": np.zeros_like(alpha)}[self.reset]
        return np.stack([alpha, gain * self.bias, gain, theta, keep, drop, refractory // tick_ns])

    def initial_state(self) -> FloatArray:
        """Return the membrane, at 0."""
        return np.zeros((1, np.asarray(self.tau_ns).shape[0]))


_ALPHA, _DRIVE, _GAIN, _THETA, _KEEP, _DROP, _REFRACTORY = range(7)  # rows of the kernel's parameters


@part
def _course(p: Floats, v: Floats, n: int, i: int) -> Course:
    return Course(v[i], p[_DRIVE * n + i], p[_ALPHA * n + i], p[_THETA * n + i], 0.0, 0.0, 1.0)


@part
def update_lif(neurons: Neurons, calendar: Calendar, tick: int, touched: Indices, fired: Indices) -> int:
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
        if k <= 0:
            continue  # refractory: `last` lies ahead, at the last deaf tick
        u = membrane_after(v[i], p[_DRIVE * n + i], p[_ALPHA * n + i], k) + p[_GAIN * n + i] * x
        last[i] = tick
        if u > p[_THETA * n + i]:
            u = u * p[_KEEP * n + i] - p[_DROP * n + i]
            last[i] = tick + int(p[_REFRACTORY * n + i])
            due[first + i] = NEVER  # an earlier look would fall into the refractory time
            fired[count] = i
            count += 1
        v[i] = u
        k = earliest_crossing(_course(p, v, n, i))
        when = NEVER if k >= NEVER else last[i] + k
        schedule(due, soon, soon_count, heap, registers, (population, first, i), tick, when)
    return count


@part
def crossing_lif(neurons: Neurons, i: int, k: int) -> int:
    """Return the first number of ticks >= k after which neuron i fires by itself, or NEVER."""
    return first_crossing(_course(neurons.parameters, neurons.values, neurons.size, i), k)


@part
def earliest_lif(neurons: Neurons, i: int) -> int:
    """Return a number of ticks before which neuron i certainly does not fire by itself, or NEVER."""
    return earliest_crossing(_course(neurons.parameters, neurons.values, neurons.size, i))
