"""The fast form of LIF: with time scaled out of the membrane, a neuron that gets nothing needs no update.

Where no bias drives the neurons and all leak alike, ``U = v exp((t - base) / tau)`` stays constant between
events. An input adds ``w E`` with one ``E = exp((t - base) / tau)`` per tick, and the threshold becomes
``theta E``: one addition and one comparison per synaptic event, nothing per neuron. So inputs are added to
the membranes as they come; those that rise above the threshold on the way are candidates, and fire if they
are above it once the tick's inputs are all there. A deaf neuron is at minus infinity, where inputs are lost.

Source: the scaled state is the integrating factor of dv/dt = -v / tau.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import numpy as np

from eventsim.models.model import Entries, FloatArray, Form, decay_rows, input_gain, reset_rows
from eventsim.models.scaled import batched, delivery, merged, poisson
from eventsim.models.scaled.membrane import (
    ENTRIES,
    LEVELS,
    WAKES,
    look_scaled,
    membrane_of_scaled,
    start_scaled,
    update_scaled,
)

if TYPE_CHECKING:
    from eventsim.models.lif import LIF

MOST_TICKS: Final = ENTRIES**LEVELS - 1
MOST_DOUBLINGS: Final = 200.0  # E stays below 2^200: far from overflow, with room for the inputs
DIRECT_FORMS: Final = frozenset(
    {
        *("dense32", "dense64", "sparse32", "sparse64", "one_to_one32", "one_to_one64"),
        *("slots32", "windows32"),
    }
)


def scaled_form(model: LIF, tick_ns: int, forms: Collection[str]) -> Form | None:
    """Return the scaled form of a population of LIF neurons, or None where it does not apply."""
    tau, theta = np.asarray(model.tau_ns), np.asarray(model.threshold)
    refractory, potential = np.asarray(model.refractory_ns), np.asarray(model.reset_potential)
    alike = all(bool((x == x[0]).all()) for x in (tau, refractory))
    if not alike or not set(forms) <= DIRECT_FORMS or model.reset == "none":
        return None
    if np.any(np.asarray(model.bias) != 0) or np.any(theta < 0):
        return None
    if model.reset == "hard" and np.any(potential > theta):
        return None
    _, log2, loss = (float(x[0]) for x in decay_rows(tau[:1], tick_ns))
    if -log2 > MOST_DOUBLINGS / 2:
        return None
    rebase = min(MOST_TICKS, math.floor(MOST_DOUBLINGS / -log2) if log2 else MOST_TICKS)
    model.kernel_parameters(tick_ns)
    thresholds = _one_if_alike(theta)
    keep, drop = reset_rows(model.reset, theta, potential)
    drops = _one_if_alike(drop)
    gain = float(input_gain(np.array([loss]), model.normalised)[0])
    numbers = [
        log2,
        rebase,
        theta.min(),
        refractory[0] // tick_ns,
        keep[0],
        thresholds.size,
        drops.size,
        gain,
    ]
    tables = [growth(log2, step, rebase) for step in (1, ENTRIES, ENTRIES**2)]
    n = theta.shape[0]
    quiet = model.reset == "hard"
    return Form(
        _QUIET if quiet else _RESTLESS,
        np.concatenate([numbers, *tables, thresholds, drops]),
        np.zeros(2 * n + 1),
        n_own=WAKES + (2 * n if refractory[0] else 0),
    )


def _one_if_alike(row: FloatArray) -> FloatArray:
    return row[:1] if bool((row == row[0]).all()) else row


def growth(log2: float, step: int, most: int) -> FloatArray:
    """Return float64[2048]: E after 0, step, 2 step ... ticks, as far as it is needed."""
    ticks = np.minimum(np.arange(ENTRIES) * step, most)
    return np.asarray(np.exp2(-log2 * ticks))


_DELIVERIES: Final = {
    "dense32": delivery.scaled_dense32,
    "dense64": delivery.scaled_dense64,
    "sparse32": delivery.scaled_sparse32,
    "sparse64": delivery.scaled_sparse64,
    "slots32": delivery.scaled_slots32,
    "windows32": delivery.scaled_windows32,
    "one_to_one32": delivery.scaled_one_to_one32,
    "one_to_one64": delivery.scaled_one_to_one64,
}
_RUNS: Final = {
    "one_to_one32": poisson.run_one_to_one32,
    "one_to_one64": poisson.run_one_to_one64,
    "one_to_one32+windows32": merged.run_merged32,
    "one_to_one64+windows32": merged.run_merged64,
    "one_to_one32+few_in_windows32": batched.run_batches32,
    "one_to_one64+few_in_windows32": batched.run_batches64,
}
_QUIET: Final = Entries(
    update_scaled, membrane_of_scaled, start=start_scaled, deliveries=_DELIVERIES, runs=_RUNS
)
_RESTLESS: Final = Entries(
    update_scaled, membrane_of_scaled, look_scaled, start_scaled, deliveries=_DELIVERIES, runs=_RUNS
)
