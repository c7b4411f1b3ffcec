"""The compiled models and the readable one on SimPy agree in every number."""

import dataclasses

import numpy as np
import pytest
from hardware_cases import activity_of, cases, chip_of
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim import LIF, Csr, Network
from hwmodels.costs import HardwareCosts
from hwmodels.messages import build_messages
from hwmodels.placement import Placement
from hwmodels.timing import time_activity
from hwmodels.timing_simpy import time_activity_simpy


def in_order(messages):
    """Return the messages as rows, sorted: which of them comes first in the arrays means nothing."""
    table = np.stack([messages.row, messages.core, messages.sent_ps, messages.served_ps])
    return table[:, np.lexsort(table[::-1])]


def assert_equal(found, truth):
    for field in dataclasses.fields(truth):
        a, b = getattr(found, field.name), getattr(truth, field.name)
        if field.name == "counts":
            assert a.keys() == b.keys()
            for name in b:
                np.testing.assert_array_equal(a[name], b[name], err_msg=name)
        elif field.name == "messages" and b is None:
            assert a is None
        elif field.name == "messages":
            np.testing.assert_array_equal(in_order(a), in_order(b))
        elif field.name in ("latencies", "groups"):
            if b is None:
                assert a is None
                continue
            for part in dataclasses.fields(b):
                np.testing.assert_array_equal(getattr(a, part.name), getattr(b, part.name), err_msg=part.name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=field.name)


def compare(case, contention, live=True):
    net, placement, costs, activity, entrance = case
    table = build_messages(net, placement)
    found = time_activity(
        activity, table, costs, contention=contention, entrance=entrance, live=live, keep_messages=True
    )
    truth = time_activity_simpy(
        activity, net, placement, costs, queues=contention == "queues", entrance=entrance, live=live
    )
    assert_equal(found, truth)


@pytest.mark.parametrize("contention", ["none", "queues"])
@given(case=cases("barrier"))
def test_barrier(case, contention):
    compare(case, contention)


@pytest.mark.parametrize("contention", ["none", "queues"])
@given(case=cases("asynchronous"), live=st.booleans())
def test_asynchronous(case, contention, live):
    compare(case, contention, live)


@settings(max_examples=60)
@given(case=cases("barrier"))
def test_barrier_with_arrivals_sorted_afterwards(case):
    """The way of ticks with very many messages, taken by all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hwmodels.barrier.FEW", -1)
        compare(case, "none")


@settings(max_examples=60)
@given(case=cases(), contention=st.sampled_from(["none", "queues"]))
def test_a_stretch_per_few_messages(case, contention):
    """However long activity is cut to bound the memory, nothing changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hwmodels.work._MESSAGES_PER_STRETCH", 5)
        patch.setattr("hwmodels.barrier._QUEUED_PER_STRETCH", 5)
        compare(case, contention)


@pytest.mark.parametrize("most", [7, 2**19])
@given(case=cases("barrier"))
def test_sums_spike_by_spike_are_those_message_by_message(case, most):
    """Where single messages are asked for, each is laid out and timed by itself."""
    net, placement, costs, activity, entrance = case
    table = build_messages(net, placement)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hwmodels.barrier._SUMMED_PER_STRETCH", most)
        found = time_activity(activity, table, costs, contention="sums", entrance=entrance)
    one_by_one = time_activity(
        activity, table, costs, contention="sums", entrance=entrance, keep_messages=True
    )
    messages = one_by_one.messages
    assert found.latencies.total_ps == int((messages.served_ps - messages.sent_ps).sum())
    assert_equal(found, dataclasses.replace(one_by_one, messages=None))


@settings(max_examples=60)
@given(case=cases(), contention=st.sampled_from(["none", "queues"]))
def test_times_beyond_32_bits(case, contention):
    """A time of 2 ms does not fit into an int32 of ps."""
    net, placement, costs, activity, entrance = case
    slow = {"hop_y_ps": 2**31 + 1, "message_in_ps": 2**33 + 5, "synapse_sparse_ps": 2**32}
    compare((net, placement, dataclasses.replace(costs, **slow), activity, entrance), contention)


@pytest.mark.compiled
@pytest.mark.parametrize("n", [40, 150])
def test_a_tick_of_many_messages_both_ways(n):
    """So many for a core that runs are merged."""
    rng = np.random.default_rng(n)
    net = Network(tick_ns=1000)
    net.add_input("in", n)
    net.add_population("cells", n, LIF(tau_ns=1e4))
    for pre in ("in", "cells"):
        indices = rng.integers(0, n, 5 * n)
        net.connect(pre, "cells", Csr(np.arange(n + 1) * 5, indices, np.ones(5 * n)), 1000)
    placement = Placement(chip_of(3, 3, 2), {"cells": rng.integers(0, 18, n)})
    table = build_messages(net, placement)
    activity = activity_of(rng, net, 1.0)
    activity = dataclasses.replace(activity, tick_ns=1000)
    costs = HardwareCosts(
        3,
        3,
        2,
        hop_x_ps=3,
        hop_y_ps=2,
        spike_out_ps=1,
        message_out_ps=1,
        message_in_ps=2,
        synapse_sparse_ps=1,
    )
    found = []
    for few in (-1, 256):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("hwmodels.barrier.FEW", few)
            found.append(time_activity(activity, table, costs, keep_messages=True))
    truth = time_activity_simpy(activity, net, placement, costs)
    for each in found:
        assert_equal(each, truth)
