"""Events as text: one per line, numbers separated by commas, semicolons, tabs or spaces.

A first line of names (t or timestamp, x, y, p or polarity or on; others are passed over) gives the order of
the columns, which is t, x, y, p without one. Lines that start with # are passed over. Whole times are us;
times with a decimal point are seconds, as in the text files of Mueggler et al. 2017, "The Event-Camera
Dataset".
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from eventsim.errors import SourceError
from streams.dvs.as_events import LATEST_TIME_NS, NAMES
from streams.dvs.packet import Packet, Room, room_for
from streams.dvs.regular_file import head_of, read_up_to
from streams.regular_file import open_regular

_BYTES_PER_CHUNK = 1 << 20
_MAX_LINE = 4096
_SEPARATORS = re.compile(rb"[,;\t ]+")
_NUMBER = re.compile(rb"[+-]?\d+(\.\d*)?")
_PROBLEMS = {
    1: "has too few columns",
    2: "holds what is not a number",
    3: "holds too large a number",
    4: "has a polarity that is not one of 0, 1, -1, true and false",
    5: "has a column or row that is no whole number",
}


class CsvDecoder:
    """Decodes one text file of events; times come out in ns.

    time_unit_ns : length of one unit of its times; None: us, or seconds where they have a decimal point.
    """

    time_unit_ns = 1

    def __init__(self, path: Path, time_unit_ns: int | None = None) -> None:
        self._path = path
        self.sensor: tuple[int, int] | None = None
        self.notes: Counter[str] = Counter()
        self._start, self._lines_before, self._columns, fraction = _layout(path)
        self._unit_ns = time_unit_ns or (1_000_000_000 if fraction else 1_000)

    def packets(self) -> Iterator[Packet]:
        """Yield the events; raises SourceError with the line that cannot be read."""
        line, offset, rest = self._lines_before + 1, self._start, b""
        with open_regular(self._path) as file:
            file.seek(self._start)
            while chunk := read_up_to(file, _BYTES_PER_CHUNK, self._path):
                data = rest + chunk
                whole = data.rfind(b"\n") + 1
                yield from self._parsed(data[:whole], offset, line)
                line += data.count(b"\n")
                rest, offset = data[whole:], offset + whole
                if len(rest) > _MAX_LINE:
                    raise SourceError(
                        f"{self._path}: line {line} (byte {offset}) is longer than {_MAX_LINE} bytes"
                    )
        if rest:
            yield from self._parsed(rest + b"\n", offset, line)

    def _parsed(self, data: bytes, offset: int, line: int) -> Iterator[Packet]:
        room = room_for(data.count(b"\n"))
        text = np.frombuffer(data, np.uint8)
        n, last, problem = _parse_lines(text, self._columns, self._unit_ns, line, room)

        def where(i: int) -> str:
            return f"line {room.place[i]}"

        yield room.packet(n, where)
        if problem:
            line += data.count(b"\n", 0, last)
            raise SourceError(f"{self._path}: line {line} (byte {offset + last}) {_PROBLEMS[problem]}")


def _layout(path: Path) -> tuple[int, int, NDArray[np.int64], bool]:
    """Return the first data's byte, the lines before, the columns of t, x, y, p, and if t has a fraction."""
    head = head_of(path, 16 * _MAX_LINE)
    columns = np.arange(4)
    start = lines = 0
    named = False
    for raw in head.splitlines(keepends=True):
        words = _SEPARATORS.split(raw.strip().lstrip(b"\xef\xbb\xbf"))
        if words != [b""] and not words[0].startswith((b"#", b"%")):
            if _NUMBER.fullmatch(words[0]) or named:
                times = words[columns[0]] if columns[0] < len(words) else b""
                return start, lines, columns, b"." in times
            columns, named = _named_columns(words, path, lines + 1), True
        start, lines = start + len(raw), lines + 1
    raise SourceError(f"{path}: no line of numbers in its first {len(head)} bytes")


def _named_columns(words: list[bytes], path: Path, line: int) -> NDArray[np.int64]:
    names = [word.strip(b"\"'").decode("ascii", "replace").lower() for word in words]
    columns = [next((names.index(a) for a in aliases if a in names), -1) for aliases in NAMES.values()]
    if -1 in columns:
        raise SourceError(
            f"{path}: line {line} is neither numbers nor names of columns (t, x, y and p are needed)"
        )
    return np.array(columns, np.int64)


@njit(cache=True, nogil=True)
def _parse_lines(
    text: NDArray[np.uint8],
    columns: NDArray[np.int64],
    unit_ns: int,
    line: int,
    room: Room,
) -> tuple[int, int, int]:
    """Write one event per line; return their number, the last line's start, and what is wrong with it."""
    values = np.zeros(4, np.int64)
    n = start = i = 0
    while i < text.size:
        start = i
        while i < text.size and (text[i] == 32 or text[i] == 9 or text[i] == 13):
            i += 1
        if text[i] == 10 or text[i] == 35:  # an empty line, or a comment
            while text[i] != 10:
                i += 1
            i += 1
            line += 1
            continue
        i, found, problem = _parse_line(text, i, columns, unit_ns, values)
        if problem == 0 and found != 15:
            problem = 1
        if problem == 0 and not -1 <= values[3] <= 1:
            problem = 4
        if problem:
            return n, start, problem
        room.time[n], room.x[n], room.y[n] = values[0], values[1], values[2]
        room.on[n], room.place[n] = values[3] > 0, line
        n += 1
        line += 1
    return n, start, 0


@njit(cache=True, nogil=True, inline="always")
def _parse_line(
    text: NDArray[np.uint8], i: int, columns: NDArray[np.int64], unit_ns: int, values: NDArray[np.int64]
) -> tuple[int, int, int]:
    """Fill `values` (t in ns, x, y, p) from one line; return the next line's start, roles found, problem."""
    column = found = 0
    while text[i] != 10:
        role = -1
        for k in range(4):
            if columns[k] == column:
                role = k
        if role >= 0:
            i, problem = _parse_value(text, i, role, unit_ns, values)
            if problem:
                return i, found, problem
            found |= 1 << role
        else:
            while not _ends_word(text[i]):
                i += 1
        separators = 0
        while text[i] == 32 or text[i] == 9 or text[i] == 13 or text[i] == 44 or text[i] == 59:
            i += 1
            separators += 1
        if separators == 0 and text[i] != 10:
            return i, found, 2
        column += 1
    return i + 1, found, 0


@njit(cache=True, nogil=True, inline="always")
def _ends_word(c: int) -> bool:
    return c == 10 or c == 13 or c == 32 or c == 9 or c == 44 or c == 59


@njit(cache=True, nogil=True, inline="always")
def _parse_value(
    text: NDArray[np.uint8], i: int, role: int, unit_ns: int, values: NDArray[np.int64]
) -> tuple[int, int]:
    """Write the number at `i` to values[role]; return where it ends and what is wrong with it."""
    if role == 3 and text[i] | 32 in (116, 102):  # true or false, in any case
        values[3] = 1 if text[i] | 32 == 116 else 0
        letters = 0
        while 97 <= text[i] | 32 <= 122:
            i += 1
            letters += 1
        return i, 0 if letters == 5 - values[3] else 4
    sign = 1
    if text[i] == 45 or text[i] == 43:
        sign = -1 if text[i] == 45 else 1
        i += 1
    value, digits, largest = np.int64(0), 0, LATEST_TIME_NS // unit_ns
    while 48 <= text[i] <= 57:
        value = value * 10 + (np.int64(text[i]) - 48)
        digits += 1
        i += 1
        if value > largest:
            return i, 3
    fraction, scale = np.int64(0), np.int64(1)
    if text[i] == 46:
        i += 1
        while 48 <= text[i] <= 57:
            # Digits beyond a billionth are less than a nanosecond of a second.
            if scale < 1_000_000_000:
                fraction, scale = fraction * 10 + (np.int64(text[i]) - 48), scale * 10
            digits += 1
            i += 1
    if digits == 0 or not _ends_word(text[i]):
        return i, 2
    if role == 0 and scale == 1:
        values[0] = sign * value * unit_ns
    elif role == 0:
        values[0] = sign * (value * unit_ns + (fraction * unit_ns + scale // 2) // scale)
    elif fraction or value > 1 << 30:
        return i, 5 if fraction else 3
    else:
        values[role] = sign * value
    return i, 0
