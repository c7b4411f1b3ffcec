"""Damaged AEDAT4 files: the library that reads them may crash, the package may not."""

from pathlib import Path

import pytest
import writers
from hypothesis import given, settings
from hypothesis import strategies as st
from until_refused import read_until_refused

from eventsim.errors import SourceError
from streams.dvs.formats import aedat4, faery_process
from streams.dvs.open_file import open_dvs_file

pytest.importorskip("faery", reason="needs the extra events")

EVENTS = [(i * 37, i * 7 % writers.WIDTH, i * 5 % writers.HEIGHT, i % 3 == 0) for i in range(40)]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("aedat4") / "good.aedat4"
    return writers.aedat4(EVENTS, path, 10).read_bytes()


def packet_starts(data: bytes) -> list[int]:
    """Return where the packets start, walking from the header's end to the table of contents."""
    at = 18 + int.from_bytes(data[14:18], "little")
    starts = []
    while at < len(data) and len(starts) < 4:
        starts.append(at)
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    return [*starts, at]


def outcome(path: Path) -> tuple[int, str | None]:
    """Return how many events were read, and the error's line."""
    try:
        source = open_dvs_file(path)
    except SourceError as error:
        blocks, line = [], str(error)
    else:
        blocks, line = read_until_refused(source)
    assert not line or line.startswith(str(path))
    assert "\n" not in line
    return sum(map(len, blocks)), line or None


def test_a_cut_is_told_with_the_packet_it_cuts(tmp_path: Path, good: bytes) -> None:
    starts = packet_starts(good)
    path = tmp_path / "cut.aedat4"
    for cut in (
        0,
        5,
        14,
        16,
        30,
        starts[0] - 1,
        starts[0],
        starts[1],
        starts[2] + 3,
        starts[3] + 20,
        starts[4] - 1,
    ):
        path.write_bytes(good[:cut])
        _, text = outcome(path)
        assert text is not None
        # The header names the table of contents: what ends before it was cut off.
        assert "cut off?" in text or "empty" in text or "not recognised" in text


def test_a_cut_without_a_table_is_told_after_the_whole_packets(tmp_path: Path, good: bytes) -> None:
    starts = packet_starts(good)
    header = bytearray(good)
    table = starts[4].to_bytes(8, "little")
    at = header.index(table)
    header[at : at + 8] = (-1).to_bytes(8, "little", signed=True)
    path = tmp_path / "cut.aedat4"
    path.write_bytes(header[: starts[2] + 11])
    n, text = outcome(path)
    assert n == 20
    assert text is not None
    assert f"ends in the middle of the packet at byte {starts[2]}" in text


def test_a_damaged_packet_is_told_with_its_byte_after_the_ones_before(tmp_path: Path, good: bytes) -> None:
    starts = packet_starts(good)
    data = bytearray(good)
    data[starts[2] + 8 : starts[2] + 24] = b"\xff" * 16
    path = tmp_path / "damaged.aedat4"
    path.write_bytes(data)
    n, text = outcome(path)
    assert n == 20
    assert text is not None
    assert f"packet 2 at byte {starts[2]} is damaged" in text


@settings(max_examples=8)
@given(data=st.data())
def test_bits_turned_in_the_header_and_elsewhere(
    tmp_path_factory: pytest.TempPathFactory, good: bytes, data: st.DataObject
) -> None:
    content = bytearray(good)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.one_of(st.integers(14, 200), st.integers(0, len(content) - 1)))
        content[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("aedat4") / "damaged.aedat4"
    path.write_bytes(content)
    outcome(path)


def reader_that(tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let another program stand in for the one that calls faery."""
    path = tmp_path / "reader.py"
    path.write_text(program)
    monkeypatch.setattr(faery_process, "_PROGRAM", path)


def test_a_crash_and_a_hang_of_the_library_are_one_line(
    tmp_path: Path, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "good.aedat4"
    path.write_bytes(good)
    reader_that(tmp_path, "import os; os.abort()", monkeypatch)
    assert "faery crashed with status -6" in str(outcome(path)[1])
    monkeypatch.setattr(faery_process, "TIMEOUT_S", 0.2)
    reader_that(tmp_path, "import time; time.sleep(60)", monkeypatch)
    assert "faery gave no answer within 0.2 s" in str(outcome(path)[1])


def test_without_faery_the_extra_is_named(
    tmp_path: Path, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "good.aedat4"
    path.write_bytes(good)
    monkeypatch.setattr(aedat4, "find_spec", lambda name: None)
    with pytest.raises(SourceError, match=r"needs the library faery \(pip install 'eventsim\[events\]'\)"):
        open_dvs_file(path)
