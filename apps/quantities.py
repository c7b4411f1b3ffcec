"""Numbers as a person reads them: counts, times, energies and shares in three digits and a unit."""

NOUNS = {"audio": "samples", "events": "events", "dvs": "events", "decisions": "decisions"}
"""What the items of a stream are."""

_COUNT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_TIME = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns"))
_ENERGY = ((1e12, "J"), (1e9, "mJ"), (1e6, "uJ"), (1e3, "nJ"), (1.0, "pJ"))
_UNKNOWN = "unknown"


def count_text(count: float) -> str:
    """Return a count with its unit.

    >>> count_text(1_773_000), count_text(999_600), count_text(940)
    ('1.77 M', '1000 k', '940')
    """
    for limit, unit in _COUNT:
        if count >= limit:
            return f"{_three(count / limit)} {unit}"
    return f"{count:.0f}"


def time_text(ns: float | None) -> str:
    """Return a time with its unit.

    >>> time_text(20_450.0), time_text(None)
    ('20.4 us', 'unknown')
    """
    return _UNKNOWN if ns is None else _with_unit(ns, _TIME)


def energy_text(pj: float | None, complete: bool = True) -> str:
    """Return an energy with its unit; a trailing "+ ?" says that something unknown is not in it.

    >>> energy_text(41_300_000.0), energy_text(1200.0, complete=False), energy_text(None), energy_text(0.0)
    ('41.3 uJ', '1.2 nJ + ?', 'unknown', '0 pJ')
    """
    return _UNKNOWN if pj is None else _with_unit(pj, _ENERGY) + ("" if complete else " + ?")


def share_text(share: float | None) -> str:
    """Return a share in per cent.

    >>> share_text(0.1234)
    '12.3 %'
    """
    return _UNKNOWN if share is None else f"{_three(100 * share)} %"


def _with_unit(value: float, units: tuple[tuple[float, str], ...]) -> str:
    for limit, unit in units:
        if value >= limit:
            return f"{_three(value / limit)} {unit}"
    return f"{_three(value)} {units[-1][1]}"


def _three(value: float) -> str:
    """Return three digits without an exponent: 0.00123, 1.23, 123, 1234."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
