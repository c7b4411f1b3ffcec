"""Membranes at times asked for beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from eventsim.engine.compiled import CompiledNetwork
from eventsim.errors import GridError, ParameterError
from eventsim.events import MAX_TIME_NS

_Times = npt.NDArray[np.int64]
_Membranes = npt.NDArray[np.float64]


class Probe:
    """Which populations are probed when, and what was found.

    Parameters
    ----------
    network : the network
    wanted : per population, int64[k]: times in ns, on the grid

    Raises
    ------
    ParameterError
        if a name is no population, or times are not whole.
    GridError
        if a time is no multiple of the tick.
    """

    def __init__(self, network: CompiledNetwork, wanted: Mapping[str, npt.ArrayLike]) -> None:
        self._times: dict[str, _Times] = {}
        self._sizes = {name: network.network.populations[name].size for name in network.order}
        for name, times in wanted.items():
            if name not in self._sizes:
                raise ParameterError(f"cannot probe {name!r}; populations are {', '.join(network.order)}")
            try:
                array = np.atleast_1d(np.asarray(times))
            except ValueError:
                raise ParameterError(f"probe times of {name!r} must be one list of whole ns") from None
            if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
                raise ParameterError(f"probe times of {name!r} must be whole ns, got {array.dtype}")
            if array.size and not -MAX_TIME_NS < int(array.min()) <= int(array.max()) < MAX_TIME_NS:
                raise ParameterError(f"probe times of {name!r} must lie within +-2^62 ns")
            array = np.unique(array.astype(np.int64))
            if (array % network.tick_ns).any():
                raise GridError(f"a probe time of {name!r} is off the grid of {network.tick_ns} ns")
            self._times[name] = array
        self._all = np.unique(np.concatenate([np.empty(0, np.int64), *self._times.values()]))
        self._next = 0
        self._kept: dict[str, list[tuple[int, _Membranes]]] = {name: [] for name in self._times}

    def reset(self, start_ns: int) -> None:
        """Forget what was kept; times before `start_ns` will not come."""
        self._next = int(np.searchsorted(self._all, start_ns))
        self._kept = {name: [] for name in self._times}

    def before(self, until_ns: int) -> Iterator[int]:
        """Yield the times to come before `until_ns`, each once."""
        while self._next < self._all.shape[0] and self._all[self._next] < until_ns:
            self._next += 1
            yield int(self._all[self._next - 1])

    def keep(self, at_ns: int, membrane: Callable[[str], _Membranes]) -> None:
        """Keep the membranes of the populations probed at `at_ns`."""
        for name, times in self._times.items():
            k = int(np.searchsorted(times, at_ns))
            if k < times.shape[0] and times[k] == at_ns:
                self._kept[name].append((at_ns, membrane(name)))

    def read(self, name: str) -> tuple[_Times, _Membranes]:
        """Return what was kept of one population since the last read."""
        if name not in self._kept:
            raise ParameterError(f"{name!r} is not probed; probed are {', '.join(self._kept) or 'none'}")
        kept, self._kept[name] = self._kept[name], []
        times = np.array([at_ns for at_ns, _ in kept], np.int64)
        return times, np.array([m for _, m in kept]).reshape(len(kept), self._sizes[name])
