"""Adaptive leaky integrate-and-fire neuron of Yin, Corradi, Bohté 2021, its soft reset late or immediate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventsim.engine.calendar import calendar_at, schedule
from eventsim.engine.crossing import (
    Course,
    Decay,
    earliest_crossing,
    first_crossing,
    membrane_after,
    power,
)
from eventsim.engine.jit import entry, floats_at, indices, ints_at, part
from eventsim.engine.layout import F_FIRED, HANDLE_SIZE, NEVER, Neurons, neurons_at, touched_at
from eventsim.errors import NetworkError
from eventsim.models.model import Entries, FloatArray, NeuronModel, Parameter, decay_rows, input_gain


@dataclass(frozen=True, eq=False)
class ALIF(NeuronModel):
    """Adaptive LIF: every spike raises the neuron's own threshold, and lowers the membrane by it.

    Per tick (primes: previous tick), with alpha = exp(-tick / tau_mem), rho = exp(-tick / tau_adp) and
    g = 1 - alpha where normalised, else 1, reset "late" (as published: reset and raise come one tick late):
    ``a = rho a' + (1 - rho) S'``; ``theta = base_threshold + beta a``;
    ``u = alpha u' + g (bias + sum w x) - theta S'``; ``S = u > theta`` (strict).

    Reset "immediate": ``a = rho a'``; ``theta = base_threshold + beta a``;
    ``u = alpha u' + g (bias + sum w x)``; ``S = u > theta`` (strict); and then at once, by the threshold just
    crossed, ``u -= theta S`` and ``a += (1 - rho) S``.

    Parameters
    ----------
    tau_mem_ns, tau_adp_ns : time constants of membrane and adaptation, ns; inf allowed
    base_threshold, beta : threshold at rest, and what one unit of adaptation adds to it
    bias : constant input per tick
    initial_adaptation : a before the first tick
    normalised : True scales bias and input by 1 - alpha
    reset : "late" or "immediate"

    Source: Yin, Corradi, Bohté 2021 (arXiv 2103.12593) and its published code, `spike_neuron.py`.
    """

    kind: ClassVar[str] = "alif"

    tau_mem_ns: Parameter
    tau_adp_ns: Parameter
    base_threshold: Parameter
    beta: Parameter
    bias: Parameter = 0.0
    initial_adaptation: Parameter = 0.0
    normalised: bool = True
    reset: str = "late"

    def validate(self) -> None:
        """Raise NetworkError where a parameter has a value that is not allowed."""
        if self.reset not in ("late", "immediate"):
            raise NetworkError(f'alif: reset must be "late" or "immediate", got {self.reset!r}')
        self.require("tau_mem_ns", np.greater(self.tau_mem_ns, 0), "positive")
        self.require("tau_adp_ns", np.greater(self.tau_adp_ns, 0), "positive")
        if self.normalised:
            self.require("tau_mem_ns", np.isfinite(self.tau_mem_ns), "finite where normalised")
        for name in ("base_threshold", "beta", "bias", "initial_adaptation"):
            self.require(name, np.isfinite(getattr(self, name)), "finite")

    def kernel_parameters(self, tick_ns: int) -> FloatArray:
        """Return the rows ALPHA and its LOG and LOSS, DRIVE, GAIN, RHO and its LOG and LOSS, BASE, BETA."""
        alpha, alpha_log, alpha_loss = decay_rows(np.asarray(self.tau_mem_ns), tick_ns)
        gain = input_gain(alpha_loss, self.normalised)
        rho = decay_rows(np.asarray(self.tau_adp_ns), tick_ns)
        base, beta = np.asarray(self.base_threshold), np.asarray(self.beta)
        return np.stack([alpha, alpha_log, alpha_loss, gain * self.bias, gain, *rho, base, beta])

    def initial_state(self) -> FloatArray:
        """Return membrane 0, adaptation as given, previous spike 0."""
        adaptation = np.asarray(self.initial_adaptation)
        return np.stack([np.zeros_like(adaptation), adaptation, np.zeros_like(adaptation)])

    def entries(self) -> Entries:
        """Return the compiled functions that run the model."""
        update = update_alif if self.reset == "late" else update_alif_immediate
        return Entries(update, membrane_of_alif, look_alif, start_alif)


# Rows of the parameters, then of the state.
_ALPHA, _ALPHA_LOG, _ALPHA_LOSS, _DRIVE, _GAIN, _RHO, _RHO_LOG, _RHO_LOSS, _BASE, _BETA = range(10)
_U, _A, _S = range(3)


@part
def _course(neurons: Neurons, i: int) -> Course:
    p, v, n = neurons.parameters, neurons.values, neurons.size
    return Course(
        v[_U * n + i],
        p[_DRIVE * n + i],
        Decay(p[_ALPHA * n + i], p[_ALPHA_LOG * n + i], p[_ALPHA_LOSS * n + i]),
        p[_BASE * n + i],
        p[_BETA * n + i],
        v[_A * n + i],
        Decay(p[_RHO * n + i], p[_RHO_LOG * n + i], p[_RHO_LOSS * n + i]),
    )


@entry
def update_alif(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Bring the touched neurons to `tick` with their input; list those that fire, return how many."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar, fired = neurons_at(handle, population), calendar_at(handle), indices(handle, F_FIRED)
    touched = touched_at(handle, neurons, count).who
    n, v = neurons.size, neurons.values
    spikes = 0
    for q in range(touched.shape[0]):
        i = touched[q]
        x = neurons.parameters[_GAIN * n + i] * neurons.drive[i]
        neurons.drive[i] = 0.0
        k = tick - neurons.last[i]
        neurons.last[i] = tick
        c = _course(neurons, i)
        a = power(c.rho, k) * c.a
        u = membrane_after(c.u, c.drive, c.alpha, k) + x
        if v[_S * n + i] != 0.0:  # the tick after a spike: k is 1, because the spike made this tick due
            a += c.rho.loss
            u -= c.base + c.beta * a
        v[_A * n + i], v[_U * n + i] = a, u
        if u > c.base + c.beta * a:
            v[_S * n + i] = 1.0
            fired[spikes] = i
            spikes += 1
            k = 1
        else:
            v[_S * n + i] = 0.0
            k = earliest_crossing(Course(u, c.drive, c.alpha, c.base, c.beta, a, c.rho))
        schedule(calendar, neurons, i, tick, NEVER if k >= NEVER else tick + k)
    return spikes


@entry
def update_alif_immediate(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Do what `update_alif` does, with reset and raise at the spike; no spike is ever left to reset."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar, fired = neurons_at(handle, population), calendar_at(handle), indices(handle, F_FIRED)
    touched = touched_at(handle, neurons, count).who
    n, v = neurons.size, neurons.values
    spikes = 0
    for q in range(touched.shape[0]):
        i = touched[q]
        x = neurons.parameters[_GAIN * n + i] * neurons.drive[i]
        neurons.drive[i] = 0.0
        k = tick - neurons.last[i]
        neurons.last[i] = tick
        c = _course(neurons, i)
        a = power(c.rho, k) * c.a
        u = membrane_after(c.u, c.drive, c.alpha, k) + x
        theta = c.base + c.beta * a
        if u > theta:
            u -= theta
            a += c.rho.loss
            fired[spikes] = i
            spikes += 1
        v[_A * n + i], v[_U * n + i] = a, u
        k = earliest_crossing(Course(u, c.drive, c.alpha, c.base, c.beta, a, c.rho))
        schedule(calendar, neurons, i, tick, NEVER if k >= NEVER else tick + k)
    return spikes


@entry
def look_alif(address_of_handle: int, population: int, i: int, tick: int) -> int:
    """Return the first tick from `tick` on at which neuron i acts by itself, or NEVER."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    if neurons.values[_S * neurons.size + i] != 0.0:
        return tick  # its late reset
    k = first_crossing(_course(neurons, i), tick - neurons.last[i])
    return NEVER if k >= NEVER else neurons.last[i] + k


@entry
def start_alif(address_of_handle: int, population: int, tick: int, _: int) -> int:
    """Schedule the first look at each neuron."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar = neurons_at(handle, population), calendar_at(handle)
    for i in range(neurons.size):
        k = earliest_crossing(_course(neurons, i))
        schedule(calendar, neurons, i, tick - 1, NEVER if k >= NEVER else tick - 1 + k)
    return 0


@entry
def membrane_of_alif(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write the membranes at `tick`."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    membranes = floats_at(address, neurons.size)
    for i in range(neurons.size):
        k, c = tick - neurons.last[i], _course(neurons, i)
        membranes[i] = membrane_after(c.u, c.drive, c.alpha, k) if k > 0 else c.u
    return 0
