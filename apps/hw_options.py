"""How a network is put on a chip and timed: what the commands `eventsim hw` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hwmodels.activity import Updates

Pace = Literal["chip", "live"]
Mesh = Literal["ideal", "queued"]
Mode = Literal["chip", "barrier", "asynchronous"]


@dataclass(frozen=True, slots=True)
class HwOptions:
    """What a person chooses; the options of the command line say more.

    strategy, weight_bits, n_cores : of the placement (`hwmodels.placing.place`).
    mesh : "ideal", a message takes its hops and waits at its core; "queued", links have queues and buffers.
    mode : "chip", as the chip file says, or one of its two ways.
    pace : "chip", a tick begins when the one before is done; "live", when its input is there in real time.
    chip_tick_ns : the time a chip with a barrier takes as one of its ticks; None, the network's tick.
    updates : which neurons a tick brings up to date (`hwmodels.activity.Activity`).
    threshold, full : of the decision rule.
    closed_loop : the chip's delays shift the spikes that follow (`apps.hw_closed_loop`).
    """

    strategy: str = "fill"
    weight_bits: int | None = None
    n_cores: int | None = None
    mesh: Mesh = "ideal"
    mode: Mode = "chip"
    pace: Pace = "chip"
    chip_tick_ns: int | None = None
    updates: Updates = "reached"
    threshold: float | None = None
    full: bool = False
    closed_loop: bool = False
