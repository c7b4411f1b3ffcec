"""W3: many neurons, few spikes: up to ten million neurons, of which some are made to fire within 1 s."""

import time

import msgspec
import numpy as np

from benchmarks.measured import Measured, Stopwatch, peak_mb
from eventsim.events import Events
from eventsim.models import LIF
from eventsim.network import Network
from eventsim.projections import Csr, OneToOne
from eventsim.session import Session

TAU_NS = 20e6
DELAY_NS = 1_500_000
WEIGHT = 0.02
FORCING_WEIGHT = 1000.0
"""Far above the threshold of 1, so that an input event makes its neuron fire whatever its membrane."""
END_NS = 1_010_000_000
_NS_PER_S = 10**9


class W3Case(msgspec.Struct, frozen=True, kw_only=True, tag="w3"):
    """One form of the workload: `out_degree` random targets per neuron, `forced` spikes from outside."""

    neurons: int = 100_000
    out_degree: int = 100
    forced: int = 10_000
    tick_ns: int = 1
    repetitions: int = 4

    def network(self, seed: int = 1) -> Network:
        """Return the network: the input `force` makes the neuron of its address fire at once."""
        n, n_synapses = self.neurons, self.neurons * self.out_degree
        network = Network(self.tick_ns)
        network.add_input("force", n)
        network.add_population("cells", n, LIF(tau_ns=TAU_NS, threshold=1.0, reset="hard"))
        network.connect("force", "cells", OneToOne(np.array([FORCING_WEIGHT])))
        indptr = np.arange(n + 1, dtype=np.int64) * self.out_degree
        # Drawn straight into the array that the network keeps; duplicates are allowed.
        targets = np.random.default_rng(seed).integers(0, n, n_synapses, dtype=np.int32)
        weights = np.full(n_synapses, WEIGHT, np.float32)
        network.connect("cells", "cells", Csr(indptr, targets, weights, n), DELAY_NS)
        return network

    def events(self, seed: int = 0) -> Events:
        """Return the forcing events in order of time, times and neurons drawn evenly."""
        rng = np.random.default_rng(seed)
        time_ns = (np.sort(rng.random(self.forced)) * _NS_PER_S).astype(np.int64)
        events, _ = Events.of(time_ns, rng.integers(0, self.neurons, self.forced)).on_grid(self.tick_ns)
        return events

    def measure(self) -> Measured:
        """Return the time of each run of one second from rest; resetting is apart, in `figures`."""
        start = time.perf_counter()
        session = Session(self.network())
        build_s = time.perf_counter() - start
        events, watch, reset_watch = self.events(), Stopwatch(), Stopwatch()
        # The first run compiles the kernels, or loads them, and touches memory for the first time.
        for _ in range(self.repetitions + 1):
            reset_watch.time(session.reset)
            watch.time(lambda: _run(session, events))
        counters = session.counters
        return Measured(
            seconds=watch.seconds[1:],
            # Without those that force, which are input.
            events=float(counters.synaptic_events_by_projection[1]),
            figures={
                "spikes": float(counters.spikes["cells"]),
                "first_run_s": watch.seconds[0],
                "reset_s": float(np.median(reset_watch.seconds)),
                "build_s": build_s,
                "peak_mb": peak_mb(),
            },
        )


def _run(session: Session, events: Events) -> None:
    session.push("force", events)
    session.advance(END_NS)
