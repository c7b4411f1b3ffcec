"""NumPy .npy of events: structured with the field's names, or plain integers of shape (n, 4).

Source: NumPy, "NEP 1: A simple file format for NumPy arrays"; the header is read by numpy.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import EventError, SourceError
from streams.dvs.as_events import Columns, columns_of
from streams.dvs.error_reason import reason_of
from streams.dvs.packet import Packet
from streams.dvs.regular_file import records_of
from streams.regular_file import open_regular

_EVENTS_PER_CHUNK = 1 << 17


class NpyDecoder:
    """Decodes one .npy file without loading it whole.

    time_unit_ns : length of one unit of its times. A plain array has the columns t, x, y, p.
    """

    def __init__(self, path: Path, time_unit_ns: int = 1_000) -> None:
        self._path, self.time_unit_ns = path, time_unit_ns
        self.sensor: tuple[int, int] | None = None
        self.notes: Counter[str] = Counter()
        self._start, self._shape, self._dtype = _read_npy_header(path)
        columns = self._shape[1:]
        self._record = np.dtype((self._dtype, columns)) if columns else self._dtype
        try:
            columns_of(np.empty((0, *columns), self._dtype))
        except EventError as error:
            raise SourceError(f"{path}: {error}") from None
        size = path.stat().st_size - self._start
        declared = math.prod(self._shape) * self._dtype.itemsize
        # What is missing at the end is said when the rest has been given out.
        if size > declared:
            raise SourceError(
                f"{path}: {size - declared} bytes too many after the array, at byte {self._start + declared}"
            )

    def packets(self) -> Iterator[Packet]:
        """Yield the events; raises SourceError when the file ends before its last one."""
        size, n = self._record.itemsize, 0
        for offset, chunk in records_of(self._path, self._start, size, _EVENTS_PER_CHUNK):
            events = np.frombuffer(chunk, self._dtype).reshape(-1, *self._shape[1:])
            n += len(events)
            try:
                columns = columns_of(events)
            except EventError as error:
                good, problem = _readable_part(events, error)
                yield _packet_of(columns_of(events[:good]), offset, size)
                raise SourceError(f"{self._path}: at byte {offset + good * size}: {problem}") from None
            yield _packet_of(columns, offset, size)
        if n < self._shape[0]:
            raise SourceError(
                f"{self._path}: ends at byte {self._start + n * size}, after {n} of {self._shape[0]} events "
                "(cut off?)"
            )


def _readable_part(events: Any, error: EventError) -> tuple[int, str]:
    """Return how many events lie before the first that cannot be read, by bisection, and what is wrong.

    error : what all of them raise.
    """
    good, bad = 0, len(events)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            columns_of(events[:middle])
            good = middle
        except EventError as earlier:
            bad, error = middle, earlier
    # Numbered from where the search starts; the byte is told instead.
    return good, re.sub(r"^event \d+: ", "", str(error))


def _packet_of(columns: Columns, offset: int, size: int) -> Packet:
    time, x, y, on = columns

    def where(i: int) -> str:
        return f"byte {offset + i * size}"

    return Packet(time, _sides(x), _sides(y), on, where)


def _sides(values: NDArray[np.int64]) -> NDArray[np.int32]:
    # Beyond int32 is beyond any sensor: the nearest int32 is refused all the same.
    return np.clip(values, -(2**31), 2**31 - 1).astype(np.int32)


def _read_npy_header(path: Path) -> tuple[int, tuple[int, ...], np.dtype[Any]]:
    with open_regular(path) as file:
        try:
            version = np.lib.format.read_magic(file)
            reader = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }.get(version)
            if reader is None:
                raise ValueError(f"version {version[0]}.{version[1]}")
            shape, fortran, dtype = reader(file)
        except Exception as error:  # numpy's parser of literals has many ways to fail
            raise SourceError(f"{path}: header of the array is damaged ({reason_of(error)})") from None
        start = file.tell()
    if dtype.hasobject or dtype.itemsize == 0:
        raise SourceError(f"{path}: holds Python objects or nothing, not events")
    if not shape or any(side < 0 for side in shape) or len(shape) > 2 or 0 in shape[1:]:
        raise SourceError(f"{path}: an array of shape {shape} holds no events")
    if fortran and len(shape) > 1:
        raise SourceError(f"{path}: columns lie one after the other (Fortran order); save a copy in C order")
    return start, tuple(int(side) for side in shape), dtype
