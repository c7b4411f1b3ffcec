"""Chips and networks with one number changed: that number and nothing else."""

import msgspec
import numpy as np
import pytest

from apps.hw_chip_change import changed
from apps.hw_network_change import scaled
from eventsim import ALIF, LIF, Csr, Dense, Events, LeakyIntegrator, Network, OneToOne, Session
from eventsim.convolutions import SumPool2d
from eventsim.errors import ChipError, ParameterError
from hwmodels.chip import chip_names, load_chip
from tests.apps.hw.conftest import small_network


@pytest.mark.parametrize("name", chip_names())
def test_every_constant_of_every_chip_can_be_set(name: str) -> None:
    chip = load_chip(name)
    for key, constant in chip.constants():
        if key.startswith("capacity.weight_bits"):
            continue  # bound to each other
        value = 3.0 if constant.value is None else float(constant.value)
        made = changed(chip, key, value)
        held = dict(made.constants())
        assert held[key].value == value
        assert held[key].band == (value, value)
        assert held[key].includes == constant.includes
        assert {k: c for k, c in held.items() if k != key} == {k: c for k, c in chip.constants() if k != key}


def test_what_the_file_leaves_out_can_be_set() -> None:
    made = changed(load_chip("seneca"), "operations.spike_out.energy_pj", 4.0)
    spike = made.operation("spike_out")
    assert spike is not None
    assert spike.energy_pj.value == 4.0
    assert not spike.latency_ns.known
    assert changed(load_chip("loihi"), "network.link_buffer", 4).network.link_buffer is not None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("operations.synapse.energy_pj", -1.0, "must be a number from 0 to 1e+12, got -1"),
        ("operations.synapse.energy_pj", float("nan"), "got nan"),
        ("capacity.tiles_x", 0.5, "must be a whole number of at least 1, got 0.5"),
        ("capacity.tiles_x", 1e9, "must be at most 1048576"),
        ("operations.synapse", 1.0, "has no constant 'operations.synapse'"),
        ("kind", 1.0, "has no constant 'kind'"),
        ("synchronisation.barrier[tiles=7].latency_ns", 1.0, "has no constant"),
    ],
)
def test_what_cannot_be_set_is_refused(key: str, value: float, said: str) -> None:
    with pytest.raises(ChipError) as refused:
        changed(load_chip("loihi"), key, value)
    assert said in str(refused.value)
    assert str(refused.value).startswith("loihi: ")


def every_form() -> Network:
    network = Network(1_000_000)
    network.add_input("in", 4)
    network.add_poisson("noise", 4, 100.0, seed=3)
    network.add_spikes("known", 4, Events.of([0], [1]))
    network.add_population("a", 4, LIF(tau_ns=20e6, threshold=0.5))
    network.add_population("b", 4, ALIF(20e6, 50e6, base_threshold=1.0, beta=0.5))
    network.add_population("c", 1, LeakyIntegrator(tau_ns=20e6))
    network.connect("in", "a", Dense(np.eye(4)))
    network.connect("noise", "a", OneToOne(0.25))
    network.connect("a", "b", Csr([0, 1, 2, 3, 4], [0, 1, 2, 3], np.ones(4)), np.full(4, 2_000_000))
    network.connect("b", "c", SumPool2d((1, 2, 2), 2))
    return network


def test_thresholds_and_weights_are_scaled_and_nothing_else() -> None:
    network = every_form()
    made = scaled(network, 2.0, 3.0, {"b": 0.5})
    assert made.summary() == network.summary()
    assert made.populations["a"].model.parameters()["threshold"].tolist() == [1.0] * 4
    assert made.populations["b"].model.parameters()["base_threshold"].tolist() == [1.0] * 4
    for before, after in zip(network.projections, made.projections, strict=True):
        factor = 1.0 if isinstance(before.synapses, SumPool2d) else 3.0
        assert np.array_equal(after.synapses.weights, factor * before.synapses.weights)
        assert after.synapses.weights.dtype == before.synapses.weights.dtype
        assert np.array_equal(after.delay_ns, before.delay_ns)
    with pytest.raises(ParameterError, match="'c' has no threshold to scale; those with one: a, b"):
        scaled(network, by_population={"c": 2.0})


def test_scaling_both_alike_leaves_the_spikes_alone() -> None:
    def spikes(network: Network) -> list[list[int]]:
        session = Session(network, record=["a"])
        session.push("in", Events.of([0, 3_000_000, 4_000_000], [0, 1, 1]))
        session.advance(100_000_000)
        events = session.read("a")
        return [events.time_ns.tolist(), events.address.tolist()]

    network = small_network()
    # A power of two scales without rounding.
    assert spikes(scaled(network, 4.0, 4.0)) == spikes(network)
    assert spikes(scaled(network, 4.0, 1.0)) != spikes(network)


def test_a_changed_chip_is_told_apart_from_its_file() -> None:
    chip = load_chip("loihi")
    made = changed(chip, "static_power_mw", 5.0)
    assert msgspec.json.encode(made) != msgspec.json.encode(chip)
    assert "no published number" in made.sources[made.static_power_mw.source].citation
