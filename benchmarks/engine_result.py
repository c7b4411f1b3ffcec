"""What the engine's measurement found: one JSON file, read back for the tables."""

from collections.abc import Sequence
from statistics import median

import msgspec

from benchmarks.engine_plan import Asked, Limit
from benchmarks.measured import Measured


class EntryResult(msgspec.Struct, frozen=True):
    """The runs of one entry, a process each, in the order they took; `failed` says why there are none."""

    name: str
    runs: list[Measured]
    failed: str = ""

    @property
    def seconds(self) -> list[float]:
        """Return the median time of each run."""
        return [median(run.seconds) for run in self.runs]

    def figure(self, name: str) -> float | None:
        """Return the median over the runs of a figure, or of the time (`seconds`)."""
        values = (
            self.seconds if name == "seconds" else [r.figures[name] for r in self.runs if name in r.figures]
        )
        return median(values) if values else None

    @property
    def seconds_per_event(self) -> float | None:
        """Return the median time per synaptic event, external ones included."""
        values = [median(run.seconds) / run.events for run in self.runs if run.events]
        return median(values) if values else None


class Ratio(msgspec.Struct, frozen=True):
    """Time of `ours` to time of `rival`: of the medians; lowest and highest of any two runs; per event.

    The bar holds for both the time and the time per event, so that a network that fires less gains nothing.
    """

    ours: str
    rival: str
    ratio: float
    lowest: float
    highest: float
    per_event: float | None
    at_most: float | None
    met: bool | None


class Judged(msgspec.Struct, frozen=True):
    """A figure beside the most it may be."""

    entry: str
    figure: str
    value: float
    at_most: float
    met: bool


class GroupResult(msgspec.Struct, frozen=True):
    """One group: when, with what load on the machine before and after, of which sources of the project."""

    name: str
    title: str
    date: str
    sources: str
    cpu: str
    cores: int
    load_before: float
    load_after: float
    entries: list[EntryResult]
    ratios: list[Ratio]
    judged: list[Judged]


class EngineResult(msgspec.Struct, frozen=True):
    """All groups measured so far; one measured again takes the place of its former result."""

    groups: list[GroupResult]

    def with_group(self, group: GroupResult) -> "EngineResult":
        """Return the result with `group` in its place, or at the end."""
        names = [each.name for each in self.groups]
        if group.name not in names:
            return EngineResult([*self.groups, group])
        return EngineResult([group if each.name == group.name else each for each in self.groups])


def ratio_of(asked: Asked, entries: Sequence[EntryResult]) -> Ratio | None:
    """Return the ratio asked for, or None where one of the two has no runs.

    >>> ours = EntryResult("a", [Measured(seconds=[2.0], events=10.0), Measured(seconds=[3.0], events=10.0)])
    >>> rival = EntryResult("b", [Measured(seconds=[2.0], events=20.0)])
    >>> ratio_of(Asked("a", "b", 1.5), [ours, rival])
    Ratio(ours='a', rival='b', ratio=1.25, lowest=1.0, highest=1.5, per_event=2.5, at_most=1.5, met=False)
    """
    by_name = {entry.name: entry for entry in entries}
    ours, rival = by_name[asked.ours], by_name[asked.rival]
    if not (ours.runs and rival.runs):
        return None
    a, b = ours.seconds, rival.seconds
    ratio = median(a) / median(b)
    ours_per_event, rival_per_event = ours.seconds_per_event, rival.seconds_per_event
    per_event = ours_per_event / rival_per_event if ours_per_event and rival_per_event else None
    met = None if asked.at_most is None else max(ratio, per_event or 0.0) <= asked.at_most
    return Ratio(
        ours=asked.ours,
        rival=asked.rival,
        ratio=ratio,
        lowest=min(a) / max(b),
        highest=max(a) / min(b),
        per_event=per_event,
        at_most=asked.at_most,
        met=met,
    )


def judge(limit: Limit, entries: Sequence[EntryResult]) -> Judged | None:
    """Return the figure beside its limit, or None where it was not measured."""
    (entry,) = (each for each in entries if each.name == limit.entry)
    value = entry.figure(limit.figure)
    if value is None:
        return None
    return Judged(limit.entry, limit.figure, value, limit.at_most, value <= limit.at_most)
