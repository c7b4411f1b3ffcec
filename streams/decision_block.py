"""Decisions of a network as a stream: what was said, and up to when nothing else will be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamedDecision:
    """One decision, in the time of the stream it was made on.

    label, name : index and name of the answer; keyword : it counts as an answer.
    start_ns : start of the window; decided_ns : when the events that decided were in.
    confidence : 0..1; rank : names from most to least likely; early : decided before the window ended.
    """

    label: int
    name: str
    keyword: bool
    start_ns: int
    decided_ns: int
    confidence: float
    rank: tuple[str, ...]
    early: bool


@dataclass(frozen=True, slots=True)
class DecisionBlock:
    """All decisions made on the part of a stream from `start_ns` up to `end_ns`, possibly none."""

    decisions: tuple[StreamedDecision, ...]
    start_ns: int
    end_ns: int
