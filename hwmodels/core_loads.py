"""How full each core of a placement is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hwmodels.chip_schema import Limits
from hwmodels.network_load import NetworkLoad, distinct

Ints = npt.NDArray[np.int64]

# The limit of the chip that each count is held to.
LIMIT_OF = {
    "neurons": "neurons_per_core",
    "axons_in": "axons_in_per_core",
    "axons_out": "axons_out_per_core",
    "synapses": "synapses_per_core",
    "memory_bits": "synapse_memory_bits_per_core",
}


@dataclass(frozen=True, eq=False)
class CoreLoads:
    """What each core holds, int64[n_cores] each.

    `axons_in` counts distinct sources that reach a core, `axons_out` the pairs of a neuron on it and a core
    that neuron reaches.
    """

    neurons: Ints
    axons_in: Ints
    axons_out: Ints
    synapses: Ints
    memory_bits: Ints

    def beyond(self, limits: Limits) -> list[str]:
        """Return what exceeds a limit, one line each: core, number, limit."""
        found = []
        for name, limit_name in LIMIT_OF.items():
            limit, held = getattr(limits, limit_name), getattr(self, name)
            if limit is not None and held.size and int(held.max()) > limit:
                worst = int(held.argmax())
                found.append(
                    f"core {worst} holds {int(held[worst])} {name.replace('_', ' ')}, at most {limit}"
                )
        return found


def core_loads(load: NetworkLoad, core_of: npt.NDArray[np.int32], n_cores: int) -> CoreLoads:
    """Return how full each core is when neuron j of the load sits on `core_of[j]`."""
    wide = core_of.astype(np.int64)
    reached = np.repeat(wide, load.fan_in())
    pairs = distinct(load.sources.astype(np.int64) * n_cores + reached)
    source, core = pairs // n_cores, pairs % n_cores
    neuron = source - load.first_neuron_as_source
    own = neuron >= 0
    return CoreLoads(
        neurons=np.bincount(wide, minlength=n_cores),
        axons_in=np.bincount(core, minlength=n_cores),
        axons_out=np.bincount(wide[neuron[own]], minlength=n_cores),
        synapses=_summed(wide, load.synapses, n_cores),
        memory_bits=_summed(wide, load.memory_bits, n_cores),
    )


def _summed(core_of: Ints, values: Ints, n_cores: int) -> Ints:
    sums = np.zeros(n_cores, np.int64)
    np.add.at(sums, core_of, values)
    return sums
