"""Neuron models as NIR primitives: the inverse of reading them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eventsim.models import LIF, LeakyIntegrator, NeuronModel
from eventsim.models.cuba_li import CubaLI
from eventsim.models.cuba_lif import CubaLIF
from eventsim.nir.conventions import Conventions, FloatArray
from eventsim.nir.cuba import coupling


@dataclass(frozen=True, eq=False)
class WrittenNeurons:
    """The NIR type of a population, its parameters as float64[n], and the constant input it needs."""

    kind: str
    parameters: dict[str, FloatArray]
    bias: FloatArray


def write_neurons(model: NeuronModel, conventions: Conventions) -> WrittenNeurons | str:
    """Return a model's primitive, or in words why NIR has none."""
    if isinstance(model, LIF | LeakyIntegrator):
        told = _unsayable_reset(model, conventions) if isinstance(model, LIF) else ""
        return told or _write_leaky(model, conventions)
    if isinstance(model, CubaLIF | CubaLI):
        told = _unsayable_reset(model, conventions) if isinstance(model, CubaLIF) else ""
        return told or _write_cuba(model, conventions)
    return f"NIR has no {type(model).__name__} neuron"


def _unsayable_reset(model: Any, conventions: Conventions) -> str:
    """Return in words what of the reset NIR cannot say, or nothing."""
    if np.any(_column(model, "refractory_ns")):
        return "NIR has no refractory time"
    if model.reset == conventions.reset:
        return ""
    hint = " (reset='soft' writes it for a reader who knows)" if model.reset == "soft" else ""
    return f"its reset is {model.reset!r}, NIR's is {conventions.reset!r}{hint}"


def _write_leaky(model: LIF | LeakyIntegrator, c: Conventions) -> WrittenNeurons | str:
    tau_ns, bias = _column(model, "tau_ns"), _column(model, "bias")
    parameters: dict[str, FloatArray] = {}
    endless = np.isinf(tau_ns)
    if endless.all():
        r = np.full(tau_ns.shape, 1.0 / c.tick if c.spike == "held" else 1.0)
        needed = bias / c.tick if c.spike == "dirac" else bias
    elif endless.any():
        return "perfect integrators and leaky neurons in one population have no common primitive"
    else:
        leak = -np.expm1(-c.tick_ns / tau_ns)
        tau = c.from_ns(c.graph_tau_ns(tau_ns))
        gain = leak if model.normalised else np.ones_like(leak)
        r = {"held": gain / leak, "dirac": gain * tau, "jump": gain}[c.spike]
        needed = bias * gain / (r * leak) if c.spike == "dirac" else bias
        parameters = {"tau": tau, "v_leak": np.zeros_like(tau)}
    parameters["r"] = r
    spiking = isinstance(model, LIF)
    if isinstance(model, LIF):
        parameters |= _threshold(model)
    kind = ("IF" if spiking else "I") if endless.all() else ("LIF" if spiking else "LI")
    return WrittenNeurons(kind, parameters, needed)


def _write_cuba(model: CubaLIF | CubaLI, c: Conventions) -> WrittenNeurons | str:
    mem_ns, syn_ns = _column(model, "tau_mem_ns"), _column(model, "tau_syn_ns")
    if not np.isfinite(syn_ns).all():
        return f"NIR has no {type(model).__name__} with an infinite time constant"
    leak_mem, leak_syn = -np.expm1(-c.tick_ns / mem_ns), -np.expm1(-c.tick_ns / syn_ns)
    tau_mem, tau_syn = (c.from_ns(c.graph_tau_ns(tau)) for tau in (mem_ns, syn_ns))
    share = {"held": 1.0 / leak_syn, "dirac": tau_syn, "jump": np.ones_like(tau_syn)}[c.spike]
    w_in = _column(model, "input_gain") * share
    if c.integration == "euler":
        w_in = w_in * coupling(mem_ns, syn_ns, c.tick_ns) / leak_mem
    bias = _column(model, "bias")
    if np.any((w_in == 0) & (bias != 0)):
        return "NIR's bias enters through the input gain, which is 0 at a neuron with a bias"
    with np.errstate(invalid="ignore"):
        needed = np.where(bias == 0, 0.0, bias / (leak_mem * w_in))
    if c.spike == "jump":
        needed = needed * -np.expm1(-c.tick_ns / syn_ns)
    one, zero = np.ones_like(w_in), np.zeros_like(w_in)
    parameters = {"tau_mem": tau_mem, "tau_syn": tau_syn, "r": one, "v_leak": zero, "w_in": w_in}
    if isinstance(model, CubaLI):
        return WrittenNeurons("CubaLI", parameters, needed)
    return WrittenNeurons("CubaLIF", parameters | _threshold(model), needed)


def _threshold(model: Any) -> dict[str, FloatArray]:
    threshold = _column(model, "threshold")
    hard = model.reset == "hard"
    return {
        "v_threshold": threshold,
        "v_reset": _column(model, "reset_potential") if hard else np.zeros_like(threshold),
    }


def _column(model: Any, name: str) -> FloatArray:
    return np.array(getattr(model, name), np.float64)
