"""The closed loop: without costs it is the functional simulation, with costs reproducible and later."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from hardware_cases import chip_of
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim import LIF, Csr, Dense, Events, Network, ParameterError, Session
from hwmodels import closed_loop
from hwmodels.closed_loop import run_closed_loop
from hwmodels.costs import HardwareCosts
from hwmodels.messages import build_messages
from hwmodels.placement import Placement
from hwmodels.sending import Entrance

# The engine's own random networks: every model, sums exact in float64.
sys.path.insert(0, str(Path(__file__).parents[2] / "engine"))
from networks import N_TICKS, TICK_NS, cases

TILES = (2, 2, 2)
NOTHING = HardwareCosts(*TILES, mode="asynchronous")
seeds = st.integers(0, 2**32 - 1)


def placed(net, seed):
    rng, chip = np.random.default_rng(seed), chip_of(*TILES)
    core_of = {name: rng.integers(0, 8, p.size).astype(np.int32) for name, p in net.populations.items()}
    return build_messages(net, Placement(chip, core_of))


def outputs_of(net, inputs, until_ns):
    session = Session(net, record=list(net.populations))
    for name, events in inputs.items():
        session.push(name, events.select(events.time_ns < until_ns))
    session.advance(until_ns)
    return {name: session.read(name) for name in net.populations}


@settings(max_examples=40)
@given(case=cases(exact=True), seed=seeds, absent=st.booleans())
def test_without_costs_it_is_the_functional_simulation(case, seed, absent):
    net, inputs = case
    until_ns = N_TICKS * TICK_NS
    entrance = Entrance(absent=frozenset(net.sources)) if absent else None
    found = run_closed_loop(placed(net, seed), NOTHING, inputs, until_ns, entrance=entrance)
    truth = outputs_of(net, inputs, until_ns)
    for name, events in truth.items():
        assert found.outputs[name].equals(events), name
    assert found.n_late == found.latest_ticks == 0
    assert found.latencies.largest_ps == 0


@settings(max_examples=15)
@given(case=cases(exact=True), seed=seeds)
def test_with_costs_it_is_reproducible_and_later(case, seed):
    net, inputs = case
    costs = dataclasses.replace(
        NOTHING, message_in_ps=TICK_NS * 700, hop_x_ps=900, hop_y_ps=50, message_out_ps=33, neuron_update_ps=7
    )
    table = placed(net, seed)
    first, second = (run_closed_loop(table, costs, inputs, N_TICKS * TICK_NS) for _ in range(2))
    for name, events in first.outputs.items():
        assert second.outputs[name].equals(events)
    assert (first.latencies.histogram == second.latencies.histogram).all()
    if first.latencies.n_messages:
        assert first.latencies.largest_ps >= TICK_NS * 700


def chain(delay_ns=0):
    net = Network(tick_ns=10)
    net.add_input("in", 1)
    for name in ("a", "b"):
        net.add_population(name, 1, LIF(tau_ns=1e3, threshold=0.5, reset="hard"))
    net.connect("in", "a", Dense(np.ones((1, 1))), delay_ns=delay_ns)
    net.connect("a", "b", Dense(np.ones((1, 1))), delay_ns=delay_ns)
    chip = chip_of(3, 1, 1)
    return build_messages(net, Placement(chip, {"a": np.array([1]), "b": np.array([2])}))


@pytest.mark.parametrize("delay_ns", [0, 30])
def test_a_message_shifts_what_follows_by_its_time_rounded_up(delay_ns):
    """Through the entrance at tile 0 to a on tile 1, from a to b on tile 2."""
    costs = HardwareCosts(
        3, 1, 1, "asynchronous", hop_x_ps=4_000, message_in_ps=5_000, synapse_dense_ps=1_500,
        neuron_update_ps=2_000, spike_out_ps=3_000, message_out_ps=500,
    )  # fmt: skip
    found = run_closed_loop(chain(delay_ns), costs, {"in": Events.of([100], [0])}, 1_000)
    # 4 + 5 + 1.5 = 10.5 ns after 100 ns: the first tick not before 110.5 is 120.
    assert found.outputs["a"].time_ns.tolist() == [120 + delay_ns]
    # 2 + 3 + 0.5 to make the message, 10.5 on its way and in service: 16 ns, so 20.
    assert found.outputs["b"].time_ns.tolist() == [140 + 2 * delay_ns]
    assert (found.n_late, found.latest_ticks) == (2, 2)
    assert found.latencies.n_messages == 2
    assert found.latencies.total_ps == 2 * 10_500


def test_a_message_waits_for_those_before_it():
    net = Network(tick_ns=10)
    net.add_input("in", 3)
    net.add_population("a", 1, LIF(tau_ns=1e3, threshold=0.5, reset="hard"))
    net.connect("in", "a", Dense(np.ones((3, 1))))
    table = build_messages(net, Placement(chip_of(1, 1, 1), {"a": np.array([0])}))
    costs = HardwareCosts(1, 1, 1, "asynchronous", message_in_ps=25_000)
    found = run_closed_loop(table, costs, {"in": Events.of([0, 0, 10], [0, 1, 2])}, 1_000)
    # Served at 25, 50 and 75 ns.
    assert found.outputs["a"].time_ns.tolist() == [30, 50, 80]


def test_a_long_silence_on_a_fine_grid_costs_nothing():
    net = Network(tick_ns=1)
    net.add_input("in", 1)
    net.add_population("a", 1, LIF(tau_ns=1e3, threshold=0.5, reset="hard"))
    net.connect("in", "a", Dense(np.ones((1, 1))))
    table = build_messages(net, Placement(chip_of(1, 1, 1), {"a": np.array([0])}))
    found = run_closed_loop(
        table, dataclasses.replace(NOTHING, tiles_x=1, tiles_y=1, cores_per_tile=1),
        {"in": Events.of([5, 10**12], [0, 0])}, 2 * 10**12,
    )  # fmt: skip
    assert found.outputs["a"].time_ns.tolist() == [5, 10**12]


def test_refusals(monkeypatch):
    monkeypatch.setattr(closed_loop, "_MOST_WINDOWS", 30)
    table = chain()
    with pytest.raises(ParameterError, match="for asynchronous chips"):
        run_closed_loop(table, HardwareCosts(3, 1, 1))
    net = Network(tick_ns=1)
    net.add_population("a", 1, LIF(tau_ns=1e3, threshold=0.5, bias=1.0))
    net.connect("a", "a", Csr(np.array([0, 1]), np.array([0]), np.array([1.0])), delay_ns=1)
    table = build_messages(net, Placement(chip_of(1, 1, 1), {"a": np.array([0])}))
    with pytest.raises(ParameterError, match="more than 30 steps"):
        run_closed_loop(table, HardwareCosts(1, 1, 1, "asynchronous"), {}, 10**5)
