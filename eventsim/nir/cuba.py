"""CubaLIF and CubaLI of NIR: neurons behind an exponential synapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eventsim.models.cuba_li import CubaLI
from eventsim.models.cuba_lif import CubaLIF
from eventsim.nir.conventions import FloatArray
from eventsim.nir.primitives import Node

if TYPE_CHECKING:
    from eventsim.nir.neurons import NeuronReader, Neurons


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
    leak_syn = c.leak(syn_ns)
    jump = w_in * {"held": leak_syn, "dirac": 1.0 / flat(node, "tau_syn"), "jump": np.ones_like(r)}[c.spike]
    mem, syn = c.engine_tau_ns(mem_ns), c.engine_tau_ns(syn_ns)
    gain = r * jump
    if c.integration == "euler":
        # An Euler step moves the membrane by leak r I; the model by what current flows within a tick.
        gain = gain * c.leak(mem_ns) / coupling(mem, syn, c.tick_ns)
    rest = reader.rest(node)
    if np.any(bias):
        told = "the current of the bias counts as settled from the start"
        reader.report.change(node.name, "assumed", told)
    drive = c.leak(mem_ns) * r * w_in * bias / (leak_syn if c.spike == "jump" else 1.0)
    if node.kind == "CubaLI":
        return Neurons(CubaLI(mem, syn, bias=drive, input_gain=gain))
    reset = reader.reset(node, rest)
    if reset is None:
        return None
    model = CubaLIF(
        tau_mem_ns=mem,
        tau_syn_ns=syn,
        threshold=flat(node, "v_threshold") - rest,
        bias=drive,
        reset=c.reset,
        reset_potential=reset,
        input_gain=gain,
    )
    return Neurons(model)


def coupling(tau_mem_ns: FloatArray, tau_syn_ns: FloatArray, tick_ns: int) -> FloatArray:
    """Return by how much a current of 1 at one tick has raised the membrane at the next.

    Source: Rotter and Diesmann 1999, Biological Cybernetics 81, 381-402, for one exponential current.
    """
    apart = tick_ns / tau_syn_ns - tick_ns / tau_mem_ns
    kept_mem, kept_syn = np.exp(-tick_ns / tau_mem_ns), np.exp(-tick_ns / tau_syn_ns)
    close_by = np.abs(apart) < 0.5
    small = np.where(close_by & (apart != 0), apart, 1.0)
    # With time constants that are close, kept_mem - kept_syn would lose its digits.
    step = np.where(apart == 0, 1.0, np.expm1(small) / small)
    near = kept_syn * (tick_ns / tau_mem_ns) * step
    difference = np.where(close_by, 1.0, tau_mem_ns - tau_syn_ns)
    return np.where(close_by, near, tau_syn_ns / difference * (kept_mem - kept_syn))
