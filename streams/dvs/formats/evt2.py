"""Prophesee EVT 2.0: words of 32 bits, one per event, with the upper bits of the time in words of their own.

Source: Prophesee, OpenEB documentation, "EVT 2.0 format": type in bits 31..28; events (0 off, 1 on) hold time
bits 5..0 in 27..22, x in 21..11, y in 10..0; type 8 holds time bits 33..6; A trigger, E other, F continued.
"""

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.dvs.formats.prophesee_words import EARLY, OTHER, PropheseeWords, nearest_time
from streams.dvs.packet import Packet, Room, room_for

_WORDS_PER_CHUNK = 1 << 18
_HIGH, _KNOWN = range(2)


class Evt2Decoder(PropheseeWords):
    """Decodes one EVT 2.0 file; times in us from the camera's start, its 34-bit clock unwrapped."""

    def packets(self) -> Iterator[Packet]:
        """Yield the events; raises SourceError when the file ends in the middle of a word."""
        return self._decoded("<u4", _WORDS_PER_CHUNK, _events_of, 2, "time word")


def _events_of(
    words: NDArray[np.uint32], state: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[int, Room]:
    room = room_for(words.size)
    return _decode_evt2(words, state, counts, room), room


@njit(cache=True, nogil=True)
def _decode_evt2(
    words: NDArray[np.uint32],
    state: NDArray[np.int64],
    counts: NDArray[np.int64],
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
                counts[EARLY] += 1
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
            high = nearest_time(high, new, 28, counts)
        elif kind != 0xA and kind < 0xE:
            counts[OTHER] += 1
    state[_HIGH] = high
    return n
