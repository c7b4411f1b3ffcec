"""A damaged chip file either still is one or ends in one line."""

from importlib import resources

from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import ChipError
from hwmodels.chip import Chip, chip_names
from hwmodels.chip_checks import chip_from_toml
from tests.hwmodels.chips.damaged_toml import bytes_replaced, lines_replaced

TEXTS = {name: (resources.files("hwmodels") / "chips" / f"{name}.toml").read_bytes() for name in chip_names()}
OWN_WORDS = [b"value", b'status = "unknown"']
FILES = st.sampled_from([TEXTS[name] for name in sorted(TEXTS)])


def holds_or_is_refused(data: bytes) -> None:
    try:
        chip = chip_from_toml(data, "damaged.toml")
    except ChipError as refused:
        line = str(refused)
        assert line.startswith("damaged.toml: ")
        assert line.isprintable()
        return
    assert isinstance(chip, Chip)
    for _, constant in chip.constants():
        low, high = constant.band
        assert 0 <= low <= high <= 1e12
    if chip.kind == "mesh":
        assert chip.n_cores >= 1
        assert chip.barrier_ns(3) >= 0


@settings(max_examples=300)
@given(FILES.flatmap(lambda text: bytes_replaced(text, OWN_WORDS)))
def test_bytes_replaced(damaged: bytes) -> None:
    holds_or_is_refused(damaged)


@settings(max_examples=300)
@given(FILES.flatmap(lambda text: lines_replaced(text, OWN_WORDS)))
def test_values_and_keys_replaced(damaged: bytes) -> None:
    holds_or_is_refused(damaged)


def test_the_undamaged_files_hold() -> None:
    for data in TEXTS.values():
        holds_or_is_refused(data)
