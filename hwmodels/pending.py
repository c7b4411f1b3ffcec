"""Things under way in the closed loop: rows of whole numbers, with a value each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hwmodels.activity import Ints

Values = npt.NDArray[np.float32]
NEVER = np.iinfo(np.int64).max


class Pending:
    """Rows in any order, of which those are taken that are due; column 0 is when.

    numbers : int64[n_columns, n]. value : float32[n].
    """

    def __init__(self, n_columns: int) -> None:
        self.numbers: Ints = np.empty((n_columns, 0), np.int64)
        self.value: Values = np.empty(0, np.float32)

    def first(self) -> int:
        """Return when the first is due, or a time that does not come."""
        return int(self.numbers[0].min(initial=NEVER))

    def add(self, numbers: Ints, value: Values) -> None:
        """Add rows."""
        self.numbers = np.concatenate([self.numbers, numbers], axis=1)
        self.value = np.concatenate([self.value, value])

    def take(self, due: npt.NDArray[np.bool_]) -> tuple[Ints, Values]:
        """Take the rows of a mask."""
        taken = self.numbers[:, due], self.value[due]
        self.numbers, self.value = self.numbers[:, ~due], self.value[~due]
        return taken


class Known:
    """Rows known from the start, taken in order of time."""

    def __init__(self, n_columns: int) -> None:
        self.rows = Pending(n_columns)
        self.at = 0

    def add(self, numbers: Ints, value: Values) -> None:
        """Add rows, before any is taken."""
        self.rows.add(numbers, value)

    def sort(self, *columns: int) -> None:
        """Put the rows in order by these columns, the first of them column 0."""
        order = np.lexsort([self.rows.numbers[k] for k in reversed(columns)])
        self.rows.numbers, self.rows.value = self.rows.numbers[:, order], self.rows.value[order]

    def first(self) -> int:
        """Return when the next is due, or a time that does not come."""
        times = self.rows.numbers[0]
        return int(times[self.at]) if self.at < times.shape[0] else NEVER

    def take_before(self, time: int) -> tuple[Ints, Values]:
        """Take all rows due before `time`."""
        stop = int(np.searchsorted(self.rows.numbers[0], time))
        some = slice(self.at, max(stop, self.at))
        self.at = some.stop
        return self.rows.numbers[:, some], self.rows.value[some]
