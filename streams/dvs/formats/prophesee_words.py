"""What EVT 2.0 and EVT 3.0 share: a text header, then words of one size, some of which hold the time."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from streams.dvs.formats.prophesee_header import read_header
from streams.dvs.packet import Packet, Room
from streams.dvs.regular_file import head_of, records_of

WRAPS, EARLY, OTHER = range(3)
"""Places in what a kernel counts: clock wraps, events it cannot place yet, words of unknown type."""

Kernel = Callable[[NDArray[Any], NDArray[np.int64], NDArray[np.int64]], tuple[int, Room]]
"""From words, the state that words before have set, and counts: the number of events, and the events."""


class PropheseeWords:
    """One file of words; times in us."""

    time_unit_ns = 1_000

    def __init__(self, path: Path) -> None:
        self._path = path
        header = read_header(head_of(path, 65_536))
        self._start = header.length
        self.sensor = header.sensor
        self.notes: Counter[str] = Counter()

    def _decoded(
        self, word: str, words_per_chunk: int, kernel: Kernel, n_state: int, until: str
    ) -> Iterator[Packet]:
        """Yield what `kernel` finds in words of dtype `word`; `until` says what events must wait for."""
        self.notes.clear()
        state = np.zeros(n_state, np.int64)
        size = np.dtype(word).itemsize
        for offset, chunk in records_of(self._path, self._start, size, words_per_chunk):
            counts = np.zeros(3, np.int64)
            n, room = kernel(np.frombuffer(chunk, word), state, counts)
            self.notes.update(
                {
                    "clock wraps": int(counts[WRAPS]),
                    f"events before the first {until} left out": int(counts[EARLY]),
                    "words of unknown type passed over": int(counts[OTHER]),
                }
            )

            def where(i: int, offset: int = offset, place: NDArray[np.int64] = room.place) -> str:
                return f"byte {offset + size * int(place[i])}"

            yield room.packet(n, where)


@njit(cache=True, nogil=True)
def nearest_time(before: np.int64, low: np.int64, n_bits: int, counts: NDArray[np.int64]) -> np.int64:
    """Return the time nearest to `before` whose lower bits are `low`, and count a wrap forwards."""
    # A late word may go back across a wrap.
    step = (low - before) & ((1 << n_bits) - 1)
    if step >= 1 << (n_bits - 1):
        step -= 1 << n_bits
    counts[WRAPS] += step > 0 and ((before + step) >> n_bits) > (before >> n_bits)
    return before + step
