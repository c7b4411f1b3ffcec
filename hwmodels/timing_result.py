"""What a timing model found: when each tick was done, how busy everything was, how long messages took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eventsim.errors import ParameterError
from hwmodels.activity import Indices, Ints


@dataclass(frozen=True, eq=False)
class Latencies:
    """From the moment a message is made to the moment its core has served it.

    Parameters
    ----------
    histogram : int64[2048], messages by bucket: the first for 0 ps, then 32 per factor of two
    total_ps, largest_ps : sum and maximum, exact
    """

    histogram: Ints
    total_ps: int
    largest_ps: int

    @property
    def n_messages(self) -> int:
        """Return how many messages were served."""
        return int(self.histogram.sum())

    @property
    def mean_ps(self) -> float:
        """Return the mean, nan where there is no message."""
        return self.total_ps / self.n_messages if self.n_messages else float("nan")

    def quantile_ps(self, share: float) -> int:
        """Return a latency that at least `share` of the messages did not exceed: at most 1/32 too long.

        Raises ParameterError where `share` is not in 0..1 or there is no message.

        >>> Latencies(np.bincount([1], minlength=2048), 1, 1).quantile_ps(0.5)
        1
        """
        if not 0.0 <= share <= 1.0 or not self.n_messages:
            raise ParameterError(f"a quantile wants messages and a share in 0..1, got {share!r}")
        wanted = max(1, int(np.ceil(share * self.n_messages)))
        bucket = int(np.searchsorted(np.cumsum(self.histogram), wanted))
        return min(_last_of(bucket), self.largest_ps)


def buckets_of(latency: Ints) -> Ints:
    """Return the bucket of each latency, ps: 0 for 0, then 32 per factor of two.

    >>> buckets_of(np.array([0, 1, 2, 3, 64, 65, 66])).tolist()
    [0, 1, 33, 49, 193, 193, 194]
    """
    buckets = (latency.astype(np.float64).view(np.int64) >> 47) - (1023 * 32 - 1)
    return np.where(latency > 0, buckets, 0)


def _last_of(bucket: int) -> int:
    """Return the longest latency that falls into a bucket, ps."""
    if bucket == 0:
        return 0
    power, step = divmod(bucket - 1, 32)
    return -(-((33 + step) << power) // 32) - 1


@dataclass(frozen=True, eq=False)
class MessageTimes:
    """Each message: in the order (outside first, then by core; tick; address; destination).

    row : int64[n], row of the table that sends. core : int32[n], destination. sent_ps, served_ps : int64[n].
    """

    row: Ints
    core: Indices
    sent_ps: Ints
    served_ps: Ints


@dataclass(frozen=True, eq=False)
class Groups:
    """Asynchronous: what each core did for each tick and level. All int64[n], by (core, tick, level)."""

    core: Ints
    tick: Ints
    level: Ints
    began_ps: Ints
    ended_ps: Ints


@dataclass(frozen=True, eq=False)
class Timing:
    """When, where and how often; time 0 is the begin of the activity's first tick.

    Parameters
    ----------
    first_tick : the activity's first tick
    tick : int64[k], the ticks in which anything happened
    start_ps, end_ps : int64[k]; with barriers, begin of the tick and of the next; without, the first begin
        and the last end of what cores do for the tick
    total_ps : when everything is done, ticks without activity included
    idle_tick_ps : how long a tick takes in which nothing happens
    counts : operations by name, int64 per core, link or tile (`hwmodels.sending.count_operations`)
    neuron_busy_ps, synapse_busy_ps : int64[n_cores]. link_busy_ps : int64[n_links]
    waiting_ps : int64[n_cores], how long messages waited at a core's entrance, summed
    blocked_ps : int64[n_cores + 1], how long the entrance and the neuron units waited for room
    link_blocked_ps : int64[n_links], how long links held a message they were done with
    latencies : of all messages
    messages : each message, where it was asked for
    groups : asynchronous only
    left_out : operations whose time nobody knows, counted as 0
    """

    first_tick: int
    tick: Ints
    start_ps: Ints
    end_ps: Ints
    total_ps: int
    idle_tick_ps: int
    counts: Mapping[str, Ints]
    neuron_busy_ps: Ints
    synapse_busy_ps: Ints
    link_busy_ps: Ints
    waiting_ps: Ints
    blocked_ps: Ints
    link_blocked_ps: Ints
    latencies: Latencies
    messages: MessageTimes | None = None
    groups: Groups | None = None
    left_out: tuple[str, ...] = ()

    @property
    def n_input_messages(self) -> int:
        """Return how many messages came from outside."""
        return int(self.counts["message_in"].sum() - self.counts["message_out"].sum())

    @property
    def duration_ps(self) -> Ints:
        """Return int64[k], how long each busy tick took."""
        return self.end_ps - self.start_ps

    def done_ps(self, tick: int, cores: Indices | None = None) -> int:
        """Return when all that belongs to `tick` is done: what a decision made in that tick has to wait for.

        With barriers, the begin of the next tick. Asynchronous, the end of what `cores` (all, if left out) do
        for it; ParameterError where they do nothing for it.
        """
        if self.groups is not None:
            g = self.groups
            here = g.tick == tick
            if cores is not None:
                here &= np.isin(g.core, cores)
            if not here.any():
                raise ParameterError(f"no core does anything for tick {tick}")
            return int(g.ended_ps[here].max())
        k = int(np.searchsorted(self.tick, tick))
        if k < self.tick.shape[0] and self.tick[k] == tick:
            return int(self.end_ps[k])
        if k == 0:
            return (tick - self.first_tick + 1) * self.idle_tick_ps
        return int(self.end_ps[k - 1]) + (tick - int(self.tick[k - 1])) * self.idle_tick_ps
