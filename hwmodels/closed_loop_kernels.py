"""Compiled steps of the closed loop: units that send, cores that serve."""

from __future__ import annotations

from eventsim.engine.jit import kernel
from hwmodels.activity import Indices, Ints


@kernel
def send_groups(
    core: Ints, release: Ints, first: Ints, gap: Ints, tail: Ints, free: Ints, sent: Ints
) -> None:
    """Write when each message is made, ps: groups in order of time, each once its unit is free.

    core, release, tail : int64[n_groups]. first : int64[n_groups + 1]. gap, sent : int64[n_messages].
    free : int64[n_cores], when each unit is free; it is brought up to date.
    """
    for group in range(core.shape[0]):
        now = max(free[core[group]], release[group])
        for m in range(first[group], first[group + 1]):
            now += gap[m]
            sent[m] = now
        free[core[group]] = now + tail[group]


@kernel
def serve_in_order(core: Indices, arrival: Ints, service: Ints, free: Ints, served: Ints) -> None:
    """Write when each message is served, ps; they come in order of arrival. free : int64[n_cores]."""
    for m in range(core.shape[0]):
        now = max(free[core[m]], arrival[m]) + service[m]
        free[core[m]] = now
        served[m] = now
