"""One slow neuron population per model: its equations, for every neuron at every tick."""

import math
from decimal import Decimal

import numpy as np

from eventsim.models import ALIF, LIF, CubaLI, CubaLIF, InputGated, LeakyIntegrator, SigmaDelta


class Neurons:
    """A population; `u` is its membrane. A subclass says in `step` what one tick does.

    `step(drive, touched)` returns who fired, with which values, the least distance to where an outcome would
    change, and who counts as updated.
    """

    spiking = True

    def __init__(self, model, n, tick_ns):
        self.model, self.n, self.tick_ns = model, n, tick_ns
        self.u = np.zeros(n)
        self.prepare(model)

    def prepare(self, m):
        raise NotImplementedError

    def step(self, drive, touched):
        raise NotImplementedError

    def factor(self, tau_ns):
        return np.exp(-self.tick_ns / tau_ns)


class LifNeurons(Neurons):
    def prepare(self, m):
        self.alpha = self.factor(m.tau_ns)
        self.g = 1 - self.alpha if m.normalised else np.ones(self.n)
        self.deaf = np.zeros(self.n, np.int64)
        self.refractory = (m.refractory_ns // self.tick_ns).astype(np.int64)

    def moved(self, drive):
        return self.alpha * self.u + self.g * self.model.bias + self.g * drive

    def step(self, drive, touched):
        m = self.model
        hearing = self.deaf == 0
        u = np.where(hearing, self.moved(drive), self.u)
        fired = hearing & (u > m.threshold)
        margin = np.abs(u - m.threshold)[hearing].min(initial=math.inf)
        after = {"soft": u - m.threshold, "hard": m.reset_potential, "none": u}[m.reset]
        self.u = np.where(fired, after, u)
        self.deaf = np.where(fired, self.refractory, np.maximum(self.deaf - 1, 0))
        return fired, np.ones(self.n), margin, touched | fired


class CubaLifNeurons(LifNeurons):
    def prepare(self, m):
        self.alpha, self.sigma, self.coupling = current_factors(self, m)
        self.i = np.zeros(self.n)
        self.deaf = np.zeros(self.n, np.int64)
        self.refractory = (m.refractory_ns // self.tick_ns).astype(np.int64)

    def moved(self, drive):
        return self.alpha * self.u + self.coupling * self.i + self.model.bias

    def step(self, drive, touched):
        outcome = super().step(drive, touched)
        self.i = self.sigma * self.i + self.model.input_gain * drive
        return outcome


def current_factors(neurons, m):
    """Return alpha, sigma, and what a current of 1 adds to the membrane in one tick."""
    tick, alpha, sigma = neurons.tick_ns, neurons.factor(m.tau_mem_ns), neurons.factor(m.tau_syn_ns)
    coupling = np.empty(neurons.n)
    for i, (mem, syn) in enumerate(zip(m.tau_mem_ns, m.tau_syn_ns, strict=True)):
        if mem == syn:
            coupling[i] = tick / mem * alpha[i]
        elif math.isinf(syn):
            coupling[i] = 1 - alpha[i]
        elif abs(alpha[i] - sigma[i]) > 0.1:
            coupling[i] = syn / (mem - syn) * (alpha[i] - sigma[i])
        else:  # the difference of the two would lose digits
            t, m, s = Decimal(tick), Decimal(float(mem)), Decimal(float(syn))
            coupling[i] = float(s / (m - s) * ((-t / m).exp() - (-t / s).exp()))
    return alpha, sigma, coupling


class AlifNeurons(Neurons):
    def prepare(self, m):
        self.alpha, self.rho = self.factor(m.tau_mem_ns), self.factor(m.tau_adp_ns)
        self.g = 1 - self.alpha if m.normalised else np.ones(self.n)
        self.a, self.s = m.initial_adaptation.copy(), np.zeros(self.n)

    def step(self, drive, touched):
        m = self.model
        late = self.s > 0
        self.a = self.rho * self.a + (1 - self.rho) * self.s
        theta = m.base_threshold + m.beta * self.a
        self.u = self.alpha * self.u + self.g * m.bias + self.g * drive - theta * self.s
        fired = self.u > theta
        margin = np.abs(self.u - theta).min()
        if m.reset == "late":
            self.s = fired.astype(float)
        else:
            self.u = self.u - theta * fired
            self.a = self.a + (1 - self.rho) * fired
        return fired, np.ones(self.n), margin, touched | fired | late


class LeakyIntegratorNeurons(Neurons):
    spiking = False

    def prepare(self, m):
        self.alpha = self.factor(m.tau_ns)
        self.g = 1 - self.alpha if m.normalised else np.ones(self.n)

    def step(self, drive, touched):
        self.u = self.alpha * self.u + self.g * self.model.bias + self.g * drive
        return np.zeros(self.n, bool), self.u, math.inf, touched


class CubaLiNeurons(Neurons):
    spiking = False

    def prepare(self, m):
        self.alpha, self.sigma, self.coupling = current_factors(self, m)
        self.i = np.zeros(self.n)

    def step(self, drive, touched):
        self.u = self.alpha * self.u + self.coupling * self.i + self.model.bias
        self.i = self.sigma * self.i + self.model.input_gain * drive
        return np.zeros(self.n, bool), self.u, math.inf, touched


class SigmaDeltaNeurons(Neurons):
    def prepare(self, m):
        self.r = self.factor(m.tau_ns)
        self.z, self.sent, self.largest = np.zeros(self.n), np.zeros(self.n), 1.0

    def step(self, drive, touched):
        m = self.model
        self.z = self.z + drive
        z = self.z + m.bias
        f = {"relu": np.clip(z, 0, m.ceiling), "identity": z, "tanh": np.tanh(z)}[m.activation]
        self.u = self.r * self.u + (1 - self.r) * f
        error = self.u - self.sent
        fired = np.abs(error) > m.threshold
        steps = np.minimum(np.floor(np.abs(error) / m.threshold), m.largest_step)
        values = np.where(fired, np.sign(error) * steps * m.threshold, 0.0).astype(np.float32)
        self.sent = self.sent + values.astype(np.float64)
        # What has been large has left rounding errors as large.
        self.largest = max(self.largest, np.abs(z).max(), np.abs(self.u).max())
        return fired, values, distance(np.abs(error), m.threshold) / self.largest, touched | fired


class InputGatedNeurons(Neurons):
    def prepare(self, m):
        half = self.n // 2
        self.alpha, self.theta = self.factor(m.tau_ns)[:half], m.threshold[:half]
        self.y = np.zeros(half)

    def moved(self, drive):
        m, half = self.model, self.n // 2
        with np.errstate(over="ignore"):
            keep = 1 / (1 + np.exp(-(m.gate_bias[:half] + drive[half:])))
        candidate = np.maximum(m.candidate_bias[:half] + drive[:half], 0)
        i = keep * self.u[half:] + (1 - keep) * candidate
        return self.alpha * self.u[:half] + i - self.theta * self.y, i

    def step(self, drive, touched):
        none, late = np.zeros(self.n // 2), self.y > 0
        # A cell whose gate alone gets input counts as updated itself only where it would act without.
        due = late | (self.moved(np.zeros(self.n))[0] > self.theta)
        v, i = self.moved(drive)
        self.u = np.append(v, i)
        above, top = v > self.theta, 2 ** self.model.bits[: self.n // 2] - 1
        self.y = np.where(above, np.minimum(np.floor(v / self.theta), top), 0)
        fired, values = np.append(above, none > 0), np.append(self.y, none)
        return fired, values, distance(v, self.theta), touched | np.append(due, none > 0)


def distance(x, unit):
    """Return the least distance of x to a positive multiple of its unit."""
    return np.abs(x - np.maximum(np.round(x / unit), 1) * unit).min()


SLOW = {
    LIF: LifNeurons,
    ALIF: AlifNeurons,
    LeakyIntegrator: LeakyIntegratorNeurons,
    CubaLIF: CubaLifNeurons,
    CubaLI: CubaLiNeurons,
    SigmaDelta: SigmaDeltaNeurons,
    InputGated: InputGatedNeurons,
}
