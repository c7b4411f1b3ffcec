"""A damaged chip file either still is one or ends in one line."""

from importlib import resources

from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim.errors import ChipError
from hwmodels.chip import Chip, chip_names
from hwmodels.chip_checks import chip_from_toml

TEXTS = {name: (resources.files("hwmodels") / "chips" / f"{name}.toml").read_bytes() for name in chip_names()}
TOKENS = [
    b"nan", b"-1", b"inf", b"1e400", b"99999999999999999999999", b"0", b"0.5", b'""', b'"x"', b"true", b"[]",
    b"{}", b"[[1]]", b"1979-05-27", b'"\\u0000"', b"\xff", b"\n", b"=", b"value", b'status = "unknown"',
]  # fmt: skip


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
@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_bytes_replaced(name: str, data: st.DataObject) -> None:
    text = bytearray(TEXTS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        end = min(len(text), at + data.draw(st.integers(0, 12)))
        text[at:end] = data.draw(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=6)))
    holds_or_is_refused(bytes(text))


@settings(max_examples=300)
@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_values_and_keys_replaced(name: str, data: st.DataObject) -> None:
    lines = TEXTS[name].split(b"\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        parts = lines[at].replace(b"{", b"{ ").split(b" ")
        what = data.draw(st.sampled_from(["token", "drop", "double", "swap"]))
        if what == "token":
            parts[data.draw(st.integers(0, len(parts) - 1))] = data.draw(st.sampled_from(TOKENS))
            lines[at] = b" ".join(parts)
        elif what == "drop":
            lines[at] = b""
        elif what == "double":
            lines.insert(at, lines[at])
        else:
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
    holds_or_is_refused(b"\n".join(lines))


def test_the_undamaged_files_hold() -> None:
    for data in TEXTS.values():
        holds_or_is_refused(data)
