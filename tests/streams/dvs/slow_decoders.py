"""Every format decoded once more, as plainly as its public description reads: the truth of the tests.

Each takes the bytes of a whole file and returns [(time in us, x, y, on)], in the order of the file.
"""

from dataclasses import dataclass, field

Event = tuple[int, int, int, bool]


def after_header(data: bytes) -> bytes:
    """Return what follows the lines that start with a percent sign."""
    while data.startswith(b"% ") and b"\n" in data:
        line, data = data.split(b"\n", 1)
        if line == b"% end":
            break
    return data


def words_of(data: bytes, size: int) -> list[str]:
    """Return little-endian words as strings of bits, the most significant first."""
    whole = len(data) - len(data) % size
    return [
        format(int.from_bytes(data[i : i + size], "little"), f"0{8 * size}b") for i in range(0, whole, size)
    ]


@dataclass
class Clock:
    """A counter of which only the lower bits are told: the nearest value that fits is meant."""

    n_bits: int
    value: int | None = None
    wraps: int = 0

    def told(self, low: int) -> int:
        size = 2**self.n_bits
        if self.value is None:
            self.value = low
            return low
        turn = self.value // size
        candidates = [(turn + k) * size + low for k in (-1, 0, 1)]
        best = min(candidates, key=lambda c: (abs(c - (self.value or 0)), c))
        if best // size > turn:
            self.wraps += 1
        self.value = best
        return best


def evt2(data: bytes) -> list[Event]:
    events, clock = [], Clock(28)
    for word in words_of(after_header(data), 4):
        kind = int(word[:4], 2)
        if kind == 8:
            clock.told(int(word[4:], 2))
        elif kind in (0, 1) and clock.value is not None:
            time = clock.value * 64 + int(word[4:10], 2)
            events.append((time, int(word[10:21], 2), int(word[21:], 2), kind == 1))
    return events


@dataclass
class Evt3State:
    clock: Clock = field(default_factory=lambda: Clock(12))
    low: int = 0
    row: int | None = None
    base: int | None = None
    on: bool = False


def evt3(data: bytes) -> list[Event]:
    state, events = Evt3State(), []
    for word in words_of(after_header(data), 2):
        kind, number = int(word[:4], 2), int(word[4:], 2)
        if kind == 8:
            before = state.clock.value
            if state.clock.told(number) != (0 if before is None else before):
                state.low = 0
        elif kind == 6:
            state.low = number
        elif kind == 0:
            state.row = int(word[5:], 2)
        elif kind == 3:
            state.base, state.on = int(word[5:], 2), word[4] == "1"
        columns: list[int] = []
        if kind == 2:
            columns, on = [int(word[5:], 2)], word[4] == "1"
        elif kind in (4, 5) and state.base is not None:
            bits = word[4:] if kind == 4 else word[8:]
            columns, on = [state.base + i for i, bit in enumerate(reversed(bits)) if bit == "1"], state.on
            state.base += len(bits)
        if state.clock.value is not None and state.row is not None:
            time = state.clock.value * 4096 + state.low
            events += [(time, x, state.row, on) for x in columns]
    return events


def dat(data: bytes) -> list[Event]:
    version = 2 if b"% Version 2" in data else 1
    events, clock = [], Clock(32)
    for word in words_of(after_header(data)[2:], 8):
        low, content = int(word[32:], 2), word[:32]
        if clock.value is not None and clock.value < 2**32 and low - clock.value > 2**31:
            clock.value = low  # before the first wrap there is nothing to go back across
        time = clock.told(low)
        if version == 2:
            x, y, on = content[18:], content[4:18], content[:4]
        else:
            x, y, on = content[23:], content[15:23], content[14]
        events.append((time, int(x, 2), int(y, 2), int(on, 2) != 0))
    return events


def nmnist(data: bytes) -> list[Event]:
    events, passed = [], 0
    for i in range(0, len(data) - 4, 5):
        x, y, *rest = data[i : i + 5]
        bits = "".join(format(byte, "08b") for byte in rest)
        if y == 240:
            passed += 2**13
        else:
            events.append((passed + int(bits[1:], 2), x, y, bits[0] == "1"))
    return events


def event_stream(data: bytes) -> list[Event]:
    atis = data[15] == 2
    height = int.from_bytes(data[18:20], "little")
    events, time, i = [], 0, 20
    while i < len(data):
        bits = format(data[i], "08b")
        step, flags = (bits[:6], bits[6:]) if atis else (bits[:7], bits[7:])
        if "0" not in step:
            time += int(step, 2) * int(flags, 2)  # flags of 0 are a reset
            i += 1
            continue
        if i + 5 > len(data):
            break
        time += int(step, 2)
        if not (atis and flags[1] == "1"):
            x, y = (int.from_bytes(data[j : j + 2], "little") for j in (i + 1, i + 3))
            events.append((time, x, height - 1 - y, flags[0] == "1"))
        i += 5
    return events
