"""The ECG network evaluated densely in float64: every synapse and every neuron at every step.

Written from the equations of the paper alone; it shares nothing with the event engine.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.ecg_checkpoint import BASE_THRESHOLD, INITIAL_ADAPTATION, OUTPUT_BETA, EcgCheckpoint

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class EcgRun:
    """What a network did: spikes bool[recordings, steps, neurons], output membranes float64 of that shape."""

    hidden_spikes: NDArray[np.bool_]
    output_spikes: NDArray[np.bool_]
    membrane: Floats

    @property
    def predictions(self) -> NDArray[np.int64]:
        """Return int64[recordings, steps]: the output with the highest membrane at each step."""
        best: NDArray[np.int64] = self.membrane.argmax(axis=2)
        return best


def run_dense(checkpoint: EcgCheckpoint, x: NDArray[np.float32]) -> EcgRun:
    """Return the spikes and membranes for x [recordings, steps, channels], all recordings side by side.

    With alpha = exp(-1 / tau_mem), rho = exp(-1 / tau_adp), primes for the step before, in each step

    - hidden: ``u = alpha u' + (1 - alpha) (W_i x + b_i + W_h S' + b_h) - 0.1 S'``; ``S = u > 0.1``
    - output: ``a = rho a' + (1 - rho) S_o'``; ``theta = 0.1 + 1.8 a``;
      ``u = alpha u' + (1 - alpha) (W_o S + b_o) - theta S_o'``; ``S_o = u > theta``

    Source: Yin, Corradi, Bohté 2021 (arXiv 2103.12593), equations 1 to 4, and its published code.
    """
    c = checkpoint
    alpha_hidden, alpha_output = np.exp(-1.0 / c.tau_mem_hidden), np.exp(-1.0 / c.tau_mem_output)
    rho_output = np.exp(-1.0 / c.tau_adp_output)
    n, steps = x.shape[:2]
    u, s = np.zeros((n, c.n_hidden)), np.zeros((n, c.n_hidden))
    u_out, s_out = np.zeros((n, c.n_outputs)), np.zeros((n, c.n_outputs))
    a_out = np.full((n, c.n_outputs), INITIAL_ADAPTATION)
    hidden = np.zeros((n, steps, c.n_hidden), bool)
    output = np.zeros((n, steps, c.n_outputs), bool)
    membrane = np.zeros((n, steps, c.n_outputs))
    for step in range(steps):
        heard = x[:, step].astype(np.float64) @ c.input_weights.T + c.input_bias
        current = heard + s @ c.recurrent_weights.T + c.recurrent_bias
        u = alpha_hidden * u + (1.0 - alpha_hidden) * current - BASE_THRESHOLD * s
        hidden[:, step] = u > BASE_THRESHOLD
        s = hidden[:, step].astype(np.float64)
        current = s @ c.output_weights.T + c.output_bias
        a_out = rho_output * a_out + (1.0 - rho_output) * s_out
        theta = BASE_THRESHOLD + OUTPUT_BETA * a_out
        u_out = alpha_output * u_out + (1.0 - alpha_output) * current - theta * s_out
        output[:, step] = u_out > theta
        s_out = output[:, step].astype(np.float64)
        membrane[:, step] = u_out
    return EcgRun(hidden, output, membrane)
