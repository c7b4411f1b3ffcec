"""A neuron model of one's own: an integrator with a linear leak, which can also be a drive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from eventsim.engine.calendar import calendar_at, schedule
from eventsim.engine.jit import entry, floats_at, indices, ints_at, part
from eventsim.engine.layout import F_FIRED, HANDLE_SIZE, NEVER, Neurons, neurons_at, touched_at
from eventsim.models.model import Entries, FloatArray, NeuronModel, Parameter


@dataclass(frozen=True, eq=False)
class LinearLeak(NeuronModel):
    """Integrator with a linear leak: per tick ``v = max(v' + leak + sum w x, floor)``.

    It spikes where ``v > threshold`` (strict), and then ``v -= threshold``.

    Parameters
    ----------
    leak : what the membrane gains per tick; negative for a leak, positive for a drive
    threshold : membrane value that must be exceeded; not negative
    floor : least value of the membrane; not positive

    Source: the linear leak of Cassidy et al. 2013, IJCNN, the digital neuron of TrueNorth.
    """

    kind: ClassVar[str] = "linear_leak"

    leak: Parameter
    threshold: Parameter = 1.0
    floor: Parameter = 0.0

    def validate(self) -> None:
        """Raise NetworkError where a parameter has a value that is not allowed."""
        self.require("leak", np.isfinite(self.leak), "finite")
        self.require("threshold", np.greater_equal(self.threshold, 0), "not negative")
        self.require("floor", np.less_equal(self.floor, 0), "not positive")

    def kernel_parameters(self, tick_ns: int) -> FloatArray:
        """Return the rows LEAK, THETA, FLOOR."""
        return np.stack([np.asarray(self.leak), np.asarray(self.threshold), np.asarray(self.floor)])

    def initial_state(self) -> FloatArray:
        """Return the membrane, at 0."""
        return np.zeros((1, np.asarray(self.leak).shape[0]))

    def entries(self) -> Entries:
        """Return the compiled functions that run the model."""
        return Entries(update_linear_leak, membrane_of_linear_leak, look_linear_leak, start_linear_leak)


_LEAK, _THETA, _FLOOR = range(3)  # rows of the parameters
_LONG = 1e15  # ticks


@part
def _membrane_after(neurons: Neurons, i: int, k: int) -> float:
    """Return the membrane after k >= 0 ticks without input, however many they are."""
    p, n = neurons.parameters, neurons.size
    return max(neurons.values[i] + k * p[_LEAK * n + i], float(p[_FLOOR * n + i]))


@part
def _first_crossing(neurons: Neurons, i: int, start: int) -> int:
    """Return the first k >= start at which the membrane is above the threshold, or NEVER."""
    p, n = neurons.parameters, neurons.size
    leak, theta = p[_LEAK * n + i], p[_THETA * n + i]
    if _membrane_after(neurons, i, start) > theta:
        return start
    ticks = (theta - neurons.values[i]) / leak if leak > 0.0 else _LONG
    if ticks >= _LONG:
        return NEVER
    # The division rounds: the answer is what the update will compute, not what this one says.
    k = max(int(ticks), start)
    while not _membrane_after(neurons, i, k) > theta:
        k += 1
    while k > start and _membrane_after(neurons, i, k - 1) > theta:
        k -= 1
    return k


@entry
def update_linear_leak(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Bring the touched neurons to `tick` with their input; list those that fire, return how many."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar, fired = neurons_at(handle, population), calendar_at(handle), indices(handle, F_FIRED)
    touched = touched_at(handle, neurons, count).who
    n, p, spikes = neurons.size, neurons.parameters, 0
    for q in range(touched.shape[0]):
        i = touched[q]
        k, x = tick - neurons.last[i], neurons.drive[i]
        if x == 0.0:
            v = _membrane_after(neurons, i, k)
        else:
            # The floor acts on each tick after its input.
            v = max(_membrane_after(neurons, i, k - 1) + p[_LEAK * n + i] + x, float(p[_FLOOR * n + i]))
        neurons.drive[i] = 0.0
        neurons.last[i] = tick
        if v > p[_THETA * n + i]:
            v -= p[_THETA * n + i]
            fired[spikes] = i
            spikes += 1
        neurons.values[i] = v
        k = _first_crossing(neurons, i, 1)
        schedule(calendar, neurons, i, tick, NEVER if k >= NEVER else tick + k)
    return spikes


@entry
def look_linear_leak(address_of_handle: int, population: int, i: int, tick: int) -> int:
    """Return the first tick from `tick` on at which neuron i fires by itself, or NEVER."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    k = _first_crossing(neurons, i, tick - neurons.last[i])
    return NEVER if k >= NEVER else neurons.last[i] + k


@entry
def start_linear_leak(address_of_handle: int, population: int, tick: int, _: int) -> int:
    """Schedule the first look at each neuron; its state is that of the tick before `tick`."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar = neurons_at(handle, population), calendar_at(handle)
    for i in range(neurons.size):
        k = _first_crossing(neurons, i, 1)
        schedule(calendar, neurons, i, tick - 1, NEVER if k >= NEVER else tick - 1 + k)
    return 0


@entry
def membrane_of_linear_leak(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write the membranes at `tick`, changing nothing."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    membranes = floats_at(address, neurons.size)
    for i in range(neurons.size):
        membranes[i] = _membrane_after(neurons, i, tick - neurons.last[i])
    return 0
