"""W2: a small classifier, 700 inputs -> 256 recurrent neurons -> 20 outputs, 8,000 input events in 1 s."""

import time
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.measured import Measured, Stopwatch, peak_mb
from eventsim.events import Events
from eventsim.models import LIF
from eventsim.network import Network
from eventsim.projections import Dense
from eventsim.session import Session

INPUTS, OUTPUTS, INPUT_EVENTS = 700, 20, 8_000
TAU_NS = 20e6
DELAY_NS = 1_000_000
END_NS = 1_020_000_000
_NS_PER_S = 10**9


class W2Case(msgspec.Struct, frozen=True, kw_only=True, tag="w2"):
    """One form of the workload.

    one_by_one : each event is pushed and the clock advanced past it by calls of its own, as for a live
    source; else all are pushed at once. dtype : of the weights.
    """

    hidden: int = 256
    tick_ns: int = 1
    dtype: Literal["float32", "float64"] = "float32"
    one_by_one: bool = False
    repetitions: int = 21

    def network(self, seed: int = 2) -> Network:
        """Return the network; the weights give about 15 spikes per second and hidden neuron."""
        rng = np.random.default_rng(seed)
        into = rng.normal(0.02, 0.08, (INPUTS, self.hidden)).astype(np.float32)
        recurrent = rng.normal(-0.02, 0.06, (self.hidden, self.hidden)).astype(np.float32)
        out = rng.normal(0.0, 0.05, (self.hidden, OUTPUTS)).astype(np.float32)
        network = Network(self.tick_ns)
        network.add_input("input", INPUTS)
        for name, size in (("hidden", self.hidden), ("output", OUTPUTS)):
            network.add_population(name, size, LIF(tau_ns=TAU_NS, threshold=1.0, reset="hard"))
        network.connect("input", "hidden", Dense(into.astype(self.dtype)))
        network.connect("hidden", "hidden", Dense(recurrent.astype(self.dtype)), DELAY_NS)
        network.connect("hidden", "output", Dense(out.astype(self.dtype)), DELAY_NS)
        return network

    def events(self, seed: int = 3) -> Events:
        """Return the input in order of time, on the grid: times and channels drawn evenly."""
        rng = np.random.default_rng(seed)
        time_s = np.sort(rng.random(INPUT_EVENTS))
        channel = rng.integers(0, INPUTS, INPUT_EVENTS)
        events, _ = Events.of((time_s * _NS_PER_S).astype(np.int64), channel).on_grid(self.tick_ns)
        return events

    def measure(self) -> Measured:
        """Return the time of each sample; one by one, also percentiles of the time per event, in us."""
        start = time.perf_counter()
        session = Session(self.network())
        build_s = time.perf_counter() - start
        events, watch, latencies_ns = self.events(), Stopwatch(), []
        # The first sample compiles the kernels, or loads them.
        for repetition in range(self.repetitions + 1):
            session.reset()
            if self.one_by_one:
                watch.time(lambda: latencies_ns.append(_push_one_by_one(session, events)))
            else:
                watch.time(lambda: _push_all(session, events))
            if repetition == 0:
                watch.seconds.clear()
                latencies_ns.clear()
        counters = session.counters
        figures = {
            "hidden_spikes": float(counters.spikes["hidden"]),
            "output_spikes": float(counters.spikes["output"]),
            "build_s": build_s,
            "peak_mb": peak_mb(),
        }
        if latencies_ns:
            p50, p99, highest = np.percentile(
                np.concatenate(latencies_ns) / 1000, (50, 99, 100), method="higher"
            )
            figures |= {
                "event_p50_us": float(p50),
                "event_p99_us": float(p99),
                "event_max_us": float(highest),
            }
        return Measured(seconds=watch.seconds, events=float(counters.synaptic_events), figures=figures)


def _push_all(session: Session, events: Events) -> None:
    session.push("input", events)
    session.advance(END_NS)


def _push_one_by_one(session: Session, events: Events) -> npt.NDArray[np.int64]:
    """Return int64[events], ns: from handing over each event to having all that it caused by then."""
    taken_ns = np.empty(len(events), np.int64)
    clock, push, advance = time.perf_counter_ns, session.push_event, session.advance
    for k, (time_ns, address) in enumerate(
        zip(events.time_ns.tolist(), events.address.tolist(), strict=True)
    ):
        start = clock()
        push("input", time_ns, address)
        advance(time_ns + 1)
        taken_ns[k] = clock() - start
    session.advance(END_NS)
    return taken_ns
