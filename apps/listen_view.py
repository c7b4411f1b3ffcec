"""A small live picture of streams: rates, level of sound, events of a camera, last decisions."""

import math
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.text import Text

from apps.quantities import NOUNS, count_text, time_text
from apps.stream_meter import StreamMeter
from streams.audio_block import AudioBlock
from streams.decision_block import DecisionBlock
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock
from streams.received import Received

_BARS = " ▁▂▃▄▅▆▇█"
_SHADES = " .:-=+*#%@"
_LOWEST_DB = -60.0
_MAX_ROWS = 20
_MAX_COLUMNS = 72
_DECISIONS = 6


class ListenView:
    """Keeps what is to be seen of each stream; `width` columns of text at most."""

    def __init__(self, width: int) -> None:
        self._columns = max(8, min(_MAX_COLUMNS, width - 2))
        self._pictures: dict[str, _Picture] = {}

    def take(self, received: Received) -> None:
        """Take in a block."""
        picture = self._pictures.get(received.stream)
        if picture is None:
            picture = self._pictures[received.stream] = _picture_of(received, self._columns)
        picture.take(received)

    def picture(self, meters: Mapping[str, StreamMeter], losses: Sequence[str]) -> RenderableType:
        """Return the picture of everything; what happened longer ago is fainter in the next one."""
        if not meters:
            return Text("nothing has come yet", style="dim")
        parts: list[RenderableType] = []
        for name, meter in meters.items():
            newest = meter.per_second[-1] if meter.per_second else 0.0
            p50, p99 = meter.latency.percentile_ns(50), meter.latency.percentile_ns(99)
            late = "unknown" if p50 is None or p99 is None else f"{time_text(p50)} / {time_text(p99)}"
            parts.append(
                Text(
                    f"{name}  {count_text(newest)} {NOUNS[meter.kind]}/s  {count_text(meter.items)} in all  "
                    f"latency p50/p99 {late}",
                    style="bold",
                )
            )
            parts.append(Text(sparkline(list(meter.per_second)[-self._columns :]), style="cyan"))
            if name in self._pictures:
                parts.append(self._pictures[name].draw())
        parts += [Text(line, style="yellow") for line in losses]
        return Group(*parts)


def sparkline(values: Sequence[float]) -> str:
    """Return one bar per value, the largest the full height.

    >>> sparkline([0, 1, 2, 4])
    ' ▂▄█'
    """
    top = max(values, default=0.0)
    if top <= 0:
        return " " * len(values)
    return "".join(_BARS[math.ceil(value / top * 8)] if value > 0 else " " for value in values)


class _Picture:
    """What is to be seen of one stream."""

    def take(self, received: Received) -> None:
        raise NotImplementedError

    def draw(self) -> RenderableType:
        raise NotImplementedError


class _Level(_Picture):
    """The loudness of sound, as a meter shows it: at once up, slowly down."""

    def __init__(self, columns: int) -> None:
        self._columns, self._db = columns, _LOWEST_DB

    def take(self, received: Received) -> None:
        if isinstance(received.block, AudioBlock) and received.block.samples.size:
            power = float(np.mean(received.block.samples.astype(np.float64) ** 2))
            self._db = max(self._db, 10 * math.log10(power) if power > 0 else _LOWEST_DB)

    def draw(self) -> RenderableType:
        full = max(0, min(self._columns - 10, round((1 - self._db / _LOWEST_DB) * (self._columns - 10))))
        told, self._db = self._db, max(_LOWEST_DB, self._db - 3.0)
        return Text("█" * full + "·" * (self._columns - 10 - full) + f" {told:5.0f} dB", style="green")


class _Grid(_Picture):
    """Events of a camera, fading: green where the light grew, red where it fell."""

    def __init__(self, columns: int, width: int, height: int) -> None:
        # A character is about twice as high as wide.
        scale = max(width / columns, height / (2 * _MAX_ROWS), 1.0)
        self._shape = (max(1, math.ceil(height / (2 * scale))), max(1, math.ceil(width / scale)))
        self._scale = scale
        self._cells = np.zeros((2, *self._shape))

    def take(self, received: Received) -> None:
        block = received.block
        if not isinstance(block, DvsBlock) or not len(block):
            return
        rows, columns = self._shape
        row = np.minimum((block.y / (2 * self._scale)).astype(np.int64), rows - 1)
        column = np.minimum((block.x / self._scale).astype(np.int64), columns - 1)
        place = (block.on.astype(np.int64) * rows + row) * columns + column
        self._cells += np.bincount(place, minlength=self._cells.size).reshape(self._cells.shape)

    def draw(self) -> RenderableType:
        total = self._cells.sum(axis=0)
        picture = _shaded(total, self._cells[1] >= self._cells[0])
        self._cells *= 0.6
        return picture


class _Raster(_Picture):
    """Which addresses spoke lately, from the lowest on the left to the highest."""

    def __init__(self, columns: int, n_addresses: int) -> None:
        self._n = n_addresses
        self._cells = np.zeros(min(columns, n_addresses))

    def take(self, received: Received) -> None:
        if isinstance(received.block, EventBlock) and len(received.block.events):
            place = received.block.events.address.astype(np.int64) * self._cells.size // self._n
            self._cells += np.bincount(place, minlength=self._cells.size)

    def draw(self) -> RenderableType:
        picture = _shaded(self._cells[np.newaxis], np.ones((1, self._cells.size), np.bool_))
        self._cells *= 0.6
        return picture


class _LastDecisions(_Picture):
    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_DECISIONS)

    def take(self, received: Received) -> None:
        if isinstance(received.block, DecisionBlock):
            for decision in received.block.decisions:
                rank = " > ".join(decision.rank[:3])
                self._lines.append(f"{decision.name:<10} {100 * decision.confidence:3.0f} %  {rank}")

    def draw(self) -> RenderableType:
        return Text("\n".join(self._lines))


def _shaded(values: NDArray[np.float64], green: NDArray[np.bool_]) -> Text:
    """Return a character per value, the denser the larger, on a scale of logarithms."""
    top = max(float(values.max(initial=0.0)), 1.0)
    level = np.log1p(values) / math.log1p(top) * (len(_SHADES) - 1)
    text = Text()
    for row, colour in zip(np.round(level).astype(np.int64), green, strict=True):
        for shade, is_green in zip(row.tolist(), colour.tolist(), strict=True):
            text.append(_SHADES[shade], style="green" if is_green else "red")
        text.append("\n")
    text.rstrip()
    return text


def _picture_of(received: Received, columns: int) -> _Picture:
    match received.block:
        case AudioBlock():
            return _Level(columns)
        case DvsBlock(width=width, height=height):
            return _Grid(columns, width, height)
        case EventBlock(n_addresses=n_addresses):
            return _Raster(columns, n_addresses)
        case DecisionBlock():
            return _LastDecisions()
