"""Opens a decision window where the sound gets louder, judged from events alone.

An encoder that speaks only of changes tells the level of the sound up to a constant: the running sum of what
went up less what went down. A word begins where this level rises; nothing has to run before that.
"""

import math
from collections import deque
from dataclasses import dataclass, fields

import numpy as np

from eventsim.errors import EventError, ParameterError
from eventsim.events import Events

NS_PER_MS = 1_000_000
_DB_PER_NEPER_OF_POWER = 10.0 / math.log(10.0)


@dataclass(frozen=True, slots=True)
class OnsetGateConfig:
    """When a window opens, where it lies, and when a word has ended.

    rise_db : the mean level of the bands must rise by more than this ...
    minimum_ms : ... above its lowest value of the time before.
    look_back_ms : the window begins this long before the rise was seen, as a word sits in a one-second clip.
    window_ms : length of the window.
    end_fraction : a word has ended when the level is back below this fraction of its rise ...
    end_hold_ms : ... and stays there this long; the gap inside "right" or "stop" is shorter.
    rearm_ms : a word that does not end stops hindering the next window this long after its onset.
    """

    rise_db: float = 4.0
    minimum_ms: int = 300
    look_back_ms: int = 200
    window_ms: int = 1000
    end_fraction: float = 0.25
    end_hold_ms: int = 250
    rearm_ms: int = 1000

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ParameterError(f"{field.name} must be positive, not {getattr(self, field.name)}")
        if not self.end_fraction < 1:
            raise ParameterError(f"end_fraction must lie between 0 and 1, not {self.end_fraction}")
        if self.look_back_ms >= self.window_ms:
            raise ParameterError(f"look_back_ms {self.look_back_ms} must be below window_ms {self.window_ms}")


@dataclass(frozen=True, slots=True)
class WindowOpened:
    """A window has opened at `time_ns`, the tick of the onset.

    The window covers the ticks after `start_ns` up to and including `end_ns`. Only events after `from_ns`
    belong to it: what lies before is the end of the word before.
    `provisional` marks the window at the start of the stream, whose level before is unknown; an onset
    replaces it.
    """

    time_ns: int
    start_ns: int
    from_ns: int
    end_ns: int
    provisional: bool


@dataclass(frozen=True, slots=True)
class WordEnded:
    """At `time_ns` it is clear that the word of the newest window ended at `end_ns`."""

    time_ns: int
    end_ns: int


GateEvent = WindowOpened | WordEnded


class OnsetGate:
    """Says when to listen: a pure function of the events per tick, however they were cut into pushes.

    n_bands : bands of the encoder; address `band` tells of steps up, `n_bands + band` of steps down.
    step : change of a band's natural-log energy that one event value stands for.
    tick_ns : grid of the events.

    One window is open at a time. It gives way to the next onset once its word has ended, or `rearm_ms` after
    its onset. The stream begins with a provisional window: a word may already be on when listening starts.
    """

    def __init__(
        self, n_bands: int, step: float, tick_ns: int, config: OnsetGateConfig | None = None
    ) -> None:
        self.config = config or OnsetGateConfig()
        if n_bands < 1 or not step > 0 or tick_ns < 1:
            raise ParameterError(f"n_bands {n_bands}, step {step} and tick_ns {tick_ns} must be positive")
        self._n_bands = n_bands
        self._tick_ns = tick_ns
        # The level counts steps, a whole number: no rounding, so no dependence on the order of summation.
        self._rise_steps = self.config.rise_db * n_bands / (step * _DB_PER_NEPER_OF_POWER)
        self._minimum_ticks = self._ticks(self.config.minimum_ms)
        self._look_back_ticks = self._ticks(self.config.look_back_ms)
        self._window_ticks = self._ticks(self.config.window_ms)
        self._hold_ticks = self._ticks(self.config.end_hold_ms)
        self._rearm_ticks = self._ticks(self.config.rearm_ms)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the stream starts at time 0."""
        self._tick = 0
        self._level = 0.0
        # (tick, level) with rising levels: the first is the lowest of the last `minimum_ms`.
        self._lowest: deque[tuple[int, float]] = deque([(0, 0.0)])
        self._onset_tick = 0
        self._free_from_tick = 0
        # A word already on when the stream starts: as if the level had just risen by what opens a window.
        self._base = -self._rise_steps
        self._peak = 0.0
        self._ended = False
        self._below_since: int | None = None
        self._started = False
        self._provisional = True

    def push(self, events: Events, horizon_ns: int) -> list[GateEvent]:
        """Return what the events up to, not including, `horizon_ns` say, in order of time.

        Raises EventError when an event lies outside the ticks that are new, or its address does not exist.
        """
        last_tick = max(self._tick, -(-horizon_ns // self._tick_ns) - 1)
        changes = self._changes(events, last_tick)
        said: list[GateEvent] = []
        if not self._started and last_tick > 0:
            self._started = True
            said.append(self._opened(0, provisional=True))
        for change in changes:
            self._tick += 1
            self._level += change
            self._step(said)
        return said

    def _changes(self, events: Events, last_tick: int) -> list[float]:
        changes = np.zeros(last_tick - self._tick)
        if len(events):
            tick, off_grid = np.divmod(events.time_ns, self._tick_ns)
            if off_grid.any() or tick.min() <= self._tick or tick.max() > last_tick:
                raise EventError(
                    f"event times {events.time_ns.min()}..{events.time_ns.max()} ns: expected multiples of "
                    f"{self._tick_ns} ns after {self._tick * self._tick_ns} and before the horizon"
                )
            if events.address.min() < 0 or events.address.max() >= 2 * self._n_bands:
                raise EventError(f"an event's address is not in 0..{2 * self._n_bands - 1}")
            signed = np.where(events.address < self._n_bands, events.value, -events.value)
            np.add.at(changes, tick - self._tick - 1, signed)
        return list(changes.tolist())

    def _step(self, said: list[GateEvent]) -> None:
        tick, level = self._tick, self._level
        while self._lowest and self._lowest[0][0] < tick - self._minimum_ticks:
            self._lowest.popleft()
        base = self._lowest[0][1] if self._lowest else level
        while self._lowest and self._lowest[-1][1] >= level:
            self._lowest.pop()
        self._lowest.append((tick, level))
        self._follow_word(said)
        if level - base > self._rise_steps and self._ready():
            self._onset_tick, self._base, self._peak = tick, base, level
            self._ended, self._below_since, self._provisional = False, None, False
            said.append(self._opened(tick, provisional=False))

    def _ready(self) -> bool:
        return self._ended or self._provisional or self._tick - self._onset_tick >= self._rearm_ticks

    def _follow_word(self, said: list[GateEvent]) -> None:
        if self._ended:
            return
        self._peak = max(self._peak, self._level)
        if self._level > self._base + self.config.end_fraction * (self._peak - self._base):
            self._below_since = None
            return
        if self._below_since is None:
            self._below_since = self._tick
        if self._tick - self._below_since >= self._hold_ticks:
            self._ended = True
            self._free_from_tick = self._below_since
            said.append(WordEnded(self._tick * self._tick_ns, self._below_since * self._tick_ns))

    def _opened(self, tick: int, provisional: bool) -> WindowOpened:
        start = max(0, tick - self._look_back_ticks)
        first = max(start, min(self._free_from_tick, tick))
        end = start + self._window_ticks
        grid = self._tick_ns
        return WindowOpened(tick * grid, start * grid, first * grid, end * grid, provisional)

    def _ticks(self, milliseconds: int) -> int:
        return max(1, round(milliseconds * NS_PER_MS / self._tick_ns))
