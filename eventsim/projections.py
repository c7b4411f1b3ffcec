"""Projections: who reaches whom, with which weight, after which delay."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from eventsim.convolutions import Conv2d as Conv2d
from eventsim.convolutions import SumPool2d as SumPool2d
from eventsim.errors import NetworkError
from eventsim.weights import Weights, as_array, frozen, real_array


@dataclass(frozen=True, eq=False)
class Dense:
    """All-to-all synapses: `weights[pre, post]`.

    Parameters
    ----------
    weights : float32 or float64[n_pre, n_post]; integers become float32 where that is exact (up to 16 bits),
        else float64. Sums are always taken in float64.

    Raises
    ------
    NetworkError
        if the array is not two-dimensional or holds a value that is not finite.
    """

    weights: Weights

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", real_array(self.weights, "Dense weights", ndim=2))

    @property
    def shape(self) -> tuple[int, int]:
        """Return (n_pre, n_post)."""
        return int(self.weights.shape[0]), int(self.weights.shape[1])

    @property
    def n_pre(self) -> int:
        """Return the number of source neurons."""
        return int(self.weights.shape[0])

    @property
    def n_post(self) -> int:
        """Return the number of destination neurons."""
        return int(self.weights.shape[1])

    def to_csr(self) -> Csr:
        """Return the same synapses in rows."""
        n_pre, n_post = self.shape
        indices = np.tile(np.arange(n_post, dtype=np.int32), n_pre)
        return Csr(np.arange(n_pre + 1) * n_post, indices, self.weights.reshape(-1), n_post)

    @property
    def n_bytes(self) -> int:
        """Return the bytes its arrays take."""
        return self.weights.nbytes

    @property
    def n_synapses(self) -> int:
        """Return the number of synapses, zeros included: each is an operation when its source fires."""
        return int(self.weights.size)


@dataclass(frozen=True, eq=False)
class Csr:
    """Sparse synapses in rows by source: source i reaches `indices[indptr[i]:indptr[i + 1]]`.

    Several synapses between one pair are allowed; within a row the sum is taken in the order stored.

    Parameters
    ----------
    indptr : int64[n_pre + 1], rising from 0 to the number of synapses
    indices : int32[n_synapses], destination neuron
    weights : float32 or float64[n_synapses] (integers as in `Dense`)
    n_post : size of the destination; left out, it is taken from the population at `Network.connect`

    Raises
    ------
    NetworkError
        if lengths disagree, indptr falls, an index is negative or beyond n_post, or a weight is not finite.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    weights: Weights
    n_post: int | None = field(default=None)

    def __post_init__(self) -> None:
        indptr, indices = as_array(self.indptr, "Csr indptr"), as_array(self.indices, "Csr indices")
        for name, array in (("indptr", indptr), ("indices", indices)):
            if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
                raise NetworkError(
                    f"Csr {name} must be a one-dimensional integer array, got {array.dtype} {array.shape}"
                )
        weights = real_array(self.weights, "Csr weights", ndim=1)
        if (
            indptr.size < 1
            or indptr[0] != 0
            or indptr[-1] != indices.size
            or bool(np.any(indptr[1:] < indptr[:-1]))
        ):
            raise NetworkError(f"Csr indptr must rise from 0 to the number of indices ({indices.size})")
        if weights.size != indices.size:
            raise NetworkError(f"Csr has {indices.size} indices but {weights.size} weights")
        if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= 2**31):
            raise NetworkError("Csr indices must not be negative and must fit 31 bits")
        if self.n_post is not None and indices.size and int(indices.max()) >= self.n_post:
            raise NetworkError(f"Csr index {int(indices.max())} is beyond n_post = {self.n_post}")
        object.__setattr__(self, "indptr", frozen(indptr.astype(np.int64, copy=False)))
        object.__setattr__(self, "indices", frozen(indices.astype(np.int32, copy=False)))
        object.__setattr__(self, "weights", weights)

    @property
    def n_pre(self) -> int:
        """Return the number of source neurons."""
        return int(self.indptr.size) - 1

    @property
    def n_bytes(self) -> int:
        """Return the bytes its arrays take."""
        return self.indptr.nbytes + self.indices.nbytes + self.weights.nbytes

    @property
    def n_synapses(self) -> int:
        """Return the number of stored synapses."""
        return int(self.indices.size)

    def to_csr(self) -> Csr:
        """Return itself: every form of synapses has this method."""
        return self


@dataclass(frozen=True, eq=False)
class OneToOne:
    """One synapse per address: address i reaches neuron i.

    Parameters
    ----------
    weights : one number, or float32 or float64[n] (integers as in `Dense`)
    n : number of neurons; left out, it is taken from the population at `Network.connect`

    Raises
    ------
    NetworkError
        if the array has more than one dimension, is empty, or holds a value that is not finite.
    """

    weights: Weights
    n: int | None = None

    def __post_init__(self) -> None:
        weights = as_array(self.weights, "OneToOne weights")
        if weights.ndim == 0:
            weights = weights.reshape(1)
        weights = real_array(weights, "OneToOne weights", ndim=1)
        if not weights.size:
            raise NetworkError("OneToOne weights must not be empty")
        if self.n is not None and weights.size not in (1, self.n):
            raise NetworkError(f"OneToOne has {weights.size} weights for {self.n} neurons")
        object.__setattr__(self, "weights", weights)

    @property
    def n_bytes(self) -> int:
        """Return the bytes its arrays take."""
        return self.weights.nbytes

    @property
    def n_synapses(self) -> int:
        """Return the number of synapses: as many as neurons, once connected."""
        return self.weights.size if self.n is None else self.n

    @property
    def n_pre(self) -> int:
        """Return the number of source neurons, which is that of synapses."""
        return self.n_synapses

    @property
    def n_post(self) -> int:
        """Return the number of destination neurons, which is that of synapses."""
        return self.n_synapses

    def to_csr(self) -> Csr:
        """Return the same synapses in rows."""
        n = self.n_synapses
        weights = np.broadcast_to(self.weights, (n,))
        return Csr(np.arange(n + 1), np.arange(n, dtype=np.int32), weights, n)  # type: ignore[arg-type]


Synapses = Dense | Csr | OneToOne | Conv2d | SumPool2d


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from one population (or input) to another, with their delay.

    Parameters
    ----------
    pre, post : names of the populations
    synapses : Dense, Csr, OneToOne, Conv2d or SumPool2d
    delay_ns : one delay in ns for all synapses, or int64[n_synapses] (Csr only)
    """

    pre: str
    post: str
    synapses: Synapses
    delay_ns: int | npt.NDArray[np.int64]

    @property
    def delays_ns(self) -> tuple[int, ...]:
        """Return the distinct delays, ascending, in ns."""
        if isinstance(self.delay_ns, int):
            return (self.delay_ns,)
        return tuple(int(d) for d in np.unique(self.delay_ns))

    def __str__(self) -> str:
        return f"{self.pre} -> {self.post}"
