"""What every neuron model shares: per-neuron parameters, their broadcast, their check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from eventsim.engine.jit import Entry
from eventsim.errors import NetworkError

FloatArray = npt.NDArray[np.float64]
Parameter = float | FloatArray
"""A number for the whole population or float64[n], one per neuron."""


_OPTIONS: dict[object, type] = {"str": str, "bool": bool}
"""Field types of what holds for a whole population, as annotations write them."""


@dataclass(frozen=True)
class Entries:
    """The compiled functions of a model; each takes four ints, the first being the address of the handle.

    Parameters
    ----------
    update : (handle, population, tick, count) -> number that fired. Brings the `count` touched neurons
        (-1: all) to `tick` with their summed input, and lists those that fire
    membrane : (handle, population, tick, address) -> 0. Writes float64[n], the membranes at `tick`, changing
        nothing; `address` is where to
    look : (handle, population, index, tick) -> the first tick from `tick` on at which the neuron acts without
        input, or NEVER. Left out where it never does
    start : (handle, population, tick, 0) -> 0. Schedules the first look at each neuron; `tick` is the first
    deliveries : by form of synapses, entries that take inputs straight to the neurons, unsummed
    runs : by form of synapses, entries that take a Poisson source's events straight to the neurons; by two
        forms, as "one_to_one32+windows32", those that do so merged with what arrives in windows
    """

    update: Entry
    membrane: Entry
    look: Entry | None = None
    start: Entry | None = None
    deliveries: Mapping[str, Entry] = field(default_factory=dict)
    runs: Mapping[str, Entry] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """How a population runs: its entries, the numbers they read, the first state, and scratch of its own.

    `parameters` and `values` are float64, one-dimensional; `n_own` is the number of int64 the entries keep.
    """

    entries: Entries
    parameters: FloatArray
    values: FloatArray
    n_own: int


@dataclass(frozen=True, eq=False)
class NeuronModel(ABC):
    """A neuron model and its parameters; one subclass, one file.

    A subclass is a frozen dataclass whose fields are numbers or arrays (per-neuron parameters) and strings or
    booleans (for the whole population). Its file holds the equations, their source, and the kernels.
    """

    kind: ClassVar[str]
    """The name under which files store the model."""
    spiking: ClassVar[bool] = True
    """False where the neuron emits graded readings only and cannot drive a projection."""
    graded: ClassVar[bool] = False
    """True where its spikes carry values other than 1, which its `update` writes to `fired_value`."""

    def broadcast(self, n: int) -> Self:
        """Return the same model with every per-neuron parameter as float64[n], checked.

        Raises
        ------
        NetworkError
            if an array has another length, a parameter is no number, or its value is not allowed.
        """
        spread: dict[str, Any] = {}
        for f in fields(self):
            name, value = f.name, getattr(self, f.name)
            if f.type in _OPTIONS:
                if not isinstance(value, _OPTIONS[f.type]):
                    raise NetworkError(f"{self.kind}: {name} must be a {f.type}, got {value!r}")
                continue
            try:
                array = np.asarray(value, dtype=np.float64)
            except (TypeError, ValueError):
                raise NetworkError(f"{self.kind}: {name} must be a number or an array of them") from None
            if array.ndim > 1 or (array.ndim == 1 and array.shape[0] != n):
                raise NetworkError(
                    f"{self.kind}: {name} must be one number or {n} of them, got shape {array.shape}"
                )
            if np.isnan(array).any():
                raise NetworkError(f"{self.kind}: {name} holds NaN")
            # One number for all is held once: a million neurons cost no more than one.
            column = np.broadcast_to(array.copy(), (n,))
            column.flags.writeable = False
            spread[name] = column
        model = replace(self, **spread)
        model.validate()
        return model

    def parameters(self) -> dict[str, Any]:
        """Return the parameters by name, in the order of declaration."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @abstractmethod
    def validate(self) -> None:
        """Raise NetworkError where a parameter (already an array) has a value that is not allowed."""

    @abstractmethod
    def kernel_parameters(self, tick_ns: int) -> FloatArray:
        """Return float64[rows, n]: what the entries read, in the order the model's file names its rows.

        Raises NetworkError where a parameter does not fit the grid.
        """

    @abstractmethod
    def initial_state(self) -> FloatArray:
        """Return float64[rows, n]: the state one tick before the first."""

    @abstractmethod
    def entries(self) -> Entries:
        """Return the compiled functions that run the model."""

    def form(self, tick_ns: int, forms: Collection[str]) -> Form:
        """Return how a population runs on this grid, its inputs arriving by these forms of synapses."""
        return Form(
            self.entries(), self.kernel_parameters(tick_ns).ravel(), self.initial_state().ravel(), n_own=0
        )

    def require(self, name: str, allowed: npt.NDArray[np.bool_], what: str) -> None:
        """Raise NetworkError naming the first neuron whose parameter `name` is not `allowed`."""
        if not allowed.all():
            i = int(np.argmin(allowed))
            raise NetworkError(
                f"{self.kind}: {name} must be {what}, got {getattr(self, name)[i]:g} at neuron {i}"
            )


def decay_rows(tau_ns: FloatArray, tick_ns: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return per neuron exp(-tick / tau), its base-2 logarithm, and 1 minus it; 1, 0, 0 for an infinite tau.

    Where the factor is a power of two the three are exact.
    """
    rate = tick_ns / np.asarray(tau_ns, dtype=np.float64)
    factor = np.exp(-rate)
    mantissa, exponent = np.frexp(factor)
    exact = mantissa == 0.5
    log2 = np.where(exact, exponent - 1.0, -rate / np.log(2.0))
    return factor, log2, np.where(exact, 1.0 - factor, -np.expm1(-rate))


def input_gain(loss: FloatArray, normalised: bool) -> FloatArray:
    """Return what multiplies bias and input: 1 - alpha where normalised (S1), else 1."""
    return loss if normalised else np.ones_like(loss)


def reset_rows(reset: str, threshold: FloatArray, potential: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return KEEP and DROP per neuron: after a spike the membrane v becomes ``v KEEP - DROP``."""
    keep = np.full(threshold.shape, 0.0 if reset == "hard" else 1.0)
    return keep, {"soft": threshold, "hard": -potential, "none": np.zeros_like(threshold)}[reset]


def deaf_ticks(model: NeuronModel, refractory_ns: FloatArray, tick_ns: int) -> FloatArray:
    """Return the refractory time in ticks, of which it must be a multiple."""
    model.require("refractory_ns", refractory_ns % tick_ns == 0, f"a multiple of the tick ({tick_ns} ns)")
    return refractory_ns // tick_ns
