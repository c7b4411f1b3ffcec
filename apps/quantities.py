"""Numbers as a person reads them: counts and times in at most three digits and a unit."""

NOUNS = {"audio": "samples", "events": "events", "dvs": "events", "decisions": "decisions"}
"""What the items of a stream are."""


def short(count: float) -> str:
    """Return a count in at most three digits and a unit.

    >>> short(940), short(12_345), short(1_234_567)
    ('940', '12.3 k', '1.23 M')
    """
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            return f"{count / limit:.3g} {unit}"
    return f"{count:.0f}"


def short_time(ns: float) -> str:
    """Return a time in ns in three digits and a unit.

    >>> short_time(1_234_567), short_time(45_000_000_000)
    ('1.23 ms', '45 s')
    """
    for limit, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if ns >= limit:
            return f"{ns / limit:.3g} {unit}"
    return f"{ns:.0f} ns"
