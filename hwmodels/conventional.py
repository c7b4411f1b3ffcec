"""Conventional chips by multiply-accumulates, and how many of them a dense recurrent network needs."""

from __future__ import annotations

from dataclasses import dataclass

from eventsim.errors import ParameterError
from hwmodels.chip_schema import Chip

PJ_PER_UJ = 1e6


@dataclass(frozen=True)
class MacEstimate:
    """What so many multiply-accumulates take on a conventional chip, pJ.

    Energy is proportional to the number of multiply-accumulates: what a chip spends on anything else is
    shared out among those of the network it was measured with. `left_out` says what has no number.
    """

    chip: str
    boundary: str
    macs: int
    energy_pj: float
    low_pj: float
    high_pj: float
    left_out: tuple[str, ...]


def estimate_macs(chip: Chip, macs: int) -> MacEstimate:
    """Return the energy of so many multiply-accumulates on a chip of kind "macs".

    Raises ParameterError where the chip is of another kind or the number is not whole.

    >>> from hwmodels.chip import load_chip
    >>> round(estimate_macs(load_chip("cpu-45nm"), 1000).energy_pj, 6)
    74600.0
    """
    if chip.macs is None:
        raise ParameterError(f"chip {chip.name!r} is of kind {chip.kind!r}: it has no multiply-accumulates")
    if isinstance(macs, bool) or not isinstance(macs, int) or macs < 0:
        raise ParameterError(f"macs must be a whole number, not negative, got {macs!r}")
    constant = chip.macs.energy_per_mac_pj
    low, high = constant.band
    left_out = [] if constant.known else ["multiply-accumulates: energy unknown"]
    left_out.append("static power" + ("" if chip.static_power_mw.known else ": unknown"))
    return MacEstimate(
        chip.name,
        chip.boundary,
        macs,
        macs * float(constant.value or 0.0),
        macs * low,
        macs * high,
        tuple(left_out),
    )


def measured_inference_pj(chip: Chip) -> tuple[float, float, float] | None:
    """Return (value, low, high) of the one inference the chip was measured with, pJ; None if unknown."""
    if chip.macs is None or chip.macs.energy_per_inference_uj.value is None:
        return None
    constant = chip.macs.energy_per_inference_uj
    low, high = constant.band
    return float(constant.value or 0.0) * PJ_PER_UJ, low * PJ_PER_UJ, high * PJ_PER_UJ


def rnn_macs(n_in: int, n: int, kind: str = "rnn") -> int:
    """Return the multiplications of one step of a dense recurrent layer.

    Every gate multiplies the input and the state by a matrix: 1 for "rnn", 3 for "gru", 4 for "lstm". The
    elementwise products count too: 3 n in a GRU (reset, and the two of the mixture), 3 n in an LSTM (forget,
    input, output).

    Parameters
    ----------
    n_in : int
        Inputs of the layer.
    n : int
        Its units.
    kind : str
        "rnn", "gru" or "lstm".

    Raises
    ------
    ParameterError
        if a size is not positive or the kind unknown.

    >>> rnn_macs(40, 550, "gru"), rnn_macs(40, 550, "lstm")
    (975150, 1299650)
    """
    gates = {"rnn": (1, 0), "gru": (3, 3), "lstm": (4, 3)}
    if kind not in gates:
        raise ParameterError(f"kind must be one of {', '.join(gates)}, got {kind!r}")
    for name, size in (("n_in", n_in), ("n", n)):
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ParameterError(f"{name} must be a whole number of at least 1, got {size!r}")
    matrices, elementwise = gates[kind]
    return matrices * n * (n_in + n) + elementwise * n
