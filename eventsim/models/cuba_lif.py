"""Current-based leaky integrate-and-fire neuron: a spike's input is a current that decays exponentially."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventsim.engine.calendar import calendar_at, schedule
from eventsim.engine.crossing import power
from eventsim.engine.jit import entry, floats_at, indices, ints_at, part
from eventsim.engine.layout import F_FIRED, HANDLE_SIZE, NEVER, Neurons, neurons_at, touched_at
from eventsim.errors import NetworkError
from eventsim.models.current_course import (
    ALPHA,
    N_COURSE_ROWS,
    SIGMA,
    DrivenCourse,
    coupling_at,
    course_rows,
    decay_at,
    driven_after,
    earliest_driven,
    first_crossing_driven,
    spread_of,
)
from eventsim.models.model import (
    Entries,
    FloatArray,
    Form,
    NeuronModel,
    Parameter,
    deaf_ticks,
    decay_rows,
    reset_rows,
)
from eventsim.models.scaled_current.form import scaled_current_form


@dataclass(frozen=True, eq=False)
class CubaLIF(NeuronModel):
    """Current-based LIF: an input jumps a current, which decays and drives the membrane.

    Between ticks ``tau_mem dv/dt = -v + i`` and ``tau_syn di/dt = -i``, integrated exactly. Per tick, with
    alpha = exp(-tick / tau_mem), sigma = exp(-tick / tau_syn) and c = tau_syn / (tau_mem - tau_syn):
    ``v = alpha v' + c (alpha - sigma) i' + bias`` (``alpha v' + tick / tau_mem alpha i' + bias`` where the
    time constants are equal); ``i = sigma i' + input_gain sum w x``. So an input moves the membrane from the
    next tick on. It spikes where ``v > threshold`` (strict), at most once per tick, and then at once
    ``v -= threshold`` (soft), ``v = reset_potential`` (hard) or nothing (none); the current stays. For the
    refractory time after a spike the membrane is held, while the current decays and collects input.

    Parameters
    ----------
    tau_mem_ns : membrane time constant, ns, finite
    tau_syn_ns : time constant of the current, ns; inf for a current that stays
    threshold : membrane value that must be exceeded
    bias : constant added to the membrane per tick
    reset : "soft", "hard" or "none"
    reset_potential : membrane after a hard reset
    refractory_ns : whole ticks during which the membrane is held after a spike, ns
    input_gain : by how much an input of 1 raises the current

    Source: Rotter and Diesmann 1999, Biological Cybernetics 81, 381-402, sections 3.1 and 3.3 (exact
    integration; a current that goes on through the refractory time).
    """

    kind: ClassVar[str] = "cuba_lif"

    tau_mem_ns: Parameter
    tau_syn_ns: Parameter
    threshold: Parameter = 1.0
    bias: Parameter = 0.0
    reset: str = "soft"
    reset_potential: Parameter = 0.0
    refractory_ns: Parameter = 0.0
    input_gain: Parameter = 1.0

    def validate(self) -> None:
        """Raise NetworkError where a parameter has a value that is not allowed."""
        if self.reset not in ("soft", "hard", "none"):
            raise NetworkError(f'cuba_lif: reset must be "soft", "hard" or "none", got {self.reset!r}')
        tau = np.asarray(self.tau_mem_ns)
        self.require("tau_mem_ns", (tau > 0) & np.isfinite(tau), "positive and finite")
        self.require("tau_syn_ns", np.greater(self.tau_syn_ns, 0), "positive")
        for name in ("threshold", "bias", "reset_potential", "input_gain"):
            self.require(name, np.isfinite(getattr(self, name)), "finite")
        refractory = np.asarray(self.refractory_ns)
        allowed = (refractory >= 0) & (refractory < 2**53) & (refractory == np.floor(refractory))
        self.require("refractory_ns", allowed, "a whole number of ns, not negative")

    def kernel_parameters(self, tick_ns: int) -> FloatArray:
        """Return the rows of the course, then DRIVE, GAIN, THETA, KEEP, DROP, REFRACTORY.

        A reset makes v KEEP - DROP of v.
        """
        course = exponential_current(np.asarray(self.tau_mem_ns), np.asarray(self.tau_syn_ns), tick_ns)
        theta = np.asarray(self.threshold)
        keep, drop = reset_rows(self.reset, theta, np.asarray(self.reset_potential))
        deaf = deaf_ticks(self, np.asarray(self.refractory_ns), tick_ns)
        bias, gain = np.asarray(self.bias), np.asarray(self.input_gain)
        return np.stack([*course, bias, gain, theta, keep, drop, deaf])

    def initial_state(self) -> FloatArray:
        """Return membrane, current and deaf ticks left, all 0."""
        return np.zeros((3, np.asarray(self.tau_mem_ns).shape[0]))

    def entries(self) -> Entries:
        """Return the compiled functions that run the model."""
        return Entries(update_cuba_lif, membrane_of_cuba_lif, look_cuba_lif, start_cuba_lif)

    def form(self, tick_ns: int, forms: Collection[str]) -> Form:
        """Return the form that scales time out of the state where it applies, else the general one."""
        return scaled_current_form(self, tick_ns, forms) or super().form(tick_ns, forms)


def exponential_current(tau_mem_ns: FloatArray, tau_syn_ns: FloatArray, tick_ns: int) -> list[FloatArray]:
    """Return the rows of the course of a membrane behind an exponential current."""
    alpha, sigma = decay_rows(tau_mem_ns, tick_ns), decay_rows(tau_syn_ns, tick_ns)
    spread = spread_of(alpha, sigma)
    same = tau_mem_ns == tau_syn_ns
    # Not a number where the time constants are equal or one is infinite: then another form counts.
    with np.errstate(all="ignore"):
        far = np.where(np.isinf(tau_syn_ns), -1.0, tau_syn_ns / (tau_mem_ns - tau_syn_ns))
        # expm1(spread) / spread keeps the digits that alpha - sigma loses where the two are close.
        near = sigma[0] * (tick_ns / tau_mem_ns) * np.where(spread == 0, 1.0, np.expm1(spread) / spread)
        first = np.where(np.abs(spread) < 0.5, near, far * (alpha[0] - sigma[0]))
    far = np.where(same, 0.0, far)
    return course_rows(alpha, sigma, first, far)


# Rows of the parameters after those of the course, then of the state.
_DRIVE, _GAIN, _THETA, _KEEP, _DROP, _REFRACTORY = range(N_COURSE_ROWS, N_COURSE_ROWS + 6)
_V, _I, _DEAF = range(3)


@part
def _course(neurons: Neurons, i: int) -> DrivenCourse:
    """Return the course from the last deaf tick on."""
    p, v, n = neurons.parameters, neurons.values, neurons.size
    sigma, current, deaf = decay_at(p, SIGMA, n, i), v[_I * n + i], int(v[_DEAF * n + i])
    if deaf > 0:
        current *= power(sigma, deaf)
    alpha, drive, theta = decay_at(p, ALPHA, n, i), p[_DRIVE * n + i], p[_THETA * n + i]
    return DrivenCourse(v[_V * n + i], drive, alpha, current, sigma, coupling_at(p, n, i), theta)


@entry
def update_cuba_lif(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Bring the touched neurons to `tick` with their input; list those that fire, return how many."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar, fired = neurons_at(handle, population), calendar_at(handle), indices(handle, F_FIRED)
    touched = touched_at(handle, neurons, count).who
    n, p, v, last = neurons.size, neurons.parameters, neurons.values, neurons.last
    spikes = 0
    for q in range(touched.shape[0]):
        i = touched[q]
        x = p[_GAIN * n + i] * neurons.drive[i]
        neurons.drive[i] = 0.0
        k = tick - last[i]
        last[i] = tick
        course, deaf = _course(neurons, i), int(v[_DEAF * n + i])
        v[_I * n + i] = power(course.sigma, k) * v[_I * n + i] + x
        if k <= deaf:
            v[_DEAF * n + i] = deaf - k
        else:
            u = driven_after(course, k - deaf)
            v[_DEAF * n + i] = 0.0
            if u > course.theta:
                u = u * p[_KEEP * n + i] - p[_DROP * n + i]
                v[_DEAF * n + i] = p[_REFRACTORY * n + i]
                fired[spikes] = i
                spikes += 1
            v[_V * n + i] = u
        k = earliest_driven(_course(neurons, i))
        schedule(calendar, neurons, i, tick, NEVER if k >= NEVER else tick + int(v[_DEAF * n + i]) + k)
    return spikes


@entry
def look_cuba_lif(address_of_handle: int, population: int, i: int, tick: int) -> int:
    """Return the first tick from `tick` on at which neuron i fires by itself, or NEVER."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    hearing = neurons.last[i] + int(neurons.values[_DEAF * neurons.size + i])
    k = first_crossing_driven(_course(neurons, i), max(tick - hearing, 1))
    return NEVER if k >= NEVER else hearing + k


@entry
def start_cuba_lif(address_of_handle: int, population: int, tick: int, _: int) -> int:
    """Schedule the first look at each neuron."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar = neurons_at(handle, population), calendar_at(handle)
    for i in range(neurons.size):
        k = earliest_driven(_course(neurons, i))
        schedule(calendar, neurons, i, tick - 1, NEVER if k >= NEVER else tick - 1 + k)
    return 0


@entry
def membrane_of_cuba_lif(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write the membranes at `tick`."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    membranes = floats_at(address, neurons.size)
    for i in range(neurons.size):
        k, course = (
            tick - neurons.last[i] - int(neurons.values[_DEAF * neurons.size + i]),
            _course(neurons, i),
        )
        membranes[i] = driven_after(course, k) if k > 0 else course.v
    return 0
