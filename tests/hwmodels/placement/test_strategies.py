"""Placements: every neuron once, no capacity exceeded, refused only what doesn't fit, always the same."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim import Network
from eventsim.errors import ParameterError, PlacementError
from eventsim.models import LIF
from hwmodels.chip import Chip, load_chip
from hwmodels.core_loads import LIMIT_OF, core_loads
from hwmodels.filling import balance, fill
from hwmodels.network_load import NetworkLoad, network_load, synaptic_events
from hwmodels.placement import Placement
from hwmodels.placing import STRATEGIES, place
from tests.hwmodels.chips.own_chip import load_own
from tests.hwmodels.placement.networks import TICK_NS, layered, networks, slow_core_loads, slow_load

KEYS = ("neurons_per_core", "axons_in_per_core", "axons_out_per_core", "synapses_per_core",
        "synapse_memory_bits_per_core", "fan_in_per_neuron")  # fmt: skip


@st.composite
def chips(draw: st.DrawFn, axons_out: bool = True) -> Chip:
    """Draw a chip of a few small cores, some limits absent."""
    tops = dict(zip(KEYS, (6, 8, 12, 24, 300, 8), strict=True))
    limits = {key: draw(st.one_of(st.none(), st.integers(1, top))) for key, top in tops.items()}
    if not axons_out:
        limits["axons_out_per_core"] = None
    mesh = {"tiles_x": draw(st.integers(1, 2)), "tiles_y": draw(st.integers(1, 2))}
    return load_own(cores_per_tile=draw(st.integers(1, 2)), **mesh, **limits)


def cores_of(net: Network, placement: Placement) -> dict[tuple[str, int], int]:
    """Return the core of each neuron; the arrays must name each neuron of each population once."""
    assert list(placement.core_of) == list(net.populations)
    found = {}
    for name, population in net.populations.items():
        cores = placement.core_of[name]
        assert cores.shape == (population.size,)
        assert cores.dtype == np.int32
        found |= {(name, j): int(core) for j, core in enumerate(cores)}
    return found


def spikes_of(net: Network, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = dict(net.inputs) | {n: p.size for n, p in net.populations.items()}
    return {name: rng.integers(0, 6, size) for name, size in sizes.items()}


@settings(max_examples=120)
@given(networks(), chips(), st.sampled_from(STRATEGIES), st.integers(0, 99))
def test_every_neuron_once_and_no_capacity_exceeded(
    net: Network, chip: Chip, strategy: str, seed: int
) -> None:
    try:
        placement = place(net, chip, strategy, storage="sparse", spikes=spikes_of(net, seed))
    except PlacementError:
        return
    core_of = cores_of(net, placement)
    slow = slow_load(net, 8)
    found = slow_core_loads(slow, core_of, slow.sparse_bits)
    assert all(0 <= core < chip.n_cores for core in found)
    for held in found.values():
        for name, limit_name in LIMIT_OF.items():
            limit = getattr(chip.limits, limit_name)
            assert limit is None or held[name] <= limit
    fan_in = chip.limits.fan_in_per_neuron
    assert fan_in is None or all(len(s) <= fan_in for s in slow.hears.values())
    assert placement.loads is not None
    assert not placement.loads.beyond(chip.limits)
    again = place(net, chip, strategy, storage="sparse", spikes=spikes_of(net, seed))
    assert cores_of(net, again) == core_of


def fits_in_order(net: Network, chip: Chip, n_cores: int) -> bool:
    """Return whether some cutting of the neurons in their order fits the cores: every one is tried."""
    slow = slow_load(net, 8)
    n = len(slow.neurons)
    limit = chip.limits.fan_in_per_neuron
    if limit is not None and any(len(s) > limit for s in slow.hears.values()):
        return False
    for n_cuts in range(min(n_cores, n)):
        for cuts in itertools.combinations(range(1, n), n_cuts):
            core_of = {neuron: sum(j >= c for c in cuts) for j, neuron in enumerate(slow.neurons)}
            loads = slow_core_loads(slow, core_of, slow.sparse_bits)
            if all(
                getattr(chip.limits, key) is None or held[name] <= getattr(chip.limits, key)
                for held in loads.values()
                for name, key in LIMIT_OF.items()
            ):
                return True
    return False


@settings(max_examples=120)
@given(networks(max_size=3), chips(axons_out=False))
def test_fill_refuses_what_fits_in_no_cutting_and_nothing_else(net: Network, chip: Chip) -> None:
    try:
        place(net, chip, storage="sparse")
        fitted = True
    except PlacementError:
        fitted = False
    assert fitted == fits_in_order(net, chip, chip.n_cores)


@settings(max_examples=60)
@given(networks(max_size=3), chips())
def test_with_axons_out_fill_places_only_what_fits(net: Network, chip: Chip) -> None:
    try:
        place(net, chip, storage="sparse")
    except PlacementError:
        return
    assert fits_in_order(net, chip, chip.n_cores)


def busiest(load: NetworkLoad, placement: Placement, spikes: dict[str, np.ndarray]) -> int:
    cores = np.concatenate(list(placement.core_of.values()))
    return int(np.bincount(cores, synaptic_events(load, spikes)).max())


@settings(max_examples=60)
@given(networks(max_size=3), st.integers(0, 99), st.integers(1, 3))
def test_balance_is_the_best_cutting(net: Network, seed: int, n_cores: int) -> None:
    chip = load_own(cores_per_tile=3)
    spikes, load = spikes_of(net, seed), network_load(net)
    placement = place(net, chip, "balance", spikes=spikes, n_cores=n_cores)
    work = synaptic_events(load, spikes)
    n = load.n_neurons
    best = min(
        max(int(part.sum()) for part in np.split(work, cuts))
        for n_cuts in range(min(n_cores, n))
        for cuts in itertools.combinations(range(1, n), n_cuts)
    )
    assert busiest(load, placement, spikes) == best


@settings(max_examples=150)
@given(st.lists(st.integers(0, 3) | st.integers(0, 40), min_size=6, max_size=14), st.integers(2, 5))
def test_the_busiest_core_has_the_least_work_possible(work: list[int], n_cores: int) -> None:
    net = Network(tick_ns=TICK_NS)
    net.add_population("p", len(work), LIF(tau_ns=20e6))
    chip = load_own(cores_per_tile=n_cores)
    found = balance(network_load(net), chip.limits, n_cores, np.array(work))
    # best[k][j]: the least busiest of the first j neurons on k cores.
    best = [[0] + [10**9] * len(work)]
    for _ in range(n_cores):
        before = best[-1]
        row = [min(max(before[i], sum(work[i:j])) for i in range(j + 1)) for j in range(len(work) + 1)]
        best.append(row)
    assert int(np.bincount(found.core_of, np.array(work)).max()) == best[-1][-1]


def test_balance_is_never_worse_than_fill_with_as_many_cores() -> None:
    net = layered(64, 256, 128, 10)
    chip = load_own(tiles_x=4, neurons_per_core=120)
    spikes, load = spikes_of(net, 3), network_load(net)
    filled, balanced = place(net, chip, spikes=spikes), place(net, chip, "balance", spikes=spikes)
    assert balanced.cores_used().size <= filled.cores_used().size == 4
    assert busiest(load, balanced, spikes) < busiest(load, filled, spikes)


def test_axons_out_close_a_core_early() -> None:
    """Two neurons that each reach the same two cores hold four axons out: three are allowed."""
    net = layered(1, 2, 2)
    roomy = load_own(cores_per_tile=4, neurons_per_core=2)
    tight = load_own(cores_per_tile=4, neurons_per_core=2, axons_out_per_core=1)
    cores = {}
    for name, chip in (("roomy", roomy), ("tight", tight)):
        placement = place(net, chip)
        cores[name] = np.concatenate(list(placement.core_of.values())).tolist()
    assert cores == {"roomy": [0, 0, 1, 1], "tight": [0, 1, 2, 2]}


def test_a_population_may_be_split() -> None:
    chip = load_own(tiles_x=4, neurons_per_core=3)
    placement = place(layered(2, 7, 3), chip)
    assert placement.core_of["h1"].tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert placement.core_of["out"].tolist() == [2, 2, 3]
    assert placement.populations_on(2) == {"h1": 1, "out": 2}
    assert placement.tiles_used() == 4


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"strategy": "random"}, "strategy must be one of fill, balance, hops, got 'random'"),
        ({"strategy": "balance"}, '"balance" wants spikes'),
        ({"n_cores": 0}, r"n_cores must be a whole number from 1 to 128 \(loihi\), got 0"),
        ({"n_cores": 129}, "from 1 to 128"),
        ({"n_cores": 2.0}, "from 1 to 128"),
        ({"strategy": "hops", "spikes": {"x": [1]}}, "activity: 'x' is not in the network"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], what: str) -> None:
    with pytest.raises(ParameterError, match=what):
        place(layered(2, 2), load_chip("loihi"), **options)  # type: ignore[arg-type]


def test_filling_in_the_kernel_is_the_loop_in_words() -> None:
    net = layered(5, 9, 4)
    load = network_load(net)
    chip = load_own(tiles_x=9, axons_in_per_core=9, neurons_per_core=4)
    filling = fill(load, chip.limits, chip.n_cores)
    assert filling.core_of.tolist() == [0] * 4 + [1] * 4 + [2] + [3] * 4
    assert core_loads(load, filling.core_of, chip.n_cores).axons_in.tolist()[:4] == [5, 5, 5, 9]
