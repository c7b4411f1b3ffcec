"""What a network asks of a chip: neurons, distinct sources per neuron, synapses, synapse memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsim import Network
from eventsim.errors import ParameterError
from eventsim.projections import Csr
from hwmodels.spike_counts import checked_counts

STORAGES = ("smaller", "dense", "sparse")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NetworkLoad:
    """A network's demands, one row per neuron, neurons numbered through the populations in their order.

    Sources are numbered likewise: inputs, then sources inside the engine, then populations. A neuron needs an
    axon for each distinct source that reaches it, be the weight zero or not, as a message reaches its core.

    Parameters
    ----------
    network : the network
    weight_bits : width at which weights are held
    storage : "dense", "sparse" or "smaller" (see `network_load`)
    first : for each population, the number of its first neuron
    first_source : for each input, source and population, the number of its first address
    indptr, sources : int64[n_neurons + 1] and int32; neuron j hears the distinct sources
        `sources[indptr[j]:indptr[j + 1]]`, ascending
    synapses : int64[n_neurons], synapses whose weight is not zero at `weight_bits`
    memory_bits : int64[n_neurons]
    """

    network: Network
    weight_bits: int
    storage: str
    first: Mapping[str, int]
    first_source: Mapping[str, int]
    indptr: Ints
    sources: npt.NDArray[np.int32]
    synapses: Ints
    memory_bits: Ints

    @property
    def n_neurons(self) -> int:
        """Return the number of neurons of all populations."""
        return int(self.synapses.size)

    @property
    def n_sources(self) -> int:
        """Return the number of addresses that emit: inputs, sources, neurons."""
        return self.n_neurons + self.first_neuron_as_source

    @property
    def first_neuron_as_source(self) -> int:
        """Return the source number of neuron 0; the numbers below belong to inputs and sources."""
        return min((self.first_source[name] for name in self.first), default=0)

    def fan_in(self) -> Ints:
        """Return the number of distinct sources of each neuron, int64[n_neurons]."""
        return np.diff(self.indptr)

    def name_of(self, neuron: int) -> tuple[str, int]:
        """Return the population of a neuron and its address there."""
        name = max((n for n in self.first if self.first[n] <= neuron), key=lambda n: self.first[n])
        return name, neuron - self.first[name]

    def split(self, per_neuron: npt.NDArray[np.generic]) -> dict[str, npt.NDArray[np.generic]]:
        """Return an array over all neurons cut into one array per population."""
        sizes = {name: p.size for name, p in self.network.populations.items()}
        return {name: per_neuron[at : at + sizes[name]] for name, at in self.first.items()}

    def table(self) -> str:
        """Return a table for people: each population's neurons, largest fan-in, synapses, memory."""
        lines = [f"weights of {self.weight_bits} bits, storage {self.storage}"]
        fan_in = self.split(self.fan_in())
        synapses, memory = self.split(self.synapses), self.split(self.memory_bits)
        for name, held in fan_in.items():
            lines.append(
                f"{name}: {held.size} neurons, fan-in up to {int(held.max())}, "
                f"{int(synapses[name].sum())} synapses not zero, {int(memory[name].sum())} bits"
            )
        return "\n".join(lines)


def network_load(network: Network, weight_bits: int = 8, storage: str = "smaller") -> NetworkLoad:
    """Return what a network asks of a chip that holds its weights in so many bits.

    Weights are quantised per projection, symmetrically: round(w / max|w| x (2^(bits - 1) - 1)); those that
    become zero take no place in sparse storage. With 1 bit every weight that is not zero stays.

    Sparse storage holds for each synapse its weight and the number of its neuron (as many bits as tell the
    neurons of the destination apart); dense storage holds for each neuron one weight per source that reaches
    anything in the projection. "smaller" takes for each projection the one with fewer bits. A convolution
    counts like any other projection: its weights are not shared. This accounting is ours, no chip's own.

    Raises ParameterError where the bits are not 1 to 64 or the storage is unknown.
    """
    if isinstance(weight_bits, bool) or not isinstance(weight_bits, int) or not 1 <= weight_bits <= 64:
        raise ParameterError(f"weight_bits must be a whole number from 1 to 64, got {weight_bits!r}")
    if storage not in STORAGES:
        raise ParameterError(f"storage must be one of {', '.join(STORAGES)}, got {storage!r}")
    first, first_source, n_neurons, n_before = _numbering(network)
    synapses, memory = np.zeros(n_neurons, np.int64), np.zeros(n_neurons, np.int64)
    pairs = [np.zeros(0, np.int64)]
    n_sources = n_before + n_neurons
    for projection in network.projections:
        csr, at = projection.synapses.to_csr(), first[projection.post]
        n_post = network.populations[projection.post].size
        kept = csr.indices[quantise(csr.weights, weight_bits) != 0]
        count = np.bincount(kept, minlength=n_post)
        synapses[at : at + n_post] += count
        memory[at : at + n_post] += _bits(csr, count, n_post, weight_bits, storage)
        pre = np.repeat(np.arange(csr.n_pre), np.diff(csr.indptr)) + first_source[projection.pre]
        pairs.append((csr.indices.astype(np.int64) + at) * n_sources + pre)
    keys = distinct(np.concatenate(pairs))
    indptr = np.searchsorted(keys, np.arange(n_neurons + 1, dtype=np.int64) * max(n_sources, 1))
    sources = (keys % max(n_sources, 1)).astype(np.int32)
    return NetworkLoad(network, weight_bits, storage, first, first_source, indptr, sources, synapses, memory)


def distinct(keys: Ints) -> Ints:
    """Return the distinct keys, ascending: ten times faster than np.unique, which hashes whole numbers."""
    keys = np.sort(keys)
    return keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if keys.size else keys


def quantise(weights: npt.NDArray[np.floating], bits: int) -> npt.NDArray[np.float64]:
    """Return weights as whole steps of their largest magnitude / (2^(bits - 1) - 1)."""
    largest = float(np.abs(weights).max()) if weights.size else 0.0
    if largest == 0.0:
        return np.zeros(weights.shape)
    if bits == 1:
        return np.sign(weights.astype(np.float64))
    return np.rint(weights.astype(np.float64) / largest * (2.0 ** (bits - 1) - 1))


def synaptic_events(load: NetworkLoad, spikes: Mapping[str, npt.ArrayLike]) -> Ints:
    """Return the synaptic events that reach each neuron, int64[n_neurons].

    Parameters
    ----------
    load : NetworkLoad
        Of the network that was active.
    spikes : mapping of str to int[size]
        For inputs, sources and populations by name, how often each address fired; what is left out never
        fired.

    Raises ParameterError where a name or length doesn't belong to the network.
    """
    fired = spikes_by_source(load, spikes)
    events = np.zeros(load.n_neurons, np.int64)
    for projection in load.network.projections:
        csr, at = projection.synapses.to_csr(), load.first[projection.post]
        start = load.first_source[projection.pre]
        each = np.repeat(fired[start : start + csr.n_pre], np.diff(csr.indptr))
        np.add.at(events, csr.indices.astype(np.int64) + at, each)
    return events


def spikes_by_source(load: NetworkLoad, spikes: Mapping[str, npt.ArrayLike]) -> Ints:
    """Return how often each source fired, int64[n_sources], from counts by name."""
    fired = np.zeros(load.n_sources, np.int64)
    for name, counts in checked_counts(load.network, spikes).items():
        fired[load.first_source[name] : load.first_source[name] + counts.size] = counts
    return fired


def _numbering(network: Network) -> tuple[dict[str, int], dict[str, int], int, int]:
    first: dict[str, int] = {}
    first_source: dict[str, int] = {}
    n_before = n_neurons = 0
    outside = [*network.inputs.items(), *((n, s.size) for n, s in network.sources.items())]
    for name, size in outside:
        first_source[name] = n_before
        n_before += size
    for name, population in network.populations.items():
        first[name], first_source[name] = n_neurons, n_before + n_neurons
        n_neurons += population.size
    return first, first_source, n_neurons, n_before


def _bits(csr: Csr, count: Ints, n_post: int, weight_bits: int, storage: str) -> Ints:
    index_bits = max(1, math.ceil(math.log2(n_post)))
    sparse = count * (weight_bits + index_bits)
    rows = int((np.diff(csr.indptr) > 0).sum())
    dense = np.full(n_post, rows * weight_bits, np.int64)
    if storage == "smaller":
        return dense if int(dense.sum()) <= int(sparse.sum()) else sparse
    return dense if storage == "dense" else sparse
