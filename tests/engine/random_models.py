"""Random neurons of each model; exact ones have integers or halves, and decays of 1, 1/2 or 1/4."""

import math

import numpy as np

from eventsim.models import ALIF, LIF, CubaLI, CubaLIF, InputGated, LeakyIntegrator, SigmaDelta

TICK_NS = 1_000_000
HALF_NS = TICK_NS / math.log(2)  # this time constant decays by exactly 1/2 per tick
QUARTER_NS = HALF_NS / 2
# A decay of 1/4 takes two bits per tick: 44 of the 53 of float64.
N_TICKS = 22

assert math.exp(-TICK_NS / HALF_NS) == 0.5
assert math.exp(-TICK_NS / QUARTER_NS) == 0.25


def lif(rng, n, exact):
    return LIF(
        tau_ns=_tau(rng, n, exact),
        threshold=rng.integers(-1, 5, n) if exact else rng.uniform(0.2, 2, n),
        bias=rng.integers(-1, 3, n) if exact else rng.normal(0, 0.3, n),
        reset=_one_of(rng, "soft", "hard", "none"),
        reset_potential=rng.integers(-2, 3, n) if exact else rng.normal(0, 0.5, n),
        refractory_ns=_refractory(rng, n),
    )


def quiet_lif(rng, n, exact):
    """Return LIF neurons that cannot fire by themselves and leak alike, for which there is a faster form."""
    return LIF(
        tau_ns=float(_tau(rng, 1, exact)[0]),
        threshold=rng.integers(0, 5, n) if exact else rng.uniform(0.2, 2, n),
        reset=_one_of(rng, "soft", "hard"),
        reset_potential=rng.integers(-2, 1, n) if exact else rng.normal(-0.5, 0.3, n),
        refractory_ns=int(rng.integers(0, 4)) * TICK_NS,
    )


def alif(rng, n, exact):
    return ALIF(
        tau_mem_ns=_tau(rng, n, exact),
        tau_adp_ns=_tau(rng, n, exact),
        base_threshold=rng.integers(0, 4, n) if exact else rng.uniform(0.1, 1.5, n),
        beta=rng.integers(-1, 4, n) if exact else rng.uniform(-0.3, 2, n),
        bias=rng.integers(-1, 4, n) if exact else rng.normal(0.3, 0.6, n),
        initial_adaptation=rng.integers(0, 3, n) if exact else rng.uniform(0, 3, n),
        normalised=not exact and bool(rng.integers(2)),
        reset=_one_of(rng, "late", "immediate"),
    )


def cuba_lif(rng, n, exact):
    mem, syn = _two_taus(rng, n, exact)
    return CubaLIF(
        tau_mem_ns=mem,
        tau_syn_ns=syn,
        threshold=rng.integers(-1, 4, n) if exact else rng.uniform(0.05, 1, n),
        bias=rng.integers(-1, 3, n) if exact else rng.normal(0, 0.3, n),
        reset=_one_of(rng, "soft", "hard", "none"),
        reset_potential=rng.integers(-2, 3, n) if exact else rng.normal(0, 0.5, n),
        refractory_ns=_refractory(rng, n),
        input_gain=rng.integers(1, 4, n) if exact else rng.uniform(0.5, 3, n),
    )


def quiet_cuba_lif(rng, n, exact):
    """Return CubaLIF neurons all alike, that rest below their threshold: there is a faster form for them."""
    mem, syn = (HALF_NS, QUARTER_NS) if exact else np.sort(_tau(rng, 2, False))[::-1]
    return CubaLIF(
        tau_mem_ns=mem,
        tau_syn_ns=syn,
        threshold=float(rng.integers(0, 4)) if exact else rng.uniform(0.05, 1),
        reset=_one_of(rng, "soft", "hard"),
        reset_potential=float(rng.integers(-2, 1)) if exact else rng.normal(-0.5, 0.3),
        refractory_ns=int(rng.integers(0, 4)) * TICK_NS,
        input_gain=float(rng.integers(-1, 4)) if exact else rng.uniform(-1, 3),
    )


def sigma_delta(rng, n, exact):
    activation = "relu" if exact else _one_of(rng, "relu", "identity", "tanh")
    return SigmaDelta(
        tau_ns=np.where(rng.random(n) < 0.5, HALF_NS, QUARTER_NS) if exact else _tau(rng, n, exact),
        threshold=rng.choice([0.5, 1.0, 2.0], n) if exact else rng.uniform(0.02, 1.0, n),
        bias=rng.integers(-1, 4, n) if exact else rng.normal(0.2, 0.5, n),
        activation=activation,
        ceiling=rng.integers(1, 9, n) if exact else 6.0 if activation == "relu" else math.inf,
        largest_step=_one_of(rng, 1.0, 2.0, math.inf),
    )


def input_gated(rng, n, exact):
    return InputGated(
        tau_ns=_tau(rng, n, exact),
        threshold=rng.choice([1.0, 2.0], n) if exact else rng.uniform(0.3, 2, n // 2),
        bits=rng.integers(1, 5, n),
        gate_bias=rng.choice([-4000, 0, 0, 4000], n) if exact else rng.normal(0, 2, n // 2),
        candidate_bias=rng.integers(-2, 3, n) if exact else rng.normal(0, 0.7, n),
    )


def leaky_integrator(rng, n, exact):
    return LeakyIntegrator(
        tau_ns=_tau(rng, n, exact), bias=rng.integers(-2, 3, n) if exact else rng.normal(0, 1, n)
    )


def cuba_li(rng, n, exact):
    mem, syn = _two_taus(rng, n, exact)
    bias = rng.integers(-2, 3, n) if exact else rng.normal(0, 1, n)
    gain = rng.integers(-2, 4, n) if exact else rng.uniform(-1, 3, n)
    return CubaLI(tau_mem_ns=mem, tau_syn_ns=syn, bias=bias, input_gain=gain)


MODELS = {
    "lif": lif,
    "quiet_lif": quiet_lif,
    "alif": alif,
    "cuba_lif": cuba_lif,
    "quiet_cuba_lif": quiet_cuba_lif,
    "sigma_delta": sigma_delta,
    "input_gated": input_gated,
}
READOUTS = {"leaky_integrator": leaky_integrator, "cuba_li": cuba_li}


def _one_of(rng, *choices):
    return choices[rng.integers(len(choices))]


def _refractory(rng, n):
    return rng.integers(0, 4, n) * TICK_NS * int(rng.integers(2))


def _tau(rng, n, exact):
    if exact:
        return np.where(rng.random(n) < 0.5, HALF_NS, math.inf)
    # Three decades and, where there are two time constants, no order between them.
    return TICK_NS * 10 ** rng.uniform(-0.7, 2.3, n)


def _two_taus(rng, n, exact):
    """Return time constants of membrane and current, some of them equal or nearly so."""
    if exact:
        pairs = np.array([(HALF_NS, math.inf), (HALF_NS, QUARTER_NS), (QUARTER_NS, HALF_NS)])
        chosen = pairs[rng.integers(len(pairs), size=n)]
        return chosen[:, 0], chosen[:, 1]
    mem, syn = _tau(rng, n, False), _tau(rng, n, False)
    ratio = rng.choice([1.0, 1.0 + 1e-12, 1.0 - 1e-7, 1.001, 0.0, 0.0, 0.0, 0.0], n)
    return mem, np.where(ratio > 0, mem * ratio, syn)
