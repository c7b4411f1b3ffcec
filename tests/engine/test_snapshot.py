"""Saved states: any session goes on from them bit for bit, and none that is damaged or foreign is taken."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from eventsim.engine.compiled import QUEUE_NAMES
from eventsim.errors import ParameterError
from eventsim.events import Events
from eventsim.models import ALIF, LIF, CubaLIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Conv2d, Csr, Dense, OneToOne
from eventsim.session import Session

pytestmark = pytest.mark.compiled  # interpreted it would take minutes

MS = 1_000_000


def full_network(seed=0):
    """Return a network with something of all: sources of both kinds, all forms, many delays, deaf neurons."""
    rng = np.random.default_rng(seed)
    net = Network(MS)
    net.add_input("in", 6)
    net.add_poisson("fused", 6, rng.uniform(50, 600, 6), seed=seed)
    net.add_poisson("shared", 4, 4000.0, seed=seed)
    net.add_spikes("told", 3, Events.of(rng.integers(0, 300, 40) * MS, rng.integers(0, 3, 40)))
    net.add_population("scaled", 6, LIF(20e6, rng.uniform(0.7, 2, 6), refractory_ns=9 * MS))
    net.add_population("general", 5, LIF(15e6, 0.8, bias=rng.uniform(0, 0.06, 5), refractory_ns=5 * MS))
    net.add_population("adaptive", 4, ALIF(20e6, 70e6, 0.4, 1.8, bias=0.03))
    net.add_population("cuba", 4, CubaLIF(20e6, 6e6, 0.5))
    net.add_population("out", 3, LeakyIntegrator(50e6))
    net.connect("fused", "scaled", OneToOne(rng.uniform(0.2, 0.9, 6)), 4 * MS)
    net.connect("shared", "adaptive", OneToOne(0.1), 2 * MS)
    net.connect("shared", "cuba", Dense(rng.normal(0.02, 0.05, (4, 4))))
    net.connect("in", "general", Dense(rng.normal(0.4, 0.4, (6, 5))), 3 * MS)
    net.connect("in", "scaled", OneToOne(0.7))
    net.connect("in", "general", Conv2d(rng.normal(0.1, 0.3, (1, 1, 1, 2)), (1, 1, 6)), 2 * MS)
    net.connect("told", "out", Dense(np.ones((3, 3))), 30 * MS)
    rows = Csr(np.arange(7) * 15, rng.integers(0, 4, 90), rng.normal(0.05, 0.2, 90).astype(np.float32))
    net.connect("scaled", "cuba", rows, rng.integers(1, 80, 90) * MS)
    net.connect("cuba", "scaled", Dense(rng.normal(0, 0.2, (4, 6))), MS)
    net.connect("general", "adaptive", Dense(rng.normal(0.2, 0.2, (5, 4))))
    net.connect("adaptive", "out", Dense(rng.normal(0.2, 0.2, (4, 3))), 11 * MS)
    return net


NET = full_network()
NAMES = (*NET.inputs, *NET.sources, *NET.populations)
RECORD = [name for name in NAMES if name != "fused"]
PROBE = {"scaled": np.arange(0, 400, 7) * MS, "out": np.arange(0, 400, 3) * MS}


def fresh(network=NET, queue=None, probe=PROBE, **options):
    return Session(network, record=options.pop("record", RECORD), probe=probe, queue=queue, **options)


def bits(session):
    """Return all that can be seen, unread records included; reads them."""
    seen = {name: session.read(name) for name in RECORD}
    return (
        {n: (e.time_ns.tobytes(), e.address.tobytes(), e.value.tobytes()) for n, e in seen.items()},
        {name: session.membrane(name).tobytes() for name in NET.populations},
        session.counters,
        session.clock_ns,
    )


def probed(session):
    return {n: tuple(part.tobytes() for part in session.read_probe(n)) for n in PROBE}


class SnapshotMachine(RuleBasedStateMachine):
    """A session that is saved and restored at any point, beside one to which nothing of that happens."""

    @initialize(queue=st.sampled_from([None, *QUEUE_NAMES]))
    def start(self, queue):
        self.queue = queue
        self.session, self.plain = fresh(queue=queue), fresh(queue=queue)
        self.saved = None

    @rule(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 20))
    def push(self, seed, n):
        rng = np.random.default_rng(seed)
        ticks = -(-self.session.clock_ns // MS) + rng.integers(0, 40, n)
        events = Events.of(ticks * MS, rng.integers(0, 6, n), rng.uniform(-1, 2, n))
        for session in (self.session, self.plain):
            session.push("in", events)

    @rule(step_ns=st.sampled_from([0, 1, MS // 2, MS, 5 * MS, 17 * MS, 60 * MS]))
    def advance(self, step_ns):
        for session in (self.session, self.plain):
            session.advance(session.clock_ns + step_ns)

    @rule(name=st.sampled_from(RECORD))
    def read(self, name):
        assert self.session.read(name).equals(self.plain.read(name))

    @rule(where=st.sampled_from(["same", "fresh", "used", "after a detour"]))
    def save_and_restore(self, where):
        saved = self.session.save()
        assert self.session.save() == saved
        if where == "fresh":
            self.session = fresh(queue=self.queue)
        elif where == "used":
            self.session = fresh(queue=self.queue, start_ns=-77 * MS)
            self.session.push("in", Events.of([-77 * MS, 4 * MS], [5, 1], [40, 1]))
            self.session.advance(23 * MS)
        elif where == "after a detour":
            self.session.push(
                "in", Events.of([self.session.clock_ns // MS * MS + MS] * 6, np.arange(6), [9] * 6)
            )
            self.session.advance(self.session.clock_ns + 31 * MS)
            self.session.read("out")
        self.session.restore(saved)
        assert self.session.save() == saved

    @rule()
    def keep(self):
        self.saved, self.twin = self.session.save(), None

    @precondition(lambda self: self.saved is not None)
    @rule(step_ns=st.sampled_from([MS, 40 * MS]))
    def go_back(self, step_ns):
        """What was kept goes on the same in two sessions, whatever was done since."""
        self.session.restore(self.saved)
        self.plain = fresh(queue=self.queue)
        self.plain.restore(self.saved)
        self.advance(step_ns)

    @rule()
    def compare(self):
        assert bits(self.session) == bits(self.plain)

    def teardown(self):
        if hasattr(self, "session"):
            self.advance(60 * MS)
            assert bits(self.session) == bits(self.plain)


SnapshotMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
TestSnapshot = SnapshotMachine.TestCase


@pytest.mark.compiled
@settings(max_examples=30)
@given(st.integers(0, 300 * MS), st.sampled_from(QUEUE_NAMES))
def test_the_probes_after_a_restore_are_those_of_one_run(when, queue):
    whole, cut = fresh(queue=queue), fresh(queue=queue)
    cut.advance(when)
    saved, before = cut.save(), {name: cut.read_probe(name) for name in PROBE}
    other = fresh(queue=queue)
    other.restore(saved)
    for session in (whole, other):
        session.advance(400 * MS)
    for name in PROBE:
        parts = [before[name], other.read_probe(name)]
        want = whole.read_probe(name)
        for k in range(2):
            assert np.array_equal(np.concatenate([p[k] for p in parts]), want[k])
    assert bits(other) == bits(whole)


def busy(**options):
    session = fresh(**options)
    rng = np.random.default_rng(5)
    session.push("in", Events.of(rng.integers(0, 300, 90) * MS, rng.integers(0, 6, 90)))
    session.advance(120 * MS)
    return session


def test_the_state_that_is_saved_holds_something_of_all():
    session = busy()
    state = session._state
    counters = session.counters
    assert min(counters.spikes[name] for name in ("scaled", "general", "adaptive", "cuba")) > 0
    assert min(counters.source_events.values()) > 0
    assert len(session.read("out")) > 0
    contents = state.contents()
    assert contents["packets"].size > 0
    assert contents["record_tick"].size > 0
    assert contents["input_tick"].size > 0
    assert np.isneginf(contents["values_0"]).any() or any(
        np.isneginf(array).any() for name, array in contents.items() if name.startswith("values")
    )


@cache
def busy_and_saved():
    """Return a session and its state; who restores something else must leave it as it is."""
    session = busy()
    return session, session.save()


def saved_state():
    return busy_and_saved()[1]


@settings(max_examples=100)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.booleans())
def test_a_damaged_state_is_refused_and_changes_nothing(where, change, header):
    saved = bytearray(saved_state())
    saved[int(where * (80 if header else len(saved)))] ^= change
    session, before = busy_and_saved()
    with pytest.raises(ParameterError) as caught:
        session.restore(bytes(saved))
    assert "\n" not in str(caught.value)
    assert session.save() == before


@settings(max_examples=40)
@given(st.one_of(st.integers(0, 120), st.floats(0, 1, exclude_max=True)), st.binary(max_size=3))
def test_a_truncated_state_is_refused_and_changes_nothing(length, tail):
    saved = saved_state()
    cut = saved[: length if isinstance(length, int) else int(length * len(saved))] + tail
    session, before = busy_and_saved()
    with pytest.raises(ParameterError):
        session.restore(cut)
    assert session.save() == before


@pytest.mark.parametrize(
    "saved", [None, 5, "text", b"", b"eventsim state 1\n", bytearray(b"x"), memoryview(b"x")]
)
def test_what_is_no_state_is_refused(saved):
    session = fresh()
    with pytest.raises(ParameterError, match=r"no saved state|SHA-256"):
        session.restore(saved)


def changed(what):
    """Return a network that differs in one thing."""
    net = Network(2 * MS if what == "tick" else MS)
    net.add_input("other" if what == "name" else "in", 6 if what == "input size" else 3)
    n = 4 if what == "size" else 3
    model = LIF(30e6 if what == "parameter" else 20e6, 0.9)
    net.add_population("x", n, ALIF(20e6, 20e6, 1.0, 1.0) if what == "model" else model)
    net.add_input("loose", 5 if what == "loose input" else 3)
    if what == "population":
        net.add_population("y", 3, model)
    n_pre = next(iter(net.inputs.values()))
    rows = Csr(np.minimum(np.arange(n_pre + 1), 3), [0, 1, 2], [1.0, 1.0, 1.0])
    pre = next(iter(net.inputs))
    net.connect(pre, "x", rows, 4 * MS if what == "delay" else 2 * MS)
    if what == "projection":
        net.connect(pre, "x", rows, 2 * MS)
    if what == "source":
        net.add_poisson("p", 3, 100.0)
    if what == "spikes":
        net.add_spikes("p", 3, Events.empty())
    return net


OTHERS = [
    "tick",
    "name",
    "size",
    "parameter",
    "model",
    "population",
    "delay",
    "projection",
    "source",
    "spikes",
]


@pytest.mark.parametrize("what", [*OTHERS, "input size", "loose input"])
def test_a_state_of_another_network_is_refused_and_changes_nothing(what):
    theirs, ours = Session(changed(what)), Session(changed("nothing"))
    theirs.push_event(
        next(iter(theirs.network.network.inputs)), 0, theirs.network.network.inputs.get("in", 3) - 1
    )
    ours.push_event("in", 0, 1)
    for session, saved in ((ours, theirs.save()), (theirs, ours.save())):
        before = session.save()
        with pytest.raises(ParameterError, match="another network"):
            session.restore(saved)
        assert session.save() == before


@pytest.mark.parametrize(
    "options", [{"record": ["scaled"]}, {"record": [*RECORD, "fused"]}, {"queue": "heap"}]
)
def test_a_state_of_another_choice_is_refused_and_changes_nothing(options):
    session = busy(**options)
    before = session.save()
    with pytest.raises(ParameterError, match="another"):
        session.restore(saved_state())
    assert session.save() == before


@pytest.mark.parametrize("count", [False, True])
def test_a_state_that_counts_updates_otherwise_is_refused(count):
    """It holds scratch that the other has not."""
    theirs, ours = busy(count_updates=not count), busy(count_updates=count)
    before = ours.save()
    with pytest.raises(ParameterError):
        ours.restore(theirs.save())
    assert ours.save() == before


def test_a_state_does_not_depend_on_probes():
    session = fresh(probe=None)
    session.restore(saved_state())
    other = busy()
    for one in (session, other):
        one.advance(300 * MS)
    assert bits(session) == bits(other)


def test_a_state_of_many_events_grows_the_buffers():
    net = Network(1)
    net.add_input("in", 2)
    net.add_population("out", 2, LeakyIntegrator(math.inf))
    net.connect("in", "out", OneToOne(1.0), 10**6)
    session, other = Session(net, record=["in"]), Session(net, record=["in"])
    session.push("in", Events.of(np.arange(20_000), np.arange(20_000) % 2))
    session.advance(15_000)
    other.restore(session.save())
    for one in (session, other):
        one.advance(10**6 + 30_000)
        assert len(one.read("in")) == len(one.read("out")) == 20_000
        assert one.membrane("out").tolist() == [10_000, 10_000]
