"""Prophesee EVT 2.0: words of 32 bits, one per event, with the upper bits of the time in words of their own.

Source: Prophesee, OpenEB documentation, "EVT 2.0 format": type in bits 31..28; events (0 off, 1 on) hold time
bits 5..0 in 27..22, x in 21..11, y in 10..0; type 8 holds time bits 33..6; A trigger, E other, F continued.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.dvs.formats.prophesee_header import read_header
from streams.dvs.packet import Packet, Room, room_for
from streams.dvs.regular_file import head_of, records_of

_WORDS_PER_CHUNK = 1 << 18
_HIGH, _KNOWN, _EARLY, _OTHER, _WRAPS = range(5)


class Evt2Decoder:
    """Decodes one EVT 2.0 file; times in us from the camera's start, its 34-bit clock unwrapped."""

    time_unit_ns = 1_000

    def __init__(self, path: Path) -> None:
        self._path = path
        header = read_header(head_of(path, 65_536))
        self._start = header.length
        self.sensor = header.sensor
        self.notes: Counter[str] = Counter()

    def packets(self) -> Iterator[Packet]:
        """Yield the events; raises SourceError when the file ends in the middle of a word."""
        state = np.zeros(5, np.int64)
        self.notes.clear()
        for offset, chunk in records_of(self._path, self._start, 4, _WORDS_PER_CHUNK):
            words = np.frombuffer(chunk, "<u4")
            room = room_for(words.size)
            n = _decode_evt2(words, state, room)
            self.notes.update(
                {
                    "clock wraps": int(state[_WRAPS]),
                    "events before the first time word left out": int(state[_EARLY]),
                    "words of unknown type passed over": int(state[_OTHER]),
                }
            )
            state[_WRAPS] = state[_EARLY] = state[_OTHER] = 0

            def where(i: int, offset: int = offset, place: NDArray[np.int64] = room.place) -> str:
                return f"byte {offset + 4 * int(place[i])}"

            yield room.packet(n, where)


@njit(cache=True, nogil=True)
def _decode_evt2(
    words: NDArray[np.uint32],
    state: NDArray[np.int64],
    room: Room,
) -> int:
    """Write the events of `words` and return their number; state[_HIGH] is the unwrapped upper time."""
    high = state[_HIGH]
    n = 0
    for i in range(words.size):
        word = np.int64(words[i])
        kind = word >> 28
        if kind <= 1:
            if state[_KNOWN] == 0:
                state[_EARLY] += 1
                continue
            room.time[n] = (high << 6) | ((word >> 22) & 0x3F)
            room.x[n] = (word >> 11) & 0x7FF
            room.y[n] = word & 0x7FF
            room.on[n] = kind == 1
            room.place[n] = i
            n += 1
        elif kind == 8:
            new = word & 0xFFFFFFF
            if state[_KNOWN] == 0:
                state[_KNOWN] = 1
                high = new
                continue
            # The nearest time with these lower 28 bits: a wrap forwards, or a late word across the wrap.
            step = (new - high) & 0xFFFFFFF
            if step >= 1 << 27:
                step -= 1 << 28
            state[_WRAPS] += step > 0 and ((high + step) >> 28) > (high >> 28)
            high += step
        elif kind != 0xA and kind < 0xE:
            state[_OTHER] += 1
    state[_HIGH] = high
    return n
