"""W1: a balanced random network, 10,000 neurons with 100 or 1,000 inputs each, driven by Poisson spikes.

After Brunel 2000 (doi 10.1023/A:1008925309027): 80 % excitatory, 20 % inhibitory neurons, inhibition five
times as strong, tau 20 ms, threshold 20 mV, reset to 10 mV, refractory 2 ms, delay 1.5 ms. A neuron fires
about 13.5 times per second.
"""

import time
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.measured import Measured, Stopwatch, peak_mb
from eventsim.models import LIF, CubaLIF, NeuronModel
from eventsim.network import Network
from eventsim.projections import Csr, OneToOne
from eventsim.session import Session

EXCITATORY_SHARE = 0.8
INHIBITION = 5.0
TAU_MEM_NS = 20e6
TAU_SYN_NS = 2e6
THRESHOLD_MV = 20.0
RESET_MV = 10.0
REFRACTORY_NS = 2e6
DRIVE_MV = 1.0
DELAY_NS = 1_500_000
DELAY_SPAN_NS = (500_000, 2_500_000)
_NS_PER_S = 10**9


class W1Case(msgspec.Struct, frozen=True, kw_only=True, tag="w1"):
    """One form of the workload.

    in_degree : inputs per neuron from the network. tick_ns : grid. synapse : jump of the membrane, or
    exponential current integrated exactly. delay_classes : 1, or that many delays from 0.5 to 2.5 ms, drawn
    per synapse; one tick apart, from one tick on, where the grid has not as many. drive_hz : Poisson spikes
    per neuron and second; None takes the workload's. warm_s : simulated from all membranes at rest, before
    the time is taken.
    """

    in_degree: int = 100
    tick_ns: int = 100_000
    synapse: Literal["delta", "exponential"] = "delta"
    delay_classes: int = 1
    neurons: int = 10_000
    drive_hz: float | None = None
    seconds: float = 1.0
    warm_s: float = 0.2
    repetitions: int = 3

    @property
    def weight_mv(self) -> float:
        """Return the jump of an excitatory synapse: 0.6 mV for 100 inputs, 0.2 mV for 1,000."""
        return 0.6 if self.in_degree <= 100 else 0.2

    @property
    def poisson_hz(self) -> float:
        """Return the Poisson rate per neuron: 850 Hz for 100 inputs, 1,150 Hz for 1,000."""
        if self.drive_hz is not None:
            return self.drive_hz
        return 850.0 if self.in_degree <= 100 else 1150.0

    def connectivity(self, seed: int = 1) -> Csr:
        """Return synapses such that every neuron has exactly `in_degree` inputs, drawn with replacement.

        Each synapse is one number, source x neurons + target, so that sorting the numbers in place sorts the
        synapses by source; the remainders, in place too, are the targets.
        """
        n, n_excitatory = self.neurons, round(EXCITATORY_SHARE * self.neurons)
        of_excitatory = round(EXCITATORY_SHARE * self.in_degree)
        rng = np.random.default_rng(seed)
        wide = np.uint32 if n * n < 2**32 else np.uint64
        keys = np.empty((n, self.in_degree), wide)
        keys[:, :of_excitatory] = rng.integers(0, n_excitatory, (n, of_excitatory), dtype=np.int32)
        keys[:, of_excitatory:] = rng.integers(
            n_excitatory, n, (n, self.in_degree - of_excitatory), dtype=np.int32
        )
        keys *= wide(n)
        keys += np.arange(n, dtype=wide)[:, None]
        flat = keys.reshape(-1)
        flat.sort()
        indptr = np.searchsorted(flat, np.arange(n + 1, dtype=np.uint64) * np.uint64(n)).astype(np.int64)
        flat %= wide(n)
        weights = np.full(flat.size, self.weight_mv, np.float32)
        weights[indptr[n_excitatory] :] *= np.float32(-INHIBITION)
        indices = flat.view(np.int32) if wide is np.uint32 else flat.astype(np.int32)
        return Csr(indptr, indices, weights, n)

    def delays_ns(self, n_synapses: int, seed: int = 4) -> int | npt.NDArray[np.int64]:
        """Return the one delay, or one per synapse drawn from the delay classes, whole ticks."""
        if self.delay_classes == 1:
            return DELAY_NS
        classes = np.linspace(*DELAY_SPAN_NS, self.delay_classes)
        on_grid = np.round(classes / self.tick_ns).astype(np.int64) * self.tick_ns
        if np.unique(on_grid).size < self.delay_classes:
            on_grid = np.arange(1, self.delay_classes + 1) * self.tick_ns
        drawn = np.random.default_rng(seed).integers(0, self.delay_classes, n_synapses, dtype=np.uint8)
        delays: npt.NDArray[np.int64] = on_grid[drawn]
        return delays

    def model(self) -> NeuronModel:
        """Return the neuron: LIF with jumps, or with exponential currents of the same charge."""
        if self.synapse == "exponential":
            return CubaLIF(
                tau_mem_ns=TAU_MEM_NS,
                tau_syn_ns=TAU_SYN_NS,
                threshold=THRESHOLD_MV,
                reset="hard",
                reset_potential=RESET_MV,
                refractory_ns=REFRACTORY_NS,
                input_gain=TAU_MEM_NS / TAU_SYN_NS,
            )
        return LIF(
            tau_ns=TAU_MEM_NS,
            threshold=THRESHOLD_MV,
            reset="hard",
            reset_potential=RESET_MV,
            refractory_ns=REFRACTORY_NS,
        )

    def network(self) -> Network:
        """Return the network: `drive`, a Poisson source per neuron, and the population `cells`."""
        network = Network(self.tick_ns)
        network.add_poisson("drive", self.neurons, self.poisson_hz, seed=7)
        network.add_population("cells", self.neurons, self.model())
        network.connect("drive", "cells", OneToOne(np.array([DRIVE_MV])))
        synapses = self.connectivity()
        network.connect("cells", "cells", synapses, self.delays_ns(synapses.n_synapses))
        return network

    def measure(self) -> Measured:
        """Return the time of each of `repetitions` consecutive stretches of `seconds`, after `warm_s`."""
        start = time.perf_counter()
        session = Session(self.network())
        build_s = time.perf_counter() - start
        session.advance(self.tick_ns)  # compiles the kernels, or loads them
        clock_ns = round(self.warm_s * _NS_PER_S) // self.tick_ns * self.tick_ns
        session.advance(clock_ns)
        before, watch = session.counters, Stopwatch()
        for _ in range(self.repetitions):
            clock_ns += round(self.seconds * _NS_PER_S)
            watch.time(lambda until_ns=clock_ns: session.advance(until_ns))  # type: ignore[misc]
        after = session.counters
        external, recurrent = (
            b - a
            for a, b in zip(
                before.synaptic_events_by_projection, after.synaptic_events_by_projection, strict=True
            )
        )
        spikes = after.spikes["cells"] - before.spikes["cells"]
        return Measured(
            seconds=watch.seconds,
            events=(external + recurrent) / self.repetitions,
            figures={
                "rate_hz": spikes / (self.neurons * self.seconds * self.repetitions),
                "drive_rate_hz": external / (self.neurons * self.seconds * self.repetitions),
                "synaptic_events": recurrent / self.repetitions,
                "external_events": external / self.repetitions,
                "build_s": build_s,
                "peak_mb": peak_mb(),
            },
        )
