"""Membranes asked for beforehand: those that `membrane` gives after the tick, however the run is cut."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import N_TICKS, TICK_NS, cases

from eventsim.errors import GridError, ParameterError
from eventsim.events import Events
from eventsim.models import LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import OneToOne
from eventsim.session import Session

END_NS = N_TICKS * TICK_NS
any_case = st.booleans().flatmap(lambda exact: cases(exact=exact))
probe_ticks = st.lists(st.integers(-3, N_TICKS + 3), max_size=8)


@settings(max_examples=60)
@given(any_case, st.lists(probe_ticks, min_size=4, max_size=4), st.lists(st.integers(0, END_NS), max_size=8))
def test_a_probe_gives_the_membrane_after_its_tick(case, ticks, cuts):
    net, events = case
    probe = {name: np.array(t, np.int64) * TICK_NS for name, t in zip(net.populations, ticks, strict=False)}
    probed, plain = Session(net, probe=probe, record=net.populations), Session(net, record=net.populations)
    for session in (probed, plain):
        for name, e in events.items():
            session.push(name, e)
    got = {name: ([], []) for name in probe}
    for cut in [*sorted(cuts), END_NS]:
        probed.advance(cut)
        for name, (times, membranes) in got.items():
            t, m = probed.read_probe(name)
            assert m.shape == (t.size, net.populations[name].size)
            assert (t.dtype, m.dtype) == (np.int64, np.float64)
            times += t.tolist()
            membranes += list(m)
    for name, (times, _) in got.items():
        assert times == sorted({t for t in probe[name].tolist() if 0 <= t < END_NS})
    for tick in range(N_TICKS):
        plain.advance(tick * TICK_NS + 1)
        for name, (times, membranes) in got.items():
            if tick * TICK_NS in times:
                assert np.array_equal(membranes[times.index(tick * TICK_NS)], plain.membrane(name))
    # Probing changes nothing.
    plain.advance(END_NS)
    for name in net.populations:
        assert probed.read(name).equals(plain.read(name))
        assert np.array_equal(probed.membrane(name), plain.membrane(name))
    assert probed.counters == plain.counters


def small(probe, **options):
    net = Network(TICK_NS)
    net.add_input("in", 2)
    net.add_poisson("p", 2, 3000.0, seed=1)
    net.add_population("x", 2, LIF(20e6, threshold=4.0, refractory_ns=2 * TICK_NS))
    net.add_population("out", 2, LeakyIntegrator(math.inf))
    net.connect("in", "out", OneToOne(1.0))
    net.connect("p", "x", OneToOne(1.0))
    return Session(net, probe=probe, **options)


def test_a_probe_sees_what_a_source_inside_does():
    ticks = np.arange(0, 40, 3) * TICK_NS
    probed, plain = small({"x": ticks}), small(None)
    probed.advance(50 * TICK_NS)
    times, membranes = probed.read_probe("x")
    assert np.array_equal(times, ticks)
    for t, m in zip(times.tolist(), membranes, strict=True):
        plain.advance(t + 1)
        assert np.array_equal(m, plain.membrane("x"))
    assert np.unique(membranes).size > 10
    assert probed.read_probe("x")[1].shape == (0, 2)


def test_a_reset_starts_probes_anew():
    session = small({"out": [0, 5 * TICK_NS, 5 * TICK_NS]})
    session.push("in", Events.of([0], [1]))
    session.advance(3 * TICK_NS)
    session.reset()
    session.advance(6 * TICK_NS)
    times, membranes = session.read_probe("out")
    assert times.tolist() == [0, 5 * TICK_NS]
    assert membranes.tolist() == [[0, 0], [0, 0]]
    session.reset(2 * TICK_NS)
    session.push("in", Events.of([2 * TICK_NS], [1]))
    session.advance(9 * TICK_NS)
    times, membranes = session.read_probe("out")
    assert times.tolist() == [5 * TICK_NS]
    assert membranes.tolist() == [[0, 1]]


def test_a_restored_session_probes_from_its_clock_on():
    session = small({"out": np.arange(6) * TICK_NS})
    session.push("in", Events.of([0], [0]))
    session.advance(3 * TICK_NS)
    saved = session.save()
    session.advance(6 * TICK_NS)
    session.restore(saved)
    assert len(session.read_probe("out")[0]) == 0
    session.advance(6 * TICK_NS)
    times, membranes = session.read_probe("out")
    assert times.tolist() == [3 * TICK_NS, 4 * TICK_NS, 5 * TICK_NS]
    assert membranes.tolist() == [[1, 0]] * 3


def test_one_time_and_no_time():
    session = small({"out": 4 * TICK_NS, "x": []})
    session.advance(10 * TICK_NS)
    assert session.read_probe("out")[0].tolist() == [4 * TICK_NS]
    assert session.read_probe("x")[1].shape == (0, 2)


@pytest.mark.parametrize(
    ("probe", "error", "message"),
    [
        ({"in": [0]}, ParameterError, "cannot probe 'in'; populations are x, out"),
        ({"nothing": [0]}, ParameterError, "cannot probe 'nothing'"),
        ({"x": [0.5]}, ParameterError, "must be whole ns"),
        ({"x": [True]}, ParameterError, "must be whole ns"),
        ({"x": ["now"]}, ParameterError, "must be whole ns"),
        ({"x": [[0, 1], [2, 3]]}, ParameterError, "must be whole ns"),
        ({"x": [TICK_NS + 1]}, GridError, "off the grid of 1000000 ns"),
        ({"x": [[1], [2, 3]]}, ParameterError, "whole ns"),
        ({"x": np.array([2**64 - TICK_NS], np.uint64)}, ParameterError, "'x'"),
    ],
)
def test_what_a_probe_refuses(probe, error, message):
    with pytest.raises(error, match=message) as caught:
        small(probe)
    assert "\n" not in str(caught.value)


def test_reading_what_is_not_probed_is_refused():
    with pytest.raises(ParameterError, match="'x' is not probed; probed are out"):
        small({"out": [0]}).read_probe("x")
    with pytest.raises(ParameterError, match="probed are none"):
        small(None).read_probe("x")
