"""The fast form of LIF against the dense reference and against the general form.

`assert_scaled` makes sure that it is the fast form that runs.
"""

import math

import numpy as np
import pytest
from dense_reference import DenseReference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_models import HALF_NS, N_TICKS, TICK_NS

from eventsim.engine.layout import DIRECT
from eventsim.events import Events
from eventsim.models import LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Csr, Dense, OneToOne
from eventsim.session import Session

END_NS = N_TICKS * TICK_NS
MARGIN = 1e-9
NEGLIGIBLE = 1e-300  # a bias that never changes a sum, but takes the general form


def assert_scaled(session, *names, scaled=True):
    compiled = session.network
    for name in names:
        assert bool(compiled.populations[compiled.order.index(name), DIRECT]) is scaled


def neurons(rng, n, exact, tau_ns):
    reset = ("soft", "hard")[rng.integers(2)]
    if exact:
        threshold = rng.integers(0, 5, n)
        potential = rng.integers(-2, threshold + 1)
    else:
        threshold = rng.uniform(0, 2, n)
        potential = rng.uniform(-1, threshold)
    if rng.random() < 0.4:
        threshold, potential = threshold[0], potential[0]
    return LIF(
        tau_ns=tau_ns,
        threshold=threshold,
        reset=reset,
        reset_potential=potential,
        refractory_ns=int(rng.choice([0, 0, 1, 2, 7])) * TICK_NS,
        normalised=bool(rng.integers(2)) and math.isfinite(tau_ns) and not exact,
    )


def synapses(rng, n_pre, n_post, exact):
    def weights(shape):
        drawn = rng.integers(-3, 6, shape) if exact else rng.normal(0.5, 1, shape)
        return drawn.astype(np.float32 if rng.random() < 0.5 else np.float64)

    kind = rng.choice(["dense", "csr", "one_to_one"])
    if kind == "one_to_one" and n_pre == n_post:
        return OneToOne(weights(n_pre if rng.random() < 0.6 else 1))
    if kind == "dense":
        return Dense(weights((n_pre, n_post)))
    counts = rng.integers(0, 6, n_pre)
    total = int(counts.sum())
    return Csr(np.append(0, np.cumsum(counts)), rng.integers(0, n_post, total), weights(total))


def homogeneous(seed, exact):
    """Return a network of populations that leak alike and have no bias."""
    rng = np.random.default_rng(seed)
    net = Network(TICK_NS)
    sizes = {"in": int(rng.integers(1, 6))}
    net.add_input("in", sizes["in"])
    names = [f"x{k}" for k in range(rng.integers(1, 4))]
    for name in names:
        # Dense firing is looked for in blocks of neurons: some are larger than a block.
        sizes[name] = sizes["in"] if rng.random() < 0.4 else int(rng.choice([1, 3, 8, 33, 70]))
        tau_ns = float(rng.choice([HALF_NS, math.inf])) if exact else TICK_NS * 10 ** rng.uniform(-1.5, 2)
        net.add_population(name, sizes[name], neurons(rng, sizes[name], exact, tau_ns))
    for _ in range(rng.integers(2, 8)):
        pre, post = rng.choice(["in", *names]), rng.choice(names)
        forward = pre == "in" or names.index(pre) < names.index(post)
        form = synapses(rng, sizes[pre], sizes[post], exact)
        delay = rng.integers(0 if forward else 1, 5) * TICK_NS
        if isinstance(form, Csr) and rng.random() < 0.4:
            delay = rng.integers(0 if forward else 1, 6, form.n_synapses) * TICK_NS
        net.connect(str(pre), str(post), form, delay)
    n = int(rng.integers(0, 40))
    value = rng.integers(-2, 4, n) if exact else rng.normal(1, 1, n)
    ticks = rng.integers(0, N_TICKS - 4, n)
    return net, Events.of(ticks * TICK_NS, rng.integers(0, sizes["in"], n), value)


def run_both(net, events, end_ns=END_NS):
    session = Session(net, record=net.populations, count_updates=True)
    assert_scaled(session, *net.populations)
    reference = DenseReference(net)
    session.push("in", events)
    reference.push("in", events)
    session.advance(end_ns)
    reference.advance(end_ns)
    return session, reference


def spikes(session, name):
    e = session.read(name)
    return list(zip(e.time_ns.tolist(), e.address.tolist(), e.value.tolist(), strict=True))


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_integer_networks_agree_bit_for_bit(seed):
    net, events = homogeneous(seed, exact=True)
    session, reference = run_both(net, events)
    for name in net.populations:
        assert spikes(session, name) == reference.read(name)
        assert np.array_equal(session.membrane(name), reference.membrane(name))
    assert session.counters.neuron_updates == reference.neuron_updates
    assert session.counters.synaptic_events_by_projection == tuple(reference.synaptic_events)


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_float_networks_emit_the_same_spikes_outside_the_margin(seed):
    net, events = homogeneous(seed, exact=False)
    session, reference = run_both(net, events)
    assume(reference.margin >= MARGIN)
    for name in net.populations:
        assert spikes(session, name) == reference.read(name)
        assert session.membrane(name) == pytest.approx(reference.membrane(name), rel=1e-9, abs=1e-9)
    assert session.counters.neuron_updates == reference.neuron_updates


def test_enough_of_these_networks_are_outside_the_margin_and_fire():
    outside = fired = 0
    for seed in range(60):
        net, events = homogeneous(seed, exact=False)
        reference = DenseReference(net)
        reference.push("in", events)
        reference.advance(END_NS)
        outside += reference.margin >= MARGIN
        fired += sum(reference.spike_counts.values()) > 3
    assert outside > 40
    assert fired > 25


def both_forms(tick_ns, n, times, addresses, values, end_ns, weights=1.0, **parameters):
    """Return spikes and membranes of a population in the scaled form, and in the general form."""
    found = []
    for bias in (0.0, NEGLIGIBLE):
        net = Network(tick_ns)
        net.add_input("in", n)
        net.add_population("x", n, LIF(bias=bias, **parameters))
        net.connect("in", "x", OneToOne(weights))
        session = Session(net)
        assert_scaled(session, "x", scaled=bias == 0)
        session.push("in", Events.of(times, addresses, values))
        membranes = []
        for until in [*np.unique(times).tolist(), end_ns]:
            session.advance(until + 1)
            membranes.append(session.membrane("x"))
        found.append(([s[:2] for s in spikes(session, "x")], np.array(membranes)))
    return found


# tick, tau in ticks, gap in ticks: E is brought back to 1 in between, once or many times.
SILENCES = {
    "thousands of tau": (TICK_NS, 3.7, 20_000),
    "200 doublings": (TICK_NS, 20.0, 2_800),
    "a year of 1 ms": (TICK_NS, 20.0, 31_536_000_000),
    "1 ns, tau of 20 ms": (1, 2e7, 10**9),
    "1 ns, tau of 20 ms, an hour": (1, 2e7, 3600 * 10**9),
    "1 ns, tau of an hour": (1, 3.6e12, 3 * 2**33 + 12345),
    "1 ns, tau of ten years": (1, 3e17, 2**33 + 1),
    "tables end": (1, 1e12, 2**33 - 1),
    "tau of a sixtieth of a tick": (TICK_NS, 1 / 60, 5),
    "tau of a tick": (TICK_NS, 1.0, 400),
}


@pytest.mark.parametrize("silence", SILENCES)
@pytest.mark.parametrize("refractory", [0, 3, 1000])
@settings(max_examples=6)
@given(seed=st.integers(0, 2**32 - 1), reset=st.sampled_from(["soft", "hard"]))
def test_long_silences_change_nothing(silence, refractory, seed, reset):
    tick_ns, tau_ticks, gap = SILENCES[silence]
    rng = np.random.default_rng(seed)
    bursts = [k * gap + rng.integers(0, 6, 12) for k in range(4)]
    ticks = np.concatenate([*bursts, 3 * gap + gap // 3 + rng.integers(0, 6, 6)])
    values = rng.uniform(-0.3, 1, ticks.size).astype(np.float32)
    scaled, general = both_forms(
        tick_ns,
        5,
        ticks * tick_ns,
        rng.integers(0, 5, ticks.size),
        values,
        (4 * gap + 2 * refractory + 100) * tick_ns,
        tau_ns=tau_ticks * tick_ns,
        threshold=rng.uniform(0.4, 0.8, 5),
        reset=reset,
        reset_potential=-0.2,
        refractory_ns=refractory * tick_ns,
    )
    assert scaled[0] == general[0]
    # The exponent of the general form is rounded too: after many tau its error counts for more.
    assert scaled[1] == pytest.approx(general[1], rel=1e-9, abs=1e-12)


def test_the_silences_hold_spikes_after_each():
    rng = np.random.default_rng(1)
    ticks = np.concatenate([k * 20_000 + rng.integers(0, 6, 30) for k in range(4)])
    scaled, _ = both_forms(
        TICK_NS,
        3,
        ticks * TICK_NS,
        rng.integers(0, 3, 120),
        None,
        10**12,
        tau_ns=3.7 * TICK_NS,
        threshold=1.2,
    )
    assert all(sum(k == t // TICK_NS // 20_000 for t, _ in scaled[0]) > 3 for k in range(4))


def test_half_lives_are_exact_across_many_rebases():
    """After k ticks a half-life membrane is 2^-k, whatever was done to E in between."""
    net = Network(TICK_NS)
    net.add_input("in", 2)
    net.add_population("x", 2, LIF(HALF_NS, threshold=1.5, refractory_ns=10 * TICK_NS))
    net.connect("in", "x", OneToOne(1.0))
    session = Session(net)
    assert_scaled(session, "x")
    for start in range(0, 5000, 707):
        session.push("in", Events.of(np.array([start, start, start + 1]) * TICK_NS, [0, 1, 1], [1, 1, 0.5]))
        for k in (0, 1, 2, 150, 250, 400):
            session.advance((start + k) * TICK_NS + 1)
            # What is left of the event 707 ticks before is 2^-707, nothing beside the next one.
            assert session.membrane("x")[0] == 2.0**-k
    assert session.counters.spikes["x"] == 0


@pytest.mark.parametrize("deaf", [1, 5, 300, 5000])
def test_a_deaf_neuron_wakes_where_it_was_across_a_rebase(deaf):
    """It is deaf while E starts anew; inputs to others must not wake it early, nor disturb what it holds."""
    net = Network(TICK_NS)
    net.add_input("in", 3)
    net.add_population("x", 3, LIF(HALF_NS, threshold=1.0, refractory_ns=deaf * TICK_NS))
    net.connect("in", "x", OneToOne(1.0))
    session, reference = Session(net), DenseReference(net)
    assert_scaled(session, "x")
    rng = np.random.default_rng(deaf)
    ticks = np.unique(np.concatenate([[0, deaf, deaf + 1, deaf + 2], rng.integers(0, deaf + 600, 80)]))
    events = Events.concatenate(
        [
            Events.of([0], [0], [1.75]),
            Events.of(ticks * TICK_NS, np.full(ticks.size, 1), [1.25] * ticks.size),
            Events.of([(deaf // 2) * TICK_NS, deaf * TICK_NS], [0, 0], [5.0, 5.0]),
            Events.of([(deaf // 2) * TICK_NS], [2], [3.5]),
        ]
    )
    session.push("in", events)
    reference.push("in", events)
    for until in (1, deaf // 2 + 1, deaf, deaf + 1, deaf + 2, deaf + 40, 2 * deaf + 700):
        session.advance(until * TICK_NS)
        reference.advance(until * TICK_NS)
        assert session.membrane("x") == pytest.approx(reference.membrane("x"), rel=1e-12, abs=1e-200)
    assert spikes(session, "x") == reference.read("x")
    assert session.counters.spikes["x"] >= 5


def test_a_deaf_neuron_wakes_after_a_rebase_that_leaves_nothing_of_the_others():
    """One silence of 3000 half-lives within the deaf time: 2^-3000 is 0, and 0 times infinity no number."""
    net = Network(TICK_NS)
    net.add_input("in", 2)
    net.add_population("x", 2, LIF(HALF_NS, threshold=1.0, refractory_ns=5000 * TICK_NS))
    net.connect("in", "x", OneToOne(1.0))
    session = Session(net)
    assert_scaled(session, "x")
    ticks = np.array([0, 0, 3000, 3000, 5001])
    session.push("in", Events.of(ticks * TICK_NS, [0, 1, 0, 1, 0], [1.75, 0.5, 9.0, 0.75, 1.5]))
    session.advance(3000 * TICK_NS + 1)
    assert session.membrane("x").tolist() == [0.75, 0.75]
    session.advance(5001 * TICK_NS + 1)
    assert (session.read("x").time_ns // TICK_NS).tolist() == [0, 5001]
    assert session.membrane("x")[0] == 0.75 / 2 + 1.5 - 1.0


@pytest.mark.parametrize("refractory", [0, 1, 4])
@pytest.mark.parametrize("tau_ns", [math.inf, HALF_NS])
def test_a_soft_reset_that_leaves_too_much_fires_again(refractory, tau_ns):
    net = Network(TICK_NS)
    net.add_input("in", 2)
    model = LIF(tau_ns, threshold=[1.0, 3.0], refractory_ns=refractory * TICK_NS)
    net.add_population("x", 2, model)
    net.connect("in", "x", OneToOne([40.5, 9.0]))
    events = Events.of([0, 2 * TICK_NS, 20 * TICK_NS, 21 * TICK_NS], [0, 1, 0, 0], [1, 1, 1, -1])
    session, reference = Session(net, count_updates=True), DenseReference(net)
    assert_scaled(session, "x")
    for runner in (session, reference):
        runner.push("in", events)
        runner.advance(200 * TICK_NS)
    wanted = reference.read("x")
    assert len(wanted) > 6
    assert spikes(session, "x") == wanted
    assert np.array_equal(session.membrane("x"), reference.membrane("x")) or tau_ns == HALF_NS
    assert session.membrane("x") == pytest.approx(reference.membrane("x"), rel=1e-12, abs=1e-30)
    assert session.counters.neuron_updates == reference.neuron_updates


def test_a_threshold_of_zero_fires_while_anything_is_left():
    net = Network(TICK_NS)
    net.add_input("in", 1)
    net.add_population("x", 1, LIF(math.inf, threshold=0.0))
    net.connect("in", "x", OneToOne(1.0))
    session = Session(net)
    assert_scaled(session, "x")
    session.push("in", Events.of([0, 5 * TICK_NS, 9 * TICK_NS], [0, 0, 0], [1, -1, 0]))
    session.advance(20 * TICK_NS)
    assert (session.read("x").time_ns // TICK_NS).tolist() == [0, 1, 2, 3, 4]


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["bias", "tau", "refractory"]))
def test_the_general_form_emits_the_same_spikes(seed, why):
    """The same networks, forced into the general form by one extra neuron that gets and does nothing."""
    net, events = homogeneous(seed, exact=True)
    other = Network(TICK_NS)
    other.add_input("in", net.inputs["in"])
    for p in net.populations.values():
        values = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in p.model.parameters().items()}
        extra = {"threshold": 100.0, "bias": 0.0, "reset_potential": 0.0}
        extra["tau_ns"] = 12345.0 if why == "tau" else values["tau_ns"][0]
        extra["refractory_ns"] = values["refractory_ns"][0] + TICK_NS * (why == "refractory")
        for name, value in extra.items():
            values[name] = np.append(values[name], value)
        if why == "bias":
            values["bias"][-1] = NEGLIGIBLE
        other.add_population(p.name, p.size + 1, LIF(**values))
    for projection in net.projections:
        rows = projection.synapses.to_csr()
        n_pre = net.inputs["in"] if projection.pre == "in" else net.populations[projection.pre].size + 1
        indptr = np.append(rows.indptr, rows.indptr[-1:].repeat(n_pre + 1 - rows.indptr.size))
        other.connect(
            projection.pre, projection.post, Csr(indptr, rows.indices, rows.weights), projection.delay_ns
        )
    session, general = Session(net, record=net.populations), Session(other, record=net.populations)
    assert_scaled(session, *net.populations)
    assert_scaled(general, *net.populations, scaled=False)
    for one in (session, general):
        one.push("in", events)
        one.advance(END_NS)
    for name in net.populations:
        assert spikes(session, name) == spikes(general, name)
        assert np.array_equal(session.membrane(name), general.membrane(name)[:-1])


@pytest.mark.parametrize(
    ("parameters", "scaled"),
    [
        ({"tau_ns": 2e7}, True),
        ({"tau_ns": math.inf}, True),
        ({"tau_ns": [2e7, 2e7, 2e7], "threshold": [0.0, 1.0, 2.0]}, True),
        ({"tau_ns": 2e7, "normalised": True}, True),
        ({"tau_ns": TICK_NS / 60}, True),
        ({"tau_ns": TICK_NS / 80}, False),
        ({"tau_ns": [2e7, 2e7, 1e7]}, False),
        ({"tau_ns": 2e7, "bias": [0, 0, 1e-9]}, False),
        ({"tau_ns": 2e7, "threshold": [1, 1, -1e-9]}, False),
        ({"tau_ns": 2e7, "reset": "none"}, False),
        ({"tau_ns": 2e7, "reset": "hard", "reset_potential": 1.0}, True),
        ({"tau_ns": 2e7, "reset": "hard", "reset_potential": 1.0001}, False),
        ({"tau_ns": 2e7, "refractory_ns": [0, 0, TICK_NS]}, False),
    ],
)
def test_which_populations_take_the_scaled_form(parameters, scaled):
    net = Network(TICK_NS)
    net.add_input("in", 3)
    net.add_population("x", 3, LIF(**parameters))
    net.connect("in", "x", OneToOne(1.0))
    assert_scaled(Session(net), "x", scaled=scaled)


def test_a_readout_behind_the_scaled_form_reads_what_it_fires():
    net = Network(TICK_NS)
    net.add_input("in", 1)
    net.add_population("x", 40, LIF(math.inf, threshold=0.5))
    net.add_population("out", 40, LeakyIntegrator(math.inf))
    net.connect("in", "x", Dense(np.linspace(0, 1, 40)[None, :]))
    net.connect("x", "out", OneToOne(1.0))
    session = Session(net)
    assert_scaled(session, "x")
    session.push("in", Events.of([0], [0]))
    session.advance(1)
    assert session.membrane("out").tolist() == [float(w > 0.5) for w in np.linspace(0, 1, 40)]


def test_weights_too_large_to_be_scaled_take_the_general_form():
    net = Network(TICK_NS)
    net.add_input("in", 1)
    net.add_population("x", 1, LIF(2e6, threshold=3.0, reset="hard"))
    net.connect("in", "x", OneToOne(1e260))
    session = Session(net)
    assert_scaled(session, "x", scaled=False)
    session.push("in", Events.of(np.array([260, 300]) * TICK_NS, [0, 0]))
    session.advance(400 * TICK_NS)
    assert (session.read("x").time_ns // TICK_NS).tolist() == [260, 300]
