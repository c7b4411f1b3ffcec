"""Poisson events and arrivals in windows laid out in batches: the bits of a heap, whatever ends a batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.engine.jit import address_of
from eventsim.engine.layout import CLOCK_MERGED_RUN, MERGED
from eventsim.engine.merging import DRAWN, LAID
from eventsim.engine.pool import FULL
from eventsim.models import LIF, LeakyIntegrator
from eventsim.models.scaled.batched import run_batches32, run_batches64
from eventsim.models.scaled.merged import run_merged32, run_merged64
from eventsim.network import Network
from eventsim.projections import Csr, Dense, OneToOne
from eventsim.session import Session


def few_per_delay(rng, n, fan_out, delays, low=-0.2, high=0.3):
    """Return synapses of n neurons onto each other, most of a row having a delay of their own."""
    counts = rng.integers(0, 2 * fan_out + 1, n)
    total = int(counts.sum())
    weights = rng.uniform(low, high, total).astype(np.float32)
    synapses = Csr(np.append(0, np.cumsum(counts)), rng.integers(0, n, total), weights)
    return synapses, rng.choice(delays, total)


def recurrent(seed, rates, reset, deaf, delays, n=9, readout=False, weights=np.float32, fan_out=12):
    """Return neurons that a Poisson source drives on a grid of 1 ns, and that reach each other by delays.

    `rates` are its events per tick, all neurons together. With `readout` others listen, without delay and
    through a queue of another kind.
    """
    rng = np.random.default_rng(seed)
    net = Network(1)
    net.add_poisson(
        "drive", n, rates * 1e9 / n * (rng.uniform(0.1, 1.9, n) if seed % 3 == 0 else 1.0), seed=seed
    )
    spread = rng.uniform(0.8, 1.2, n) if seed % 2 else 1.0
    net.add_population(
        "x", n, LIF(2e5 if seed % 5 else np.inf, 1.0 * spread, reset=reset, refractory_ns=deaf)
    )
    one = rng.uniform(0.1, 0.6, n if seed % 7 else 1).astype(weights)
    net.connect("drive", "x", OneToOne(one))
    net.connect("x", "x", *few_per_delay(rng, n, fan_out, delays))
    if readout:
        net.add_population("y", n, LIF(1e5, 0.4))
        net.add_population("out", 3, LeakyIntegrator(1e5))
        net.connect("x", "y", OneToOne([0.3]))
        net.connect("y", "out", Dense(rng.normal(size=(n, 3))), 50)
        net.connect("y", "x", Dense(rng.normal(0.0, 0.2, (n, n)).astype(np.float32)), 7_000)
    return net


def outcome(net, queue, end, cuts=(), start=0, record=True, few=True):
    session = Session(net.compile(queue), record=net.populations if record else (), start_ns=start)
    assert (session._state.handle[MERGED] >= 0) == (queue == "slots")
    if queue == "slots":
        kernels = (run_batches32, run_batches64) if few else (run_merged32, run_merged64)
        used = dict(zip((np.float32, np.float64), kernels, strict=True))[
            net.projections[0].synapses.weights.dtype.type
        ]
        assert session._state.clocks()[0, CLOCK_MERGED_RUN] == address_of(used)
    for cut in sorted(cuts):
        session.advance(start + cut)
        saved = session.save()
        session = Session(net.compile(queue), record=net.populations if record else ())
        session.restore(saved)
    session.advance(start + end)
    seen = {name: session.read(name) for name in net.populations} if record else {}
    return (
        {n: (e.time_ns.tobytes(), e.address.tobytes(), e.value.tobytes()) for n, e in seen.items()},
        {name: session.membrane(name).tobytes() for name in net.populations},
        session.counters,
    )


SHORT, LONG = [4, 5, 7, 300, 5_000], [70_000, 70_001, 81_920, 140_000, 400_000]


@pytest.mark.compiled
@settings(max_examples=120)
@given(
    seed=st.integers(0, 2**32 - 1),
    rates=st.sampled_from([1e-3, 0.02, 0.3, 3.0]),
    reset=st.sampled_from(["hard", "soft"]),
    deaf=st.sampled_from([0, 1, 40, 3_000]),
    delays=st.sampled_from([SHORT, [300, 4_095, 4_097, 6_000], LONG]),
    cuts=st.lists(st.floats(0, 1), max_size=4),
    readout=st.booleans(),
    weights=st.sampled_from([np.float32, np.float64]),
    start=st.sampled_from([0, -300, 2**40 + 5]),
    record=st.booleans(),
    few=st.sampled_from([True, True, False]),
)
def test_batches_give_the_bits_of_a_heap(
    seed, rates, reset, deaf, delays, cuts, readout, weights, start, record, few
):
    """Ended by spikes that arrive soon, by neurons that wake or fire again, by others' events, by a cut.

    So do arrivals of many synapses, which are not laid out.
    """
    fan_out = 12 if few else 60
    net = recurrent(seed, rates, reset, deaf, delays, 9, readout, weights, fan_out)
    end = min(int(3_000 / rates), 600_000)
    expected = outcome(net, "heap", end, start=start, record=record)
    found = outcome(net, "slots", end, [int(c * end) for c in cuts], start, record, few)
    assert found[2].synaptic_events_by_projection[0] > 0
    assert found == expected


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_a_short_run_gives_the_bits_of_a_heap(reset):
    net = recurrent(4, 0.3, reset, 40, SHORT, readout=True)
    found = outcome(net, "slots", 1_200, [400])
    assert found[2].spikes["x"] > 10
    assert found == outcome(net, "heap", 1_200)


def volleys(n, each, delays, rate):
    """Return n neurons fired together, one with `each` synapses per delay to x, the others with one."""
    rng, net, m = np.random.default_rng(n + each), Network(1), 40
    net.add_input("in", 1)
    net.add_population("relay", n, LIF(np.inf, 0.5, reset="hard"))
    net.add_population("x", m, LIF(3e5, 1.0, reset="hard", refractory_ns=500))
    net.connect("in", "relay", Dense(np.ones((1, n), np.float32)), 1)
    net.add_poisson("drive", m, rate * 1e9 / m, seed=5)
    net.connect("drive", "x", OneToOne(np.array([0.2], np.float32)))
    # The first row is long, the others bring one synapse per delay, so that there are few on average.
    fan_out = np.full(n, len(delays))
    fan_out[0] *= each
    total = int(fan_out.sum())
    synapses = Csr(
        np.append(0, np.cumsum(fan_out)),
        rng.integers(0, m, total),
        rng.uniform(-0.02, 0.03, total).astype(np.float32),
    )
    net.connect("relay", "x", synapses, np.concatenate([np.tile(delays, each), np.tile(delays, n - 1)]))
    return net


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("n", "each", "rate"),
    [
        (300, LAID // 2, 0.01),
        (300, LAID - 1, 0.01),
        (300, LAID, 0.01),
        (300, LAID + 1, 0.5),
        (800, 3 * LAID, 2.0),
        (LAID, 1, 0.01),
        (LAID + 1, 1, 2.0),
        (FULL + 50, 9, 0.01),
        (FULL + 50, 9, 3.0),
    ],
)
def test_what_has_no_room_in_a_batch_is_taken_by_itself(n, each, rate):
    """A long arrival, many arrivals at one tick, events of the source there, more than a chunk holds."""
    net = volleys(n, each, [5_000, 5_001, 6_000], rate)
    found = []
    for queue in ("heap", "slots"):
        session, after = Session(net.compile(queue), record=["x"]), []
        for time in (3, 300, 1_200):
            session.push_event("in", time, 0)
        for cut in [5_000, *range(5_003, 5_009), 5_300, 5_302, 9_000]:  # arrivals are due at 5,004 and later
            session.advance(cut)
            after.append((session.membrane("x").tobytes(), session.counters))
        session.push_event("in", 9_000, 0)
        session.advance(20_000)
        events = session.read("x")
        found.append(
            (events.time_ns.tobytes(), events.address.tobytes(), session.membrane("x").tobytes(), after)
        )
    assert session._state.clocks()[0, CLOCK_MERGED_RUN] == address_of(run_batches32)
    assert session.counters.synaptic_events_by_projection[2] == 4 * 3 * (n - 1 + each)
    assert session.counters.spikes["x"] > 0
    assert found[0] == found[1]


@pytest.mark.compiled
def test_more_spikes_than_the_buffers_hold_stop_a_batch():
    """Spikes are sent while a batch is under way: it ends where another tick of them might have no room."""
    net = recurrent(1, 0.5, "hard", 0, [300_000, 310_000, 350_000, 400_000], n=700)
    found = outcome(net, "slots", 400_000)
    assert found[2].spikes["x"] > 4 * 700
    assert found == outcome(net, "heap", 400_000)


def test_many_synapses_or_many_events_are_not_laid_out():
    """Arrivals of many synapses, and a source of many events per tick, are taken as they come."""
    for fan_out, rates in ((400, 0.1), (12, 20.0)):
        rng, net, n = np.random.default_rng(1), Network(1), 9
        net.add_poisson("drive", n, rates * 1e9 / n, seed=1)
        net.add_population("x", n, LIF(2e5))
        net.connect("drive", "x", OneToOne(np.array([0.1], np.float32)))
        net.connect("x", "x", *few_per_delay(rng, n, fan_out, SHORT))
        state = Session(net.compile("slots"))._state
        assert state.clocks()[0, CLOCK_MERGED_RUN] == address_of(run_merged32)


def test_events_are_drawn_ahead_only_inside_a_run():
    """However it is cut, a source stands where it would without: no event is drawn that was not taken."""
    net = recurrent(8, 1.0, "hard", 40, SHORT)
    session, other = Session(net.compile("slots")), Session(net.compile("slots"))
    for k in range(1, 40):
        session.advance(k * 5)
    other.advance(195)
    assert 0 < other.counters.source_events["drive"] < 2 * DRAWN + 200
    for name in ("random", "clock_ahead", "clock_columns"):
        assert np.array_equal(session._state.contents()[name], other._state.contents()[name])
