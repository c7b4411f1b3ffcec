"""How often each address fired, checked against the network it is said to be of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from eventsim import Network
from eventsim.errors import ParameterError


def checked_counts(network: Network, spikes: Mapping[str, npt.ArrayLike]) -> dict[str, npt.NDArray[np.int64]]:
    """Return the counts of every input, source and population, int64[size] each; 0 for what is left out.

    Raises ParameterError where a name is not in the network, or counts have another length, are not whole or
    are negative.
    """
    sizes = dict(network.inputs) | {name: s.size for name, s in network.sources.items()}
    sizes |= {name: p.size for name, p in network.populations.items()}
    for name in spikes:
        if name not in sizes:
            raise ParameterError(f"activity: {name!r} is not in the network, which has {', '.join(sizes)}")
    checked = {}
    for name, size in sizes.items():
        counts = np.asarray(spikes.get(name, np.zeros(size, np.int64)))
        if counts.shape != (size,) or counts.dtype.kind not in "iu":
            raise ParameterError(
                f"activity: {name!r} wants {size} whole counts, got {counts.dtype} {counts.shape}"
            )
        if counts.size and int(counts.min()) < 0:
            raise ParameterError(f"activity: {name!r}: a count must not be negative, got {int(counts.min())}")
        checked[name] = counts.astype(np.int64)
    return checked
