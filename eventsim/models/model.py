"""What every neuron model shares: per-neuron parameters, their broadcast, their check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from eventsim.errors import NetworkError

FloatArray = npt.NDArray[np.float64]
Parameter = float | FloatArray
"""A number for the whole population or float64[n], one per neuron."""


_OPTIONS: dict[object, type] = {"str": str, "bool": bool}
"""Field types of what holds for a whole population, as annotations write them."""


@dataclass(frozen=True, eq=False)
class NeuronModel(ABC):
    """A neuron model and its parameters; one subclass, one file.

    A subclass is a frozen dataclass whose fields are numbers or arrays (per-neuron parameters) and strings or
    booleans (for the whole population). Its file holds the equations, their source, and the kernels.
    """

    kind: ClassVar[str]
    """The name under which files store the model."""
    code: ClassVar[int]
    """The number by which the engine's kernel dispatches."""
    spiking: ClassVar[bool]
    """False where the neuron emits graded output events only and cannot drive a projection."""

    def broadcast(self, n: int) -> Self:
        """Return the same model with every per-neuron parameter as float64[n], checked.

        Raises
        ------
        NetworkError
            if an array has another length, a parameter is no number, or its value is not allowed.
        """
        spread: dict[str, Any] = {}
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if field.type in _OPTIONS:
                if not isinstance(value, _OPTIONS[field.type]):
                    raise NetworkError(f"{self.kind}: {name} must be a {field.type}, got {value!r}")
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
            column = np.array(np.broadcast_to(array, (n,)))
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
        """Return float64[rows, n]: what the kernel reads, in the order the model's file names its rows."""

    @abstractmethod
    def initial_state(self) -> FloatArray:
        """Return float64[rows, n]: the state one tick before the first; row 0 is the membrane."""

    def require(self, name: str, allowed: npt.NDArray[np.bool_], what: str) -> None:
        """Raise NetworkError naming the first neuron whose parameter `name` is not `allowed`."""
        if not allowed.all():
            i = int(np.argmin(allowed))
            raise NetworkError(
                f"{self.kind}: {name} must be {what}, got {getattr(self, name)[i]:g} at neuron {i}"
            )


def decay(tau_ns: FloatArray, tick_ns: int) -> FloatArray:
    """Return exp(-tick / tau), the factor a leaky quantity keeps per tick; 1 for an infinite tau."""
    return np.exp(-tick_ns / tau_ns)


def input_gain(alpha: FloatArray, normalised: bool) -> FloatArray:
    """Return what multiplies bias and input: 1 - alpha where normalised (S1), else 1."""
    return 1.0 - alpha if normalised else np.ones_like(alpha)
