"""Event Stream .es, version 2: a few bytes per event, each with the time since the one before.

Source: neuromorphic-paris, "Event Stream" specification 2.0: 12 bytes of name, 3 of version, 1 of type, width
and height as uint16; DVS events are (time difference << 1 | increase, x, y), ATIS events (difference << 2 |
polarity << 1 | threshold crossing, x, y); the largest differences stand for overflow and reset. Rows count
from the bottom.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eventsim.errors import SourceError
from streams.dvs.packet import Packet, Room, room_for
from streams.dvs.regular_file import head_of, read_up_to
from streams.regular_file import open_regular

_BYTES_PER_CHUNK = 1 << 20
_HEAD = 20
_KINDS = {0: "generic", 1: "DVS", 2: "ATIS", 3: "asynchronous display", 4: "colour"}
_DVS, _ATIS = 1, 2


class EventStreamDecoder:
    """Decodes the changes of light in one .es file; times in us from its start, row 0 on top.

    An ATIS file's exposure measurements are passed over and counted.
    """

    time_unit_ns = 1_000

    def __init__(self, path: Path) -> None:
        self._path = path
        head = head_of(path, _HEAD)
        if not head.startswith(b"Event Stream"):
            raise SourceError(f"{path}: not an Event Stream file (byte 0)")
        if len(head) < 16:
            raise SourceError(f"{path}: header ends at byte {len(head)} (cut off?)")
        if head[12] != 2:
            raise SourceError(f"{path}: Event Stream version {head[12]}.{head[13]} is not known (2.x is)")
        self._kind = head[15]
        if self._kind not in (_DVS, _ATIS):
            name = _KINDS.get(self._kind, f"unknown ({self._kind})")
            raise SourceError(f"{path}: holds {name} events; only DVS and ATIS events can be read")
        if len(head) < _HEAD:
            raise SourceError(f"{path}: header ends at byte {len(head)} (cut off?)")
        width, height = (int(side) for side in np.frombuffer(head, "<u2", 2, 16))
        if width == 0 or height == 0:
            raise SourceError(f"{path}: header at byte 16 tells a sensor of {width} x {height} pixels")
        self.sensor: tuple[int, int] | None = (width, height)
        self._height = height
        self.notes: Counter[str] = Counter()

    def packets(self) -> Iterator[Packet]:
        """Yield the events; raises SourceError when the file ends in the middle of one."""
        self.notes.clear()
        # Time of the latest event; resets and exposures since the last chunk.
        state = np.zeros(3, np.int64)
        with open_regular(self._path) as file:
            file.seek(_HEAD)
            offset, rest = _HEAD, b""
            while chunk := read_up_to(file, _BYTES_PER_CHUNK, self._path):
                data = np.frombuffer(rest + chunk, np.uint8)
                room = room_for(data.size // 5 + 1)
                n, used = _decode_es(data, self._kind == _ATIS, state, room)
                self.notes["resets"] += int(state[1])
                self.notes["exposure measurements passed over"] += int(state[2])
                state[1] = state[2] = 0

                def where(i: int, offset: int = offset, place: NDArray[np.int64] = room.place) -> str:
                    return f"byte {offset + int(place[i])}"

                room.y[:n] = self._height - 1 - room.y[:n]
                yield room.packet(n, where)
                rest = data[used:].tobytes()
                offset += used
        if rest:
            raise SourceError(f"{self._path}: ends in the middle of an event, at byte {offset} (cut off?)")


@njit(cache=True, nogil=True)
def _decode_es(
    data: NDArray[np.uint8],
    atis: bool,
    state: NDArray[np.int64],
    room: Room,
) -> tuple[int, int]:
    """Write the whole events of `data`; return their number and the number of bytes they took."""
    bits = 2 if atis else 1
    longest = (1 << (8 - bits)) - 1
    i = n = 0
    while i < data.size:
        first = np.int64(data[i])
        step = first >> bits
        if step == longest:
            # DVS: 0xfe resets, 0xff is one overflow. ATIS: 0xfc resets, 0xfd to 0xff are one to three.
            overflows = first & ((1 << bits) - 1)
            state[0] += overflows * longest
            state[1] += overflows == 0
            i += 1
            continue
        if i + 5 > data.size:
            break
        state[0] += step
        if atis and first & 1:
            state[2] += 1
        else:
            room.time[n] = state[0]
            room.x[n] = data[i + 1] | (np.int64(data[i + 2]) << 8)
            room.y[n] = data[i + 3] | (np.int64(data[i + 4]) << 8)
            room.on[n] = (first >> (bits - 1)) & 1
            room.place[n] = i
            n += 1
        i += 5
    return n, i
