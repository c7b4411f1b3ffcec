"""Sigma-delta low-pass neuron: a recurrent network of low-pass units (lpRNN) run on changes alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventsim.engine.calendar import calendar_at, schedule
from eventsim.engine.crossing import Decay, membrane_after
from eventsim.engine.jit import entry, floats_at, indices, ints_at, part, singles
from eventsim.engine.layout import (
    F_FIRED,
    F_FIRED_VALUE,
    HANDLE_SIZE,
    NEVER,
    Neurons,
    neurons_at,
    touched_at,
)
from eventsim.errors import NetworkError
from eventsim.models.model import Entries, FloatArray, NeuronModel, Parameter, decay_rows

_ACTIVATIONS = ("relu", "identity", "tanh")


@dataclass(frozen=True, eq=False)
class SigmaDelta(NeuronModel):
    """Sigma-delta low-pass neuron: inputs are changes of values, and so are its own graded, signed spikes.

    Per tick, with retention r = exp(-tick / tau): the changes received add up to the value that senders hold,
    ``z = z' + sum w x``; the activation follows it, ``y = r y' + (1 - r) f(z + bias)``. What the neuron has
    sent so far is s, the value that its receivers hold. Where ``|y - s| > threshold`` (strict) it spikes with
    the value ``d = sign(y - s) m threshold``, m being the whole number of thresholds in ``|y - s|`` but at
    most `largest_step`; then ``s = s' + d``. What is left over stays in y - s and counts later: an error
    feedback, so that errors do not add up. (d travels in float32, and s adds up what travels.)

    With a delay of one tick on recurrent projections, a network of them follows the lpRNN
    ``y_t = r y_{t-1} + (1 - r) f(W x_t + U y_{t-1} + b)`` to within the threshold, times what weights make of
    it. While y moves towards f(z + bias), the neuron spikes by itself.

    Parameters
    ----------
    tau_ns : time constant of the low-pass, ns; ``tau = -tick / ln r`` for a retention r
    threshold : error that must be exceeded, and the unit of what is sent; positive
    bias : b above
    activation : f: "relu", "identity" or "tanh"
    ceiling : with "relu", the greatest activation; inf for none
    largest_step : most thresholds that one spike carries: 1 for unit spikes with a sign, inf for graded ones

    Source: the equation is the lpRNN of Nair and Indiveri 2019 (arXiv 1905.10692); the feedback of what was
    sent is its sigma-delta neuron, there an analogue circuit. docs/models.md says what is theirs, what ours.
    """

    kind: ClassVar[str] = "sigma_delta"
    graded: ClassVar[bool] = True

    tau_ns: Parameter
    threshold: Parameter = 1.0
    bias: Parameter = 0.0
    activation: str = "relu"
    ceiling: Parameter = np.inf
    largest_step: Parameter = np.inf

    def validate(self) -> None:
        """Raise NetworkError where a parameter has a value that is not allowed."""
        if self.activation not in _ACTIVATIONS:
            allowed = ", ".join(f'"{name}"' for name in _ACTIVATIONS)
            raise NetworkError(f"sigma_delta: activation must be one of {allowed}, got {self.activation!r}")
        self.require("tau_ns", np.greater(self.tau_ns, 0), "positive")
        threshold, step = np.asarray(self.threshold), np.asarray(self.largest_step)
        self.require("threshold", (threshold > 0) & np.isfinite(threshold), "positive and finite")
        self.require("bias", np.isfinite(self.bias), "finite")
        self.require("ceiling", np.greater(self.ceiling, 0), "positive")
        self.require("largest_step", (step >= 1) & (step == np.floor(step)), "a whole number, at least 1")
        if self.activation != "relu":
            self.require("ceiling", np.isinf(self.ceiling), 'left out where activation is not "relu"')

    def kernel_parameters(self, tick_ns: int) -> FloatArray:
        """Return the rows R and its LOG and LOSS, BIAS, THETA, STEP, CEILING, ACTIVATION."""
        retention = decay_rows(np.asarray(self.tau_ns), tick_ns)
        theta = np.asarray(self.threshold)
        activation = np.full(theta.shape, float(_ACTIVATIONS.index(self.activation)))
        return np.stack(
            [
                *retention,
                np.asarray(self.bias),
                theta,
                np.asarray(self.largest_step),
                np.asarray(self.ceiling),
                activation,
            ]
        )

    def initial_state(self) -> FloatArray:
        """Return activation, value received and value sent, all 0."""
        return np.zeros((3, np.asarray(self.tau_ns).shape[0]))

    def entries(self) -> Entries:
        """Return the compiled functions that run the model."""
        return Entries(update_sigma_delta, membrane_of_sigma_delta, look_sigma_delta, start_sigma_delta)


# Rows of the parameters, then of the state.
_R, _LOG, _LOSS, _BIAS, _THETA, _STEP, _CEILING, _ACTIVATION = range(8)
_Y, _Z, _SENT = range(3)
_LONG = 1 << 50  # ticks: an error not exceeded by then is not exceeded


@part
def _retention(neurons: Neurons, i: int) -> Decay:
    p, n = neurons.parameters, neurons.size
    return Decay(p[_R * n + i], p[_LOG * n + i], p[_LOSS * n + i])


@part
def _goal(neurons: Neurons, i: int) -> float:
    """Return f(z + bias), towards which the activation moves."""
    p, n = neurons.parameters, neurons.size
    z = float(neurons.values[_Z * n + i] + p[_BIAS * n + i])
    if p[_ACTIVATION * n + i] == 0.0:
        return min(max(z, 0.0), float(p[_CEILING * n + i]))
    return z if p[_ACTIVATION * n + i] == 1.0 else math.tanh(z)


@part
def _activation_after(y: float, goal: float, r: Decay, k: int) -> float:
    """Return the activation k >= 1 ticks later, the goal staying where it is."""
    return membrane_after(y, r.loss * goal, r, k)


@part
def _earliest(neurons: Neurons, i: int) -> int:
    """Return a number of ticks before which the error certainly does not exceed the threshold, or NEVER."""
    n, r, goal = neurons.size, _retention(neurons, i), _goal(neurons, i)
    y, sent = neurons.values[_Y * n + i], neurons.values[_SENT * n + i]
    theta = neurons.parameters[_THETA * n + i]
    rate = r.loss * abs(goal - y)
    if abs(y - sent) > theta:
        return 1
    if abs(goal - sent) <= theta or rate <= 0.0:
        return NEVER
    gap = theta - (y - sent if goal > y else sent - y)
    # The slack covers rounding; the caller looks again at that tick, so an early answer costs only time.
    return int(min(max(gap, 0.0) / rate * (1.0 - 1e-9), 1e15)) + 1


@part
def _first_excess(neurons: Neurons, i: int, start: int) -> int:
    """Return the first k >= start (>= 1) at which the error exceeds the threshold, or NEVER.

    The activation goes one way, towards its goal: once the error is within the threshold, it leaves once.
    """
    n, r, goal = neurons.size, _retention(neurons, i), _goal(neurons, i)
    y, sent = neurons.values[_Y * n + i], neurons.values[_SENT * n + i]
    theta = neurons.parameters[_THETA * n + i]
    if abs(_activation_after(y, goal, r, start) - sent) > theta:
        return start
    if abs(goal - sent) <= theta or r.loss == 0.0:
        return NEVER
    low, step = start, 1
    while not abs(_activation_after(y, goal, r, low + step) - sent) > theta:
        if step > _LONG:
            return NEVER
        low += step
        step *= 2
    high = low + step
    while high - low > 1:
        middle = low + (high - low) // 2
        if abs(_activation_after(y, goal, r, middle) - sent) > theta:
            high = middle
        else:
            low = middle
    return high


@entry
def update_sigma_delta(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Bring the touched neurons to `tick` with their input; list those that fire, return how many."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar, fired = neurons_at(handle, population), calendar_at(handle), indices(handle, F_FIRED)
    value, touched = singles(handle, F_FIRED_VALUE), touched_at(handle, neurons, count).who
    n, p, v, last = neurons.size, neurons.parameters, neurons.values, neurons.last
    spikes = 0
    for q in range(touched.shape[0]):
        i = touched[q]
        k, r = tick - last[i], _retention(neurons, i)
        last[i] = tick
        y, x = v[_Y * n + i], neurons.drive[i]
        if x != 0.0:
            # The old value counted until the tick before.
            if k > 1:
                y = _activation_after(y, _goal(neurons, i), r, k - 1)
            v[_Z * n + i] += x
            neurons.drive[i] = 0.0
            k = 1
        y = _activation_after(y, _goal(neurons, i), r, k)
        v[_Y * n + i] = y
        error, theta = y - v[_SENT * n + i], p[_THETA * n + i]
        if abs(error) > theta:
            size = min(np.floor(abs(error) / theta), p[_STEP * n + i]) * theta
            value[spikes] = np.float32(size if error > 0.0 else -size)
            v[_SENT * n + i] += np.float64(value[spikes])
            fired[spikes] = i
            spikes += 1
        k = _earliest(neurons, i)
        schedule(calendar, neurons, i, tick, NEVER if k >= NEVER else tick + k)
    return spikes


@entry
def look_sigma_delta(address_of_handle: int, population: int, i: int, tick: int) -> int:
    """Return the first tick from `tick` on at which neuron i fires by itself, or NEVER."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    k = _first_excess(neurons, i, tick - neurons.last[i])
    return NEVER if k >= NEVER else neurons.last[i] + k


@entry
def start_sigma_delta(address_of_handle: int, population: int, tick: int, _: int) -> int:
    """Schedule the first look at each neuron."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar = neurons_at(handle, population), calendar_at(handle)
    for i in range(neurons.size):
        k = _earliest(neurons, i)
        schedule(calendar, neurons, i, tick - 1, NEVER if k >= NEVER else tick - 1 + k)
    return 0


@entry
def membrane_of_sigma_delta(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write the activations at `tick`."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    activations = floats_at(address, neurons.size)
    for i in range(neurons.size):
        k, y = tick - neurons.last[i], neurons.values[_Y * neurons.size + i]
        activations[i] = _activation_after(y, _goal(neurons, i), _retention(neurons, i), k) if k > 0 else y
    return 0
