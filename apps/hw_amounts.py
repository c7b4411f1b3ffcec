"""Energies with a band and with what nobody knows, as a person reads them."""

from __future__ import annotations

from apps.hw_result import Amount
from apps.quantities import energy_text


def amount_text(amount: Amount) -> str:
    """Return an energy; a trailing "+ ?" says that something unknown is not in it.

    >>> amount_text(Amount(1200.0, 1100.0, 1300.0, missing=True))
    '1.2 nJ + ?'
    >>> amount_text(Amount(None, None, None))
    'included'
    """
    if amount.pj is None and not amount.missing:
        return "included"
    return energy_text(amount.pj, complete=not amount.missing)


def band_text(amount: Amount) -> str:
    """Return the band, nothing where the sources agree.

    >>> band_text(Amount(2.0, 1.0, 3000.0))
    '1 pJ to 3 nJ'
    """
    if amount.pj is None or amount.low_pj == amount.high_pj:
        return ""
    return f"{energy_text(amount.low_pj)} to {energy_text(amount.high_pj)}"
