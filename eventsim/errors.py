"""The errors of the package, few and named by cause.

Every one of them is a single line a person can act on: what was wrong, where, and what is allowed.
"""

from collections.abc import Sequence


class EventSimError(Exception):
    """Base of every error this package raises on purpose; the command line turns it into exit code 2."""


class ParameterError(EventSimError, ValueError):
    """An argument or option lies outside what is allowed."""


class EventError(EventSimError, ValueError):
    """An event array is malformed: shape, dtype, address or value."""


class GridError(EventError):
    """An event does not lie on the network's time grid."""


class CausalityError(EventError):
    """An event is earlier than the simulator's clock."""


class NetworkError(EventSimError, ValueError):
    """A network cannot be built: shapes, names, or a cycle of zero delay."""


class BundleError(EventSimError):
    """A model or network file is damaged, foreign, newer than this version, or inconsistent."""


class NirError(EventSimError):
    """A NIR graph is damaged, or holds what cannot be run or written; `problems` lists all of it."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(_one_line(message))
        self.problems = tuple(map(_one_line, problems)) or (_one_line(message),)


def _one_line(text: str) -> str:
    """Return a text in which names from a file can break no line and command no terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class SourceError(EventSimError):
    """A source of sound or events cannot be opened, read or trusted."""


class WireError(EventSimError, ValueError):
    """A message of a stream is malformed, oversized, foreign or of another version."""


class OutputError(EventSimError):
    """A result cannot be written where it was asked for."""


class DataError(EventSimError):
    """A data folder does not hold what the task needs."""


class ChipError(EventSimError, ValueError):
    """A chip file says something that is not allowed; the line names file, key and what is."""


class PlacementError(EventSimError, ValueError):
    """A network does not fit a chip, or a placement not the network; the line says which and by how much."""
