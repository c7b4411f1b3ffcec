"""Files of every format made from events, and hypothesis strategies for the events."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

Event = tuple[int, int, int, bool]
WIDTH, HEIGHT = 34, 30


@st.composite
def event_lists(draw: st.DrawFn, max_step: int = 3_000_000, max_size: int = 60) -> list[Event]:
    """Events in order of time, many at one time, some after long silences."""
    steps = draw(
        st.lists(st.one_of(st.integers(0, 3), st.integers(0, max_step)), min_size=1, max_size=max_size)
    )
    times = np.cumsum(steps)
    pixel = st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.booleans())
    return [(int(t), *draw(pixel)) for t in times]


def evt2(events: list[Event]) -> bytes:
    words, high = [], None
    for t, x, y, on in events:
        if t >> 6 != high:
            high = t >> 6
            words.append(8 << 28 | high & 0xFFFFFFF)
        words.append(on << 28 | (t & 63) << 22 | x << 11 | y)
    return f"% evt 2.0\n% geometry {WIDTH}x{HEIGHT}\n% end\n".encode() + struct.pack(
        f"<{len(words)}I", *words
    )


def evt3(events: list[Event]) -> bytes:
    """Every other run of events at one time, row and polarity, of rising columns, goes as vectors."""
    words: list[int] = []
    now = None
    for i, (t, x, y, on) in enumerate(events):
        if t != now:
            # Silences of more than half a turn of the 24-bit clock need words in between, as cameras send.
            for high in range((now or 0) >> 12, t >> 12, 1_000):
                words.append(8 << 12 | high & 0xFFF)
            words += [8 << 12 | t >> 12 & 0xFFF, 6 << 12 | t & 0xFFF]
            now = t
        words.append(y)
        words += [2 << 12 | on << 11 | x] if i % 2 else [3 << 12 | on << 11 | x, (4 + i % 4 // 2) << 12 | 1]
    head = f"% evt 3.0\n% format EVT3;height={HEIGHT};width={WIDTH}\n% end\n"
    return head.encode() + struct.pack(f"<{len(words)}H", *words)


def dat(events: list[Event]) -> bytes:
    head = f"% Data file\n% Version 2\n% Width {WIDTH}\n% Height {HEIGHT}\n".encode() + b"\x0c\x08"
    return head + b"".join(
        struct.pack("<II", t & 0xFFFFFFFF, x | y << 14 | on << 28) for t, x, y, on in events
    )


def nmnist(events: list[Event]) -> bytes:
    return b"".join(bytes([x, y]) + (on << 23 | t).to_bytes(3, "big") for t, x, y, on in events)


def event_stream(events: list[Event]) -> bytes:
    data, now = b"Event Stream\x02\x00\x00\x01" + struct.pack("<HH", WIDTH, HEIGHT), 0
    for t, x, y, on in events:
        overflows, step = divmod(t - now, 127)
        data += b"\xff" * overflows + bytes([step << 1 | on]) + struct.pack("<HH", x, HEIGHT - 1 - y)
        now = t
    return data


def csv(events: list[Event]) -> bytes:
    return b"t,x,y,p\n" + "".join(f"{t},{x},{y},{int(on)}\n" for t, x, y, on in events).encode()


def npy(events: list[Event]) -> bytes:
    import io

    kind = [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), (("p", "on"), "?")]
    file = io.BytesIO()
    np.save(file, np.array(events, kind))
    return file.getvalue()


SUFFIX = {
    "evt2": ".raw",
    "evt3": ".raw",
    "dat": ".dat",
    "nmnist": ".bin",
    "es": ".es",
    "csv": ".csv",
    "npy": ".npy",
}
WRITERS: dict[str, Callable[[list[Event]], bytes]] = {
    "evt2": evt2,
    "evt3": evt3,
    "dat": dat,
    "nmnist": nmnist,
    "es": event_stream,
    "csv": csv,
    "npy": npy,
}
LONGEST_STEP = {"nmnist": 100_000, "es": 20_000}
"""Largest step of time in us that a format's file of 60 events can hold, or holds in a short file."""


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / f"recording{SUFFIX.get(name, '.' + name)}"
    path.write_bytes(data)
    return path


def aedat4(events: list[Event], path: Path, per_packet: int = 16, compression: object = None) -> Path:
    """Write an AEDAT4 file with faery, which must be there."""
    from faery import file_encoder

    kind = [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), (("p", "on"), "?")]
    array = np.array(events, kind)
    parts = [array[i : i + per_packet] for i in range(0, len(array), per_packet)]
    file_encoder.events_to_file(
        iter(parts), path, (WIDTH, HEIGHT), compression=compression, file_type="aedat"
    )
    return path
