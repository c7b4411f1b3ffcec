"""Operations of a network under NeuroBench's names, from measured activity; energy by arithmetic alone.

The names are NeuroBench's: footprint, parameter_count, connection_sparsity, activation_sparsity,
synaptic_operations (Effective_MACs, Effective_ACs, Dense), membrane_updates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsim import Network
from eventsim.convolutions import SumPool2d
from eventsim.errors import ParameterError
from eventsim.projections import Projection
from hwmodels.spike_counts import checked_counts

# Source: 45 nm, M. Horowitz, ISSCC 2014: fp32 multiply 3.7 pJ and add 0.9 pJ; a multiply-accumulate is both.
E_MAC_PJ = 4.6
E_AC_PJ = 0.9


@dataclass(frozen=True)
class NetworkMetrics:
    """What a network is and did, over all ticks and inputs of the activity.

    Parameters
    ----------
    footprint : bytes of its weights as stored (no state of neurons)
    parameter_count : weights stored; a convolution's kernel counts once
    connection_sparsity : share of stored weights that are zero
    activation_sparsity : share of neurons and ticks without a spike, populations that can spike only
    effective_macs : synaptic events, their weight not zero, of sources whose events carry values
    effective_acs : the same of sources whose events are spikes, all worth one
    dense : multiply-accumulates if every synapse were computed in every tick
    membrane_updates : neurons brought up to date (None where it was not counted)
    """

    footprint: int
    parameter_count: int
    connection_sparsity: float
    activation_sparsity: float
    effective_macs: int
    effective_acs: int
    dense: int
    membrane_updates: int | None

    def named(self) -> dict[str, object]:
        """Return the metrics under NeuroBench's names."""
        return {
            "footprint": self.footprint,
            "parameter_count": self.parameter_count,
            "connection_sparsity": self.connection_sparsity,
            "activation_sparsity": self.activation_sparsity,
            "synaptic_operations": {
                "Effective_MACs": self.effective_macs,
                "Effective_ACs": self.effective_acs,
                "Dense": self.dense,
            },
            "membrane_updates": self.membrane_updates,
        }


def network_metrics(
    network: Network,
    spikes: Mapping[str, npt.ArrayLike],
    n_ticks: int,
    *,
    valued: Iterable[str] = (),
    membrane_updates: int | None = None,
) -> NetworkMetrics:
    """Return what a network is and did.

    Parameters
    ----------
    network : Network
        That was active.
    spikes : mapping of str to int[size]
        For inputs, sources and populations by name, how often each address fired; what is left out never
        fired.
    n_ticks : int
        Ticks over which that was counted.
    valued : iterable of str
        Inputs and populations whose events carry values other than one: their operations are MACs.
    membrane_updates : int
        Neurons brought up to date, where a session counted them.

    Raises
    ------
    ParameterError
        if a name, length or count doesn't belong to the network.
    """
    if isinstance(n_ticks, bool) or not isinstance(n_ticks, int) or n_ticks < 1:
        raise ParameterError(f"n_ticks must be a whole number of at least 1, got {n_ticks!r}")
    fired = checked_counts(network, spikes)
    with_values = set(valued)
    if unknown := with_values - fired.keys():
        raise ParameterError(f"valued: {min(unknown)!r} is not in the network, which has {', '.join(fired)}")
    macs = acs = 0
    for projection in network.projections:
        events = effective_events(projection, fired[projection.pre])
        if projection.pre in with_values:
            macs += events
        else:
            acs += events
    weights = [_stored(projection) for projection in network.projections]
    stored = sum(w.size for w in weights)
    zeros = sum(int((w == 0).sum()) for w in weights)
    spiking = {name: p.size for name, p in network.populations.items() if p.model.spiking}
    places = sum(spiking.values()) * n_ticks
    emitted = sum(int(fired[name].sum()) for name in spiking)
    return NetworkMetrics(
        footprint=sum(w.nbytes for w in weights),
        parameter_count=stored,
        connection_sparsity=zeros / stored if stored else 0.0,
        activation_sparsity=1.0 - emitted / places if places else 1.0,
        effective_macs=macs,
        effective_acs=acs,
        dense=macs_per_tick(network) * n_ticks,
        membrane_updates=membrane_updates,
    )


def effective_events(projection: Projection, fired: npt.NDArray[np.int64]) -> int:
    """Return the synaptic events, weight not zero, when address i of the source fired `fired[i]` times."""
    csr = projection.synapses.to_csr()
    pre = np.repeat(np.arange(csr.n_pre), np.diff(csr.indptr))[csr.weights != 0]
    return int(fired @ np.bincount(pre, minlength=csr.n_pre))


def macs_per_tick(network: Network) -> int:
    """Return the multiply-accumulates of one tick if every synapse were computed: the dense equivalent."""
    return sum(projection.synapses.n_synapses for projection in network.projections)


def arithmetic_energy_pj(macs: int, acs: int, e_mac_pj: float = E_MAC_PJ, e_ac_pj: float = E_AC_PJ) -> float:
    """Return the energy of arithmetic alone, E_MAC x MACs + E_AC x ACs, pJ; memory and network are not in it.

    Source: Yin, Corradi and Bohte 2021, with the 45 nm figures of Horowitz 2014 (fp32).

    >>> round(arithmetic_energy_pj(macs=10, acs=100), 6)
    136.0
    """
    return e_mac_pj * macs + e_ac_pj * acs


def srnn_layer_energy_pj(
    n_in: int,
    rate_in: float,
    n_recurrent: int,
    rate_recurrent: float,
    n: int,
    macs_per_neuron: float,
    e_mac_pj: float = E_MAC_PJ,
    e_ac_pj: float = E_AC_PJ,
) -> float:
    """Return the energy of one layer of a spiking recurrent network in one step, pJ.

    E_AC (n_in fr_in + n_rec fr_rec) n + E_MAC k n, rates being spikes per neuron and step and k the
    multiply-accumulates that bring one neuron's state forward.

    Source: Yin, Corradi and Bohte 2021; the paper's own equation was not read, this form is from memory.

    >>> srnn_layer_energy_pj(10, 0.5, 0, 0.0, 2, 1)
    18.2
    """
    accumulates = (n_in * rate_in + n_recurrent * rate_recurrent) * n
    return e_ac_pj * accumulates + e_mac_pj * macs_per_neuron * n


def _stored(projection: Projection) -> npt.NDArray[np.floating]:
    synapses = projection.synapses
    # The ones of a pooling window are no parameters.
    flat = synapses.weights.reshape(-1)
    return flat[:0] if isinstance(synapses, SumPool2d) else flat
