"""Damaged, truncated, empty and foreign files: one line with path and place, no crash, no hang."""

import re
from pathlib import Path

import numpy as np
import pytest
import writers
from hypothesis import given, settings
from hypothesis import strategies as st
from until_refused import read_until_refused

from eventsim.errors import ParameterError, SourceError
from streams.dvs.open_file import open_dvs_file
from streams.dvs.time_order import MAX_SILENCE_NS

EVENTS = [(i * 37, i * 7 % writers.WIDTH, i * 5 % writers.HEIGHT, i % 3 == 0) for i in range(40)]
GOOD = {name: write(EVENTS) for name, write in writers.WRITERS.items()}


def read_or_refuse(path: Path, format: str | None = None) -> str | None:
    """Read a file to its end; return the error's one line, or None when it reads."""
    try:
        source = open_dvs_file(path, block_ms=100_000.0, format=format)
    except SourceError as error:
        line = str(error)
    else:
        blocks, line = read_until_refused(source)
        assert sum(map(len, blocks)) <= path.stat().st_size * 12
    assert not line or line.startswith(str(path))
    assert "\n" not in line
    return line or None


@pytest.mark.parametrize("name", writers.WRITERS)
@settings(max_examples=60)
@given(data=st.data())
def test_bits_turned_and_bytes_cut_off(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    content = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(
            st.one_of(st.integers(0, 255), st.sampled_from([content[at] ^ 1 << b for b in range(8)]))
        )
    content = content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))]
    path = writers.written(tmp_path_factory.mktemp("files"), name, bytes(content))
    read_or_refuse(path)
    read_or_refuse(path, name)


@pytest.mark.parametrize("name", writers.WRITERS)
def test_every_cut_is_told_or_reads_as_a_shorter_recording(tmp_path: Path, name: str) -> None:
    good = GOOD[name]
    for size in range(len(good)):
        text = read_or_refuse(writers.written(tmp_path, name, good[:size]))
        if text is None:
            # Without a length in its header a recording cut between two records is just shorter.
            assert name not in ("npy",)
    assert read_or_refuse(writers.written(tmp_path, name, good)) is None


@pytest.mark.parametrize(
    ("name", "cut"), [("evt2", 1), ("evt3", 1), ("dat", 3), ("nmnist", 2), ("es", 2), ("npy", 5)]
)
def test_a_cut_record_is_told_with_its_byte_after_all_whole_ones(tmp_path: Path, name: str, cut: int) -> None:
    size = {"evt2": 4, "evt3": 2, "dat": 8, "nmnist": 5, "es": 5, "npy": 13}[name]
    good = GOOD[name]
    path = writers.written(tmp_path, name, good[:-cut])
    blocks, line = read_until_refused(open_dvs_file(path))
    assert sum(map(len, blocks)) == 39
    assert f"at byte {len(good) - size}" in line
    assert "cut off?" in line


@pytest.mark.parametrize("name", ["evt2", "evt3", "dat", "es", "nmnist", "csv", "npy"])
def test_a_pixel_outside_the_sensor_is_told_with_number_and_place(tmp_path: Path, name: str) -> None:
    events = [(5, 1, 1, True), (6, 2, 2, True), (7, 33, 3, True), (8, 4, 4, True)]
    path = writers.written(tmp_path, name, writers.WRITERS[name](events))
    blocks, line = read_until_refused(open_dvs_file(path, width=33, height=30))
    assert sum(map(len, blocks)) == 2
    found = re.search(
        r"event 2 at (?:byte|line) (\d+): pixel x 33, y 3 lies outside the sensor of 33 x 30", line
    )
    assert found
    place = int(found[1])
    record = {"evt2": 4, "dat": 8, "es": 5, "nmnist": 5, "npy": 13}
    if name in record:
        assert place == path.stat().st_size - 2 * record[name]
    if name == "csv":
        assert place == 4


def test_evt3_vectors_that_leave_the_sensor_are_told(tmp_path: Path) -> None:
    words = [8 << 12 | 1, 6 << 12 | 5, 3, 3 << 12 | 28, 4 << 12 | 0xFFF]
    head = b"% evt 3.0\n% geometry 34x30\n% end\n"
    path = tmp_path / "a.raw"
    path.write_bytes(head + np.array(words, "<u2").tobytes())
    with pytest.raises(SourceError, match=f"event 6 at byte {len(head) + 8}: pixel x 34, y 3 lies outside"):
        list(open_dvs_file(path))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("t,x,y,p\n1,2,3,1\n2,x,3,1\n", r"line 3 \(byte 16\) holds what is not a number"),
        ("t,x,y,p\n1,2,3,1\n2,3,1\n", r"line 3 \(byte 16\) has too few columns"),
        ("1,2,3,1\n2,3,4,7\n", r"line 2 \(byte 8\) has a polarity"),
        ("1,2,3,1\n2,3.5,4,1\n", r"line 2 \(byte 8\) has a column or row that is no whole number"),
        ("1,2,3,1\n99999999999999999999,3,4,1\n", r"line 2 \(byte 8\) holds too large a number"),
        ("1,2,3,1\nnan,3,4,1\n", r"line 2 \(byte 8\) holds what is not a number"),
        ("1,2,3,1\n2,-3,4,1\n", r"event 1 at line 2: pixel x -3, y 4 lies outside"),
        ("a,b,c\n1,2,3\n", r"line 1 is neither numbers nor names of columns"),
        ("# nothing\n\n", r"no line of numbers"),
        ("1,2,3,1\n" + "1" * 10_000, r"line 2 \(byte 8\) is longer than 4096 bytes"),
    ],
)
def test_text_that_cannot_be_read_is_told_by_line(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=what):
        list(open_dvs_file(path))


def test_arrays_that_hold_no_events_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    for array, what in (
        (np.zeros((4, 3), np.int32), r"must be of shape \(n, 4\)"),
        (np.zeros((4, 4)), r"time must be integers, not float64"),
        (np.zeros(3, [("t", "<u8"), ("x", "<u2")]), "no field of row"),
        (np.array([None, 1]), "holds Python objects"),
        (np.asfortranarray(np.zeros((4, 4), np.int32)), "Fortran order"),
        (np.zeros((), np.int32), r"shape \(\) holds no events"),
        (np.zeros((0, 4), np.int32), "holds no events"),
    ):
        np.save(path, array)
        with pytest.raises(SourceError, match=what):
            list(open_dvs_file(path))
    np.save(path, np.array([[1, 1, 1, 1], [2, 2, 2, 0], [3, 3, 3, 9]], np.int32))
    blocks, line = read_until_refused(open_dvs_file(path))
    assert sum(map(len, blocks)) == 2
    assert "at byte 160: polarity 9" in line
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(SourceError, match="4 bytes too many after the array, at byte 176"):
        open_dvs_file(path)


def test_missing_empty_and_foreign_files(tmp_path: Path) -> None:
    cases = {
        "missing.raw": (None, "no such file"),
        "empty.es": (b"", r"is empty \(0 bytes\)"),
        "archive.dat": (b"PK\x03\x04rest", "is a zip archive"),
        "table.h5": (b"\x89HDF\r\n", "is an HDF5 file"),
        "old.aedat": (b"#!AER-DAT2.0\r\n", "older version"),
        "strange.xyz": (
            b"\x01\x02\x03",
            "not recognised; can be read: aedat4, evt2, evt3, dat, es, nmnist, csv, npy",
        ),
        "strange.raw": (b"\x01\x02\x03", "not recognised, though its suffix says evt2 or evt3"),
        "new.raw": (b"% evt 4.0\n% end\n1234", "holds evt4 events"),
        "other.dat": (b"% Version 2\n\x0e\x08", "event type 0x0e of 8 bytes at byte 12"),
        "third.dat": (b"% Version 3\n\x00\x08", "DAT version '3' is not known"),
        "short.dat": (b"% Version 2\n\x00", "ends at byte 13, before its event type"),
        "head.raw": (b"% evt 2.0\n% geometry 34x30\n% end\n", "holds no events"),
        "v1.es": (b"Event Stream\x01\x00\x00\x01\x22\x00\x1e\x00", "version 1.0 is not known"),
        "short.es": (b"Event Stream\x02\x00\x00\x01\x22", "header ends at byte 17"),
        "flat.es": (b"Event Stream\x02\x00\x00\x01\x00\x00\x1e\x00", "a sensor of 0 x 30 pixels"),
        "array.npy": (b"\x93NUMPY\x01\x00\x05\x00{oops", "header of the array is damaged"),
    }
    for name, (content, what) in cases.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(SourceError, match=what) as caught:
            list(open_dvs_file(path))
        assert str(caught.value).startswith(str(path))
    with pytest.raises(SourceError, match="is a folder"):
        open_dvs_file(tmp_path)


def test_content_decides_where_the_suffix_is_wrong_or_missing(tmp_path: Path) -> None:
    for name in ("evt2", "evt3", "dat", "es", "npy", "csv"):
        path = tmp_path / "recording"
        path.write_bytes(GOOD[name])
        assert sum(map(len, open_dvs_file(path))) == 40
        if name != "csv":
            path = tmp_path / "recording.csv"
            path.write_bytes(GOOD[name])
            assert sum(map(len, open_dvs_file(path))) == 40
    path = tmp_path / "recording"
    path.write_bytes(GOOD["nmnist"])
    assert sum(map(len, open_dvs_file(path, format="nmnist"))) == 40


def test_options_outside_what_is_allowed(tmp_path: Path) -> None:
    path = writers.written(tmp_path, "npy", GOOD["npy"])
    for options, what in (
        ({"format": "evt9"}, "format must be one of"),
        ({"block_ms": 0.0}, "block_ms must lie in"),
        ({"width": 0}, "width must lie in 1 to 65536"),
        ({"height": 70_000}, "height must lie in 1 to 65536"),
        ({"time_unit_ns": 0}, "time_unit_ns must lie in"),
        ({"time_origin": "last"}, "time_origin must be"),
    ):
        with pytest.raises(ParameterError, match=what):
            open_dvs_file(path, **options)  # type: ignore[arg-type]
    assert MAX_SILENCE_NS == 3600 * 10**9
