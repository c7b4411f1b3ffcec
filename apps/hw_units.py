"""Energies, times and counts as a person reads them: three digits and a unit."""

from __future__ import annotations

from apps.hw_result import Amount

_ENERGY = ((1e12, "J"), (1e9, "mJ"), (1e6, "uJ"), (1e3, "nJ"), (1.0, "pJ"))
_TIME = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns"))
_COUNT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
UNKNOWN = "unknown"


def energy_text(pj: float | None) -> str:
    """Return an energy with its unit.

    >>> energy_text(41_300_000.0), energy_text(None), energy_text(0.0)
    ('41.3 uJ', 'unknown', '0 pJ')
    """
    return UNKNOWN if pj is None else _with_unit(pj, _ENERGY)


def time_text(ns: float | None) -> str:
    """Return a time with its unit.

    >>> time_text(20_450.0)
    '20.4 us'
    """
    return UNKNOWN if ns is None else _with_unit(ns, _TIME)


def count_text(count: float) -> str:
    """Return a count in at most three digits and a unit.

    >>> count_text(1_773_000), count_text(940)
    ('1.77 M', '940')
    """
    for limit, unit in _COUNT:
        if count >= limit:
            return f"{_three(count / limit)} {unit}"
    return f"{count:.0f}"


def share_text(share: float | None) -> str:
    """Return a share in per cent.

    >>> share_text(0.1234)
    '12.3 %'
    """
    return UNKNOWN if share is None else f"{_three(100 * share)} %"


def amount_text(amount: Amount) -> str:
    """Return an energy; a trailing "+ ?" says that something unknown is not in it.

    >>> amount_text(Amount(1200.0, 1100.0, 1300.0, missing=True))
    '1.2 nJ + ?'
    >>> amount_text(Amount(None, None, None))
    'included'
    """
    if amount.pj is None:
        return UNKNOWN if amount.missing else "included"
    return energy_text(amount.pj) + (" + ?" if amount.missing else "")


def band_text(amount: Amount) -> str:
    """Return the band, nothing where the sources agree.

    >>> band_text(Amount(2.0, 1.0, 3000.0))
    '1 pJ to 3 nJ'
    """
    if amount.pj is None or amount.low_pj == amount.high_pj:
        return ""
    return f"{energy_text(amount.low_pj)} to {energy_text(amount.high_pj)}"


def _with_unit(value: float, units: tuple[tuple[float, str], ...]) -> str:
    for limit, unit in units:
        if value >= limit:
            return f"{_three(value / limit)} {unit}"
    return f"{_three(value)} {units[-1][1]}"


def _three(value: float) -> str:
    """Return three digits without an exponent: 0.00123, 1.23, 123, 1234."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
