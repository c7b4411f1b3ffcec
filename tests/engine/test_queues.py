"""Networks of many delays: every queue gives the same bits, on coarse and on fine grids."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.engine.compiled import QUEUE_NAMES, QUEUES
from eventsim.errors import ParameterError
from eventsim.events import Events
from eventsim.models import ALIF, LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Csr, Dense, OneToOne
from eventsim.session import Session

pytestmark = pytest.mark.compiled
MS = 1_000_000
GRIDS = {"coarse": (MS, 40), "fine": (1, 5 * MS), "very fine": (1, 16_000_000), "1 us": (1000, 3000)}


def random_csr(rng, n_pre, n_post, fan_out, low, high):
    indptr = np.arange(n_pre + 1) * fan_out
    weights = rng.uniform(low, high, indptr[-1]).astype(np.float32)  # as slots want them
    return Csr(indptr, rng.integers(0, n_post, indptr[-1]), weights)


def recurrent(rng, tick_ns, longest, classes):
    """Return a network in which most synapses have a delay of their own, of up to `longest` ticks."""
    net = Network(tick_ns)
    net.add_input("in", 4)
    span = tick_ns * longest
    net.add_population("scaled", 9, LIF(span / 5, threshold=1.0, refractory_ns=3 * tick_ns))
    net.add_population("general", 7, LIF(span * rng.uniform(0.1, 1, 7), threshold=0.9, reset="hard"))
    net.add_population("adaptive", 5, ALIF(span / 7, span / 3, 0.5, 1.8))
    net.add_population("out", 3, LeakyIntegrator(span / 2))
    names = {"scaled": 9, "general": 7, "adaptive": 5}
    net.connect("in", "scaled", random_csr(rng, 4, 9, 5, 0.6, 1.5))
    for pre, post in [
        ("in", "general"),
        ("scaled", "general"),
        ("general", "adaptive"),
        ("adaptive", "scaled"),
    ]:
        n_pre, n_post = {"in": 4, **names}[pre], names[post]
        synapses = random_csr(rng, n_pre, n_post, classes // n_pre + 1, -0.3, 0.8)
        delays = rng.integers(1, longest + 1, min(classes, synapses.n_synapses))
        net.connect(pre, post, synapses, rng.choice(delays, synapses.n_synapses) * tick_ns)
    net.connect("adaptive", "out", Dense(rng.normal(size=(5, 3))), longest * tick_ns)
    net.connect("scaled", "out", Dense(rng.normal(size=(9, 3))))
    return net


def random_input(rng, tick_ns, longest, n=60):
    ticks = rng.integers(0, 4 * longest, n)
    return Events.of(
        np.append(ticks, ticks[:9]) * tick_ns, rng.integers(0, 4, n + 9), rng.uniform(0.5, 2, n + 9)
    )


def bits(session, net):
    seen = {name: session.read(name) for name in net.populations}
    return (
        {n: (e.time_ns.tobytes(), e.address.tobytes(), e.value.tobytes()) for n, e in seen.items()},
        {name: session.membrane(name).tobytes() for name in net.populations},
        session.counters,
    )


@pytest.mark.parametrize("grid", GRIDS)
@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.sampled_from([1, 5, 40, 200]),
    cuts=st.lists(st.floats(0, 1), max_size=6),
)
def test_every_queue_gives_the_same_bits_in_any_chunks(grid, seed, classes, cuts):
    tick_ns, longest = GRIDS[grid]
    net = recurrent(np.random.default_rng(seed), tick_ns, longest, classes)
    events = random_input(np.random.default_rng(seed + 1), tick_ns, longest)
    end_ns = 6 * longest * tick_ns
    found = []
    for queue in (None, *QUEUE_NAMES):
        session = Session(net.compile(queue), record=net.populations)
        session.push("in", events)
        for cut in sorted(cuts) if queue else []:
            session.advance(int(cut * end_ns))
        session.advance(end_ns)
        found.append(bits(session, net))
    assert sum(found[0][2].spikes.values()) > 0
    assert found[1:] == [found[0]] * 4


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), queue=st.sampled_from(QUEUE_NAMES))
def test_perfect_integrators_do_the_same_on_a_fine_grid(seed, queue):
    """Nothing of an integrator depends on the tick: delays of 8 ticks or of 8 million, the same bits."""
    found = []
    for tick_ns, chosen in ((MS, None), (1, queue)):
        rng = np.random.default_rng(seed)
        net = Network(tick_ns)
        net.add_input("in", 6)
        theta = rng.uniform(0.5, 2, 6)
        net.add_population("x", 6, LIF(math.inf, theta, reset="hard", refractory_ns=2 * MS))
        # A threshold below 0 keeps it out of the scaled form.
        net.add_population("y", 6, LIF(math.inf, [-1, 1, 1, 2, 2, 1.5], reset="hard", reset_potential=-3.0))
        net.connect("in", "x", OneToOne(rng.uniform(0.5, 1.5, 6)))
        for pre, post in (("x", "y"), ("y", "x"), ("x", "x")):
            synapses = random_csr(rng, 6, 6, 20, -0.5, 0.6)
            net.connect(pre, post, synapses, rng.integers(1, 9, synapses.n_synapses) * MS)
        session = Session(net, record=net.populations, queue=chosen)
        ticks = rng.integers(0, 30, 80)
        session.push("in", Events.of(ticks * MS, rng.integers(0, 6, 80)))
        session.advance(60 * MS)
        # After the last tick on the coarse grid nothing comes on the fine one.
        seen, membranes, counters = bits(session, net)
        found.append((seen, membranes, counters.spikes, counters.synaptic_events))
    assert found[0][2]["x"] > 0
    assert found[0] == found[1]


def chain(n_delays, longest, tick_ns=1):
    net = Network(tick_ns)
    net.add_input("in", 1)
    net.add_population("out", 1, LeakyIntegrator(math.inf))
    delays = np.unique(np.linspace(1, longest, n_delays).astype(np.int64))
    n = delays.size
    net.connect("in", "out", Csr([0, n], np.zeros(n, np.int32), np.ones(n)), delays * tick_ns)
    return net


@pytest.mark.parametrize(
    ("n_delays", "longest", "queue"),
    [(3, 10**7, "fifo"), (64, 64, "fifo"), (65, 65, "ring"), (200, 4000, "ring"), (200, 10**7, "heap")],
)
def test_the_compiler_chooses_by_number_and_length_of_delays(n_delays, longest, queue):
    net = chain(n_delays, longest)
    assert net.compile().queue == QUEUES[queue]
    session = Session(net)
    session.push_event("in", 0, 0)
    session.advance(longest + 1)
    assert len(session.read("out")) == n_delays
    assert session.membrane("out").tolist() == [n_delays]


def test_a_queue_that_does_not_exist_is_refused():
    with pytest.raises(ParameterError, match="queue must be one of fifo, ring, heap, slots, got 'lifo'"):
        chain(3, 5).compile("lifo")
    with pytest.raises(ParameterError, match="queue must be one of"):
        Session(chain(3, 5), queue="lifo")
    with pytest.raises(ParameterError, match="when a network is compiled"):
        Session(chain(3, 5).compile(), queue="fifo")


def test_a_ring_that_would_be_too_long_is_refused():
    longest = 2**24 - 1
    assert chain(2, longest).compile("ring").ring_span == 2**24
    with pytest.raises(ParameterError, match=f"up to {longest} ticks, .* {longest + 1}"):
        chain(2, longest + 1).compile("ring")
    assert chain(2, longest + 1).compile("heap").queue == QUEUES["heap"]


@pytest.mark.parametrize("queue", QUEUE_NAMES)
def test_a_network_without_delays_has_nothing_to_queue(queue):
    net = Network(MS)
    net.add_input("in", 2)
    net.add_population("out", 2, LeakyIntegrator(math.inf))
    net.connect("in", "out", OneToOne([1.0, 2.0]))
    session = Session(net, queue=queue)
    session.push("in", Events.of([0, MS, MS], [0, 1, 1]))
    session.advance(10 * MS)
    assert session.membrane("out").tolist() == [1, 4]
