"""The neuron primitives of NIR as neuron models, for given conventions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eventsim.models import LIF, LeakyIntegrator, NeuronModel
from eventsim.nir.conventions import FORGETFUL, Conventions, FloatArray, close
from eventsim.nir.primitives import Node, Problems
from eventsim.nir.report import NirReport


@dataclass(frozen=True, eq=False)
class Neurons:
    """A model, and the factor by which all weights into each neuron are to be multiplied (None for 1)."""

    model: NeuronModel
    gain: FloatArray | None = None


class NeuronReader:
    """Turns neuron nodes into models; what cannot be run goes to `problems`, what changes to `report`."""

    def __init__(self, conventions: Conventions, problems: Problems, report: NirReport) -> None:
        self.conventions, self.problems, self.report = conventions, problems, report

    def read(self, node: Node, bias: FloatArray | None) -> Neurons | None:
        """Return the neurons of `node` under a constant input `bias`; None where a problem was noted."""
        b = np.zeros(node.size_in) if bias is None else bias
        if bias is not None:
            self.report.change(node.name, "folded", f"a constant input of {_span(bias)} per neuron (bias)")
        if node.kind == "Threshold":
            tau_ns = np.full(node.size_in, FORGETFUL * self.conventions.tick_ns)
            return Neurons(LIF(tau_ns, flat(node, "threshold"), b, reset="hard"))
        if node.kind in ("CubaLIF", "CubaLI"):
            from eventsim.nir.cuba import read_cuba  # which needs this module

            return read_cuba(self, node, b)
        if node.kind in ("IF", "I"):
            return self._integrator(node, b)
        return self._leaky(node, b)

    def _integrator(self, node: Node, b: FloatArray) -> Neurons | None:
        """Return dv/dt = r I: held input counts for one tick, a pulse or jump in full."""
        r, tick = flat(node, "r"), self.conventions.tick
        gain = r * tick if self.conventions.spike == "held" else r
        per_tick = r if self.conventions.spike == "jump" else r * tick  # what a constant input of 1 adds
        if not close(gain, 1.0):
            told = f"an input of 1 raises v by {_span(gain)} ({self.conventions.spike})"
            self.report.change(node.name, "folded", told)
        factor = None if close(gain, 1.0) else gain
        bias = b if close(per_tick, 1.0) else per_tick * b
        return self._finish(node, np.full(r.shape, np.inf), bias, factor, normalised=False)

    def _leaky(self, node: Node, b: FloatArray) -> Neurons | None:
        """Return tau dv/dt = (v_leak - v) + r I."""
        c, r, tau = self.conventions, flat(node, "r"), flat(node, "tau")
        tau_ns = self.time_constant(node, "tau")
        if tau_ns is None:
            return None
        leak = c.leak(c.to_ns(tau))
        gain = {"held": r * leak, "dirac": r / tau, "jump": r}[c.spike]
        per_tick = r * leak if c.spike == "dirac" else gain  # what a constant input of 1 adds
        engine_tau_ns = c.engine_tau_ns(tau_ns)
        if close(gain, 1.0):
            bias = per_tick * b if c.spike == "dirac" else b
            return self._finish(node, engine_tau_ns, bias, None, normalised=False)
        if c.spike == "held" or close(gain, leak):
            # The model itself multiplies by the leak: the weights stay what they are in the graph.
            share = r if c.spike == "held" else np.ones_like(r)
            if np.all(share == 1.0):
                bias = b if c.spike == "jump" else r * b
                return self._finish(node, engine_tau_ns, bias, None, normalised=True)
            self.report.change(node.name, "folded", f"r of {_span(share)} into the weights")
            return self._finish(node, engine_tau_ns, r * b, share, normalised=True)
        what = "r / tau" if c.spike == "dirac" else "r"
        self.report.change(node.name, "folded", f"{what} of {_span(gain)} into the weights")
        return self._finish(node, engine_tau_ns, per_tick * b, gain, normalised=False)

    def _finish(
        self, node: Node, tau_ns: FloatArray, bias: FloatArray, gain: FloatArray | None, normalised: bool
    ) -> Neurons | None:
        rest = self.rest(node)
        if node.kind in ("LI", "I"):
            return Neurons(LeakyIntegrator(tau_ns, bias, normalised=normalised), gain)
        reset = self.reset(node, rest)
        if reset is None:
            return None
        threshold = flat(node, "v_threshold") - rest
        model = LIF(
            tau_ns,
            threshold,
            bias,
            reset=self.conventions.reset,
            reset_potential=reset,
            normalised=normalised,
        )
        return Neurons(model, gain)

    def time_constant(self, node: Node, name: str) -> FloatArray | None:
        """Return a time constant in ns; None where Euler steps of one tick would not be stable."""
        tau_ns = self.conventions.to_ns(flat(node, name))
        shortest, tick_ns = float(tau_ns.min()), self.conventions.tick_ns
        if self.conventions.integration == "euler" and shortest < tick_ns * (1 - 1e-9):
            told = f"{name} of {shortest:g} ns is shorter than the tick of {tick_ns} ns: no Euler step"
            self.problems.add(node.name, told)
            return None
        if shortest < tick_ns:
            told = f"{name} of {shortest:g} ns is shorter than the tick of {tick_ns} ns"
            self.report.change(node.name, "warning", told)
        return tau_ns

    def rest(self, node: Node) -> FloatArray:
        """Return v_leak, from which the membrane is counted; notes it where it is not 0."""
        rest = flat(node, "v_leak") if "v_leak" in node.values else np.zeros(node.size_in)
        if np.any(rest):
            what = "what it emits" if node.kind in ("LI", "CubaLI") else "threshold and reset"
            told = f"the membrane is counted from v_leak of {_span(rest)}, where it starts; so is {what}"
            self.report.change(node.name, "shifted", told)
        return rest

    def reset(self, node: Node, rest: FloatArray) -> FloatArray | None:
        """Return the membrane after a hard reset, counted from `rest`; None where a soft one does not fit."""
        given = flat(node, "v_reset") if "v_reset" in node.values else np.zeros(node.size_in)
        if self.conventions.reset == "hard":
            return given - rest
        if np.any(given != rest):
            told = f"a soft reset needs v_reset equal to v_leak, got {_span(given)} and {_span(rest)}"
            self.problems.add(node.name, told)
            return None
        return np.zeros_like(rest)


def flat(node: Node, name: str) -> FloatArray:
    """Return a parameter as float64[n]."""
    return np.asarray(node.values[name], np.float64).ravel()


def _span(values: FloatArray) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"
