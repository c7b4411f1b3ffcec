"""What does not fit is refused by name and number, with the smallest listed chip that would hold it."""

import numpy as np
import pytest

from eventsim import Network
from eventsim.errors import PlacementError
from hwmodels.chip import Chip, load_chip
from hwmodels.placement import Placement
from hwmodels.placing import holds, place
from tests.hwmodels.chips.own_chip import load_own
from tests.hwmodels.placement.networks import layered


def refusal(net: Network, held: Chip, **options: object) -> str:
    with pytest.raises(PlacementError) as refused:
        place(net, held, **options)  # type: ignore[arg-type]
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_too_many_neurons() -> None:
    line = refusal(layered(4, 50, 7), load_own(cores_per_tile=3, neurons_per_core=10))
    assert line == (
        "population 'h1': 20 of 50 neurons find no core: the network fills all 3 cores of own (it needs 6, "
        "limit reached: neurons per core); the smallest listed chip that would hold it is odin "
        "(weights of 8 bits)"
    )


def test_fan_in_of_one_neuron_beyond_a_cores_axons() -> None:
    line = refusal(layered(300, 5, 2), load_own(axons_in_per_core=299))
    assert line.startswith(
        "population 'h1': neuron 0 has 300 distinct sources, more than the 299 axons in of a core on own; "
    )


def test_fan_in_of_one_neuron_beyond_its_own_limit() -> None:
    line = refusal(layered(300, 5, 2), load_chip("truenorth"))
    assert "neuron 0 has 300 distinct sources, more than the 256 sources of a neuron on truenorth" in line
    assert line.endswith("the smallest listed chip that would hold it is loihi (weights of 8 bits)")


def test_synapses_of_one_neuron_beyond_a_core() -> None:
    line = refusal(layered(100, 1), load_own(synapse_memory_bits_per_core=799))
    assert "neuron 0 has 800 bits of synapses, more than the 799 bits of a core's synapse memory" in line
    line = refusal(layered(100, 1), load_own(synapses_per_core=50))
    assert "synapses, more than the 50 synapses of a core on own" in line


def test_the_limit_that_is_reached_is_named() -> None:
    reached = {
        "axons in per core": load_own(axons_in_per_core=40),
        "synapses per core": load_own(synapses_per_core=100),
        "bits of synapse memory per core": load_own(synapse_memory_bits_per_core=800),
        "neurons per core": load_own(neurons_per_core=39),
    }
    net = layered(10, 40, 2)
    for what, held in reached.items():
        assert f"limit reached: {what}" in refusal(net, held)


def test_axons_out_beyond_a_core() -> None:
    line = refusal(layered(1, 3, 1), load_own(axons_out_per_core=2))
    assert "would need more than the 2 axons out of own" in line


def test_nothing_listed_holds_it() -> None:
    line = refusal(layered(5000, 2), load_chip("loihi"))
    assert line.endswith("; no listed chip of known size would hold it")


def test_the_smallest_chip_does_hold_it() -> None:
    net = layered(100, 600, 10)
    line = refusal(net, load_chip("odin"))
    name = line.partition("would hold it is ")[2].split()[0]
    assert name == "loihi"
    assert holds(load_chip(name), net)
    assert not holds(load_chip("odin"), net)


@pytest.mark.parametrize("bits", [10, 64])
def test_weights_wider_than_the_chip(bits: int) -> None:
    assert refusal(layered(2, 2), load_chip("loihi"), weight_bits=bits) == (
        f"weights of {bits} bits: loihi holds 1 to 9 bits"
    )


@pytest.mark.parametrize("name", ["xylo", "cortex-m4"])
def test_chips_without_a_mesh(name: str) -> None:
    assert "only a mesh takes a placement" in refusal(layered(2, 2), load_chip(name))
    with pytest.raises(PlacementError, match="only a mesh takes a placement"):
        Placement(load_chip(name), {})


@pytest.mark.parametrize(
    ("cores", "what"),
    [
        ([0, 128], "core 128 is not on loihi, which has cores 0 to 127"),
        ([-1, 0], "core -1 is not on loihi"),
        ([0.0, 1.0], "whole numbers in one dimension, got float64"),
        ([[0, 1]], r"whole numbers in one dimension, got int64 \(1, 2\)"),
    ],
)
def test_a_placement_by_hand_is_checked(cores: list[int], what: str) -> None:
    with pytest.raises(PlacementError, match=f"population 'p': .*{what}"):
        Placement(load_chip("loihi"), {"p": np.array(cores)})
