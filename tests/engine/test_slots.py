"""Arrivals sorted into slots: when they are, and that nothing but the time tells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.engine.class_queue import HEAP, RING, SCAN
from eventsim.engine.layout import MERGED
from eventsim.engine.slots import FULL
from eventsim.events import Events
from eventsim.models import LIF, CubaLIF, InputGated, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Csr, Dense, OneToOne
from eventsim.session import Session

MS = 1_000_000
MODELS = {
    "scaled": LIF(20e6, 1.0, refractory_ns=3 * MS),
    "general": LIF(np.linspace(15e6, 25e6, 12), 1.0, refractory_ns=3 * MS),
    "current": CubaLIF(20e6, 4e6, 0.6, refractory_ns=2 * MS),
}


# Tick, shortest and longest delay in ticks, and what keeps what arrives.
SPANS = {
    (MS, 1, 2): "slots",
    (MS, 1, 8): "slots",
    (MS, 2, 64): "slots",
    (MS, 1, 300): "slots",
    (10_000, 70, 4500): "windows",
    (1, 500_000, 9 * MS): "windows",
}


def rows(rng, n_pre, n_post, counts, scale=0.3):
    counts = np.broadcast_to(counts, n_pre)
    n = int(counts.sum())
    weights = rng.normal(scale / 3, scale, n).astype(np.float32)
    return Csr(np.concatenate([[0], np.cumsum(counts)]), rng.integers(0, n_post, n), weights)


def recurrent(seed, model, span, input_delays, longest_input, taps=2):
    """Return a driven population whose neurons reach each other after span[1] to span[2] ticks of span[0]."""
    rng = np.random.default_rng(seed)
    tick_ns, shortest, longest = span
    net, n = Network(tick_ns), 12
    net.add_input("in", 3)
    net.add_poisson("drive", n, 200.0, seed=seed)
    net.add_population("x", n, MODELS[model])
    net.add_population("out", 4, LeakyIntegrator(30e6))
    net.connect("drive", "x", OneToOne([0.7]))
    synapses = rows(rng, 3, n, input_delays)
    net.connect("in", "x", synapses, rng.integers(1, longest_input + 1, synapses.n_synapses) * MS)
    for post in [*["x"] * taps, "out"]:
        synapses = rows(rng, n, net.populations[post].size, rng.integers(0, 30, n))
        delays = rng.integers(shortest, longest + 1, synapses.n_synapses)
        # Few values: several synapses arrive together.
        few = [shortest, longest, *delays[: seed % 40]]
        net.connect("x", post, synapses, rng.choice(few, delays.size) * tick_ns)
    net.connect("x", "out", Dense(rng.normal(size=(n, 4))), 2 * MS)
    return net


def outcome(session, net):
    seen = {name: session.read(name) for name in net.populations}
    return (
        {n: (e.time_ns.tobytes(), e.address.tobytes(), e.value.tobytes()) for n, e in seen.items()},
        {name: session.membrane(name).tobytes() for name in net.populations},
        session.counters,
    )


@pytest.mark.compiled
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    model=st.sampled_from(tuple(MODELS)),
    span=st.sampled_from(tuple(SPANS)),
    rest=st.sampled_from([(2, 5, SCAN), (60, 400, RING), (60, 9000, HEAP)]),
    taps=st.integers(1, 2),
    cuts=st.lists(st.integers(0, 400 * MS), max_size=5),
    count_updates=st.booleans(),
    start_ns=st.sampled_from([0, -170 * MS]),
)
def test_slots_give_the_bits_of_a_heap_of_delays(
    seed, model, span, rest, taps, cuts, count_updates, start_ns
):
    """Beside other classes in any queue, cut anywhere, saved and restored at each cut."""
    net = recurrent(seed, model, span, *rest[:2], taps)
    compiled = net.compile("slots")
    sorted_kinds = {c.kind for c in compiled.delivery if c.projection >= 2}
    assert SPANS[span] in sorted_kinds
    assert span[0] < MS or compiled.queue == rest[2]
    rng = np.random.default_rng(seed)
    events = Events.of(start_ns + rng.integers(0, 300, 50) * MS, rng.integers(0, 3, 50))
    found, options = [], {"record": net.populations, "count_updates": count_updates}
    for chosen in (compiled, net.compile("heap")):
        session = Session(chosen, start_ns=start_ns, **options)
        session.push("in", events)
        for cut in sorted(cuts) if chosen is compiled else []:
            session.advance(start_ns + cut)
            saved = session.save()
            session = Session(chosen, **options)
            session.restore(saved)
        session.advance(start_ns + 400 * MS)
        found.append(outcome(session, net))
    assert found[0][2].spikes["x"] > 0
    assert found[0] == found[1]


def volleys(n, synapses_per_delay, delays, tick_ns=MS):
    """Return n neurons that all fire when told to, and reach one counter by many synapses."""
    net = Network(tick_ns)
    net.add_input("in", 1)
    net.add_population("x", n, LIF(tau_ns=MS / 50, threshold=0.5, reset="hard"))
    net.add_population("count", 3, LeakyIntegrator(np.inf))
    net.connect("in", "x", Dense(np.ones((1, n), np.float32)))
    fan_out = synapses_per_delay * len(delays)
    synapses = Csr(np.arange(n + 1) * fan_out, np.arange(n * fan_out) % 3, np.ones(n * fan_out, np.float32))
    net.connect("x", "count", synapses, np.tile(delays, n * synapses_per_delay) * MS)
    return net


@pytest.mark.parametrize("grid", [(MS, "slots"), (100, "windows")])
@pytest.mark.parametrize(("n", "each"), [(700, 3), (2, 2 * FULL + 9), (9, FULL), (FULL, 1), (1, 1)])
def test_a_volley_of_any_size_arrives_whole(n, each, grid):
    """One that needs more room than there is, rows longer than a chunk, chunks filled to the last place."""
    delays = np.array([1, 4, 5])
    net = volleys(n, each, delays, grid[0])
    session = Session(net.compile("slots"))
    assert grid[1] in {c.kind for c in session.network.delivery}
    ticks = np.array([3, 4, 20])
    session.push("in", Events.of(ticks * MS, np.zeros(3, np.int32)))
    arrived = {}
    for tick in range(30):
        session.advance((tick + 1) * MS)
        arrived[tick] = session.membrane("count").sum()
    expected = [n * each * sum(t + d <= tick for t in ticks for d in delays) for tick in range(30)]
    assert list(arrived.values()) == expected
    assert session.counters.synaptic_events_by_projection[1] == expected[-1]


@pytest.mark.compiled
@pytest.mark.parametrize("model", ["scaled", "general"])
@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize(
    "burst_ns",
    [[0, 600_000], [0, 100], [500_000, 500_040], [0, 0]],
    ids=["spread", "burst", "late", "volley"],
)
def test_windows_of_many_arrivals_are_sorted(model, merged, burst_ns):
    """All over a window, or so close together that their leading digits are the same."""
    rng = np.random.default_rng(7)
    net, n_in, n = Network(1), 400, 12
    net.add_input("in", n_in)
    net.add_population("relay", n_in, LIF(tau_ns=20e6, threshold=0.5, reset="hard"))
    net.add_population("x", n, MODELS[model])
    net.connect("in", "relay", OneToOne([1.0]), 1)
    if merged:
        net.add_poisson("drive", n, 20_000.0, seed=3)
        net.connect("drive", "x", OneToOne([0.05]))
    fan_out = 24
    weights = rng.normal(0.01, 0.02, n_in * fan_out).astype(np.float32)
    synapses = Csr(np.arange(n_in + 1) * fan_out, rng.integers(0, n, n_in * fan_out), weights)
    delays = rng.choice([300_000, 300_017, 300_040, 420_000, 900_000], n_in * fan_out)
    net.connect("relay", "x", synapses, delays)
    times = np.sort(rng.integers(burst_ns[0], burst_ns[1] + 1, n_in))
    events = Events.of(times, rng.permutation(n_in).astype(np.int32))
    found = []
    for queue in ("slots", "heap"):
        session = Session(net.compile(queue), record=["x"])
        assert ("windows" in {c.kind for c in session.network.delivery}) == (queue == "slots")
        session.push("in", events)
        session.advance(3 * MS)
        found.append((session.read("x").time_ns.tobytes(), session.membrane("x").tobytes(), session.counters))
    assert found[0] == found[1]
    assert found[0][2].synaptic_events_by_projection[-1] == n_in * fan_out


@pytest.mark.compiled
@pytest.mark.parametrize("n", [8, 300], ids=["few spikes per window", "more than may wait"])
def test_spikes_that_wait_to_be_sorted_arrive_in_time(n):
    """Beside a Poisson source spikes wait for others, but not until what they bring is due."""
    rng, fan_out, net = np.random.default_rng(11), 10, Network(1)
    net.add_population("x", n, LIF(tau_ns=20e6, threshold=0.5, reset="hard"))
    net.add_poisson("drive", n, 1e5, seed=3)
    net.connect("drive", "x", OneToOne([0.3]))
    weights = rng.normal(0.0, 0.05, n * fan_out).astype(np.float32)
    synapses = Csr(np.arange(n + 1) * fan_out, rng.integers(0, n, n * fan_out), weights)
    net.connect("x", "x", synapses, rng.choice([5_000, 5_001, 6_500, 8_191, 9_000], n * fan_out))
    found = []
    for queue, steps in (("heap", 1), ("slots", 1), ("slots", 97)):
        session = Session(net.compile(queue), record=["x"])
        for k in range(steps):
            session.advance((k + 1) * 200_000 // steps)
        events = session.read("x")
        found.append((events.time_ns.tobytes(), events.address.tobytes(), session.membrane("x").tobytes()))
    assert session.counters.spikes["x"] > 5 * n
    assert session._state.handle[MERGED] >= 0
    assert found[0] == found[1] == found[2]


def test_room_is_used_again():
    net, sizes = volleys(60, 100, [1, 2, 7]), []
    session = Session(net.compile("slots"))
    for block in range(8):
        ticks = 100 * block + np.arange(0, 100, 3)
        session.push("in", Events.of(ticks * MS, np.zeros(ticks.size, np.int32)))
        session.advance(100 * (block + 1) * MS)
        session.read("count")
        sizes.append(session._state.field("pool").size)
    assert session.counters.spikes["x"] == 60 * 8 * 34
    assert sizes[0] > 0
    assert sizes[-1] == sizes[1]


def one_projection(delays, weights=np.float32, pre="x", tick_ns=MS):
    net = Network(tick_ns)
    net.add_input("in", 2)
    net.add_population("x", 2, LIF(20e6))
    net.add_population("graded", 2, InputGated(20e6))
    net.add_population("y", 5, LIF(20e6))
    n = len(delays)
    synapses = Csr([0, n // 2, n], np.arange(n) % 5, np.ones(n, weights))
    net.connect(pre, "y", synapses, np.array(delays) * tick_ns)
    return net


FITTING = [1, 2, 3, 4095]


@pytest.mark.parametrize(
    ("net", "slots"),
    [
        (one_projection(FITTING), True),
        (one_projection([2, 3] * 66), False),  # 33 synapses per delay: a delivery is cheaper
        (one_projection([2, 3] * 64), True),
        (one_projection([500, 9000] * 500), True),
        (one_projection([500, 9000] * 520), False),
        (one_projection([*FITTING, 4096]), False),  # windows of one tick, and too many of them
        (one_projection([4, 8, 15, 20 * 1000]), False),
        (one_projection([*FITTING, 0]), False),
        (one_projection([3, 3, 3]), False),
        (one_projection(FITTING, np.float64), False),
        (one_projection(FITTING, pre="in"), False),  # inputs carry values
        (one_projection(FITTING, pre="graded"), False),
    ],
)
def test_the_compiler_chooses_slots_where_they_pay(net, slots):
    assert ({c.kind for c in net.compile().delivery} <= {"slots", "windows"}) == slots
    for queue in ("fifo", "ring", "heap"):
        assert {c.kind for c in net.compile(queue).delivery} == {"sparse"}


def test_slots_can_be_asked_for_where_a_delivery_brings_much():
    (delivered,) = one_projection([2, 3] * 500).compile("slots").delivery
    assert (delivered.kind, delivered.delay) == ("slots", 2)


@pytest.mark.parametrize(
    ("delays", "width", "span"),
    [
        ([1, 63], 0, 64),
        ([1, 4095], 0, 4096),
        ([4, 5, 4096], 2, 2048),
        ([500_000, 2_500_000], 18, 16),
        ([10**9, 10**9 + 1], 18, 4096),
        ([2**40, 2**40 + 1], 18, None),
    ],
)
def test_windows_are_no_wider_than_the_shortest_delay(delays, width, span):
    (delivered,) = one_projection(delays, tick_ns=1).compile("slots").delivery[:1]
    if span is None:
        assert delivered.kind == "sparse"
    else:
        assert (delivered.slots.width, delivered.slots.span) == (width, span)
