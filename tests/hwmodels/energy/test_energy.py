"""Energy is the sum of counts x constants, by component, and says what is not in it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import ParameterError
from hwmodels.chip import OPERATIONS, Chip, chip_names, load_chip
from hwmodels.chip_checks import chip_from_toml
from hwmodels.energy import COMPONENT_OF, COMPONENTS, energy, energy_per_core_pj
from tests.hwmodels.chips.own_chip import HEAD, own_chip

MESHES = [name for name in chip_names() if load_chip(name).kind == "mesh"]
COUNTS = st.dictionaries(
    st.sampled_from(OPERATIONS),
    st.lists(st.integers(0, 10**12), min_size=1, max_size=5).map(lambda c: np.array(c, np.int64)),
)


def chip_of(constants: dict[str, float], static_mw: float | None = None, includes: str = "") -> Chip:
    """Return a chip whose operations have these energies."""
    head = HEAD
    if static_mw is not None:
        known = f'static_power_mw = {{ value = {static_mw!r}, source = "s", status = "measured" }}'
        head = head.replace('static_power_mw = { status = "unknown" }', known)
    text = own_chip(head=head).partition("[operations.synapse]")[0]
    for name, value in constants.items():
        held = f", includes = [{includes}]" if name == "synapse" else ""
        numbers = f"value = {value!r}, low = {value / 2!r}, high = {value * 3!r}{held}"
        text += f"""
[operations.{name}]
energy_pj = {{ {numbers}, source = "s", status = "measured" }}
latency_ns = {{ status = "unknown" }}
"""
    return chip_from_toml(text.encode(), "own.toml")


@settings(max_examples=80)
@given(st.sampled_from(MESHES), COUNTS, st.integers(0, 10**15))
def test_the_total_is_the_sum_of_its_parts_and_nothing_is_lost(
    name: str, counts: dict[str, np.ndarray], elapsed_ps: int
) -> None:
    chip = load_chip(name)
    spent = energy(chip, counts, elapsed_ps)
    by_component = spent.by_component()
    assert list(by_component) == list(COMPONENTS)
    for k, total in enumerate((spent.total_pj, *spent.band_pj)):
        assert sum(held[k] for held in by_component.values()) == pytest.approx(total, rel=1e-12)
    assert spent.total_pj == pytest.approx(sum(map(spent.component_pj, COMPONENTS)), rel=1e-12)
    assert spent.dynamic_pj == pytest.approx(spent.total_pj - spent.component_pj("static"), rel=1e-9)
    assert spent.band_pj[0] <= spent.total_pj <= spent.band_pj[1]
    # Each operation that happened is a term, or listed as left out or included: once.
    for operation in OPERATIONS:
        happened = int(counts.get(operation, np.zeros(1)).sum()) > 0
        named = [t.operation for t in spent.terms].count(operation)
        named += sum(line.startswith(f"{operation}, ") for line in (*spent.left_out, *spent.included))
        assert named == happened
    static = [t.operation for t in spent.terms].count("static_power")
    static += sum(line.startswith("static power") for line in (*spent.left_out, *spent.included))
    assert static == 1


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from(OPERATIONS[:9]), st.integers(1, 10**9), min_size=1),
    st.data(),
)
def test_doubling_a_coefficient_doubles_only_its_term(counts: dict[str, int], data: st.DataObject) -> None:
    constants = {name: data.draw(st.floats(0.001, 1e4)) for name in OPERATIONS[:9]}
    doubled = data.draw(st.sampled_from([*counts, "static_power"]))
    static = data.draw(st.floats(0.001, 1e4))
    before = energy(chip_of(constants, static), counts, 10**9)
    if doubled == "static_power":
        after = energy(chip_of(constants, 2 * static), counts, 10**9)
    else:
        after = energy(chip_of(constants | {doubled: 2 * constants[doubled]}, static), counts, 10**9)
    assert len(before.terms) == len(counts) + 1
    for old, new in zip(before.terms, after.terms, strict=True):
        factor = 2 if old.operation == doubled else 1
        assert (new.energy_pj, new.low_pj, new.high_pj) == (
            factor * old.energy_pj,
            factor * old.low_pj,
            factor * old.high_pj,
        )


def test_each_operation_against_arithmetic_by_hand() -> None:
    constants = {name: float(k + 1) for k, name in enumerate(OPERATIONS)}
    spent = energy(chip_of(constants, 2.0), dict.fromkeys(OPERATIONS, 10), 5_000)
    # By position in OPERATIONS, ten times each; 2 mW over 5 ns is 10 pJ.
    expected = {"synapse": 10 * (9 + 10 + 11 + 12), "neuron": 30, "spike": 30, "static": 10.0}
    expected["network"] = 10 * (4 + 5 + 6 + 7 + 8)
    assert {name: spent.component_pj(name) for name in COMPONENTS} == expected
    assert spent.total_pj == 780 + 10
    assert spent.band_pj == (10 + 780 / 2, 10 + 780 * 3)


def test_loihi_by_the_figures_of_its_source() -> None:
    """1,000 synaptic events of 23.6 pJ, 10 active neurons of 81, 90 inactive of 52, 5 hops east, 1 ms."""
    counts = {"synapse_dense": 1000, "neuron_access": 100, "neuron_update": 10, "hop_x": 5}
    spent = energy(load_chip("loihi"), counts, 10**9)
    assert spent.component_pj("synapse") == pytest.approx(23600)
    assert spent.component_pj("neuron") == pytest.approx(10 * 81 + 90 * 52)
    assert spent.component_pj("network") == pytest.approx(15)
    assert spent.component_pj("static") == pytest.approx(104e6)


def test_what_has_no_number_is_left_out_and_listed() -> None:
    spent = energy(load_chip("loihi"), {"spike_out": [3, 4], "message_out": 2, "synapse": 1}, 0)
    assert spent.left_out == ("spike_out, 7 times: energy unknown", "message_out, 2 times: energy unknown")
    assert spent.component_pj("spike") == 0
    assert "left out: spike_out, 7 times: energy unknown" in spent.table()
    spent = energy(load_chip("loihi-sanafe"), {"tile": 3}, 10**6)
    assert spent.left_out == ("tile, 3 times: not in the chip file", "static power: unknown")


def test_a_whole_chip_average_is_not_added_to_what_it_holds() -> None:
    """TrueNorth's 26 pJ hold neurons, network and static power: the hops and the time add nothing."""
    chip = load_chip("truenorth")
    spent = energy(chip, {"synapse_sparse": 100, "hop_x": 50, "neuron_update": 7}, 10**12)
    assert spent.total_pj == pytest.approx(2600)
    assert spent.band_pj == (pytest.approx(250), pytest.approx(2600))
    assert spent.left_out == ()
    assert spent.included == (
        "neuron_update, 7 times, within synapse",
        "hop_x, 50 times, within synapse",
        "static power, within synapse",
    )


def test_static_power_within_a_number_is_not_drawn_twice() -> None:
    alone, counts = chip_of({"synapse": 1.0}, 5.0), {"synapse": 10}
    held = chip_of({"synapse": 1.0}, 5.0, includes='"static"')
    assert energy(alone, counts, 10**6).total_pj == 10 + 5000
    assert energy(held, counts, 10**6).total_pj == 10


def test_energy_per_inference() -> None:
    spent = energy(load_chip("loihi"), {"synapse": 1000}, 10**6)
    shares = spent.per(10)
    assert shares["total"] == pytest.approx(spent.total_pj / 10)
    assert shares["synapse"] == pytest.approx(2360)
    assert shares["high"] == pytest.approx(spent.band_pj[1] / 10)
    for n in (0, -1, 1.5, True):
        with pytest.raises(ParameterError, match="n must be a whole number"):
            spent.per(n)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="component must be one of synapse, neuron"):
        spent.component_pj("soma")


def test_energy_per_core_adds_up_to_the_dynamic_energy() -> None:
    chip = load_chip("loihi")
    rng = np.random.default_rng(1)
    counts = {name: rng.integers(0, 1000, 128) for name in ("synapse_dense", "neuron_access", "spike_out")}
    per_core = energy_per_core_pj(chip, counts)
    assert per_core.shape == (128,)
    assert per_core.sum() == pytest.approx(energy(chip, counts, 0).dynamic_pj)
    counts["hop_x"] = np.full(7, 10**6)
    assert energy_per_core_pj(chip, counts).tolist() == per_core.tolist()


def test_counts_beyond_63_bits_in_sum_are_exact() -> None:
    many = np.full(4, 2**62, np.int64)
    (term,) = energy(chip_of({"synapse": 1.0}, 0.0), {"synapse": many}, 0).terms[:1]
    assert term.count == 2**64


@pytest.mark.parametrize(
    ("counts", "elapsed_ps", "what"),
    [
        ({"synapses": 1}, 0, "operation 'synapses' is unknown; there are neuron_access, "),
        ({"synapse": 1.5}, 0, "counts must be whole numbers, got float64"),
        ({"synapse": [-1, 2]}, 0, "counts must not be negative, got -1"),
        ({"synapse": 1}, -1, "elapsed_ps must be whole ps, not negative, got -1"),
        ({"synapse": 1}, 1.0, "elapsed_ps must be whole ps"),
    ],
)
def test_wrong_counts_are_refused(counts: dict[str, object], elapsed_ps: int, what: str) -> None:
    with pytest.raises(ParameterError, match=what):
        energy(load_chip("loihi"), counts, elapsed_ps)  # type: ignore[arg-type]


def test_only_a_mesh_has_operations() -> None:
    with pytest.raises(ParameterError, match="is of kind 'cycles': operations are those of a mesh"):
        energy(load_chip("xylo"), {}, 0)


def test_every_operation_has_a_component() -> None:
    assert set(COMPONENT_OF) == set(OPERATIONS)
    assert set(COMPONENT_OF.values()) | {"static"} == set(COMPONENTS)
