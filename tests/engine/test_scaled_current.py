"""The fast form of CubaLIF against the dense reference, the general form, and by how it is fed."""

import numpy as np
import pytest
from dense_reference import DenseReference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_models import HALF_NS, N_TICKS, QUARTER_NS, TICK_NS
from test_scaled_form import assert_scaled, spikes, synapses

from eventsim.events import Events
from eventsim.models import CubaLIF
from eventsim.network import Network
from eventsim.projections import Csr, Dense, OneToOne
from eventsim.session import Session

END_NS = N_TICKS * TICK_NS
MARGIN = 1e-9
NEGLIGIBLE = 1e-300  # a bias that never changes a sum, but takes the general form


def neurons(rng, exact, bias=0.0):
    tau_mem_ns = HALF_NS if exact else TICK_NS * 10 ** rng.uniform(0, 2)
    threshold = float(rng.integers(0, 4)) if exact else rng.uniform(0, 1)
    potential = float(rng.integers(-2, int(threshold) + 1)) if exact else rng.uniform(-1, threshold)
    return CubaLIF(
        tau_mem_ns=tau_mem_ns,
        tau_syn_ns=QUARTER_NS if exact else tau_mem_ns * rng.uniform(0.05, 0.95),
        threshold=threshold,
        bias=bias,
        reset=("soft", "hard")[rng.integers(2)],
        reset_potential=potential,
        refractory_ns=int(rng.choice([0, 0, 1, 2, 7])) * TICK_NS,
        input_gain=float(rng.integers(1, 4)) if exact else rng.uniform(0.5, 3),
    )


def homogeneous(seed, exact, bias=0.0):
    """Return a network of populations that are alike within, and events for its input."""
    rng = np.random.default_rng(seed)
    net = Network(TICK_NS)
    sizes = {"in": int(rng.integers(1, 6))}
    net.add_input("in", sizes["in"])
    names = [f"x{k}" for k in range(rng.integers(1, 4))]
    for name in names:
        sizes[name] = sizes["in"] if rng.random() < 0.4 else int(rng.integers(1, 9))
        net.add_population(name, sizes[name], neurons(rng, exact, bias))
    for _ in range(rng.integers(2, 8)):
        pre, post = str(rng.choice(["in", *names])), str(rng.choice(names))
        shortest = 0 if pre == "in" or names.index(pre) < names.index(post) else 1
        form = synapses(rng, sizes[pre], sizes[post], exact)
        delay = rng.integers(shortest, 5) * TICK_NS
        if isinstance(form, Csr) and rng.random() < 0.4:
            delay = rng.integers(shortest, 6, form.n_synapses) * TICK_NS
        net.connect(pre, post, form, delay)
    n = int(rng.integers(0, 40))
    value = rng.integers(-2, 4, n) if exact else rng.normal(1, 1, n)
    ticks = rng.integers(0, N_TICKS - 4, n)
    return net, Events.of(ticks * TICK_NS, rng.integers(0, sizes["in"], n), value)


def run_both(net, events):
    session = Session(net, record=net.populations, count_updates=True)
    assert_scaled(session, *net.populations)
    reference = DenseReference(net)
    for one in (session, reference):
        one.push("in", events)
        one.advance(END_NS)
    return session, reference


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_integer_networks_agree_bit_for_bit(seed):
    net, events = homogeneous(seed, exact=True)
    session, reference = run_both(net, events)
    for name in net.populations:
        assert spikes(session, name) == reference.read(name)
        assert np.array_equal(session.membrane(name), reference.membrane(name))
    assert session.counters.synaptic_events_by_projection == tuple(reference.synaptic_events)


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_float_networks_emit_the_same_spikes_outside_the_margin(seed):
    net, events = homogeneous(seed, exact=False)
    session, reference = run_both(net, events)
    assume(reference.margin >= MARGIN)
    for name in net.populations:
        assert [s[:2] for s in spikes(session, name)] == [s[:2] for s in reference.read(name)]
        assert session.membrane(name) == pytest.approx(reference.membrane(name), rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, END_NS), max_size=8))
def test_cutting_the_run_changes_no_bit(seed, cuts):
    net, events = homogeneous(seed, exact=False)
    sessions = [Session(net, record=net.populations) for _ in range(2)]
    for session in sessions:
        session.push("in", events)
    for cut in sorted(cuts):
        sessions[0].advance(cut)
        sessions[0].restore(sessions[0].save())
    for session in sessions:
        session.advance(END_NS)
    for name in net.populations:
        assert sessions[0].read(name).equals(sessions[1].read(name))
        assert np.array_equal(sessions[0].membrane(name), sessions[1].membrane(name))


def far_apart(tick_ns, bias, gap_ns, reset="hard", refractory_ns=0):
    net = Network(tick_ns)
    net.add_input("in", 2)
    model = CubaLIF(
        tau_mem_ns=20_000_000,
        tau_syn_ns=5_000_000,
        threshold=0.4,
        bias=bias,
        reset=reset,
        refractory_ns=refractory_ns,
    )
    net.add_population("x", 2, model)
    net.connect("in", "x", Dense(np.array([[3.0, 0.5], [-1.0, 2.0]])))
    session = Session(net)
    assert_scaled(session, "x", scaled=bias == 0.0)
    times = np.array([0, 3, 5, 9, 10, 16]) * 1_000_000
    times = np.concatenate([times, times + gap_ns, times + 3 * gap_ns])
    session.push("in", Events.of(times, np.tile([0, 1, 1, 0, 0, 1], 3)))
    session.advance(4 * gap_ns + 10**9)
    return session


@pytest.mark.parametrize("reset", ["soft", "hard"])
@pytest.mark.parametrize("refractory_ns", [0, 2_000_000])
@pytest.mark.parametrize(("tick_ns", "gap_ns"), [(1, 10**9), (1, 2**34), (100_000, 10**10), (10**6, 10**13)])
def test_long_silences_are_as_in_the_general_form(tick_ns, gap_ns, reset, refractory_ns):
    gap_ns -= gap_ns % 10**6
    fast = far_apart(tick_ns, 0.0, gap_ns, reset, refractory_ns)
    general = far_apart(tick_ns, NEGLIGIBLE, gap_ns, reset, refractory_ns)
    found, wanted = fast.read("x"), general.read("x")
    assert len(wanted) >= 3
    assert found.equals(wanted)
    assert fast.membrane("x") == pytest.approx(general.membrane("x"), rel=1e-9, abs=1e-12)


def driven(tick_ns, record=()):
    net = Network(tick_ns)
    model = CubaLIF(20e6, 2e6, threshold=1.0, reset="hard", refractory_ns=2_000_000, input_gain=10.0)
    net.add_population("x", 30, model)
    net.add_poisson("drive", 30, 900.0, seed=5)
    net.connect("drive", "x", OneToOne(0.09))
    rng = np.random.default_rng(1)
    weights = rng.normal(0, 0.2, 300).astype(np.float32)
    net.connect("x", "x", Csr(np.arange(31) * 10, rng.integers(0, 30, 300), weights), 1_000_000)
    return Session(net, record=record)


@pytest.mark.parametrize("tick_ns", [1, 1000, 100_000])
def test_a_poisson_source_straight_to_the_neurons_changes_no_bit(tick_ns):
    straight, told = driven(tick_ns, ["x"]), driven(tick_ns, ["x", "drive"])
    for session in (straight, told):
        session.advance(300_000_000)
    found = straight.read("x")
    assert len(found) > 50
    assert found.equals(told.read("x"))
    assert np.array_equal(straight.membrane("x"), told.membrane("x"))
    cut = driven(tick_ns, ["x"])
    for k in range(1, 31):
        cut.advance(k * 10_000_000)
    assert cut.read("x").equals(found)


def test_the_first_spike_is_where_the_membrane_first_exceeds_the_threshold():
    net = Network(1)
    net.add_input("in", 1)
    model = CubaLIF(20_000_000, 2_000_000, threshold=0.05)
    net.add_population("x", 1, model)
    net.connect("in", "x", OneToOne(1.0))
    session = Session(net)
    session.push_event("in", 0, 0)
    session.advance(10**8)
    t = session.read("x").time_ns[0]

    def v(at):
        return 2 / 18 * (np.exp(-at / 20e6) - np.exp(-at / 2e6))

    assert v(t - 2) < 0.05 < v(t + 2)
