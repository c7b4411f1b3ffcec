"""N-MNIST .bin: records of 5 bytes from the ATIS sensor, in its window of 34 x 34 pixels.

Source: Orchard et al. 2015, "Converting static image datasets to spiking neuromorphic datasets using
saccades": byte 0 x, byte 1 y, bit 7 of byte 2 polarity, the other 23 bits the time in us, most significant
first.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streams.dvs.packet import Packet
from streams.dvs.regular_file import records_of

_RECORDS_PER_CHUNK = 1 << 17
_OVERFLOW_ROW = 240
"""Rows from here on mark overflows of the ATIS clock in the recorder's own files: no pixel has them."""


class NmnistDecoder:
    """Decodes one .bin file of N-MNIST, N-Caltech or alike; times in us."""

    time_unit_ns = 1_000

    def __init__(self, path: Path) -> None:
        self._path = path
        self.sensor: tuple[int, int] | None = (34, 34)
        self.notes: Counter[str] = Counter()

    def packets(self) -> Iterator[Packet]:
        """Yield the events; raises SourceError when the file ends in the middle of a record."""
        self.notes.clear()
        overflows = 0
        for offset, chunk in records_of(self._path, 0, 5, _RECORDS_PER_CHUNK):
            raw = np.frombuffer(chunk, np.uint8).reshape(-1, 5)
            marks = raw[:, 1] == _OVERFLOW_ROW
            passed = overflows + np.cumsum(marks)
            overflows += int(marks.sum())
            self.notes["clock wraps"] += int(marks.sum())
            kept = np.flatnonzero(~marks)
            bytes_ = raw[kept].astype(np.int64)
            low = ((bytes_[:, 2] & 0x7F) << 16) | (bytes_[:, 3] << 8) | bytes_[:, 4]

            def where(i: int, offset: int = offset, kept: NDArray[np.int64] = kept) -> str:
                return f"byte {offset + 5 * int(kept[i])}"

            yield Packet(
                # Each mark stands for 2**13 us that the recorder's counter passed without an event.
                low + passed[kept] * 2**13,
                bytes_[:, 0].astype(np.int32),
                bytes_[:, 1].astype(np.int32),
                bytes_[:, 2] >= 0x80,
                where,
            )
