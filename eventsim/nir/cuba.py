"""CubaLIF and CubaLI of NIR: neurons behind an exponential synapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventsim.models import CubaLIF
from eventsim.nir.conventions import FloatArray
from eventsim.nir.primitives import Node

if TYPE_CHECKING:
    from eventsim.nir.neurons import NeuronReader, Neurons

NEVER_REACHED = float(np.finfo(np.float64).max)
"""Threshold of a CubaLI, which has none."""


def read_cuba(reader: NeuronReader, node: Node, bias: FloatArray) -> Neurons | None:
    """Return tau_syn dI/dt = -I + w_in S, tau_mem dv/dt = (v_leak - v) + r I; None where that cannot run.

    The model's current is r I, and its input gain carries r, w_in and what an event means, so that weights
    stay what they are in the graph.
    """
    from eventsim.nir.neurons import Neurons, flat

    c = reader.conventions
    mem_ns, syn_ns = reader.time_constant(node, "tau_mem"), reader.time_constant(node, "tau_syn")
    if mem_ns is None or syn_ns is None:
        return None
    r = flat(node, "r")
    w_in = flat(node, "w_in") if "w_in" in node.values else np.ones_like(r)
    jump = w_in * (c.leak(syn_ns) if c.spike == "held" else 1.0 / flat(node, "tau_syn"))
    mem, syn = c.engine_tau_ns(mem_ns), c.engine_tau_ns(syn_ns)
    gain = r * jump
    if c.integration == "euler":
        # An Euler step moves the membrane by leak r I; the model by what current flows within a tick.
        gain = gain * c.leak(mem_ns) / coupling(mem, syn, c.tick_ns)
    rest = reader.rest(node)
    reset = reader.reset(node, rest) if node.kind == "CubaLIF" else np.zeros_like(r)
    if reset is None:
        return None
    if np.any(bias):
        told = "the current of the bias counts as settled from the start"
        reader.report.change(node.name, "assumed", told)
    if node.kind == "CubaLI":
        told = "emits no events: read its membrane with Session.membrane or a probe"
        reader.report.change(node.name, "assumed", told)
        threshold = np.full(r.shape, NEVER_REACHED)
    else:
        threshold = flat(node, "v_threshold") - rest
    model = CubaLIF(
        tau_mem_ns=mem,
        tau_syn_ns=syn,
        threshold=threshold,
        bias=c.leak(mem_ns) * r * w_in * bias,
        reset=c.reset if node.kind == "CubaLIF" else "hard",
        reset_potential=reset,
        input_gain=gain,
    )
    return Neurons(model)


def coupling(tau_mem_ns: FloatArray, tau_syn_ns: FloatArray, tick_ns: int) -> FloatArray:
    """Return by how much a current of 1 at one tick has raised the membrane at the next.

    Source: Rotter and Diesmann 1999, Biological Cybernetics 81, 381-402, for one exponential current.
    """
    kept_mem, kept_syn = np.exp(-tick_ns / tau_mem_ns), np.exp(-tick_ns / tau_syn_ns)
    same = tau_mem_ns == tau_syn_ns
    apart = np.where(same, 1.0, tau_mem_ns - tau_syn_ns)
    differing = tau_syn_ns / apart * (kept_mem - kept_syn)
    return np.asarray(np.where(same, tick_ns / tau_mem_ns * kept_mem, differing))
