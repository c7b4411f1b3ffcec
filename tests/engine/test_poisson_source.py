"""Poisson sources: their distribution, and that nothing but their seed and number changes a bit of them."""

import math

import numpy as np
import pytest
from distributions import KS_LIMIT, Z_LIMIT, chi_square_z, kolmogorov_smirnov, poisson_probability
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import NetworkError
from eventsim.events import Events
from eventsim.models import LIF, CubaLIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Csr, Dense, OneToOne
from eventsim.session import Session

pytestmark = pytest.mark.compiled  # interpreted it would take minutes

MS, S = 1_000_000, 1_000_000_000


def drawn(size, rate_hz, tick_ns, until_ns, seed=0, **limits):
    """Return the events of a source alone."""
    net = Network(tick_ns)
    net.add_poisson("p", size, rate_hz, seed, **limits)
    session = Session(net, record=["p"])
    session.advance(until_ns)
    events = session.read("p")
    assert session.counters.source_events == {"p": len(events)}
    assert (events.value == 1).all()
    assert (np.diff(events.time_ns) >= 0).all()
    assert (events.time_ns % tick_ns == 0).all()
    return events


# Expected events per tick: 0.02 and 2 take gaps between events, 30 and 1000 take numbers per tick.
REGIMES = {"0.02": (4, 5.0, MS), "2": (20, 100.0, MS), "30": (60, 500.0, MS), "1000": (500, 200.0, 10 * MS)}


@pytest.mark.compiled
@pytest.mark.parametrize("regime", REGIMES)
def test_counts_per_tick_and_address_are_poisson(regime):
    size, rate_hz, tick_ns = REGIMES[regime]
    per_tick = size * rate_hz * tick_ns * 1e-9
    n_ticks = int(200_000 / max(per_tick, 0.4))
    events = drawn(size, rate_hz, tick_ns, n_ticks * tick_ns, seed=4)
    per = np.bincount(events.time_ns // tick_ns, minlength=n_ticks)
    assert per.size == n_ticks
    most = int(per_tick + 9 * math.sqrt(per_tick) + 10)
    counts = np.bincount(per, minlength=most + 1)
    expected = poisson_probability(np.arange(most + 1), per_tick) * n_ticks
    assert chi_square_z(counts, expected * (n_ticks / expected.sum())) < Z_LIMIT
    total = np.bincount(events.address, minlength=size)
    assert total.size == size
    assert chi_square_z(total, np.full(size, len(events) / size)) < Z_LIMIT
    expected_total = per_tick * n_ticks
    assert abs(len(events) - expected_total) < 5 * math.sqrt(expected_total)
    # Numbers at one tick say nothing of those at the next.
    a, b = per[:-1] - per.mean(), per[1:] - per.mean()
    assert abs((a * b).mean() / per.var()) < 5 / math.sqrt(n_ticks)


@pytest.mark.compiled
@pytest.mark.parametrize("tick_ns", [1, 1000])
@pytest.mark.parametrize("rate_hz", [300.0, [100.0, 200.0, 0.0, 600.0]])
def test_gaps_of_an_address_are_exponential(tick_ns, rate_hz):
    rates = np.broadcast_to(rate_hz, 4)
    events = drawn(4, rate_hz, tick_ns, 60 * S, seed=8)
    for address, rate in enumerate(rates):
        times = events.time_ns[events.address == address] * 1e-9
        if rate == 0:
            assert not times.size
            continue
        gaps = np.diff(times) + 0.5 * tick_ns * 1e-9
        assert kolmogorov_smirnov(gaps, lambda x, rate=rate: -np.expm1(-rate * x)) < KS_LIMIT
        # Neighbouring gaps know nothing of each other.
        a, b = gaps[:-1] - gaps.mean(), gaps[1:] - gaps.mean()
        assert abs((a * b).mean() / gaps.var()) < 5 / math.sqrt(gaps.size)


@pytest.mark.compiled
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_each_address_has_its_own_rate(scale):
    rates = np.array([0.0, 5.0, 0.0, 40.0, 10.0, 100.0, 1.0, 0.0]) * scale
    events = drawn(8, rates, MS, 300 * S, seed=2)
    counts = np.bincount(events.address, minlength=8)
    assert counts[rates == 0].tolist() == [0, 0, 0]
    wanted = rates[rates > 0] * 300
    assert (np.abs(counts[rates > 0] - wanted) < 5 * np.sqrt(wanted)).all()
    # Beside one another, the numbers of two addresses per second are independent.
    per_second = np.zeros((8, 300))
    np.add.at(per_second, (events.address, events.time_ns // S), 1)
    correlation = np.corrcoef(per_second[[3, 5]])[0, 1]
    assert abs(correlation) < 5 / math.sqrt(300)
    variance_over_mean = per_second[5].var() / per_second[5].mean()
    assert abs(variance_over_mean - 1) < 5 * math.sqrt(2 / 300)


def test_a_source_of_rate_0_is_silent():
    assert len(drawn(3, 0.0, MS, 10**6 * S)) == 0
    assert len(drawn(3, [0.0, 0.0, 0.0], MS, 10**6 * S)) == 0


def test_rare_events_come_in_the_right_number():
    """One event per year and address on a grid of 1 ns: gaps of 1e15 ticks and more."""
    year = 365.25 * 86400
    until_ns = int(40 * year) * S
    events = drawn(100, 1 / year, 1, until_ns, seed=6)
    assert abs(len(events) - 4000) < 5 * math.sqrt(4000)
    times = np.append(0, events.time_ns) / (year * S / 100)
    assert kolmogorov_smirnov(np.diff(times), lambda x: -np.expm1(-x)) < KS_LIMIT
    assert np.unique(events.time_ns % 1024).size > 900  # to the nanosecond, not rounded with the size of time


@pytest.mark.parametrize("rate_hz", [200.0, 5000.0])
def test_start_and_stop_hold_all_events(rate_hz):
    start_ns, stop_ns = 100 * MS, 300 * MS
    events = drawn(10, rate_hz, MS, 2 * S, start_ns=start_ns, stop_ns=stop_ns)
    expected = 10 * rate_hz * 0.2
    assert abs(len(events) - expected) < 5 * math.sqrt(expected)
    assert start_ns <= events.time_ns.min() < start_ns + 20 * MS
    assert stop_ns - 20 * MS < events.time_ns.max() < stop_ns
    later = drawn(10, rate_hz, MS, 2 * S, start_ns=start_ns)
    assert later.select(later.time_ns < stop_ns).equals(events)
    assert len(drawn(10, rate_hz, MS, 2 * S, start_ns=start_ns, stop_ns=start_ns)) == 0
    # Off the grid, a limit counts from the next tick on.
    moved = drawn(10, rate_hz, MS, 2 * S, start_ns=start_ns - MS + 1, stop_ns=stop_ns - MS + 1)
    assert moved.equals(events)


def test_a_session_that_starts_later_draws_from_there():
    net = Network(MS)
    net.add_poisson("p", 3, 100.0, seed=5)
    late = Session(net, record=["p"], start_ns=70 * S)
    late.advance(80 * S)
    events = late.read("p")
    assert 70 * S <= events.time_ns.min() < 71 * S
    first = drawn(3, 100.0, MS, 10 * S, seed=5)
    assert Events(events.time_ns - 70 * S, events.address, events.value).equals(first)


def test_two_sources_with_one_seed_differ_and_two_seeds_differ():
    net = Network(MS)
    net.add_poisson("p", 10, 100.0, seed=3)
    net.add_poisson("q", 10, 100.0, seed=3)
    session = Session(net, record=["p", "q"])
    session.advance(S)
    p, q = session.read("p"), session.read("q")
    assert not p.equals(q)
    assert p.equals(drawn(10, 100.0, MS, S, seed=3))
    assert not p.equals(drawn(10, 100.0, MS, S, seed=4))
    # Per tick they are independent.
    a, b = (np.bincount(e.time_ns // MS, minlength=1000) for e in (p, q))
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(1000)


def driven(rng, kind, post="scaled", sources=1, delay=0):
    """Return a network of Poisson sources that drive one population, and what that drives."""
    net = Network(MS)
    n = 6
    rates = {"few": 30.0, "some": 700.0, "many": 5000.0}[kind]
    for k in range(sources):
        heterogeneous = rng.random() < 0.5
        rate = rng.uniform(0, 2 * rates, n) if heterogeneous else rates
        net.add_poisson(f"p{k}", n, rate, seed=int(rng.integers(0, 1000)))
    net.add_input("in", n)
    reset = ("soft", "hard")[rng.integers(2)]
    theta, bias = rng.uniform(0.5, 2, n), 0.0 if post == "scaled" else 1e-9
    model = LIF(8e6, theta, bias, reset, -0.1, 2 * MS)
    if post == "cuba":
        model = CubaLIF(9e6, 4e6, 0.8, reset=reset, refractory_ns=2 * MS, input_gain=2.0)
    net.add_population("x", n, model)
    net.add_population("y", 3, LIF(20e6, threshold=0.8, refractory_ns=MS))
    net.add_population("out", 3, LeakyIntegrator(30e6))
    for k in range(sources):
        weight = rng.uniform(0.1, 0.7) / math.sqrt(sources * rates / 700)
        weights = np.full(n, weight) if rng.random() < 0.5 else weight
        net.connect(f"p{k}", "x", OneToOne(weights), delay)
    net.connect("in", "x", Dense(rng.uniform(-0.2, 0.8, (n, n))))
    net.connect("x", "y", Dense(rng.uniform(0, 0.6, (n, 3))))
    net.connect("y", "x", Csr([0, 2, 4, 6], [0, 1, 2, 3, 4, 5], rng.uniform(-0.4, 0.2, 6)), 3 * MS)
    net.connect("y", "out", OneToOne(1.0), MS)
    ticks = rng.integers(0, 300, 25)
    return net, Events.of(ticks * MS, rng.integers(0, n, 25))


END_NS = 300 * MS


def bits(session, net):
    seen = {name: session.read(name) for name in net.populations}
    return (
        {n: (e.time_ns.tobytes(), e.address.tobytes(), e.value.tobytes()) for n, e in seen.items()},
        {name: session.membrane(name).tobytes() for name in net.populations},
        session.counters.spikes,
        session.counters.synaptic_events_by_projection,
        session.counters.input_events,
    )


def run(net, events, cuts=(), record=(), **options):
    session = Session(net, record=[*net.populations, *record], **options)
    session.push("in", events)
    for cut in [*sorted(cuts), END_NS]:
        session.advance(cut)
    return session


cases = st.tuples(
    st.integers(0, 2**32 - 1), st.sampled_from(["few", "some", "many"]), st.sampled_from([0, MS, 7 * MS])
)


@settings(max_examples=40)
@given(cases, st.sampled_from(["scaled", "general", "cuba"]), st.lists(st.integers(0, END_NS), max_size=20))
def test_cutting_a_run_changes_nothing(case, post, cuts):
    seed, kind, delay = case
    net, events = driven(np.random.default_rng(seed), kind, post, 1 + seed % 2, delay)
    whole = run(net, events)
    assert whole.counters.source_events["p0"] > 0
    cut = run(net, events, cuts)
    assert bits(cut, net) == bits(whole, net)
    assert cut.counters == whole.counters


@settings(max_examples=40)
@given(cases, st.sampled_from(["scaled", "cuba"]), st.sampled_from(["recorded", "counted"]))
def test_the_fused_path_gives_the_bits_of_the_packets(case, post, how):
    """A source that nobody records hands its events straight to scaled membranes; recorded, by packets."""
    seed, kind, delay = case
    net, events = driven(np.random.default_rng(seed), kind, post, delay=delay)
    fused = run(net, events)
    assert (fused._state.clocks()[0, _class_column()] >= 0) == (delay == 0)
    record, count = (["p0"], False) if how == "recorded" else ((), True)
    unfused = run(net, events, record=record, count_updates=count)
    assert unfused._state.clocks()[0, _class_column()] < 0
    assert bits(unfused, net) == bits(fused, net)


def _class_column():
    from eventsim.engine.layout import CLOCK_CLASS

    return CLOCK_CLASS


@pytest.mark.compiled
@pytest.mark.parametrize("post", ["scaled", "cuba"])
def test_recording_one_of_two_sources_changes_nothing(post):
    for seed in range(8):
        net, events = driven(np.random.default_rng(seed), "many", post, sources=2)
        plain = bits(run(net, events), net)
        for record in (["p0"], ["p1"], ["p0", "p1"]):
            assert bits(run(net, events, record=record), net) == plain


def test_recording_changes_nothing_where_sources_are_connected_in_another_order():
    net = Network(MS)
    net.add_input("in", 1)
    for name in ("p", "q"):
        net.add_poisson(name, 5, 5000.0, seed=1)
    net.add_population("x", 5, LIF(20e6, threshold=300.0))
    for name, weight in (("q", 0.1), ("p", 0.7)):
        net.connect(name, "x", OneToOne(weight))
    assert bits(run(net, Events.empty(), record=["p", "q"]), net) == bits(run(net, Events.empty()), net)


def test_recording_does_not_change_the_count_of_source_events():
    found = []
    for record in ([], ["p0"]):
        net, events = driven(np.random.default_rng(1), "some", delay=50 * MS)
        found.append(run(net, events, record=record).counters.source_events)
    assert found[0] == found[1]


@settings(max_examples=30)
@given(cases)
def test_an_unrelated_population_changes_nothing(case):
    seed, kind, delay = case
    net, events = driven(np.random.default_rng(seed), kind, delay=delay)
    more, _ = driven(np.random.default_rng(seed), kind, delay=delay)
    more.add_population("z", 4, LIF(5e6, threshold=0.2, bias=0.1))
    more.connect("z", "z", Dense(np.full((4, 4), 0.05)), 2 * MS)
    more.add_poisson("later", 4, 200.0, seed=1)
    more.connect("later", "z", OneToOne(1.0))
    a, b = run(net, events), run(more, events)
    assert b.counters.spikes["z"] > 0
    for name in net.populations:
        assert a.read(name).equals(b.read(name))
        assert np.array_equal(a.membrane(name), b.membrane(name))
    assert a.counters.source_events == {"p0": b.counters.source_events["p0"]}


@settings(max_examples=20)
@given(cases, st.integers(0, END_NS))
def test_a_reset_repeats_all(case, when):
    seed, kind, delay = case
    net, events = driven(np.random.default_rng(seed), kind, sources=2, delay=delay)
    session = Session(net, record=net.populations)
    session.advance(when)
    session.reset()
    session.push("in", events)
    session.advance(END_NS)
    assert bits(session, net) == bits(run(net, events), net)


@pytest.mark.compiled
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    rate_hz=st.sampled_from([20.0, 900.0, 6000.0]),
    delay=st.sampled_from([0, 4 * MS]),
    post=st.sampled_from(["scaled", "general"]),
    form=st.sampled_from(["one_to_one", "dense", "csr"]),
    record=st.booleans(),
)
def test_its_events_pushed_by_hand_do_the_same(seed, rate_hz, delay, post, form, record):
    """Sums of quarters are exact in any order: so the bits must be those of the source inside."""
    rng = np.random.default_rng(seed)
    n = 5
    synapses = {
        "one_to_one": OneToOne(rng.integers(1, 5, n) / 4),
        "dense": Dense(rng.integers(-1, 5, (n, n)) / 4),
        "csr": Csr(np.arange(n + 1) * 2, rng.integers(0, n, 2 * n), rng.integers(0, 5, 2 * n) / 4),
    }[form]
    threshold, refractory = rng.integers(4, 12, n) / 4, int(rng.integers(0, 3)) * MS
    recorded = drawn(n, rate_hz, MS, END_NS, seed=seed)
    found = []
    for inside in (True, False):
        net = Network(MS)
        if inside:
            net.add_poisson("p", n, rate_hz, seed)
        else:
            net.add_input("p", n)
        bias = 0.0 if post == "scaled" else [0.0] * (n - 1) + [1e-300]
        net.add_population("x", n, LIF(math.inf, threshold, bias, refractory_ns=refractory))
        net.connect("p", "x", synapses, delay)
        session = Session(net, record=["p"] if record else [])
        if not inside:
            session.push("p", recorded)
        session.advance(END_NS)
        spikes, counters = session.read("x"), session.counters
        found.append((spikes.time_ns.tolist(), spikes.address.tolist(), session.membrane("x").tolist()))
        found[-1] += (counters.synaptic_events,)
        if record:
            events = session.read("p")
            order = np.lexsort((events.address, events.time_ns))
            assert events.select(order).equals(
                recorded.select(np.lexsort((recorded.address, recorded.time_ns)))
            )
    assert found[0] == found[1]
    assert found[0][0] or rate_hz == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate_hz": -1.0}, "finite and not negative"),
        ({"rate_hz": math.nan}, "finite and not negative"),
        ({"rate_hz": math.inf}, "finite and not negative"),
        ({"rate_hz": [1.0, 2.0]}, r"one number or 3 of them, got shape \(2,\)"),
        ({"rate_hz": "fast"}, "a number or an array"),
        ({"rate_hz": 1e12}, "at most 1e\\+06 are allowed"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": True}, "seed must be a whole number"),
        ({"start_ns": 1.5}, "start_ns must be whole ns"),
        ({"stop_ns": 2**62}, "stop_ns must be whole ns"),
        ({"start_ns": 10, "stop_ns": 9}, "stop_ns 9 lies before start_ns 10"),
        ({"size": 0}, "positive whole size"),
    ],
)
def test_what_a_source_refuses(arguments, message):
    net = Network(MS)
    with pytest.raises(NetworkError, match=message) as caught:
        net.add_poisson(**{"name": "p", "size": 3, "rate_hz": 10.0, **arguments})
    assert "\n" not in str(caught.value)
    assert not net.sources
