"""One real recording per format, from the folder beside the project, against independent decoders."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slow_decoders

from eventsim.errors import SourceError
from streams.dvs.open_file import open_dvs_file


def columns(path: Path, **options: Any) -> tuple[np.ndarray, ...]:
    """Return t in us, x, y, on of a whole file."""
    blocks = list(open_dvs_file(path, time_origin="file", **options))
    time = np.concatenate([block.time_ns for block in blocks])
    assert (time % 1000 == 0).all()
    return (
        time // 1000,
        np.concatenate([block.x for block in blocks]),
        np.concatenate([block.y for block in blocks]),
        np.concatenate([block.on for block in blocks]),
    )


def same(found: tuple[np.ndarray, ...], expected: Any, names: str = "t x y p") -> None:
    """Compare with a structured array, or with a list of events."""
    if isinstance(expected, list):
        assert len(expected) == found[0].size
        assert list(zip(*(column.tolist() for column in found), strict=True)) == expected
        return
    for column, name in zip(found, names.split(), strict=True):
        assert column.astype(np.int64).tolist() == expected[name].astype(np.int64).tolist()


def test_nmnist(real_files: Path) -> None:
    path = real_files / "sample_nmnist.bin"
    found = columns(path)
    same(found, slow_decoders.nmnist(path.read_bytes()))
    assert found[0].size == 4325


def test_dat(real_files: Path) -> None:
    path = real_files / "sample_ncars.dat"
    found = columns(path)
    same(found, slow_decoders.dat(path.read_bytes()))
    assert found[0].size == 2009


@pytest.mark.compiled
def test_evt2(real_files: Path) -> None:
    path = real_files / "sample_evt2.raw"
    found = columns(path)
    same(found, slow_decoders.evt2(path.read_bytes()))
    assert found[0].size == 521_252
    source = open_dvs_file(path)
    # The header tells the sensor by the name of its plug-in only.
    assert (source.width, source.height) == (640, 480)


@pytest.mark.compiled
def test_evt2_and_dat_as_expelliarmus_reads_them(real_files: Path) -> None:
    expelliarmus = pytest.importorskip("expelliarmus", reason="an independent decoder")
    for encoding, name in (("evt2", "sample_evt2.raw"), ("dat", "sample_ncars.dat")):
        path = real_files / name
        same(columns(path), expelliarmus.Wizard(encoding=encoding, fpath=path).read())


@pytest.mark.compiled
def test_evt2_as_faery_reads_it(real_files: Path) -> None:
    faery = pytest.importorskip("faery", reason="needs the extra events")
    with faery.evt.Decoder(real_files / "sample_evt2.raw", (640, 480), "evt2") as decoder:
        expected = np.concatenate([packet["events"] for packet in decoder if "events" in packet])
    same(columns(real_files / "sample_evt2.raw"), expected)


def test_aedat4_as_faery_and_aedat_read_it(real_files: Path) -> None:
    faery = pytest.importorskip("faery", reason="needs the extra events")
    path = real_files / "sample.aedat4"
    found = columns(path)
    assert found[0].size == 111_954
    with faery.aedat.Decoder(path) as decoder:
        parts = [content for track, content in decoder if track.data_type == "events"]
    same(found, np.concatenate(parts))
    source = open_dvs_file(path)
    assert (source.width, source.height) == (320, 240)
    aedat = pytest.importorskip("aedat", reason="an independent decoder")
    parts = [packet["events"] for packet in aedat.Decoder(path) if "events" in packet]
    same(found, np.concatenate(parts), "t x y on")


def test_a_real_event_stream_without_camera_events_is_refused(real_files: Path) -> None:
    with pytest.raises(SourceError, match="holds generic events; only DVS and ATIS events can be read"):
        open_dvs_file(real_files / "generic.es")


@pytest.mark.parametrize("kind", ["dvs", "atis"])
def test_event_stream_as_two_libraries_write_and_read_it(tmp_path: Path, kind: str) -> None:
    """No real recording of camera events is at hand: one is written by faery, read by event_stream."""
    faery = pytest.importorskip("faery", reason="needs the extra events")
    rng = np.random.default_rng(1)
    n = 3_000
    fields = [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), (("p", "on"), "?")]
    if kind == "atis":
        fields = [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("exposure", "?"), ("polarity", "?")]
    events = np.zeros(n, fields)
    events["t"] = np.cumsum(rng.integers(0, 400, n))
    events["x"], events["y"] = rng.integers(0, 200, n), rng.integers(0, 100, n)
    events[fields[-1][0][1] if kind == "dvs" else "polarity"] = rng.random(n) < 0.5
    if kind == "atis":
        events["exposure"] = rng.random(n) < 0.3
    path = tmp_path / "written.es"
    with faery.es.Encoder(path, kind, False, (200, 100)) as encoder:
        encoder.write(events)
    changes = events if kind == "dvs" else events[~events["exposure"]]
    found = columns(path)
    on = changes["on" if kind == "dvs" else "polarity"]
    expected = list(
        zip(
            changes["t"].tolist(),
            changes["x"].tolist(),
            (99 - changes["y"].astype(int)).tolist(),
            on.tolist(),
            strict=True,
        )
    )
    same(found, expected)
    same(found, slow_decoders.event_stream(path.read_bytes()))
    event_stream = pytest.importorskip("event_stream", reason="an independent decoder")
    if kind == "dvs":
        read = np.concatenate(list(event_stream.Decoder(str(path))))
        assert read["t"].tolist() == found[0].tolist()
        assert (99 - read["y"].astype(int)).tolist() == found[2].tolist()
        assert read["on"].tolist() == found[3].tolist()
