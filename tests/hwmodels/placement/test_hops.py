"""Cores arranged on the mesh: never more hops than before, and the sums are those of each message."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim import Network
from hwmodels.chip import Chip, load_chip
from hwmodels.hops import _gains, arrange, core_traffic, distances, places_near_the_entry, total_hops
from hwmodels.network_load import network_load
from hwmodels.placement import Placement
from hwmodels.placing import place
from tests.hwmodels.chips.own_chip import load_own
from tests.hwmodels.placement.networks import layered, networks, slow_load


def slow_hops(net: Network, placement: Placement, spikes: dict[str, np.ndarray]) -> int:
    """Return the hops of all messages, one message at a time."""
    chip, slow = placement.chip, slow_load(net, 8)
    messages = {
        (source, int(placement.core_of[name][j]))
        for name, j in slow.neurons
        for source in slow.hears[name, j]
    }
    total = 0
    for (name, i), core in messages:
        start = chip.tile_of_core(int(placement.core_of[name][i])) if name in placement.core_of else 0
        (x0, y0), (x1, y1) = chip.tile_xy(start), chip.tile_xy(chip.tile_of_core(core))
        total += int(spikes[name][i]) * (abs(x0 - x1) + abs(y0 - y1))
    return total


def all_distances(chip: Chip) -> np.ndarray:
    cores = np.arange(chip.n_cores)
    return distances(chip, cores, cores)


def mesh(x: int, y: int, per_tile: int = 1, **limits: int) -> Chip:
    return load_own(tiles_x=x, tiles_y=y, cores_per_tile=per_tile, **limits)


@settings(max_examples=60)
@given(networks(), st.integers(0, 99))
def test_hops_are_those_of_each_message_and_fewer_than_by_fill(net: Network, seed: int) -> None:
    chip = mesh(3, 3, neurons_per_core=2)
    rng = np.random.default_rng(seed)
    sizes = dict(net.inputs) | {n: p.size for n, p in net.populations.items()}
    spikes = {name: rng.integers(0, 9, size) for name, size in sizes.items()}
    filled = place(net, chip, spikes=spikes)
    arranged = place(net, chip, "hops", spikes=spikes)
    load = network_load(net)
    cores = np.concatenate(list(filled.core_of.values()))
    fired = np.concatenate(list(spikes.values()))
    traffic = core_traffic(load, cores, fired, chip.n_cores)
    assert total_hops(traffic, all_distances(chip), np.arange(9)) == slow_hops(net, filled, spikes)
    assert slow_hops(net, arranged, spikes) <= slow_hops(net, filled, spikes)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 8))
def test_the_gain_of_a_swap_is_the_change_of_the_total(seed: int, a: int) -> None:
    rng = np.random.default_rng(seed)
    hops = all_distances(mesh(3, 3))
    traffic = rng.integers(0, 20, (10, 9)) * (rng.random((10, 9)) < 0.4)
    place_now = rng.permutation(9)
    both = traffic[:9] + traffic[:9].T
    np.fill_diagonal(both, 0)
    before = total_hops(traffic, hops, place_now)
    at = hops[np.ix_(place_now, place_now)]
    for b, gain in enumerate(_gains(both, traffic[9], at, hops[0, place_now], a).tolist()):
        swapped = place_now.copy()
        swapped[[a, b]] = place_now[[b, a]]
        assert total_hops(traffic, hops, swapped) - before == gain


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_places_are_a_permutation_close_to_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hops = all_distances(mesh(2, 3))
    traffic = rng.integers(0, 20, (7, 6)) * (rng.random((7, 6)) < 0.5)
    places = arrange(traffic, hops)
    assert sorted(places.tolist()) == list(range(6))
    every = [total_hops(traffic, hops, np.array(p)) for p in itertools.permutations(range(6))]
    found = total_hops(traffic, hops, places)
    assert min(every) <= found <= np.mean(every)
    assert places.tolist() == arrange(traffic, hops).tolist()


def test_a_chain_of_layers_lies_along_the_mesh() -> None:
    net = layered(3, 8, 8, 8, 8)
    chip = mesh(4, 4, neurons_per_core=8)
    spikes = {"in": np.ones(3, int)} | {n: np.ones(8, int) for n in ("h1", "h2", "h3", "out")}
    assert slow_hops(net, place(net, chip, "hops", spikes=spikes), spikes) == 3 * 8


def test_distances_on_loihi() -> None:
    hops = all_distances(load_chip("loihi"))
    assert hops.shape == (128, 128)
    assert hops[0, :4].tolist() == [0, 0, 0, 0]
    assert hops[0, 127] == 7 + 3


def test_places_offered_are_those_in_use_and_the_nearest_to_the_entry() -> None:
    chip = load_chip("truenorth")
    # Of distance 0 to 3 all ten, and the first two of distance 4.
    nearest = sorted({64 * x + y for x in range(4) for y in range(4 - x)} | {4, 64 + 3})
    assert places_near_the_entry(chip, 3, 4096).tolist() == nearest
    assert places_near_the_entry(load_chip("loihi"), 100, 128).size == 128
    assert places_near_the_entry(load_chip("loihi"), 2, 3).tolist() == [0, 1, 2]
