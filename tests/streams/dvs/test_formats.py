"""Files made here decode to the events they were made from, and as the slow decoders read them."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slow_decoders
import writers
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.dvs.formats import csv, dat, event_stream, evt2, evt3, nmnist, npy
from streams.dvs.formats.dat import DatDecoder
from streams.dvs.formats.event_stream import EventStreamDecoder
from streams.dvs.formats.evt2 import Evt2Decoder
from streams.dvs.formats.evt3 import Evt3Decoder
from streams.dvs.formats.nmnist import NmnistDecoder
from streams.dvs.open_file import open_dvs_file
from streams.dvs.packet import Decoder

Event = tuple[int, int, int, bool]


def read(path: Path, **options: Any) -> list[Event]:
    """Return all events of a file with the file's own times, in us."""
    source = open_dvs_file(path, time_origin="file", **options)
    events = []
    for block in source:
        assert (block.time_ns % 1000 == 0).all()
        events += list(
            zip(
                (block.time_ns // 1000).tolist(),
                block.x.tolist(),
                block.y.tolist(),
                block.on.tolist(),
                strict=True,
            )
        )
    return events


def raw(decoder: Decoder) -> list[Event]:
    """Return what a decoder finds, before times and pixels are judged."""
    return [
        event
        for p in decoder.packets()
        for event in zip(p.time.tolist(), p.x.tolist(), p.y.tolist(), p.on.tolist(), strict=True)
    ]


@pytest.mark.parametrize("name", writers.WRITERS)
@settings(max_examples=30)
@given(data=st.data())
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    events = data.draw(writers.event_lists(writers.LONGEST_STEP.get(name, 3_000_000)))
    path = writers.written(tmp_path_factory.mktemp("files"), name, writers.WRITERS[name](events))
    source = open_dvs_file(path, block_ms=1000.0)
    blocks = list(source)
    assert read(path, block_ms=1000.0) == events
    # By default time 0 is the first event.
    assert source.origin_ns == events[0][0] * 1000
    times = np.concatenate([block.time_ns for block in blocks])
    assert (times // 1000).tolist() == [event[0] - events[0][0] for event in events]
    assert all(a.end_ns == b.start_ns for a, b in pairwise(blocks))
    if name in ("evt2", "evt3", "dat", "es"):
        assert (source.width, source.height) == (writers.WIDTH, writers.HEIGHT)


@pytest.mark.parametrize("compression", [None, ("lz4", 1), ("zstd", 3)])
def test_aedat4_written_by_faery_is_read(tmp_path: Path, compression: object) -> None:
    pytest.importorskip("faery", reason="needs the extra events")
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.integers(0, 50, 500)) + 1_600_000_000_000_000
    events = [(int(t), int(rng.integers(34)), int(rng.integers(30)), bool(rng.integers(2))) for t in times]
    path = writers.aedat4(events, tmp_path / "recording.aedat4", 100, compression)
    found = read(path)
    # faery writes the times as from the first event on.
    assert [(t - found[0][0], *rest) for t, *rest in found] == [
        (t - events[0][0], *rest) for t, *rest in events
    ]


PLAIN: dict[str, tuple[type[Decoder], Any, bytes]] = {
    "evt2": (Evt2Decoder, slow_decoders.evt2, b"% evt 2.0\n% end\n"),
    "evt3": (Evt3Decoder, slow_decoders.evt3, b"% evt 3.0\n% end\n"),
    "dat": (DatDecoder, slow_decoders.dat, b"% Version 2\n\x00\x08"),
    "dat1": (DatDecoder, slow_decoders.dat, b"% Version 1\n\x00\x08"),
    "nmnist": (NmnistDecoder, slow_decoders.nmnist, b""),
    "es": (EventStreamDecoder, slow_decoders.event_stream, b"Event Stream\x02\x00\x00\x01\x22\x00\x1e\x00"),
    "atis": (EventStreamDecoder, slow_decoders.event_stream, b"Event Stream\x02\x00\x00\x02\x22\x00\x1e\x00"),
}
WORD = {"evt2": 4, "evt3": 2, "dat": 8, "dat1": 8, "nmnist": 5}


def plain_words(name: str) -> st.SearchStrategy[bytes]:
    """Arbitrary content: for EVT half of it time words, so that wraps and steps back are common."""
    if name in ("evt2", "evt3"):
        size = WORD[name]
        bits = 8 * size
        word = st.one_of(
            st.integers(0, 2**bits - 1),
            st.builds(
                lambda kind, low: kind << (bits - 4) | low,
                st.sampled_from([0, 2, 3, 4, 5, 6, 8]),
                st.one_of(st.integers(0, 3), st.integers(2 ** (bits - 4) - 4, 2 ** (bits - 4) - 1)),
            ),
        )
        return st.lists(word, min_size=1, max_size=60).map(
            lambda words: b"".join(w.to_bytes(size, "little") for w in words)
        )
    return st.binary(min_size=1, max_size=300)


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=80)
@given(data=st.data())
def test_any_content_reads_as_the_slow_decoder_does(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    kind, slow, head = PLAIN[name]
    content = data.draw(plain_words(name))
    content = content[: len(content) - len(content) % WORD.get(name, 1)]
    if name in ("es", "atis"):
        end = len(content)
        content = next((content[:n] for n in range(end, -1, -1) if whole_events(head + content[:n])), b"")
    path = tmp_path_factory.mktemp("files") / "content"
    path.write_bytes(head + content)
    if head + content:
        assert raw(kind(path)) == slow(head + content)  # type: ignore[call-arg]


def whole_events(data: bytes) -> bool:
    """Return whether an Event Stream file does not end in the middle of an event."""
    i, longest = 20, 252 if data[15] == 2 else 254
    while i < len(data):
        i += 1 if data[i] >= longest else 5
    return i == len(data)


@pytest.mark.parametrize(
    ("module", "constant", "name"),
    [
        (evt2, "_WORDS_PER_CHUNK", "evt2"),
        (evt3, "_WORDS_PER_CHUNK", "evt3"),
        (dat, "_RECORDS_PER_CHUNK", "dat"),
        (nmnist, "_RECORDS_PER_CHUNK", "nmnist"),
        (event_stream, "_BYTES_PER_CHUNK", "es"),
        (csv, "_BYTES_PER_CHUNK", "csv"),
        (npy, "_EVENTS_PER_CHUNK", "npy"),
    ],
)
@settings(max_examples=15)
@given(data=st.data())
def test_neither_chunks_nor_blocks_change_the_events(
    tmp_path_factory: pytest.TempPathFactory, module: Any, constant: str, name: str, data: st.DataObject
) -> None:
    events = data.draw(writers.event_lists(20_000))
    path = writers.written(tmp_path_factory.mktemp("files"), name, writers.WRITERS[name](events))
    chunk = data.draw(st.integers(1, 40))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, constant, chunk)
        assert read(path, block_ms=data.draw(st.sampled_from([0.7, 10.0, 333.0]))) == events


def test_times_of_text_may_be_seconds_and_columns_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "events.txt"
    path.write_text("0.003811000 96 3 0\n0.5 9 4 1\n12.000000001 5 6 1")
    block = next(iter(open_dvs_file(path, time_origin="file", block_ms=20_000)))
    assert block.time_ns.tolist() == [3_811_000, 500_000_000, 12_000_000_001]
    path.write_text("# a comment\nx;y;polarity;extra;timestamp\n3;4;True;9.5;100\n5;6;false;0;101\n\n")
    assert read(path) == [(100, 3, 4, True), (101, 5, 6, False)]
    path.write_text("x,y,p,t\r\n3,4,-1,100\r\n5,6,1,101\r\n")
    assert read(path) == [(100, 3, 4, False), (101, 5, 6, True)]
    assert [b.time_ns.tolist() for b in open_dvs_file(path, time_unit_ns=1)] == [[0, 1]]


def test_plain_arrays_have_columns_t_x_y_p(tmp_path: Path) -> None:
    path = tmp_path / "events.npy"
    np.save(path, np.array([[5, 1, 2, 1], [6, 3, 4, 0]], np.int32))
    assert read(path) == [(5, 1, 2, True), (6, 3, 4, False)]
    source = open_dvs_file(path)
    assert (source.width, source.height) == (4, 5)
    assert (open_dvs_file(path, width=10).width, open_dvs_file(path, height=99).height) == (10, 99)
