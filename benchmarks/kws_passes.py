"""One pass of a stream: through the keyword spotter block by block, or through a network never at rest."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.keyword_model import KeywordModel
from apps.spotter import NS_PER_S, KeywordDecision, KeywordSpotter, SpotEvent, Work
from eventsim.session import Counters, Session

Blocks = list[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class SpotterPass:
    """What the spotter said of a stream, and what it took.

    cpu_s : CPU time of the process for the whole stream.
    push_ms : wall time of every push, float64[blocks].
    latency_ms, latency_cpu_ms : of the pushes that returned a decision, once per decision: wall time, and
    CPU time of the thread, which other programs on the machine do not lengthen.
    at_end : decisions that only the end of the stream made, without a latency.
    in_later_block : decisions not returned by the push whose block holds the tick of the decision.
    """

    said: list[SpotEvent]
    work: Work
    cpu_s: float
    push_ms: NDArray[np.float64]
    latency_ms: list[float]
    latency_cpu_ms: list[float]
    at_end: int
    in_later_block: int


@dataclass(frozen=True, slots=True)
class UngatedPass:
    """What a network does that runs through the whole stream, without gate and decisions."""

    counters: Counters
    cpu_s: float


def equal_blocks(samples: NDArray[np.float32], block_samples: int) -> Blocks:
    """Cut a stream into blocks of one length; the last may be shorter."""
    return [samples[i : i + block_samples] for i in range(0, samples.size, block_samples)]


def random_blocks(samples: NDArray[np.float32], longest: int, rng: np.random.Generator) -> Blocks:
    """Cut a stream into blocks of 0 to `longest` samples, short ones as likely as long ones."""

    def edges() -> Iterator[int]:
        edge = 0
        while edge < samples.size:
            yield edge
            edge += int((longest + 1) ** rng.uniform()) - int(rng.random() < 0.05)

    return np.split(samples, list(edges()))


def spot(spotter: KeywordSpotter, blocks: Blocks) -> SpotterPass:
    """Push a stream as the command `eventsim kws` does, and take the time of every push."""
    spotter.reset()
    said: list[SpotEvent] = []
    push_s = np.empty(len(blocks))
    latency_s: list[float] = []
    latency_cpu_s: list[float] = []
    late = heard = 0
    cpu_began_s = time.process_time()
    for k, block in enumerate(blocks):
        thread_s, wall_s = time.thread_time(), time.perf_counter()
        outcomes = spotter.push(block)
        push_s[k], thread_s = time.perf_counter() - wall_s, time.thread_time() - thread_s
        for outcome in outcomes:
            if isinstance(outcome, KeywordDecision):
                latency_s.append(push_s[k])
                latency_cpu_s.append(thread_s)
                decided_sample = outcome.decided_ns * spotter.rate_hz // NS_PER_S
                late += not heard < decided_sample <= heard + block.size
        heard += block.size
        said += outcomes
    last = spotter.finish()
    cpu_s = time.process_time() - cpu_began_s
    return SpotterPass(
        said=said + last,
        work=spotter.work,
        cpu_s=cpu_s,
        push_ms=1e3 * push_s,
        latency_ms=[1e3 * s for s in latency_s],
        latency_cpu_ms=[1e3 * s for s in latency_cpu_s],
        at_end=sum(isinstance(outcome, KeywordDecision) for outcome in last),
        in_later_block=late,
    )


def run_ungated(model: KeywordModel, blocks: Blocks) -> UngatedPass:
    """Encode a stream and let the network follow all of it, from rest, read after every block."""
    encoder = model.new_encoder()
    session = Session(model.bundle.network, start_ns=encoder.tick_ns)
    cpu_began_s = time.process_time()
    for block in blocks:
        session.push(model.input_name, encoder.push(block))
        session.advance(encoder.horizon_ns)
        session.read(model.output_name)
    return UngatedPass(session.counters, time.process_time() - cpu_began_s)


def n_differing(said: list[SpotEvent], expected: list[SpotEvent]) -> int:
    """Return at how many places two courses differ in anything: kind, label, a time, confidence, counts."""
    differing = sum(a != b for a, b in zip(said, expected, strict=False))
    return differing + abs(len(said) - len(expected))
