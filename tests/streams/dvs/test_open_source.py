"""Any source of camera events by one text."""

from pathlib import Path

import pytest
import writers

from eventsim.errors import SourceError
from streams.dvs import open_source
from streams.dvs.open_source import is_dvs_source, open_dvs_source


def test_what_a_text_names(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[object, ...]] = []
    monkeypatch.setattr(open_source, "VideoAsCamera", lambda *a: opened.append(("video", a[0])))
    monkeypatch.setattr(open_source, "DvsCamera", lambda *a: opened.append(("camera", a[0])))
    for text in ("film.MP4", "webcam", "webcam:2", "/dev/video1", "camera", "camera:00042"):
        open_dvs_source(text)
        assert is_dvs_source(text)
    assert opened == [
        ("video", "film.MP4"),
        ("video", 0),
        ("video", 2),
        ("video", "/dev/video1"),
        ("camera", None),
        ("camera", "00042"),
    ]


def test_an_event_file_by_name(tmp_path: Path) -> None:
    events = [(0, 1, 2, True), (9, 3, 4, False)]
    path = writers.written(tmp_path, "csv", writers.csv(events))
    with open_dvs_source(str(path), 5.0, width=20, height=10) as source:
        assert (source.width, source.height) == (20, 10)
        assert [(len(block), block.end_ns) for block in source] == [(2, 5_000_000)]


def test_what_is_no_source() -> None:
    assert [is_dvs_source(t) for t in ("a.wav", "mic", "tcp://host:5555", "a.aedat4", "b.raw")] == [
        False,
        False,
        False,
        True,
        True,
    ]
    with pytest.raises(SourceError, match="the number of a webcam follows the colon"):
        open_dvs_source("webcam:x")
