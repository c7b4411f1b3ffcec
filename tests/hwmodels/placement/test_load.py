"""What a network asks of a chip, against a count of one synapse at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim import Network
from eventsim.errors import ParameterError
from eventsim.models import LIF
from eventsim.projections import Conv2d, Dense
from hwmodels.core_loads import core_loads
from hwmodels.network_load import network_load, quantise, spikes_by_source, synaptic_events
from tests.hwmodels.placement.networks import TICK_NS, layered, networks, slow_core_loads, slow_load


@settings(max_examples=60)
@given(networks(), st.integers(1, 9))
def test_load_is_the_slow_count(net: Network, bits: int) -> None:
    slow = slow_load(net, bits)
    for storage, held in (("sparse", slow.sparse_bits), ("dense", slow.dense_bits)):
        load = network_load(net, bits, storage)
        assert load.memory_bits.tolist() == [held[n] for n in slow.neurons]
        assert load.synapses.tolist() == [slow.synapses[n] for n in slow.neurons]
        assert load.fan_in().tolist() == [len(slow.hears[n]) for n in slow.neurons]
        assert [load.name_of(j) for j in range(load.n_neurons)] == slow.neurons
    smaller = network_load(net, bits)
    assert smaller.memory_bits.sum() <= min(sum(slow.sparse_bits.values()), sum(slow.dense_bits.values()))


@settings(max_examples=60)
@given(networks(), st.data())
def test_core_loads_are_the_slow_count(net: Network, data: st.DataObject) -> None:
    slow, load = slow_load(net, 8), network_load(net, 8, "sparse")
    cores = [data.draw(st.integers(0, 3)) for _ in slow.neurons]
    expected = slow_core_loads(slow, dict(zip(slow.neurons, cores, strict=True)), slow.sparse_bits)
    found = core_loads(load, np.array(cores, np.int32), 4)
    for core in range(4):
        for name in ("neurons", "axons_in", "axons_out", "synapses", "memory_bits"):
            assert getattr(found, name)[core] == expected.get(core, {}).get(name, 0)


@settings(max_examples=40)
@given(networks(), st.data())
def test_synaptic_events_are_spikes_times_synapses(net: Network, data: st.DataObject) -> None:
    sizes = dict(net.inputs) | {n: p.size for n, p in net.populations.items()}
    spikes = {n: np.array([data.draw(st.integers(0, 5)) for _ in range(s)]) for n, s in sizes.items()}
    expected = {(n, j): 0 for n, p in net.populations.items() for j in range(p.size)}
    for projection in net.projections:
        csr = projection.synapses.to_csr()
        for i in range(csr.n_pre):
            for k in range(int(csr.indptr[i]), int(csr.indptr[i + 1])):
                expected[projection.post, int(csr.indices[k])] += int(spikes[projection.pre][i])
    assert synaptic_events(network_load(net), spikes).tolist() == list(expected.values())


def test_quantised_weights_are_whole_steps() -> None:
    weights = np.array([-1.0, 0.004, 0.5, 1.0])
    assert quantise(weights, 8).tolist() == [-127, 1, 64, 127]
    assert quantise(weights, 2).tolist() == [-1, 0, 0, 1]
    assert quantise(weights, 1).tolist() == [-1, 1, 1, 1]
    assert quantise(np.zeros(3), 4).tolist() == [0, 0, 0]
    assert quantise(np.zeros(0), 4).size == 0


def test_weights_too_small_for_the_width_take_no_place_in_sparse_storage() -> None:
    net = Network(tick_ns=TICK_NS)
    net.add_input("in", 1)
    net.add_population("p", 4, LIF(tau_ns=20e6))
    net.connect("in", "p", Dense(np.array([[1.0, 0.1, 0.01, 0.001]])))
    counts = [int(network_load(net, bits).synapses.sum()) for bits in (2, 4, 8, 11)]
    assert counts == [1, 2, 3, 4]


def test_a_convolution_counts_every_synapse() -> None:
    net = Network(tick_ns=TICK_NS)
    net.add_input("in", 25)
    net.add_population("p", 18, LIF(tau_ns=20e6))
    net.connect("in", "p", Conv2d(np.ones((2, 1, 3, 3)), (1, 5, 5)))
    load = network_load(net, 8, "sparse")
    assert load.synapses.sum() == 162
    assert set(load.fan_in().tolist()) == {9}
    assert load.memory_bits.sum() == 162 * (8 + 5)


def test_the_table_names_each_population() -> None:
    table = network_load(layered(3, 5, 2)).table()
    assert "h1: 5 neurons, fan-in up to 3, 15 synapses not zero, 120 bits" in table
    assert "out: 2 neurons" in table


@pytest.mark.parametrize("bits", [0, 65, -1, 8.0, True, None])
def test_other_widths_are_refused(bits: int) -> None:
    with pytest.raises(ParameterError, match="weight_bits must be a whole number from 1 to 64"):
        network_load(layered(1, 1), bits)


def test_other_storage_is_refused() -> None:
    with pytest.raises(ParameterError, match="storage must be one of smaller, dense, sparse, got 'shared'"):
        network_load(layered(1, 1), 8, "shared")


@pytest.mark.parametrize(
    ("spikes", "what"),
    [
        ({"hidden": [1]}, "'hidden' is not in the network, which has in, h1, out"),
        ({"in": [1]}, "'in' wants 3 whole counts, got int64 \\(1,\\)"),
        ({"in": [1.0, 2.0, 3.0]}, "'in' wants 3 whole counts, got float64"),
        ({"in": [1, -2, 3]}, "'in': a count must not be negative, got -2"),
    ],
)
def test_activity_of_another_network_is_refused(spikes: dict[str, list[int]], what: str) -> None:
    with pytest.raises(ParameterError, match=f"activity: {what}"):
        spikes_by_source(network_load(layered(3, 5, 2)), spikes)
