"""A placement as a table, as text and as data to draw."""

import json

from hwmodels.placing import place
from tests.hwmodels.chips.own_chip import load_own
from tests.hwmodels.placement.networks import layered

CHIP = load_own(tiles_x=2, tiles_y=2, cores_per_tile=2, neurons_per_core=3)
PLACED = place(layered(2, 7, 3), CHIP)


def test_table() -> None:
    lines = PLACED.table().splitlines()
    assert lines[0] == "own: 4 of 8 cores, 2 of 4 tiles (fill)"
    assert lines[1].startswith("core    0  tile   0 at (0, 0)  h1 3; axons 2 in, 6 out; 6 synapses, 48 bits")
    assert lines[3].startswith("core    2  tile   1 at (0, 1)  h1 1, out 2; ")
    assert len(lines) == 5


def test_drawing_has_a_letter_for_each_core() -> None:
    assert PLACED.drawing() == "aa ..\nbb ..\na h1  b out"


def test_grid_is_plain_data() -> None:
    cells = json.loads(json.dumps(PLACED.grid()))
    assert cells[2] == {"core": 2, "tile": 1, "x": 0, "y": 1, "populations": {"h1": 1, "out": 2}}
    assert [cell["core"] for cell in cells] == [0, 1, 2, 3]
