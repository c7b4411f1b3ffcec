"""How a run is fed and cut never changes a bit of it; what has been simulated cannot be changed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import N_TICKS, TICK_NS, cases, inputs, networks, seeds

from eventsim.engine.compiled import QUEUE_NAMES
from eventsim.errors import CausalityError, EventError, EventSimError, GridError
from eventsim.events import Events
from eventsim.session import Session

END_NS = N_TICKS * TICK_NS
any_case = st.booleans().flatmap(lambda exact: cases(exact=exact))
movable_case = st.booleans().flatmap(lambda exact: cases(exact=exact, told=False))


def outcome(session, net):
    """Return all that can be seen of a session, in bits."""
    seen = {name: session.read(name) for name in net.populations}
    membranes = {name: session.membrane(name).tobytes() for name in net.populations}
    bits = {n: (e.time_ns.tobytes(), e.address.tobytes(), e.value.tobytes()) for n, e in seen.items()}
    return bits, membranes, session.counters


def run(net, events, end_ns=END_NS):
    session = Session(net, record=net.populations)
    for name, e in events.items():
        session.push(name, e)
    session.advance(end_ns)
    return outcome(session, net)


@given(any_case, seeds)
def test_order_of_pushing_changes_nothing(case, seed):
    net, events = case
    rng = np.random.default_rng(seed)
    session = Session(net, record=net.populations)
    pieces = []
    for name, e in events.items():
        shuffled = e.select(rng.permutation(len(e)))
        cuts = np.sort(rng.integers(0, len(e) + 1, 3))
        bounds = [0, *cuts.tolist(), len(e)]
        pieces += [(name, shuffled.select(slice(a, b))) for a, b in pairwise(bounds)]
    for k in rng.permutation(len(pieces)):
        session.push(*pieces[k])
    session.advance(END_NS)
    assert outcome(session, net) == run(net, events)


@given(any_case, st.lists(st.integers(0, END_NS), max_size=12), st.booleans())
def test_cutting_the_run_changes_nothing(case, cuts, read_between):
    net, events = case
    session = Session(net, record=net.populations)
    parts = {name: [] for name in net.populations}
    before = 0
    for cut in [*sorted(cuts), END_NS]:
        # Each piece is pushed only when its time has come.
        for name, e in events.items():
            session.push(name, e.select((e.time_ns >= before) & (e.time_ns < cut)))
        session.advance(cut)
        assert session.clock_ns == cut
        before = cut
        if read_between:
            for name in parts:
                parts[name].append(session.read(name))
                session.membrane(name)
    whole = Session(net, record=net.populations)
    for name, e in events.items():
        whole.push(name, e)
    whole.advance(END_NS)
    for name in net.populations:
        assert Events.concatenate([*parts[name], session.read(name)]).equals(whole.read(name))
        assert np.array_equal(session.membrane(name), whole.membrane(name))
    assert session.counters == whole.counters


@given(any_case, st.integers(0, N_TICKS - 1), st.data())
def test_a_later_event_never_changes_what_came_before(case, tick, data):
    net, events = case
    later = data.draw(inputs(net, exact=False, start_tick=tick))
    both = {name: Events.concatenate([e, later[name]]) for name, e in events.items()}
    bits, membranes, _ = run(net, events, tick * TICK_NS)
    changed_bits, changed_membranes, _ = run(net, both, tick * TICK_NS)
    assert (bits, membranes) == (changed_bits, changed_membranes)


@given(movable_case, st.integers(-(10**6), 10**6))
def test_shifting_time_shifts_the_result(case, shift):
    net, events = case
    shift_ns = shift * TICK_NS
    plain, moved = (
        Session(net, record=net.populations),
        Session(net, record=net.populations, start_ns=shift_ns),
    )
    for name, e in events.items():
        plain.push(name, e)
        moved.push(name, Events(e.time_ns + shift_ns, e.address, e.value))
    plain.advance(END_NS)
    moved.advance(END_NS + shift_ns)
    for name in net.populations:
        a, b = plain.read(name), moved.read(name)
        assert Events(a.time_ns + shift_ns, a.address, a.value).equals(b)
        assert np.array_equal(plain.membrane(name), moved.membrane(name))
    assert plain.counters == moved.counters


@given(any_case, st.data())
def test_a_reset_session_is_as_good_as_new(case, data):
    net, events = case
    session = Session(net, record=net.populations)
    for name, e in data.draw(inputs(net, exact=False)).items():
        session.push(name, e)
    session.advance(data.draw(st.integers(0, END_NS)))
    session.reset()
    for name, e in events.items():
        session.push(name, e)
    session.advance(END_NS)
    assert outcome(session, net) == run(net, events)


@given(networks(exact=False), st.data())
def test_sessions_of_one_compiled_network_do_not_meet(net, data):
    compiled = net.compile()
    sessions = [Session(compiled, record=net.populations) for _ in range(2)]
    events = [data.draw(inputs(net, exact=False)) for _ in sessions]
    for tick in range(0, N_TICKS, 7):
        for session, mine in zip(sessions, events, strict=True):
            for name, e in mine.items():
                now = (e.time_ns >= session.clock_ns) & (e.time_ns < tick * TICK_NS)
                session.push(name, e.select(now))
            session.advance(tick * TICK_NS)
    for session, mine in zip(sessions, events, strict=True):
        for name, e in mine.items():
            session.push(name, e.select(e.time_ns >= session.clock_ns))
        session.advance(END_NS)
        assert outcome(session, net) == run(net, mine)


@given(any_case, st.integers(0, END_NS), st.booleans())
def test_a_saved_state_goes_on_as_if_never_saved(case, when, elsewhere):
    net, events = case
    session = Session(net, record=net.populations)
    for name, e in events.items():
        session.push(name, e)
    session.advance(when)
    saved = session.save()
    session.advance(END_NS)
    # Restored into a session that has been elsewhere, or into a new one.
    if elsewhere:
        session.reset(17 * TICK_NS)
        session.advance(40 * TICK_NS)
    else:
        session = Session(net, record=net.populations)
    session.restore(saved)
    assert session.clock_ns == when
    session.advance(END_NS)
    assert outcome(session, net) == run(net, events)


@given(any_case)
def test_every_queue_gives_the_same_bits(case):
    net, events = case
    for queue in QUEUE_NAMES:
        session = Session(net, record=net.populations, queue=queue)
        for name, e in events.items():
            session.push(name, e)
        session.advance(END_NS)
        assert outcome(session, net) == run(net, events)


FAULTS = [
    (lambda t, a, v, n: (t - 5 * TICK_NS, a, v), CausalityError),
    (lambda t, a, v, n: (t + 1, a, v), GridError),
    (lambda t, a, v, n: (t, a + n, v), EventError),
    (lambda t, a, v, n: (t, a - n, v), EventError),
    (lambda t, a, v, n: (t, a, v * np.float32(np.nan)), EventError),
    (lambda t, a, v, n: (t, a, np.full_like(v, np.inf)), EventError),
]


@pytest.mark.parametrize(("spoil", "error"), FAULTS)
@given(case=any_case, where=st.floats(0, 1))
def test_refused_events_change_nothing(spoil, error, case, where):
    net, events = case
    session = Session(net, record=net.populations)
    for name, e in events.items():
        session.push(name, e.select(e.time_ns < 4 * TICK_NS))
    session.advance(4 * TICK_NS)
    for name, e in events.items():
        good = e.select(e.time_ns >= 4 * TICK_NS)
        t, a, v = np.array([4 * TICK_NS]), np.zeros(1, np.int32), np.ones(1, np.float32)
        bad = Events(*(np.asarray(x) for x in spoil(t, a, v, np.int32(net.inputs[name]))))
        k = int(where * len(good))
        with pytest.raises(error) as caught:
            session.push(name, Events.concatenate([good.select(slice(k)), bad, good.select(slice(k, None))]))
        assert "\n" not in str(caught.value)
        assert repr(name) in str(caught.value)
        session.push(name, good)
    with pytest.raises(CausalityError):
        session.advance(4 * TICK_NS - 1)
    with pytest.raises(EventSimError):
        session.push("no such input", Events.empty())
    session.advance(END_NS)
    assert outcome(session, net) == run(net, events)
