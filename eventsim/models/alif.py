"""Adaptive leaky integrate-and-fire neuron with the late soft reset of Yin, Corradi, Bohté 2021."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit

from eventsim.engine.calendar import schedule
from eventsim.engine.crossing import Course, earliest_crossing, first_crossing, membrane_after, power
from eventsim.engine.layout import NEVER, Floats, Indices, State
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


_ALPHA, _DRIVE, _GAIN, _RHO, _BASE, _BETA = range(6)
_U, _A, _S = range(3)


@njit(cache=True, nogil=True)
def _course(values: Floats, p: Floats, i: int) -> Course:
    u, a = values[_U, i], values[_A, i]
    return Course(u, p[_DRIVE, i], p[_ALPHA, i], p[_BASE, i], p[_BETA, i], a, p[_RHO, i])


@njit(cache=True, nogil=True)
def update_alif(
    state: State, values: Floats, p: Floats, population: int, first: int, tick: int, touched: Indices
) -> int:
    """Bring the touched neurons to `tick` with their input; list those that fire in `state.fired`."""
    u, a, s = values[_U], values[_A], values[_S]
    fired = 0
    for q in range(touched.shape[0]):
        i = touched[q]
        n = first + i
        x = state.drive[n]
        state.drive[n] = 0.0
        k = tick - state.last[n]
        state.last[n] = tick
        a[i] = power(p[_RHO, i], k) * a[i]
        u[i] = membrane_after(u[i], p[_DRIVE, i], p[_ALPHA, i], k) + p[_GAIN, i] * x
        if s[i] != 0.0:  # the tick after a spike: k is 1, because the spike made this tick due
            a[i] += 1.0 - p[_RHO, i]
            u[i] -= p[_BASE, i] + p[_BETA, i] * a[i]
        if u[i] > p[_BASE, i] + p[_BETA, i] * a[i]:
            s[i] = 1.0
            state.fired[fired] = i
            fired += 1
            schedule(state.calendar, population, first, i, tick, tick + 1)
        else:
            s[i] = 0.0
            k = earliest_crossing(_course(values, p, i))
            schedule(state.calendar, population, first, i, tick, NEVER if k >= NEVER else tick + k)
    return fired


@njit(cache=True, nogil=True)
def crossing_alif(values: Floats, p: Floats, i: int, k: int) -> int:
    """Return the first number of ticks >= k after which neuron i must be touched, or NEVER."""
    if values[_S, i] != 0.0:
        return k
    return first_crossing(_course(values, p, i), k)


@njit(cache=True, nogil=True)
def earliest_alif(values: Floats, p: Floats, i: int) -> int:
    """Return a number of ticks before which neuron i certainly does not fire by itself, or NEVER."""
    return earliest_crossing(_course(values, p, i))
