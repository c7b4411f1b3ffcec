"""When CubaLIF takes its fast form, and the numbers that form needs."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import numpy as np

from eventsim.models.model import Entries, FloatArray, Form, decay_rows, reset_rows
from eventsim.models.scaled.form import DIRECT_FORMS, MOST_DOUBLINGS, MOST_TICKS, growth
from eventsim.models.scaled.membrane import ENTRIES
from eventsim.models.scaled_current import delivery, poisson
from eventsim.models.scaled_current.membrane import (
    CELLS,
    CELLS_PER_UNIT,
    WAKES,
    look_scaled_current,
    membrane_of_scaled_current,
    start_scaled_current,
    update_scaled_current,
)

if TYPE_CHECKING:
    from eventsim.models.cuba_lif import CubaLIF


def scaled_current_form(model: CubaLIF, tick_ns: int, forms: Collection[str]) -> Form | None:
    """Return the scaled form of a population of CubaLIF neurons, or None where it does not apply.

    It does where all neurons are alike, have no bias, the current is the faster of the two, and neither a
    resting nor a reset neuron is above the threshold.
    """
    rows = [np.asarray(getattr(model, name)) for name in _ALIKE]
    if not all(bool((x == x[0]).all()) for x in rows) or not set(forms) <= DIRECT_FORMS:
        return None
    tau_mem, tau_syn, theta, bias, potential, refractory, gain = (float(x[0]) for x in rows)
    if bias != 0.0 or theta < 0.0 or not tau_syn < 0.99 * tau_mem or model.reset == "none":
        return None
    if model.reset == "hard" and potential > theta:
        return None
    _, alpha_log2, _ = (float(x[0]) for x in decay_rows(np.array([tau_mem]), tick_ns))
    _, sigma_log2, _ = (float(x[0]) for x in decay_rows(np.array([tau_syn]), tick_ns))
    if -sigma_log2 > MOST_DOUBLINGS / 2:
        return None
    model.kernel_parameters(tick_ns)
    rebase = min(MOST_TICKS, math.floor(MOST_DOUBLINGS / -sigma_log2))
    keep, drop = (float(x[0]) for x in reset_rows(model.reset, np.array([theta]), np.array([potential])))
    coupling = gain * tau_syn / (tau_mem - tau_syn)
    deaf = refractory // tick_ns
    numbers = [alpha_log2, sigma_log2, rebase, theta, deaf, keep, drop, coupling]
    steps = (1, ENTRIES, ENTRIES**2)
    tables = [growth(log2, step, rebase) for log2 in (alpha_log2, sigma_log2) for step in steps]
    n = rows[0].shape[0]
    return Form(
        _ENTRIES,
        np.concatenate([numbers, *tables, _rises(tau_syn / tau_mem)]),
        np.zeros(3 * n + 2),
        n_own=WAKES + (2 * n if deaf else 0),
    )


_ALIKE: Final = (
    "tau_mem_ns",
    "tau_syn_ns",
    "threshold",
    "bias",
    "reset_potential",
    "refractory_ns",
    "input_gain",
)


def _rises(q: float) -> FloatArray:
    """Return per cell of -b / a a number no less than the highest membrane to come, over a.

    With rho = -b / a and q = tau_syn / tau_mem that is ``1 - rho`` where rho <= q: the membrane only falls;
    else, at its top, ``(rho / q)^(-q / (1 - q)) (1 - q)``. It falls with rho: a cell's least rho bounds it.
    """
    rho = np.arange(CELLS) / CELLS_PER_UNIT
    with np.errstate(divide="ignore"):
        top = np.where(rho > q, (np.maximum(rho, q) / q) ** (-q / (1 - q)) * (1 - q), 1 - rho)
    return np.asarray(top * (1 + 1e-9))


_DELIVERIES: Final = {
    "dense32": delivery.current_dense32,
    "dense64": delivery.current_dense64,
    "sparse32": delivery.current_sparse32,
    "sparse64": delivery.current_sparse64,
    "slots32": delivery.current_slots32,
    "windows32": delivery.current_windows32,
    "one_to_one32": delivery.current_one_to_one32,
    "one_to_one64": delivery.current_one_to_one64,
}
_RUNS: Final = {
    "one_to_one32": poisson.run_current_one_to_one32,
    "one_to_one64": poisson.run_current_one_to_one64,
}
_ENTRIES: Final = Entries(
    update_scaled_current,
    membrane_of_scaled_current,
    look_scaled_current,
    start_scaled_current,
    deliveries=_DELIVERIES,
    runs=_RUNS,
)
