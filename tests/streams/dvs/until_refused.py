"""Reading a source to its end, or to the error it ends with."""

from collections.abc import Iterable

from eventsim.errors import SourceError
from streams.dvs_block import DvsBlock


def read_until_refused(source: Iterable[DvsBlock]) -> tuple[list[DvsBlock], str]:
    """Return the blocks, and the one line of the error that ended them ("" for none)."""
    blocks = []
    try:
        for block in source:
            blocks.append(block)
    except SourceError as error:
        line = str(error)
        return blocks, line if "\n" not in line else f"more than one line: {line!r}"
    return blocks, ""
