"""The mesh of a chip, its limits and its barrier."""

from pathlib import Path

import pytest

from eventsim.errors import ChipError
from hwmodels.chip import Chip, load_chip
from hwmodels.chip_checks import chip_from_toml
from tests.hwmodels.chips.own_chip import own_chip


def load(text: str) -> Chip:
    return chip_from_toml(text.encode(), "own.toml")


def test_tiles_go_column_by_column_and_cores_tile_by_tile() -> None:
    chip = load(own_chip(tiles_x=3, tiles_y=2, cores_per_tile=2))
    assert (chip.n_tiles, chip.n_cores) == (6, 12)
    places = [chip.tile_xy(chip.tile_of_core(core)) for core in range(12)]
    assert places[::2] == places[1::2] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]


def test_an_absent_or_unknown_limit_does_not_bind() -> None:
    chip = load(own_chip(capacity='axons_in_per_core = { status = "unknown" }\n'))
    assert chip.limits.axons_in_per_core is None
    assert chip.limits.axons_out_per_core is None


def test_a_barrier_is_linear_between_points_and_constant_outside() -> None:
    points = "".join(
        f"[[synchronisation.barrier]]\ntiles = {n}\nlatency_ns = {{ value = {t}, low = {t - 5}, "
        f'source = "s", status = "measured" }}\n'
        for n, t in ((2, 100), (4, 200), (8, 1000))
    )
    chip = load(own_chip(barrier=points))
    assert [chip.barrier_ns(n) for n in (1, 2, 3, 4, 6, 8, 99)] == [100, 100, 150, 200, 600, 1000, 1000]
    assert chip.barrier_ns(3, "low") == 145
    assert chip.barrier_ns(3, "high") == 150


def test_points_without_a_number_are_passed_over() -> None:
    text = '[[synchronisation.barrier]]\ntiles = 1\nlatency_ns = { status = "unknown" }\n'
    assert load(own_chip(barrier=text)).barrier_ns(7) == 0.0


def test_a_form_of_synapse_falls_back_to_the_plain_one() -> None:
    extra = """
[operations.synapse_conv]
energy_pj = { value = 7, source = "s", status = "measured" }
latency_ns = { status = "unknown" }
"""
    chip = load(own_chip() + extra)
    energies = {}
    for name in ("synapse", "synapse_dense", "synapse_sparse", "synapse_conv"):
        operation = chip.operation(name)
        assert operation is not None
        energies[name] = operation.energy_pj.value
    assert energies == {"synapse": 1, "synapse_dense": 1, "synapse_sparse": 1, "synapse_conv": 7}
    assert chip.operation("hop_x") is None


def test_a_file_of_ones_own_is_loaded_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(own_chip())
    assert load_chip(path).name == load_chip(str(path)).name == "own"


def test_unreadable_files_are_refused_in_one_line(tmp_path: Path) -> None:
    huge = tmp_path / "huge.toml"
    huge.write_text("#" * 1_000_001)
    for path in (tmp_path / "none.toml", tmp_path, huge, "\0.toml"):
        with pytest.raises(ChipError) as refused:
            load_chip(path)
        assert "\n" not in str(refused.value)
