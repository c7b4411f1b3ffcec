"""Ticks timed on a grid of arrivals, and neurons marked by masks: the same numbers as in any other way."""

import dataclasses

import numpy as np
import pytest
from hardware_cases import cases, chip_of, seeds
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from test_agreement import assert_equal

from eventsim import LIF, Csr, Network
from hwmodels.activity import Activity, SpikeTrain
from hwmodels.arrival_grid import ArrivalGrid
from hwmodels.costs import HardwareCosts
from hwmodels.delayed_synapses import DelayedSynapses
from hwmodels.grid_kernels import NOTHING, sort_columns
from hwmodels.messages import build_messages
from hwmodels.placement import Placement
from hwmodels.sending import Entrance, sending_of
from hwmodels.timing import time_activity
from hwmodels.timing_simpy import time_activity_simpy

LARGEST = {"message_in_ps": 2**25 - 1, "tile_ps": 2**26 - 1}


@njit
def sort(key, n):
    """Call what only kernels call."""
    sort_columns(key, n)


def taken_by_all(patch):
    """Have every tick timed on a grid, however few messages there are, and none in another way."""

    def refuse(*_):
        raise AssertionError("a tick was laid out")

    patch.setattr(ArrivalGrid, "holds", lambda *_: True)
    patch.setattr("hwmodels.barrier._laid_ticks", refuse)


@given(seed=seeds, n=st.integers(0, 70), n_columns=st.integers(1, 40))
def test_columns_are_sorted(seed, n, n_columns):
    rng = np.random.default_rng(seed)
    key = rng.integers(0, 50, (n, n_columns))
    key[rng.random((n, n_columns)) < 0.3] = NOTHING
    expected = np.sort(key, axis=0)
    below = np.full((3, n_columns), -1)
    whole = np.concatenate([key, below])
    sort(whole, n)
    np.testing.assert_array_equal(whole, np.concatenate([expected, below]))


@given(case=cases("barrier"), most=st.sampled_from([5, 2**17]))
def test_a_grid_agrees_with_simpy(case, most):
    net, placement, costs, activity, entrance = case
    with pytest.MonkeyPatch.context() as patch:
        taken_by_all(patch)
        patch.setattr("hwmodels.work._MESSAGES_PER_STRETCH", most)
        found = time_activity(activity, build_messages(net, placement), costs, entrance=entrance)
    truth = time_activity_simpy(activity, net, placement, costs, entrance=entrance)
    assert_equal(found, dataclasses.replace(truth, messages=None))


@settings(max_examples=30)
@given(case=cases("barrier"), large=st.sets(st.sampled_from(sorted(LARGEST))), beyond=st.integers(0, 1))
def test_times_about_the_largest_a_word_holds(case, large, beyond):
    """Beyond it messages are laid out; no number depends on that."""
    net, placement, costs, activity, entrance = case
    costs = dataclasses.replace(
        costs, hop_x_ps=0, hop_y_ps=0, synapse_sparse_ps=0, synapse_dense_ps=0, synapse_conv_ps=0
    )
    costs = dataclasses.replace(costs, **{name: LARGEST[name] + beyond for name in large})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ArrivalGrid, "holds", lambda *_: True)
        found = time_activity(activity, build_messages(net, placement), costs, entrance=entrance)
    truth = time_activity_simpy(activity, net, placement, costs, entrance=entrance)
    assert_equal(found, dataclasses.replace(truth, messages=None))


def crowd(n, fan_out, n_cores=18, **costs):
    """Return network, placement, costs and ticks of activity in which n neurons and n inputs fire."""
    rng = np.random.default_rng(n)
    net = Network(tick_ns=1000)
    net.add_input("in", n)
    net.add_population("cells", n, LIF(tau_ns=1e4))
    for pre in ("in", "cells"):
        indices = rng.integers(0, n, fan_out * n)
        net.connect(pre, "cells", Csr(np.arange(n + 1) * fan_out, indices, np.ones(fan_out * n)), 1000)
    placement = Placement(chip_of(n_cores // 2, 2, 1), {"cells": np.arange(n) % n_cores})
    train = SpikeTrain(np.repeat([0, 2, 3], n), np.tile(np.arange(n), 3))
    activity = Activity(1000, 0, 6, {"in": train, "cells": train})
    all_costs = {"hop_x_ps": 3, "hop_y_ps": 2, "spike_out_ps": 1, "message_out_ps": 1, "message_in_ps": 2}
    all_costs.update(synapse_sparse_ps=1, **costs)
    return net, placement, HardwareCosts(n_cores // 2, 2, 1, **all_costs), activity


@pytest.mark.compiled
@pytest.mark.parametrize(("n", "on_grid"), [(40, True), (150, True), (512, True), (513, False)])
def test_a_tick_of_many_senders(n, on_grid):
    """A grid has at most 1,024 rows."""
    net, placement, costs, activity = crowd(n, 30)
    table = build_messages(net, placement)
    with pytest.MonkeyPatch.context() as patch:
        if on_grid:
            patch.setattr("hwmodels.barrier._laid_ticks", None)
        else:
            patch.setattr("hwmodels.barrier._grid_ticks", None)
        found = time_activity(activity, table, costs)
    one_by_one = time_activity(activity, table, costs, keep_messages=True)
    assert_equal(found, dataclasses.replace(one_by_one, messages=None))


def test_what_a_grid_is_for():
    """Few messages among many cores are faster laid out; a grid needs times and columns that fit a word."""
    net, placement, costs, _ = crowd(40, 30)
    table = build_messages(net, placement)

    def grid_for(**more):
        changed = dataclasses.replace(costs, **more)
        return ArrivalGrid.of(table, changed, sending_of(table, changed, Entrance()))

    grid = grid_for()
    assert grid.holds(np.array([1024, 2]), np.array([16_000, 36]))
    assert not grid.holds(np.array([1025]), np.array([16_000]))
    assert not grid.holds(np.array([2, 2]), np.array([15, 2]))
    assert grid.holds(np.array([2, 2]), np.array([15, 3]))
    for beyond in ({"message_in_ps": 2**25}, {"tile_ps": 2**26}):
        assert grid_for(**beyond) is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hwmodels.arrival_grid._MOST_PLACES", 180)
        assert grid.holds(np.array([10]), np.array([50]))
        assert not grid.holds(np.array([11]), np.array([55]))
        patch.setattr("hwmodels.arrival_grid.ARRIVAL_BITS", 30)
        assert grid_for() is not None
        assert grid_for(message_out_ps=2**18) is None


@given(
    seed=seeds, n_slots=st.integers(1, 300), most=st.sampled_from([0, 1, 3, 200]), delay=st.integers(-3, 5)
)
def test_marks_are_those_of_every_single_synapse(seed, n_slots, most, delay):
    """However many targets an address has, and whichever way they are marked."""
    rng = np.random.default_rng(seed)
    n_sources, n_ticks = 7, 6
    lengths = rng.integers(0, most + 1, n_sources)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    low = int(rng.integers(0, n_slots))
    targets = rng.integers(low, n_slots, indptr[-1]).astype(np.int32)
    ticks = np.sort(rng.integers(0, n_ticks, 12))
    sources = rng.integers(0, n_sources, 12).astype(np.int32)
    busy = np.unique(np.concatenate([ticks + delay, rng.integers(-3, 12, 4)]))
    bits = np.zeros((busy.shape[0], (n_slots + 63) // 64), np.uint64)
    expected = np.zeros((busy.shape[0], n_slots), bool)
    for tick, source in zip(ticks.tolist(), sources.tolist(), strict=True):
        reached = targets[indptr[source] : indptr[source + 1]]
        expected[np.searchsorted(busy, tick + delay), reached] = True
    synapses = DelayedSynapses("in", 0, indptr, targets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hwmodels.delayed_synapses._WORDS_PER_TARGET", int(rng.choice([0, 6, 1000])))
        synapses.mark(ticks, sources, busy + 1 - delay, bits)
    found = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")[:, :n_slots].astype(bool)
    np.testing.assert_array_equal(found, expected)


def test_chips_in_turn_on_one_table():
    """What is kept of the latest chip is not taken for another."""
    net, placement, costs, activity = crowd(20, 10)
    slower = dataclasses.replace(costs, message_in_ps=50)
    table, direct = build_messages(net, placement), Entrance(direct=frozenset({"in"}))
    for chip, entrance in ((costs, None), (slower, None), (costs, direct), (slower, direct), (costs, None)):
        found = time_activity(activity, table, chip, entrance=entrance)
        fresh = time_activity(activity, build_messages(net, placement), chip, entrance=entrance)
        assert_equal(found, fresh)
