"""What must hold of any queueing model: conservation, busy times, critical paths, one server's monotony."""

import dataclasses

import numpy as np
import pytest
from hardware_cases import activity_of, cases, chip_of
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.models import LIF
from eventsim.network import Network
from eventsim.projections import Csr, Dense
from hwmodels.activity import Activity, SpikeTrain, emitters
from hwmodels.costs import HardwareCosts
from hwmodels.messages import build_messages
from hwmodels.placement import Placement
from hwmodels.timing import time_activity

FORMS = ("dense", "sparse", "conv")
contentions = st.sampled_from(["none", "queues"])


def timed(case, contention, **changed):
    net, placement, costs, activity, entrance = case
    table = build_messages(net, placement)
    costs = dataclasses.replace(costs, **changed)
    return table, time_activity(
        activity, table, costs, contention=contention, entrance=entrance, keep_messages=True
    )


@given(case=cases(), contention=contentions)
def test_messages_are_conserved(case, contention):
    """Emitted x destinations = sent = served; synaptic events follow from the connectivity alone."""
    net, _, _, activity, entrance = case
    table, timing = timed(case, contention)
    sent = events = 0
    for name, train in activity.spikes.items():
        for index in train.index.tolist() if name not in entrance.absent else ():
            messages = table.messages_of(name, index)
            sent += len(messages)
            events += sum(n for _, n in messages)
    assert timing.latencies.n_messages == timing.messages.row.shape[0] == sent
    assert int(timing.counts["message_in"].sum()) == sent
    assert sum(int(timing.counts[f"synapse_{form}"].sum()) for form in FORMS) == events
    fan_out = {name: np.zeros(size, int) for name, size in emitters(net).items()}
    for p in net.projections:
        fan_out[p.pre] += np.diff(p.synapses.to_csr().indptr)
    spikes = {n: t for n, t in activity.spikes.items() if n not in entrance.absent}
    assert events == sum(int(fan_out[name][train.index].sum()) for name, train in spikes.items())
    inner = [len(t) for name, t in activity.spikes.items() if name in net.populations]
    assert int(timing.counts["spike_out"].sum()) == sum(inner)


@given(case=cases(), contention=contentions)
def test_makespan_is_no_less_than_busy_time_and_critical_path(case, contention):
    _, _, costs, activity, _ = case
    table, timing = timed(case, contention, real_time_tick_ps=None)
    barriers = costs.barrier_ps * activity.n_chip_ticks if costs.mode == "barrier" else 0
    busy = max(int(timing.neuron_busy_ps.max()), int(timing.synapse_busy_ps.max()))
    assert timing.total_ps >= busy + barriers
    assert timing.total_ps >= int(timing.link_busy_ps.max(initial=0)) * (contention == "queues")
    assert (timing.end_ps >= timing.start_ps).all()
    # A message takes its way and its service, whatever else happens.
    m = timing.messages
    cores, (x, y) = table.core_of_row, costs.places()
    for row, core, sent, served in zip(m.row, m.core, m.sent_ps, m.served_ps, strict=True):
        assert served >= sent + costs.message_in_ps
        if cores[row] >= 0:
            hops_x, hops_y = abs(x[cores[row]] - x[core]), abs(y[cores[row]] - y[core])
            way = costs.tile_ps + hops_x * costs.hop_x_ps + hops_y * costs.hop_y_ps
            assert served >= sent + way + costs.message_in_ps
    assert timing.latencies.total_ps == int((m.served_ps - m.sent_ps).sum())
    assert (timing.latencies.n_messages == 0) or (
        timing.latencies.largest_ps == int((m.served_ps - m.sent_ps).max())
    )


@given(case=cases(), contention=contentions, other=st.integers(0, 50))
def test_counts_do_not_depend_on_times(case, contention, other):
    _, one = timed(case, contention)
    changed = {f"{name}_ps": other for name in ("message_in", "hop_x", "spike_out", "synapse_sparse", "tile")}
    for again in ("none", "queues"):
        _, two = timed(case, again, **changed)
        for name, counts in one.counts.items():
            np.testing.assert_array_equal(counts, two.counts[name])


@given(case=cases("barrier"))
def test_a_tick_is_no_shorter_than_its_busiest_unit(case):
    """The plain sums bound both other models from below, tick by tick."""
    sums = timed(case, "sums")[1]
    for contention in ("none", "queues"):
        timing = timed(case, contention)[1]
        np.testing.assert_array_equal(timing.tick, sums.tick)
        assert (timing.duration_ps >= sums.duration_ps).all()
        assert timing.total_ps >= sums.total_ps


def one_server(rng):
    """Return inputs into one core, which serves them one after the other."""
    net = Network(tick_ns=10)
    net.add_input("in", 20)
    net.add_population("cell", 5, LIF(tau_ns=100.0))
    counts = rng.integers(1, 6, 20)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    net.connect("in", "cell", Csr(indptr, rng.integers(0, 5, counts.sum()), np.ones(counts.sum())))
    activity = activity_of(rng, net, 1.0)
    activity = dataclasses.replace(activity, spikes={"in": activity.spikes["in"]})
    return net, activity


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    mode=st.sampled_from(["barrier", "asynchronous"]),
    name=st.sampled_from(["message_in_ps", "synapse_sparse_ps", "hop_x_ps", "tile_ps"]),
)
def test_doubling_a_time_never_makes_one_server_earlier(seed, mode, name):
    """Of a single server, Lindley's recursion rises in every argument; of many no such claim is made."""
    net, activity = one_server(np.random.default_rng(seed))
    placement = Placement(chip_of(2, 1, 1), {"cell": np.full(5, 1)})
    table = build_messages(net, placement)
    costs = HardwareCosts(2, 1, 1, mode, message_in_ps=3_000, synapse_sparse_ps=900, hop_x_ps=40, tile_ps=7)
    slow = dataclasses.replace(costs, **{name: 2 * getattr(costs, name)})
    first, second = (time_activity(activity, table, c, keep_messages=True) for c in (costs, slow))
    assert (second.messages.served_ps >= first.messages.served_ps).all()
    assert second.total_ps >= first.total_ps


@pytest.mark.compiled
@pytest.mark.parametrize("load", [0.3, 0.6])
def test_waiting_times_of_an_m_d_1_queue(load):
    """10^6 Poisson arrivals at one core: mean waiting time within 1 % of load x service / (2 (1 - load)).

    Source: Pollaczek 1930, Khinchin 1932; for instance Kleinrock, Queueing Systems I, 1975, section 5.6.
    """
    n, service_ns = 10**6, 1000
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.exponential(service_ns / load, n)).astype(np.int64)
    net = Network(tick_ns=1)
    net.add_input("in", 1)
    net.add_population("cell", 1, LIF(tau_ns=100.0))
    net.connect("in", "cell", Dense(np.ones((1, 1))))
    train = SpikeTrain(times, np.zeros(n, np.int32))
    activity = Activity(1, 0, int(times[-1]) + 1, {"in": train})
    table = build_messages(net, Placement(chip_of(1, 1, 1), {"cell": np.zeros(1, int)}))
    costs = HardwareCosts(1, 1, 1, "asynchronous", message_in_ps=service_ns * 1000)
    timing = time_activity(activity, table, costs)
    expected_ps = load * service_ns * 1000 / (2 * (1 - load))
    assert timing.waiting_ps[0] / n == pytest.approx(expected_ps, rel=0.01)
    # Little: what waits on average is the rate of arrivals times the waiting time.
    assert timing.latencies.mean_ps == pytest.approx(expected_ps + service_ns * 1000, rel=0.01)
