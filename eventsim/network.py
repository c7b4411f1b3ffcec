"""Networks: inputs, populations, and the projections between them, on one time grid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eventsim.convolutions import Conv2d, SumPool2d
from eventsim.errors import GridError, NetworkError
from eventsim.events import MAX_TIME_NS, Events
from eventsim.models.model import NeuronModel
from eventsim.projections import Csr, Dense, OneToOne, Projection, Synapses
from eventsim.sources import PoissonSource, Source, SpikeSource
from eventsim.weights import as_array

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
        self._sources: dict[str, Source] = {}
        self._projections: list[Projection] = []

    @property
    def inputs(self) -> Mapping[str, int]:
        """Return the number of addresses of each input, by name, in the order added."""
        return MappingProxyType(self._inputs)

    @property
    def sources(self) -> Mapping[str, Source]:
        """Return the sources inside the engine by name, in the order added."""
        return MappingProxyType(self._sources)

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

    def add_poisson(
        self,
        name: str,
        size: int,
        rate_hz: float | npt.NDArray[np.float64],
        seed: int = 0,
        start_ns: int = 0,
        stop_ns: int | None = None,
    ) -> None:
        """Add a source of `size` independent Poisson processes inside the engine (`PoissonSource`).

        Raises NetworkError as `add_input` does, and where a rate or time is not allowed.
        """
        self._check_new(name, size)
        try:
            source = PoissonSource(int(size), rate_hz, seed, start_ns, stop_ns)
            source.events_per_tick(self.tick_ns)
        except NetworkError as error:
            raise NetworkError(f"source {name!r}: {error}") from None
        self._sources[name] = source

    def add_spikes(self, name: str, size: int, events: Events) -> None:
        """Add a source that emits events known beforehand (`SpikeSource`).

        Raises NetworkError as `add_input` does, and where an address or value is not allowed; GridError where
        a time is no multiple of the tick.
        """
        self._check_new(name, size)
        off = events.time_ns % self.tick_ns != 0
        if off.any():
            k = int(np.argmax(off))
            raise GridError(
                f"source {name!r}: event {k} at {int(events.time_ns[k])} ns is off the grid of "
                f"{self.tick_ns} ns (Events.on_grid moves events to it)"
            )
        try:
            self._sources[name] = SpikeSource(int(size), events)
        except NetworkError as error:
            raise NetworkError(f"source {name!r}: {error}") from None

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

        `pre` names an input, a source or a spiking population, `post` a population. `delay_ns` is a multiple
        of the tick, not negative: one number, or int64[n_synapses] with Csr.

        Raises
        ------
        NetworkError
            if a name is unknown, a shape does not fit, `pre` does not spike, a delay is negative, or
            projections of zero delay would form a cycle (the error names it).
        GridError
            if a delay is no multiple of the tick.
        """
        self._check_ends(pre, post)
        n_pre = self._size_of(pre)
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

    def compile(self, queue: str | None = None) -> CompiledNetwork:
        """Return the network as flat arrays, ready to run; several sessions may share them."""
        from eventsim.engine.compiled import compile_network

        return compile_network(self, queue)

    def summary(self) -> str:
        """Return a table for people: neurons, models, synapses, delays, bytes."""
        lines = [f"tick {self.tick_ns} ns"]
        lines += [f"input       {name}: {size} addresses" for name, size in self._inputs.items()]
        for name, source in self._sources.items():
            what = "Poisson" if isinstance(source, PoissonSource) else f"{len(source.events)} events"
            lines.append(f"source      {name}: {source.size} addresses, {what}")
        for p in self._populations.values():
            lines.append(f"population  {p.name}: {p.size} {p.model.kind}")
        total = size = 0
        for projection in self._projections:
            s = projection.synapses
            total, size = total + s.n_synapses, size + s.n_bytes
            lines.append(
                f"projection  {projection}: {s.n_synapses} synapses, {type(s).__name__.lower()} "
                f"{s.weights.dtype}, delay {_span(projection.delays_ns)}"
            )
        neurons = sum(p.size for p in self._populations.values())
        classes = sum(len(p.delays_ns) for p in self._projections)
        lines.append(
            f"total       {neurons} neurons, {total} synapses, {classes} delay classes, {size} bytes"
        )
        return "\n".join(lines)

    def _check_new(self, name: str, size: int) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise NetworkError(f"a name is letters, digits, '_', '.', '-', got {name!r}")
        if name in self._inputs or name in self._sources or name in self._populations:
            raise NetworkError(f"the name {name!r} is taken")
        if not isinstance(size, int | np.integer) or not 0 < size < 2**31:
            raise NetworkError(f"{name!r} wants a positive whole size, got {size!r}")

    def _size_of(self, name: str) -> int:
        if name in self._inputs:
            return self._inputs[name]
        return self._sources[name].size if name in self._sources else self._populations[name].size

    def _check_ends(self, pre: str, post: str) -> None:
        names = [*self._inputs, *self._sources, *self._populations]
        for name in (pre, post):
            if name not in names:
                known = ", ".join(names) or "nothing"
                raise NetworkError(f"{pre} -> {post}: {name!r} is unknown; the network has {known}")
        if post not in self._populations:
            raise NetworkError(f"{pre} -> {post}: an input cannot be a destination")
        if pre in self._populations and not self._populations[pre].model.spiking:
            raise NetworkError(f"{pre} -> {post}: {pre!r} ({self._populations[pre].model.kind}) never spikes")

    def _check_delay(
        self, delay_ns: int | npt.NDArray[np.int64], synapses: Synapses, where: str
    ) -> int | npt.NDArray[np.int64]:
        delays = as_array(delay_ns, f"{where}: delay_ns")
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
    if isinstance(synapses, OneToOne):
        if n_pre != n_post:
            raise NetworkError(f"{where}: OneToOne wants equal sizes, got {n_pre} and {n_post}")
        if synapses.weights.size not in (1, n_pre):
            raise NetworkError(f"{where}: OneToOne has {synapses.weights.size} weights for {n_pre} neurons")
        return OneToOne(synapses.weights, n_pre)
    if isinstance(synapses, Conv2d | SumPool2d):
        kind = type(synapses).__name__
        if (synapses.n_pre, synapses.n_post) != (n_pre, n_post):
            raise NetworkError(
                f"{where}: {kind} maps {synapses.input_shape} to {synapses.output_shape}, that is "
                f"{synapses.n_pre} to {synapses.n_post} addresses, not {n_pre} to {n_post}"
            )
        return synapses
    if not isinstance(synapses, Csr):
        raise NetworkError(
            f"{where}: synapses must be one of Dense, Csr, OneToOne, Conv2d, SumPool2d, "
            f"got {type(synapses).__name__}"
        )
    if synapses.n_pre != n_pre:
        raise NetworkError(f"{where}: Csr has {synapses.n_pre} rows for {n_pre} sources")
    if synapses.n_post == n_post:
        return synapses
    if synapses.n_post is not None:
        raise NetworkError(f"{where}: Csr was made for {synapses.n_post} destinations, not {n_post}")
    if synapses.indices.size and int(synapses.indices.max()) >= n_post:
        raise NetworkError(f"{where}: Csr index {int(synapses.indices.max())} is beyond the {n_post} neurons")
    return synapses


def _span(delays_ns: tuple[int, ...]) -> str:
    if len(delays_ns) <= 1:
        return f"{delays_ns[0] if delays_ns else 0} ns"
    return f"{delays_ns[0]}..{delays_ns[-1]} ns in {len(delays_ns)} classes"
