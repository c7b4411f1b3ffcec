"""Networks: inputs, populations, and the projections between them, on one time grid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventsim.errors import GridError, NetworkError
from eventsim.events import MAX_TIME_NS
from eventsim.models.model import NeuronModel
from eventsim.projections import Csr, Dense, Projection, Synapses

if TYPE_CHECKING:
    from eventsim.engine.compiled import CompiledNetwork

_NAME = re.compile(r"\w[\w.\-]*")


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one model; the model's parameters are float64[size]."""

    name: str
    size: int
    model: NeuronModel


class Network:
    """A description of a spiking network; `Session(network)` runs it.

    Parameters
    ----------
    tick_ns : the time grid, ns; every event time and delay is a multiple of it

    >>> from eventsim.models import LIF, LeakyIntegrator
    >>> net = Network(tick_ns=1_000_000)
    >>> net.add_input("in", 2)
    >>> net.add_population("out", 1, LeakyIntegrator(tau_ns=20e6))
    >>> net.connect("in", "out", Dense(np.ones((2, 1))), delay_ns=3_000_000)
    >>> print(net.projections[0])
    in -> out
    """

    def __init__(self, tick_ns: int) -> None:
        if not isinstance(tick_ns, int | np.integer) or not 0 < tick_ns < MAX_TIME_NS:
            raise NetworkError(f"tick_ns must be a positive whole number of ns, got {tick_ns!r}")
        self.tick_ns = int(tick_ns)
        self._inputs: dict[str, int] = {}
        self._populations: dict[str, Population] = {}
        self._projections: list[Projection] = []

    @property
    def inputs(self) -> Mapping[str, int]:
        """Return the number of addresses of each input, by name, in the order added."""
        return MappingProxyType(self._inputs)

    @property
    def populations(self) -> Mapping[str, Population]:
        """Return the populations by name, in the order added."""
        return MappingProxyType(self._populations)

    @property
    def projections(self) -> tuple[Projection, ...]:
        """Return the projections in the order added, which is also the order of summation."""
        return tuple(self._projections)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the populations that drive no projection: a session always records them."""
        driving = {p.pre for p in self._projections}
        return tuple(name for name in self._populations if name not in driving)

    def add_input(self, name: str, size: int) -> None:
        """Add `size` addresses at which events can be pushed.

        Raises NetworkError where the name is taken or no plain word, or the size is not positive.
        """
        self._check_new(name, size)
        self._inputs[name] = int(size)

    def add_population(self, name: str, size: int, model: NeuronModel) -> None:
        """Add `size` neurons of one model; scalar parameters are spread over them.

        Raises NetworkError where the name is taken or no plain word, the size is not positive, or a parameter
        has the wrong length or a value that is not allowed.
        """
        self._check_new(name, size)
        if not isinstance(model, NeuronModel):
            raise NetworkError(f"population {name!r} wants a neuron model, got {type(model).__name__}")
        try:
            spread = model.broadcast(int(size))
            spread.kernel_parameters(self.tick_ns)
        except NetworkError as error:
            raise NetworkError(f"population {name!r}: {error}") from None
        self._populations[name] = Population(name, int(size), spread)

    def connect(
        self, pre: str, post: str, synapses: Synapses, delay_ns: int | npt.NDArray[np.int64] = 0
    ) -> None:
        """Add a projection; several between one pair are allowed (delay taps).

        `pre` names an input or a spiking population, `post` a population. `delay_ns` is a multiple of the
        tick, not negative: one number, or int64[n_synapses] with Csr.

        Raises
        ------
        NetworkError
            if a name is unknown, a shape does not fit, `pre` does not spike, a delay is negative, or
            projections of zero delay would form a cycle (the error names it).
        GridError
            if a delay is no multiple of the tick.
        """
        self._check_ends(pre, post)
        n_pre = self._inputs[pre] if pre in self._inputs else self._populations[pre].size
        checked = _fit(synapses, n_pre, self._populations[post].size, f"{pre} -> {post}")
        delay = self._check_delay(delay_ns, checked, f"{pre} -> {post}")
        projection = Projection(pre, post, checked, delay)
        if projection.delays_ns[:1] == (0,) and (cycle := self._path(post, pre)):
            names = " -> ".join([*cycle, post])
            raise NetworkError(f"projections of zero delay form a cycle: {names}; give one a delay")
        self._projections.append(projection)

    def levels(self) -> dict[str, int]:
        """Return each population's level: inputs are at 0, and a zero delay leads to a higher level."""
        level = dict.fromkeys(self._populations, 0)
        instant = [p for p in self._projections if p.delays_ns[:1] == (0,) and p.pre in level]
        for _ in level:
            for p in instant:
                level[p.post] = max(level[p.post], level[p.pre] + 1)
        return level

    def compile(self) -> CompiledNetwork:
        """Return the network as flat arrays, ready to run; several sessions may share them."""
        from eventsim.engine.compiled import compile_network

        return compile_network(self)

    def summary(self) -> str:
        """Return a table for people: neurons, models, synapses, delays, bytes."""
        lines = [f"tick {self.tick_ns} ns"]
        lines += [f"input       {name}: {size} addresses" for name, size in self._inputs.items()]
        for p in self._populations.values():
            lines.append(f"population  {p.name}: {p.size} {p.model.kind}")
        total = size = 0
        for projection in self._projections:
            s = projection.synapses
            held = s.weights.nbytes + (s.indptr.nbytes + s.indices.nbytes if isinstance(s, Csr) else 0)
            total, size = total + s.n_synapses, size + held
            lines.append(
                f"projection  {projection}: {s.n_synapses} synapses, {type(s).__name__.lower()} "
                f"{s.weights.dtype}, delay {_span(projection.delays_ns)}"
            )
        neurons = sum(p.size for p in self._populations.values())
        classes = len({(p.pre, d) for p in self._projections for d in p.delays_ns})
        lines.append(
            f"total       {neurons} neurons, {total} synapses, {classes} delay classes, {size} bytes"
        )
        return "\n".join(lines)

    def _check_new(self, name: str, size: int) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise NetworkError(f"a name is letters, digits, '_', '.', '-', got {name!r}")
        if name in self._inputs or name in self._populations:
            raise NetworkError(f"the name {name!r} is taken")
        if not isinstance(size, int | np.integer) or not 0 < size < 2**31:
            raise NetworkError(f"{name!r} wants a positive whole size, got {size!r}")

    def _check_ends(self, pre: str, post: str) -> None:
        known = ", ".join([*self._inputs, *self._populations]) or "nothing"
        for name in (pre, post):
            if name not in self._inputs and name not in self._populations:
                raise NetworkError(f"{pre} -> {post}: {name!r} is unknown; the network has {known}")
        if post in self._inputs:
            raise NetworkError(f"{pre} -> {post}: an input cannot be a destination")
        if pre in self._populations and not self._populations[pre].model.spiking:
            raise NetworkError(f"{pre} -> {post}: {pre!r} ({self._populations[pre].model.kind}) never spikes")

    def _check_delay(
        self, delay_ns: int | npt.NDArray[np.int64], synapses: Synapses, where: str
    ) -> int | npt.NDArray[np.int64]:
        delays = np.asarray(delay_ns)
        if delays.dtype.kind not in "iu" or delays.ndim > 1:
            raise NetworkError(
                f"{where}: delay_ns must be whole ns, one or one per synapse, got {delays.dtype}"
            )
        if delays.ndim == 1 and not (isinstance(synapses, Csr) and delays.size == synapses.n_synapses):
            raise NetworkError(f"{where}: {delays.size} delays; only Csr takes one per synapse")
        if delays.size and (int(delays.min()) < 0 or int(delays.max()) >= MAX_TIME_NS):
            raise NetworkError(f"{where}: a delay must not be negative, got {int(delays.min())} ns")
        off = delays % self.tick_ns != 0
        if np.any(off):
            first = int(np.atleast_1d(delays)[np.atleast_1d(off)][0])
            raise GridError(f"{where}: delay {first} ns is no multiple of the tick, {self.tick_ns} ns")
        if delays.ndim == 0:
            return int(delays)
        held = delays.astype(np.int64)
        held.flags.writeable = False
        return held

    def _path(self, start: str, goal: str) -> list[str] | None:
        """Return a path of zero-delay projections from `start` to `goal`, or None."""
        stack, seen = [[start]], {start}
        while stack:
            path = stack.pop()
            if path[-1] == goal:
                return path
            for p in self._projections:
                if p.pre == path[-1] and p.post not in seen and p.delays_ns[:1] == (0,):
                    seen.add(p.post)
                    stack.append([*path, p.post])
        return None


def _fit(synapses: Synapses, n_pre: int, n_post: int, where: str) -> Synapses:
    if isinstance(synapses, Dense):
        if synapses.shape != (n_pre, n_post):
            raise NetworkError(
                f"{where}: Dense weights must have shape {(n_pre, n_post)}, got {synapses.shape}"
            )
        return synapses
    if not isinstance(synapses, Csr):
        raise NetworkError(f"{where}: synapses must be Dense or Csr, got {type(synapses).__name__}")
    if synapses.n_pre != n_pre:
        raise NetworkError(f"{where}: Csr has {synapses.n_pre} rows for {n_pre} sources")
    if synapses.n_post not in (None, n_post):
        raise NetworkError(f"{where}: Csr was made for {synapses.n_post} destinations, not {n_post}")
    return Csr(synapses.indptr, synapses.indices, synapses.weights, n_post)


def _span(delays_ns: tuple[int, ...]) -> str:
    if len(delays_ns) <= 1:
        return f"{delays_ns[0] if delays_ns else 0} ns"
    return f"{delays_ns[0]}..{delays_ns[-1]} ns in {len(delays_ns)} classes"
