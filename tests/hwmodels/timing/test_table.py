"""The table of messages, what ticks bring up to date, and refusals, against counting by hand."""

import dataclasses

import numpy as np
import pytest
from hardware_cases import TICK_NS, cases, chip_of
from hypothesis import given

from eventsim import LIF, Csr, Dense, Events, Network, OneToOne, ParameterError, PlacementError
from eventsim.convolutions import SumPool2d
from eventsim.errors import EventError
from eventsim.models import LeakyIntegrator
from hwmodels.activity import Activity, SpikeTrain, emitters, record_activity
from hwmodels.chip import load_chip
from hwmodels.costs import HardwareCosts
from hwmodels.messages import build_messages
from hwmodels.placement import Placement
from hwmodels.sending import Entrance
from hwmodels.timing import time_activity
from hwmodels.timing_result import Latencies, buckets_of


@given(case=cases())
def test_messages_by_counting(case):
    net, placement, *_ = case
    table, levels = build_messages(net, placement), net.levels()
    for name, size in emitters(net).items():
        for i in range(size):
            events, reach = {}, {}
            for p in net.projections:
                if p.pre != name:
                    continue
                csr = p.synapses.to_csr()
                for s in range(csr.indptr[i], csr.indptr[i + 1]):
                    core = int(placement.core_of[p.post][csr.indices[s]])
                    delay = p.delay_ns if isinstance(p.delay_ns, int) else int(p.delay_ns[s])
                    step = delay // TICK_NS * table.n_levels + levels[p.post]
                    events[core] = events.get(core, 0) + 1
                    reach[core] = min(reach.get(core, step), step)
            assert table.messages_of(name, i) == sorted(events.items())
            row = int(table.rows[name][i])
            here = slice(int(table.indptr[row]), int(table.indptr[row + 1]))
            assert dict(zip(table.core[here].tolist(), table.reach[here].tolist(), strict=True)) == reach


def test_forms_of_synapses_are_told_apart():
    net = Network(tick_ns=1)
    net.add_input("in", 4)
    net.add_population("a", 4, LIF(tau_ns=10.0))
    net.add_population("b", 1, LIF(tau_ns=10.0))
    net.connect("in", "a", Dense(np.ones((4, 4))), delay_ns=1)
    net.connect("in", "a", OneToOne(1.0), delay_ns=2)
    net.connect("in", "b", SumPool2d((1, 2, 2), 2), delay_ns=1)
    table = build_messages(net, Placement(chip_of(1, 1, 2), {"a": np.zeros(4, int), "b": np.ones(1, int)}))
    row = int(table.rows["in"][2])
    here = slice(int(table.indptr[row]), int(table.indptr[row + 1]))
    assert table.core[here].tolist() == [0, 1]
    assert table.events[here].tolist() == [[4, 1, 0], [0, 0, 1]]


def test_wide_networks_are_counted_in_blocks(monkeypatch):
    monkeypatch.setattr("hwmodels.messages._CELLS_PER_BLOCK", 8)
    net = Network(tick_ns=1)
    net.add_input("in", 9)
    net.add_population("a", 3, LIF(tau_ns=10.0))
    net.connect("in", "a", Dense(np.ones((9, 3))))
    table = build_messages(net, Placement(chip_of(2, 2, 1), {"a": np.array([0, 3, 3])}))
    assert [table.messages_of("in", i) for i in range(9)] == [[(0, 1), (3, 2)]] * 9


def test_recorded_activity_is_the_sessions():
    net = Network(tick_ns=10)
    net.add_input("in", 2)
    net.add_poisson("noise", 3, 1e6, seed=4)
    net.add_population("a", 3, LIF(tau_ns=100.0, threshold=0.5))
    net.add_population("out", 1, LeakyIntegrator(tau_ns=100.0))
    net.connect("in", "a", Dense(np.ones((2, 3))))
    net.connect("noise", "a", OneToOne(0.1))
    net.connect("a", "out", Dense(np.ones((3, 1))))
    events = Events.of([20, 20, 500, 1000], [1, 0, 1, 0])
    activity = record_activity(net, {"in": events}, 1000)
    assert activity.spikes["in"].tick.tolist() == [2, 2, 50]
    assert activity.spikes["in"].index.tolist() == [0, 1, 1]
    assert activity.n_ticks == 100
    assert activity.spikes["a"].tick.tolist()[:3] == [2, 2, 2]
    assert "out" not in activity.spikes  # it reads out, it sends nothing
    assert activity.n_spikes["noise"] > 0


def test_refused_activities():
    net = Network(tick_ns=10)
    net.add_input("in", 2)
    none = SpikeTrain(np.empty(0, np.int64), np.empty(0, np.int32))
    with pytest.raises(EventError, match=r"outside of 0\.\.4"):
        Activity(10, 0, 5, {"in": SpikeTrain([5], [0])})
    with pytest.raises(ParameterError, match="updates must be one of"):
        Activity(10, 0, 5, {}, "sometimes")
    with pytest.raises(ParameterError, match="start_tick <= stop_tick"):
        Activity(10, 5, 0, {})
    with pytest.raises(ParameterError, match="ticks of 20 ns, the network of 10 ns"):
        Activity(20, 0, 5, {}).check(net)
    with pytest.raises(ParameterError, match="emits nothing here; there are in"):
        Activity(10, 0, 5, {"out": none}).check(net)
    with pytest.raises(ParameterError, match=r"indices 2\.\.2, it has 0\.\.1"):
        Activity(10, 0, 5, {"in": SpikeTrain([1], [2])}).check(net)
    with pytest.raises(EventError, match="two arrays of one length"):
        SpikeTrain([1, 2], [0])


def placed(core_of, tiles=(1, 1, 2)):
    net = Network(tick_ns=10)
    net.add_input("in", 2)
    net.add_population("a", 2, LIF(tau_ns=10.0))
    net.connect("in", "a", Dense(np.ones((2, 2))))
    return build_messages(net, Placement(chip_of(*tiles), core_of))


def test_refused_placements():
    with pytest.raises(PlacementError, match="'a' is not placed; placed are none"):
        placed({})
    with pytest.raises(PlacementError, match="has 2 neurons, 3 are placed"):
        placed({"a": np.zeros(3, int)})
    with pytest.raises(PlacementError, match="'b' is placed but no population"):
        placed({"a": np.zeros(2, int), "b": np.zeros(1, int)})


def test_refused_questions():
    table = placed({"a": np.array([0, 1])})
    activity = Activity(10, 0, 5, {"in": SpikeTrain([1], [0])})
    costs = HardwareCosts(1, 1, 2)
    with pytest.raises(ParameterError, match="contention must be one of"):
        time_activity(activity, table, costs, contention="some")
    with pytest.raises(ParameterError, match="a chip of 2 cores, the costs are of 4"):
        time_activity(activity, table, HardwareCosts(2, 1, 2))
    with pytest.raises(ParameterError, match="tile \\(1, 0\\), the mesh has \\(0, 0\\) to \\(0, 0\\)"):
        time_activity(activity, table, costs, entrance=Entrance((1, 0)))
    with pytest.raises(ParameterError, match="'a' is no input or source; there are in"):
        time_activity(activity, table, costs, entrance=Entrance(absent=frozenset({"a"})))
    asynchronous = dataclasses.replace(costs, mode="asynchronous")
    with pytest.raises(ParameterError, match="an asynchronous chip has no ticks"):
        time_activity(activity, table, asynchronous, contention="sums")
    endless, slow = (
        dataclasses.replace(activity, stop_tick=2**40),
        dataclasses.replace(costs, barrier_ps=2**40),
    )
    with pytest.raises(ParameterError, match="more than 64 bits hold"):
        time_activity(endless, table, slow)
    net = Network(tick_ns=10)
    net.add_input("in", 1)
    net.add_population("a", 1, LIF(tau_ns=10.0))
    net.connect("in", "a", Csr(np.array([0, 2**21]), np.zeros(2**21, int), np.ones(2**21)), 10)
    wide = build_messages(net, Placement(chip_of(1, 1, 1), {"a": np.zeros(1, int)}))
    with pytest.raises(ParameterError, match=r"a message could take .* ps, more than 64 bits hold"):
        time_activity(activity, wide, HardwareCosts(1, 1, 1, synapse_sparse_ps=2**40))
    with pytest.raises(ParameterError, match="no core does anything for tick 4"):
        time_activity(activity, table, asynchronous).done_ps(4)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hop_x_ps": -1}, "hop_x_ps must be a whole number of ps from 0"),
        ({"hop_x_ps": 1.5}, "hop_x_ps must be a whole number of ps from 0"),
        ({"hop_x_ps": 2**41}, "hop_x_ps must be a whole number of ps from 0"),
        ({"link_buffer": 0}, "link_buffer must be a whole number of at least 1"),
        ({"mode": "free"}, 'mode must be "barrier" or "asynchronous"'),
        ({"tiles_x": 2**20, "tiles_y": 2}, "at most 1048576 cores"),
    ],
)
def test_refused_costs(changed, message):
    with pytest.raises(ParameterError, match=message):
        dataclasses.replace(HardwareCosts(1, 1, 1), **changed)


def test_costs_of_a_chip():
    costs = HardwareCosts.of(load_chip("loihi"), 32)
    assert (costs.tiles_x, costs.tiles_y, costs.cores_per_tile, costs.n_cores) == (8, 4, 4, 128)
    assert (costs.neuron_access_ps, costs.neuron_update_ps, costs.tile_ps) == (5_300, 3_100, 2_100)
    assert (costs.hop_x_ps, costs.hop_y_ps, costs.barrier_ps) == (4_100, 6_500, 465_000)
    assert costs.synapse_ps().tolist() == [3_500, 3_500, 3_500]
    assert "message_in" in costs.left_out  # the chip file does not know
    assert costs.message_in_ps == 0
    with pytest.raises(ParameterError, match="only a mesh has timing here"):
        HardwareCosts.of(load_chip("xylo"), 1)


def test_when_a_tick_is_done():
    """Ticks of 100 ps at least; in tick 3 one message of 500 ps; the rest is idle."""
    table = placed({"a": np.array([1, 1])})
    activity = Activity(10, 1, 8, {"in": SpikeTrain([3], [0])})
    costs = HardwareCosts(1, 1, 2, message_in_ps=450, barrier_ps=50, real_time_tick_ps=100)
    timing = time_activity(activity, table, costs)
    assert (timing.tick.tolist(), timing.start_ps.tolist(), timing.end_ps.tolist()) == ([3], [200], [700])
    assert [timing.done_ps(tick) for tick in range(1, 8)] == [100, 200, 700, 800, 900, 1000, 1100]
    assert timing.total_ps == 1100
    assert timing.n_input_messages == 1


def test_quantiles():
    values = np.array([0, 1, 2, 100, 1000, 10**6, 10**12])
    latencies = Latencies(np.bincount(buckets_of(values), minlength=2048), int(values.sum()), 10**12)
    for k, value in enumerate(values.tolist()):
        found = latencies.quantile_ps((k + 1) / 7)
        assert value <= found <= value * 33 / 32 + 1
    assert latencies.quantile_ps(1.0) == 10**12
    with pytest.raises(ParameterError, match=r"a share in 0\.\.1"):
        latencies.quantile_ps(1.1)
    with pytest.raises(ParameterError, match="wants messages"):
        Latencies(np.zeros(2048, np.int64), 0, 0).quantile_ps(0.5)
