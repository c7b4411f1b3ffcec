"""Leaky integrate-and-fire neuron with current jumps; integrate-and-fire where tau is infinite."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventsim.engine.calendar import calendar_at, forget, schedule
from eventsim.engine.crossing import Course, Decay, earliest_crossing, first_crossing, membrane_after
from eventsim.engine.jit import entry, floats_at, indices, ints_at, part
from eventsim.engine.layout import F_FIRED, HANDLE_SIZE, NEVER, Neurons, neurons_at, touched_at
from eventsim.errors import NetworkError
from eventsim.models.model import (
    Entries,
    FloatArray,
    Form,
    NeuronModel,
    Parameter,
    deaf_ticks,
    decay_rows,
    input_gain,
    reset_rows,
)
from eventsim.models.scaled.form import scaled_form


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
        """Return the rows ALPHA, LOG, LOSS, DRIVE, GAIN, THETA, KEEP, DROP, REFRACTORY.

        A reset makes v KEEP - DROP of v.
        """
        alpha, log2, loss = decay_rows(np.asarray(self.tau_ns), tick_ns)
        gain = input_gain(loss, self.normalised)
        keep, drop = reset_rows(self.reset, np.asarray(self.threshold), np.asarray(self.reset_potential))
        deaf = deaf_ticks(self, np.asarray(self.refractory_ns), tick_ns)
        return np.stack(
            [alpha, log2, loss, gain * self.bias, gain, np.asarray(self.threshold), keep, drop, deaf]
        )

    def initial_state(self) -> FloatArray:
        """Return the membrane, at 0."""
        return np.zeros((1, np.asarray(self.tau_ns).shape[0]))

    def entries(self) -> Entries:
        """Return the compiled functions that run the model."""
        return Entries(update_lif, membrane_of_lif, look_lif, start_lif)

    def form(self, tick_ns: int, forms: Collection[str]) -> Form:
        """Return the form that scales time out of the membrane where it applies, else the general one."""
        return scaled_form(self, tick_ns, forms) or super().form(tick_ns, forms)


_ALPHA, _LOG, _LOSS, _DRIVE, _GAIN, _THETA, _KEEP, _DROP, _REFRACTORY = range(9)  # rows of the parameters


@part
def _course(neurons: Neurons, i: int) -> Course:
    p, n = neurons.parameters, neurons.size
    alpha = Decay(p[_ALPHA * n + i], p[_LOG * n + i], p[_LOSS * n + i])
    return Course(
        neurons.values[i], p[_DRIVE * n + i], alpha, p[_THETA * n + i], 0.0, 0.0, Decay(1.0, 0.0, 0.0)
    )


@entry
def update_lif(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Bring the touched neurons to `tick` with their input; list those that fire, return how many."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar, fired = neurons_at(handle, population), calendar_at(handle), indices(handle, F_FIRED)
    touched = touched_at(handle, neurons, count).who
    n, p, v, last = neurons.size, neurons.parameters, neurons.values, neurons.last
    spikes = 0
    for q in range(touched.shape[0]):
        i = touched[q]
        x = neurons.drive[i]
        neurons.drive[i] = 0.0
        k = tick - last[i]
        if k <= 0:
            continue  # refractory: `last` lies ahead, at the last deaf tick
        c = _course(neurons, i)
        u = membrane_after(c.u, c.drive, c.alpha, k) + p[_GAIN * n + i] * x
        last[i] = tick
        if u > c.base:
            u = u * p[_KEEP * n + i] - p[_DROP * n + i]
            last[i] = tick + int(p[_REFRACTORY * n + i])
            forget(calendar, neurons, i)  # an earlier look would fall into the refractory time
            fired[spikes] = i
            spikes += 1
        v[i] = u
        k = earliest_crossing(_course(neurons, i))
        schedule(calendar, neurons, i, tick, NEVER if k >= NEVER else last[i] + k)
    return spikes


@entry
def look_lif(address_of_handle: int, population: int, i: int, tick: int) -> int:
    """Return the first tick from `tick` on at which neuron i fires by itself, or NEVER."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    k = first_crossing(_course(neurons, i), tick - neurons.last[i])
    return NEVER if k >= NEVER else neurons.last[i] + k


@entry
def start_lif(address_of_handle: int, population: int, tick: int, _: int) -> int:
    """Schedule the first look at each neuron."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar = neurons_at(handle, population), calendar_at(handle)
    for i in range(neurons.size):
        k = earliest_crossing(_course(neurons, i))
        schedule(calendar, neurons, i, tick - 1, NEVER if k >= NEVER else tick - 1 + k)
    return 0


@entry
def membrane_of_lif(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write the membranes at `tick`."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    membranes = floats_at(address, neurons.size)
    for i in range(neurons.size):
        k, c = tick - neurons.last[i], _course(neurons, i)
        membranes[i] = membrane_after(c.u, c.drive, c.alpha, k) if k > 0 else c.u
    return 0
