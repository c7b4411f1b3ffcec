"""A visit that brings nothing, as that of a delivery without synapses, leaves no trace in any bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsim.events import Events
from eventsim.models import LIF, CubaLIF
from eventsim.network import Network
from eventsim.projections import Csr, OneToOne
from eventsim.session import Session

TICK_NS = 1000
TAU_NS = 20 * TICK_NS
MODELS = {
    "scaled": LIF(TAU_NS, 1.0, refractory_ns=7 * TICK_NS),
    "soft reset": LIF(TAU_NS, 1.0, refractory_ns=2 * TICK_NS, reset="soft"),
    "current": CubaLIF(TAU_NS, TAU_NS / 4, 0.2, refractory_ns=7 * TICK_NS),
    "general": LIF([TAU_NS, 2 * TAU_NS, 3 * TAU_NS], 1.0, refractory_ns=7 * TICK_NS),
}


def driven(model):
    net = Network(TICK_NS)
    net.add_input("in", 3)
    net.add_input("nothing", 1)
    net.add_population("x", 3, model)
    net.connect("in", "x", OneToOne([1.0]), TICK_NS)
    net.connect("nothing", "x", Csr(np.zeros(2, int), np.zeros(0, int), np.zeros(0)), TICK_NS)
    return net


gaps = st.integers(0, 9) | st.integers(0, 9000)


@pytest.mark.compiled
@pytest.mark.parametrize("model", tuple(MODELS))
@given(
    arrivals=st.lists(st.tuples(gaps, st.integers(0, 2), st.floats(-1, 2)), max_size=20),
    visits=st.lists(st.integers(0, 30_000), max_size=20),
    reads=st.lists(st.integers(1, 30_000), min_size=1, max_size=5),
)
def test_visits_that_bring_nothing(model, arrivals, visits, reads):
    """Silences of up to 450 time constants: beyond 139 of them the scale begins anew."""
    net, ticks = driven(MODELS[model]), np.cumsum([gap for gap, _, _ in arrivals], dtype=np.int64)
    events = Events.of(ticks * TICK_NS, [i for _, i, _ in arrivals], [x for _, _, x in arrivals])
    found = []
    for visited in (True, False):
        session = Session(net, record=["x"])
        session.push("in", events)
        if visited:
            session.push("nothing", Events.of(np.sort(visits) * TICK_NS, np.zeros(len(visits), np.int32)))
        seen = []
        for tick in sorted(reads):
            session.advance(tick * TICK_NS)
            seen.append(session.membrane("x").tobytes())
        spikes = session.read("x")
        found.append((seen, spikes.time_ns.tolist(), spikes.address.tolist()))
    assert found[0] == found[1]
