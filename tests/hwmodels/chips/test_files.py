"""The chip files of the package: complete, sourced, and as their sources say."""

from importlib import resources

import pytest

from eventsim.errors import ChipError
from hwmodels.chip import Chip, chip_names, load_chip

CHIPS = {
    "loihi",
    "loihi-sanafe",
    "truenorth",
    "spinnaker",
    "spinnaker2",
    "xylo",
    "odin",
    "seneca",
    "tianjic",
    "speck",
    "generic-45nm",
    "cortex-m4",
    "ndp120",
    "cpu-45nm",
    "xeon-e5-2630",
}


def energy(chip: Chip, operation: str) -> float | None:
    found = chip.operation(operation)
    return None if found is None else found.energy_pj.value


def latency(chip: Chip, operation: str) -> float | None:
    found = chip.operation(operation)
    return None if found is None else found.latency_ns.value


def test_all_chips_are_there() -> None:
    assert set(chip_names()) == CHIPS


@pytest.mark.parametrize("name", chip_names())
def test_a_file_is_named_as_its_chip_and_uses_all_its_sources(name: str) -> None:
    chip = load_chip(name)
    assert chip.name == name
    text = (resources.files("hwmodels") / "chips" / f"{name}.toml").read_text()
    for source in chip.sources:
        assert text.count(source) > 1, f"nothing refers to {source}"


@pytest.mark.parametrize("name", chip_names())
def test_every_number_has_a_source_and_every_unknown_has_none(name: str) -> None:
    chip = load_chip(name)
    constants = dict(chip.constants())
    assert len(constants) >= 5
    for key, constant in constants.items():
        assert (constant.value is None) == (constant.status == "unknown"), key
        assert constant.value is None or constant.source in chip.sources, key
        low, high = constant.band
        assert low <= (constant.value or 0.0) <= high, key


@pytest.mark.parametrize("name", chip_names())
def test_what_was_not_read_is_called_assumed(name: str) -> None:
    chip = load_chip(name)
    for key, constant in chip.constants():
        if constant.source and chip.sources[constant.source].seen == "memory":
            assert constant.status == "assumed", key


def test_loihi_operations_are_those_of_davies_2018_table_2() -> None:
    """Source: Davies et al. 2018, Table 2 (0.75 V): synaptic operation 23.6 pJ (least), 3.5 ns (most); neuron
    update 81 pJ and 8.4 ns active, 52 pJ and 5.3 ns inactive; spike within a tile 1.7 pJ, 2.1 ns; hop east or
    west 3.0 pJ, 4.1 ns; north or south 4.0 pJ, 6.5 ns.
    """
    chip = load_chip("loihi")
    assert (energy(chip, "synapse"), latency(chip, "synapse")) == (23.6, 3.5)
    for operation in ("synapse_dense", "synapse_sparse", "synapse_conv"):
        assert energy(chip, operation) == 23.6
    assert (energy(chip, "neuron_access"), latency(chip, "neuron_access")) == (52, 5.3)
    active_pj = (energy(chip, "neuron_access") or 0) + (energy(chip, "neuron_update") or 0)
    active_ns = (latency(chip, "neuron_access") or 0) + (latency(chip, "neuron_update") or 0)
    assert active_pj == pytest.approx(81)
    assert active_ns == pytest.approx(8.4)
    assert (energy(chip, "tile"), latency(chip, "tile")) == (1.7, 2.1)
    assert (energy(chip, "hop_x"), latency(chip, "hop_x")) == (3.0, 4.1)
    assert (energy(chip, "hop_y"), latency(chip, "hop_y")) == (4.0, 6.5)
    for operation in ("spike_out", "message_out", "message_in"):
        assert energy(chip, operation) is None
        assert latency(chip, operation) is None
    assert all(c.status == "simulated" for key, c in chip.constants() if "energy_pj" in key and c.known)


def test_loihi_capacity_is_that_of_its_cores() -> None:
    for name in ("loihi", "loihi-sanafe"):
        limits = load_chip(name).limits
        assert load_chip(name).n_cores == 128
        assert limits.neurons_per_core == 1024
        assert (limits.axons_in_per_core, limits.axons_out_per_core) == (4096, 4096)
        assert limits.synapse_memory_bits_per_core == 128 * 1024 * 8
        assert (limits.weight_bits_min, limits.weight_bits_max) == (1, 9)


def test_loihi_barrier_is_that_of_davies_2018() -> None:
    """113 ns for 1 tile to 465 ns for 32; the fit of SANA-FE, 4 to 5 times longer, is the upper end."""
    chip = load_chip("loihi")
    assert [chip.barrier_ns(n) for n in (1, 32)] == [113, 465]
    assert [chip.barrier_ns(n, "low") for n in (1, 32)] == [113, 465]
    assert [chip.barrier_ns(n, "high") for n in (1, 32)] == [600, 1800]
    assert chip.barrier_ns(2) == pytest.approx(113 + (465 - 113) / 31)


def test_loihi_by_sanafe_is_its_file() -> None:
    """Source: SANA-FE 2.2.9, examples/loihi.yaml."""
    chip = load_chip("loihi-sanafe")
    table = {
        "neuron_access": (51.2, 6.0),
        "neuron_update": (21.6, 3.7),
        "spike_out": (69.3, 30.0),
        "message_out": (111.0, 5.1),
        "message_in": (0.0, 16.0),
        "hop_x": (3.0, 4.1),
        "hop_y": (4.2, 6.5),
        "synapse_dense": (35.5, 3.8),
        "synapse_sparse": (33.6, 4.7),
        "synapse_conv": (24.0, 3.1),
    }
    for operation, expected in table.items():
        assert (energy(chip, operation), latency(chip, operation)) == expected, operation
    assert [chip.barrier_ns(n) for n in (1, 2, 4, 29, 32)] == [600, 1000, 1400, 1800, 1800]
    assert chip.barrier_ns(3) == pytest.approx(1200)
    assert chip.network.link_buffer is not None
    assert chip.network.link_buffer.value == 16
    assert not chip.static_power_mw.known


def test_where_sources_disagree_the_band_says_so() -> None:
    bands = {name: load_chip(name).operation("synapse") for name in ("truenorth", "spinnaker", "spinnaker2")}
    found = {name: held.energy_pj.band for name, held in bands.items() if held is not None}
    assert found == {"truenorth": (2.5, 26), "spinnaker": (45, 13300), "spinnaker2": (10, 450)}


def test_truenorths_average_holds_static_power() -> None:
    operation = load_chip("truenorth").operation("synapse")
    assert operation is not None
    assert set(operation.energy_pj.includes) == {"neuron", "spike", "network", "static"}


@pytest.mark.parametrize(
    ("name", "pj"), [("seneca", 2.8), ("odin", 12.7), ("tianjic", 1.54), ("generic-45nm", 0.9)]
)
def test_energies_of_a_synaptic_operation(name: str, pj: float) -> None:
    assert energy(load_chip(name), "synapse") == pj


def test_speck_has_no_energy_per_operation() -> None:
    assert energy(load_chip("speck"), "synapse") is None
    assert load_chip("speck").static_power_mw.value == 0.42


def test_baselines() -> None:
    for name, uj, macs in (
        ("cortex-m4", 4635.7, 2.7e6),
        ("ndp120", 35.29, 2.7e6),
        ("xeon-e5-2630", 6300, 172800),
    ):
        held = load_chip(name).macs
        assert held is not None
        assert (held.energy_per_inference_uj.value, held.macs_per_inference.value) == (uj, macs)
        per_mac = uj * 1e6 / macs
        assert held.energy_per_mac_pj.value == pytest.approx(per_mac, rel=5e-3)
    cpu = load_chip("cpu-45nm").macs
    assert cpu is not None
    assert cpu.energy_per_mac_pj.value == pytest.approx(3.7 + 0.9 + 70)


def test_an_unknown_name_lists_the_chips() -> None:
    with pytest.raises(ChipError, match=r"there is no chip 'loihi9'; there are cortex-m4, .*loihi, "):
        load_chip("loihi9")
