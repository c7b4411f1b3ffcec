"""A chip's tick may take several of the network's."""

import dataclasses

import numpy as np
import pytest
from hardware_cases import cases, chip_of
from hypothesis import given
from hypothesis import strategies as st

from eventsim import LIF, Dense, Network, ParameterError
from hwmodels.activity import Activity, SpikeTrain
from hwmodels.costs import HardwareCosts
from hwmodels.messages import build_messages
from hwmodels.placement import Placement
from hwmodels.timing import time_activity
from hwmodels.timing_simpy import time_activity_simpy

COSTS = HardwareCosts(
    2,
    1,
    1,
    neuron_access_ps=1,
    neuron_update_ps=10,
    spike_out_ps=100,
    message_out_ps=1000,
    message_in_ps=10_000,
    barrier_ps=1_000_000,
)


def two_neurons():
    """Return two neurons on two cores, the first driving the second 3 ticks later."""
    net = Network(tick_ns=10)
    net.add_population("a", 1, LIF(tau_ns=100.0))
    net.add_population("b", 1, LIF(tau_ns=100.0))
    net.connect("a", "b", Dense(np.ones((1, 1))), 30)
    return net, Placement(chip_of(2, 1, 1), {"a": [0], "b": [1]})


@pytest.mark.parametrize(
    ("every", "ticks", "updates", "works"),
    [
        # Spikes of ticks 1 and 4 arrive in 4 and 7.
        (1, [1, 4, 7], [2, 2], [11111, 11111, 11]),
        (2, [0, 2, 3], [2, 2], [11111, 11111, 11]),
        # Ticks 1, 4 and both arrivals in one: 2 x (spike out, message out), the second message waits.
        (8, [0], [1, 1], [21111]),
        (4, [0, 1], [2, 1], [11111, 11111]),
    ],
)
def test_by_hand(every, ticks, updates, works):
    net, placement = two_neurons()
    train = SpikeTrain([1, 4], [0, 0])
    activity = Activity(10, 0, 8, {"a": train}, per_chip_tick=every)
    timing = time_activity(activity, build_messages(net, placement), COSTS)
    assert timing.tick.tolist() == ticks
    assert timing.counts["neuron_update"].tolist() == updates
    assert timing.counts["spike_out"].tolist() == [2, 0]
    assert timing.counts["message_in"].tolist() == [0, 2]
    assert timing.counts["neuron_access"].tolist() == [8 // every] * 2
    assert (timing.duration_ps - COSTS.barrier_ps).tolist() == works


def test_what_arrives_after_the_end_is_not_there():
    """A chip's last tick may be covered in part."""
    net, placement = two_neurons()
    activity = Activity(10, 0, 9, {"a": SpikeTrain([8], [0])}, per_chip_tick=6)
    assert activity.n_chip_ticks == 2
    timing = time_activity(activity, build_messages(net, placement), COSTS)
    assert timing.counts["neuron_update"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("start", "stop", "every", "first", "n"),
    [(0, 0, 5, 0, 0), (0, 5, 5, 0, 1), (0, 6, 5, 0, 2), (4, 6, 5, 0, 2), (-1, 1, 5, -1, 2), (5, 10, 5, 1, 1)],
)
def test_ticks_of_the_chip_are_counted_from_time_0(start, stop, every, first, n):
    activity = Activity(10, start, stop, {}, per_chip_tick=every)
    assert (activity.first_chip_tick, activity.n_chip_ticks) == (first, n)


@given(case=cases("barrier"), contention=st.sampled_from(["none", "queues", "sums"]))
def test_messages_do_not_depend_on_the_ticks(case, contention):
    """Updates that fall together are made once; all else is as often."""
    net, placement, costs, activity, entrance = case
    table = build_messages(net, placement)
    counts = []
    for every in (1, activity.per_chip_tick):
        some = dataclasses.replace(activity, per_chip_tick=every)
        counts.append(time_activity(some, table, costs, contention=contention, entrance=entrance).counts)
    for name in counts[0].keys() - {"neuron_access", "neuron_update"}:
        np.testing.assert_array_equal(counts[0][name], counts[1][name])
    assert (counts[1]["neuron_update"] <= counts[0]["neuron_update"]).all()
    assert (counts[1]["neuron_access"] <= counts[0]["neuron_access"]).all()


@pytest.mark.parametrize("every", [0, -1, True, 1.0, "2"])
def test_other_numbers_are_refused(every):
    with pytest.raises(ParameterError, match="per_chip_tick must be a whole number of at least 1"):
        Activity(10, 0, 5, {}, per_chip_tick=every)


def test_an_asynchronous_chip_has_no_ticks():
    net, placement = two_neurons()
    activity = Activity(10, 0, 8, {}, per_chip_tick=2)
    costs = dataclasses.replace(COSTS, mode="asynchronous")
    with pytest.raises(ParameterError, match="per_chip_tick must be 1, got 2"):
        time_activity(activity, build_messages(net, placement), costs)


def test_a_neuron_may_fire_twice_in_one_tick():
    net, placement = two_neurons()
    activity = Activity(10, 0, 8, {"a": SpikeTrain([0, 1, 1], [0, 0, 0])}, per_chip_tick=8)
    found = time_activity(activity, build_messages(net, placement), COSTS)
    truth = time_activity_simpy(activity, net, placement, COSTS)
    assert found.counts["message_in"].tolist() == [0, 3]
    assert found.total_ps == truth.total_ps == 1_000_000 + 1 + 10 + 100 + 1000 + 3 * 10_000
