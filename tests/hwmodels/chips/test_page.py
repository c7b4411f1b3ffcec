"""docs/chips.md is what the chip files say, and its example is a chip file."""

from pathlib import Path

import pytest

from hwmodels.chip import chip_names, load_chip
from hwmodels.chip_checks import chip_from_toml
from hwmodels.chip_page import chips_page

PAGE = Path(__file__).parents[3] / "docs" / "chips.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == chips_page(), "run python scripts/make_chips_page.py"


@pytest.mark.parametrize("name", chip_names())
def test_every_constant_has_a_row(name: str) -> None:
    section = chips_page().partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    for key, constant in load_chip(name).constants():
        (row,) = [line for line in section.splitlines() if line.startswith(f"| `{key}` ")]
        assert ("*unknown*" in row) == (constant.value is None)
        assert constant.status in row


def test_the_example_is_a_chip_file() -> None:
    example = PAGE.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    chip = chip_from_toml(example.encode(), "example.toml")
    assert chip.name == "mine"
    assert chip.n_cores == 4
