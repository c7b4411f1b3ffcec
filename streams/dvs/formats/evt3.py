"""Prophesee EVT 3.0: words of 16 bits that change a state (time, row, base column) or name pixels.

Source: Prophesee, OpenEB documentation, "EVT 3.0 format": type in bits 15..12; 0 row (10..0), 2 event (x
10..0, polarity 11), 3 base column (x, polarity), 4 and 5 vectors of 12 and 8 pixels from the base, which
moves on, 6 time bits 11..0, 8 time bits 23..12, A trigger, E other, 7 and F continued.
"""

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.dvs.formats.prophesee_words import EARLY, OTHER, PropheseeWords, nearest_time
from streams.dvs.packet import Packet, Room, room_for

# A word is up to 12 events: the arrays of a chunk take 20 MB at most.
_WORDS_PER_CHUNK = 1 << 16
_HIGH, _LOW, _KNOWN, _ROW, _BASE, _ON = range(6)
_HAS_TIME, _HAS_ROW, _HAS_BASE = 1, 2, 4


class Evt3Decoder(PropheseeWords):
    """Decodes one EVT 3.0 file; times in us, the 24-bit clock (16.8 s) unwrapped."""

    def packets(self) -> Iterator[Packet]:
        """Yield the events; raises SourceError when the file ends in the middle of a word."""
        return self._decoded("<u2", _WORDS_PER_CHUNK, _events_of, 6, "time, row or base column")


def _events_of(
    words: NDArray[np.uint16], state: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[int, Room]:
    room = room_for(_most_events(words))
    return _decode_evt3(words, state, counts, room), room


@njit(cache=True, nogil=True)
def _most_events(words: NDArray[np.uint16]) -> int:
    """Return how many events the words hold at most."""
    n = 0
    for word in words:
        kind = word >> 12
        n += 1 if kind == 2 else 12 if kind == 4 else 8 if kind == 5 else 0
    return n


@njit(cache=True, nogil=True)
def _new_high(state: NDArray[np.int64], counts: NDArray[np.int64], word: np.int64) -> None:
    """Take the upper 12 bits of the time, unwrapped to the time nearest to the one before."""
    new = word & 0xFFF
    high = state[_HIGH]
    if state[_KNOWN] & _HAS_TIME:
        new = nearest_time(high, new, 12, counts)
    # The lower bits follow in a word of their own; until then the old ones would be wrong.
    if new != high:
        state[_LOW] = 0
    state[_HIGH] = new
    state[_KNOWN] |= _HAS_TIME


@njit(cache=True, nogil=True)
def _decode_evt3(
    words: NDArray[np.uint16],
    state: NDArray[np.int64],
    counts: NDArray[np.int64],
    room: Room,
) -> int:
    """Write the events of `words` and return their number; `state` holds what words before have set."""
    n = 0
    for i in range(words.size):
        word = np.int64(words[i])
        kind = word >> 12
        if kind == 2:
            if state[_KNOWN] & (_HAS_TIME | _HAS_ROW) == _HAS_TIME | _HAS_ROW:
                room.time[n] = (state[_HIGH] << 12) | state[_LOW]
                room.x[n] = word & 0x7FF
                room.y[n] = state[_ROW]
                room.on[n] = (word >> 11) & 1
                room.place[n] = i
                n += 1
            else:
                counts[EARLY] += 1
        elif kind == 4 or kind == 5:
            length = 12 if kind == 4 else 8
            for bit in range(length):
                if not (word >> bit) & 1:
                    continue
                if state[_KNOWN] == _HAS_TIME | _HAS_ROW | _HAS_BASE:
                    room.time[n] = (state[_HIGH] << 12) | state[_LOW]
                    room.x[n] = state[_BASE] + bit
                    room.y[n] = state[_ROW]
                    room.on[n] = state[_ON]
                    room.place[n] = i
                    n += 1
                else:
                    counts[EARLY] += 1
            state[_BASE] += length
        elif kind == 0:
            state[_ROW] = word & 0x7FF
            state[_KNOWN] |= _HAS_ROW
        elif kind == 3:
            state[_BASE] = word & 0x7FF
            state[_ON] = (word >> 11) & 1
            state[_KNOWN] |= _HAS_BASE
        elif kind == 6:
            state[_LOW] = word & 0xFFF
        elif kind == 8:
            _new_high(state, counts, word)
        elif kind != 0xA and kind != 0xE and kind != 7 and kind != 0xF:
            counts[OTHER] += 1
    return n
