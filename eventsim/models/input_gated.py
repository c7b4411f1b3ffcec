"""Input-gated spiking neuron with multi-bit output: the improved inherent recurrence of Ponghiran and Roy."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from eventsim.engine.calendar import calendar_at, schedule
from eventsim.engine.crossing import power
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
from eventsim.models.current_course import (
    ALPHA,
    N_COURSE_ROWS,
    SIGMA,
    DrivenCourse,
    Rows,
    coupling_at,
    course_rows,
    decay_at,
    driven_after,
    earliest_driven,
    first_crossing_driven,
    spread_of,
)
from eventsim.models.model import Entries, FloatArray, NeuronModel, Parameter, decay_rows
from eventsim.projections import Dense


@dataclass(frozen=True, eq=False)
class InputGated(NeuronModel):
    """Input-gated neuron: a gate mixes the current with a candidate at every tick; spikes are whole numbers.

    Per tick (primes: previous tick), with alpha = exp(-tick / tau), candidate and gate input x_c and x_f:
    ``F = 1 / (1 + exp(-(gate_bias + x_f)))``; ``C = max(candidate_bias + x_c, 0)``;
    ``I = F I' + (1 - F) C``; ``V = alpha V' + I - threshold Y'``; and where ``V > threshold`` (strict) it
    spikes with the value ``Y = min(floor(V / threshold), 2^bits - 1)``, else Y = 0.

    A population of n cells has 2 n addresses: cell i gets its candidate input at address i and its gate input
    at address n + i. Only the cells spike. `InputGated.synapses` builds weights from the two matrices. A
    session's membrane is V at the cells, and I at their gate addresses.

    The gate works at every tick, with or without events: tick_ns is the network's time step.

    Parameters
    ----------
    tau_ns : membrane time constant, ns; inf allowed
    threshold : membrane value that must be exceeded, and the unit of the output; positive
    bits : bits of the output, 1 to 24
    gate_bias, candidate_bias : constant inputs of gate and candidate
        (each: one number, or float64[n], or float64[2 n] whose second half does not count)

    Source: Ponghiran and Roy 2021 (arXiv 2109.01905), section 3, as written down by a public reproduction
    (METU CENG501). docs/models.md says what is published and what our reading.
    """

    kind: ClassVar[str] = "input_gated"
    graded: ClassVar[bool] = True

    tau_ns: Parameter
    threshold: Parameter = 1.0
    bits: Parameter = 4.0
    gate_bias: Parameter = 0.0
    candidate_bias: Parameter = 0.0

    @staticmethod
    def synapses(candidate: npt.ArrayLike, gate: npt.ArrayLike, *, from_gated: bool = False) -> Dense:
        """Return Dense weights[n_pre, 2 n] from weights[n_pre, n] onto candidates and onto gates.

        With `from_gated` the source is itself a population of input-gated neurons: rows of zeros are added
        for its gate addresses, which never spike. Raises NetworkError where the two differ in shape.

        >>> InputGated.synapses([[1.0, 2.0]], [[0.5, 0.0]]).weights.tolist()
        [[1.0, 2.0, 0.5, 0.0]]
        """
        onto = [np.asarray(candidate), np.asarray(gate)]
        if onto[0].ndim != 2 or onto[0].shape != onto[1].shape:
            raise NetworkError(
                f"weights onto candidates and gates must have one shape [n_pre, n], "
                f"got {onto[0].shape} and {onto[1].shape}"
            )
        weights = np.concatenate(onto, axis=1)
        if from_gated:
            weights = np.concatenate([weights, np.zeros_like(weights)])
        return Dense(weights)

    def broadcast(self, n: int) -> Self:
        """Return the same model with every parameter as float64[n], n being twice the number of cells."""
        if n % 2:
            raise NetworkError(
                f"input_gated: n cells have 2 n addresses: the size of a population must be even, got {n}"
            )
        twice = {}
        for f in fields(self):
            array = np.asarray(getattr(self, f.name))
            if array.ndim == 1 and array.shape[0] == n // 2:
                twice[f.name] = np.tile(array, 2)
        return super(InputGated, replace(self, **twice)).broadcast(n)

    def validate(self) -> None:
        """Raise NetworkError where a parameter has a value that is not allowed."""
        self.require("tau_ns", np.greater(self.tau_ns, 0), "positive")
        theta, bits = np.asarray(self.threshold), np.asarray(self.bits)
        self.require("threshold", (theta > 0) & np.isfinite(theta), "positive and finite")
        self.require(
            "bits", (bits >= 1) & (bits <= 24) & (bits == np.floor(bits)), "a whole number from 1 to 24"
        )
        for name in ("gate_bias", "candidate_bias"):
            self.require(name, np.isfinite(getattr(self, name)), "finite")

    def kernel_parameters(self, tick_ns: int) -> FloatArray:
        """Return the rows of the course at rest, then REST (of I), THETA, TOP, GATE_BIAS, CANDIDATE_BIAS.

        Without input I goes to REST by a factor of F at rest, and V follows: ``I - REST`` is the decaying
        current of the course, of which each tick adds what is left of it.
        """
        alpha = decay_rows(np.asarray(self.tau_ns), tick_ns)
        gate = _logistic_rows(np.asarray(self.gate_bias))
        spread = spread_of(alpha, gate)
        with np.errstate(all="ignore"):
            apart = np.where(np.abs(spread) < 0.5, gate[0] * np.expm1(spread), alpha[0] - gate[0])
            far = np.where((spread == 0) | (gate[0] == 0), 0.0, gate[0] / apart)
        rest = np.maximum(self.candidate_bias, 0.0)
        top = np.exp2(self.bits) - 1.0
        theta = np.asarray(self.threshold)
        biases = np.asarray(self.gate_bias), np.asarray(self.candidate_bias)
        return np.stack([*course_rows(alpha, gate, gate[0], far), rest, theta, top, *biases])

    def initial_state(self) -> FloatArray:
        """Return V of the cells and their I in one row, then the last output; all 0."""
        return np.zeros((2, np.asarray(self.tau_ns).shape[0]))

    def entries(self) -> Entries:
        """Return the compiled functions that run the model."""
        return Entries(update_input_gated, membrane_of_input_gated, look_input_gated, start_input_gated)


def _logistic_rows(x: FloatArray) -> Rows:
    """Return 1 / (1 + exp(-x)), its base-2 logarithm, and 1 minus it; exact for x = 0."""
    with np.errstate(over="ignore"):
        factor, loss = 1.0 / (1.0 + np.exp(-x)), 1.0 / (1.0 + np.exp(x))
    log2 = -np.logaddexp(0.0, -x) / math.log(2.0)
    # Where the factor is computed as 0 or 1, its powers shall be so too.
    log2 = np.where(factor == 0.0, -np.inf, np.where(factor == 1.0, 0.0, log2))
    return factor, np.where(x == 0, -1.0, log2), np.where(factor == 1.0, 0.0, loss)


# Rows of the parameters after those of the course, then of the state: V and, from address n on, I; then Y.
_REST, _THETA, _TOP, _GATE_BIAS, _CANDIDATE_BIAS = range(N_COURSE_ROWS, N_COURSE_ROWS + 5)
_V, _Y = range(2)


@part
def _course(neurons: Neurons, i: int) -> DrivenCourse:
    """Return what cell i does without input, a waiting reset aside."""
    p, v, n = neurons.parameters, neurons.values, neurons.size
    rest = p[_REST * n + i]
    alpha, gate = decay_at(p, ALPHA, n, i), decay_at(p, SIGMA, n, i)
    surplus = v[n // 2 + i] - rest
    return DrivenCourse(v[i], rest, alpha, surplus, gate, coupling_at(p, n, i), p[_THETA * n + i])


@part
def _current_after(course: DrivenCourse, k: int) -> float:
    """Return I after k >= 1 ticks without input."""
    return course.drive + power(course.sigma, k) * course.i


@part
def _take_input(neurons: Neurons, i: int, k: int) -> None:
    """Bring cell i k ticks on, its input arriving at the last of them; `last` says from where."""
    p, v, n = neurons.parameters, neurons.values, neurons.size
    gate = n // 2 + i
    course = _course(neurons, i)
    reset = p[_THETA * n + i] * v[_Y * n + i]  # not 0 only in the tick after a spike, which is always due
    x_c, x_f = neurons.drive[i], neurons.drive[gate]
    if x_c == 0.0 and x_f == 0.0:
        v[i], v[gate] = driven_after(course, k) - reset, _current_after(course, k)
        return
    neurons.drive[i], neurons.drive[gate] = 0.0, 0.0
    if k > 1:
        v[i], v[gate] = driven_after(course, k - 1), _current_after(course, k - 1)
    keep = 1.0 / (1.0 + np.exp(-(p[_GATE_BIAS * n + i] + x_f)))
    candidate = max(p[_CANDIDATE_BIAS * n + i] + x_c, 0.0)
    v[gate] = keep * v[gate] + (1.0 - keep) * candidate
    v[i] = course.alpha.factor * v[i] + v[gate] - reset


@entry
def update_input_gated(address_of_handle: int, population: int, tick: int, count: int) -> int:
    """Bring the cells touched, or whose gate is, to `tick`; list those that fire, return how many."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar, fired = neurons_at(handle, population), calendar_at(handle), indices(handle, F_FIRED)
    value, touched = singles(handle, F_FIRED_VALUE), touched_at(handle, neurons, count).who
    n, p, v, last = neurons.size, neurons.parameters, neurons.values, neurons.last
    spikes = 0
    for q in range(touched.shape[0]):
        i = touched[q] if touched[q] < n // 2 else touched[q] - n // 2
        k = tick - last[i]
        if k == 0:
            continue  # done already: both its addresses were touched
        _take_input(neurons, i, k)
        last[i] = tick
        u, theta = v[i], p[_THETA * n + i]
        if u > theta:
            v[_Y * n + i] = min(np.floor(u / theta), p[_TOP * n + i])
            fired[spikes] = i
            value[spikes] = np.float32(v[_Y * n + i])
            spikes += 1
            k = 1
        else:
            v[_Y * n + i] = 0.0
            k = earliest_driven(_course(neurons, i))
        schedule(calendar, neurons, i, tick, NEVER if k >= NEVER else tick + k)
    return spikes


@entry
def look_input_gated(address_of_handle: int, population: int, i: int, tick: int) -> int:
    """Return the first tick from `tick` on at which cell i acts by itself, or NEVER."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    if neurons.values[_Y * neurons.size + i] != 0.0:
        return tick  # its late reset
    k = first_crossing_driven(_course(neurons, i), tick - neurons.last[i])
    return NEVER if k >= NEVER else neurons.last[i] + k


@entry
def start_input_gated(address_of_handle: int, population: int, tick: int, _: int) -> int:
    """Schedule the first look at each cell."""
    handle = ints_at(address_of_handle, HANDLE_SIZE)
    neurons, calendar = neurons_at(handle, population), calendar_at(handle)
    for i in range(neurons.size // 2):
        k = earliest_driven(_course(neurons, i))
        schedule(calendar, neurons, i, tick - 1, NEVER if k >= NEVER else tick - 1 + k)
    return 0


@entry
def membrane_of_input_gated(address_of_handle: int, population: int, tick: int, address: int) -> int:
    """Write V of the cells at `tick`, then I."""
    neurons = neurons_at(ints_at(address_of_handle, HANDLE_SIZE), population)
    n, written = neurons.size, floats_at(address, neurons.size)
    for i in range(n // 2):
        k, course = tick - neurons.last[i], _course(neurons, i)
        written[i], written[n // 2 + i] = neurons.values[i], neurons.values[n // 2 + i]
        if k > 0:
            reset = course.theta * neurons.values[_Y * n + i]
            written[i], written[n // 2 + i] = driven_after(course, k) - reset, _current_after(course, k)
    return 0
