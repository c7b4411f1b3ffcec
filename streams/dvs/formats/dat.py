"""Prophesee .dat: a text header, two bytes (event type and size), then records of 8 bytes.

Source: Prophesee, OpenEB documentation, "DAT file format": uint32 time in us, then x in bits 13..0, y in
27..14 and polarity in 31..28; version 1 (before 2016) has x in bits 8..0, y in 16..9 and polarity in 17.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eventsim.errors import SourceError
from streams.dvs.formats.prophesee_header import read_header
from streams.dvs.packet import Packet
from streams.dvs.regular_file import head_of, records_of

_RECORDS_PER_CHUNK = 1 << 17
_CHANGE_EVENTS = (0x00, 0x0C)
"""Event types "2D" and "CD": both are changes of light with the same record."""


class DatDecoder:
    """Decodes one .dat file; times in us, the 32-bit clock (71.6 min) unwrapped."""

    time_unit_ns = 1_000

    def __init__(self, path: Path) -> None:
        self._path = path
        head = head_of(path, 65_536)
        header = read_header(head)
        version = header.fields.get("version", "1")
        if version not in ("1", "2"):
            raise SourceError(f"{path}: DAT version {version!r} is not known (1 and 2 are)")
        self._version = int(version)
        kind = head[header.length : header.length + 2]
        if len(kind) < 2:
            raise SourceError(f"{path}: ends at byte {len(head)}, before its event type (cut off?)")
        if kind[0] not in _CHANGE_EVENTS or kind[1] != 8:
            raise SourceError(
                f"{path}: event type {kind[0]:#04x} of {kind[1]} bytes at byte {header.length}: "
                "only 0x00 and 0x0c (changes of light) of 8 bytes can be read"
            )
        self._start = header.length + 2
        self.sensor = header.sensor
        self.notes: Counter[str] = Counter()

    def packets(self) -> Iterator[Packet]:
        """Yield the events; raises SourceError when the file ends in the middle of a record."""
        self.notes.clear()
        state = np.zeros(3, np.int64)
        for offset, chunk in records_of(self._path, self._start, 8, _RECORDS_PER_CHUNK):
            records = np.frombuffer(chunk, "<u4").reshape(-1, 2)
            time = np.empty(len(records), np.int64)
            self.notes["clock wraps"] += int(_unwrapped(records[:, 0], state, time))
            word = records[:, 1]
            if self._version == 2:
                x, y, polarity = word & 0x3FFF, (word >> 14) & 0x3FFF, word >> 28
            else:
                x, y, polarity = word & 0x1FF, (word >> 9) & 0xFF, (word >> 17) & 1

            def where(i: int, offset: int = offset) -> str:
                return f"byte {offset + 8 * i}"

            yield Packet(time, x.astype(np.int32), y.astype(np.int32), polarity != 0, where)


@njit(cache=True, nogil=True)
def _unwrapped(stamp: NDArray[np.uint32], state: NDArray[np.int64], time: NDArray[np.int64]) -> int:
    """Write the times nearest to the one before with these lower 32 bits; return how often they wrapped."""
    wraps = 0
    for i in range(stamp.size):
        new = np.int64(stamp[i])
        if state[0]:
            step = (new - state[1]) & 0xFFFFFFFF
            # A fall by more than half is a wrap; a rise by more than half goes back across one, if there was.
            if step >= 1 << 31 and (state[1] >> 32 > 0 or new < state[1]):
                step -= 1 << 32
            wraps += step > 0 and ((state[1] + step) >> 32) > (state[1] >> 32)
            new = state[1] + step
        state[0] = 1
        state[1] = new
        time[i] = new
    return wraps
