"""Which ticks can be timed on a grid of arrivals, and the arrays for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwmodels.activity import Ints
from hwmodels.costs import HardwareCosts
from hwmodels.grid_kernels import ARRIVAL_BITS, FLIGHT_BITS, ROW_BITS, Grid, Words
from hwmodels.messages import MessageTable
from hwmodels.sending import Sending

MOST_ROWS = 1 << ROW_BITS
_MOST_PLACES = 2**19
_PLACES_PER_MESSAGE = 4
"""A grid with more places per message than this takes longer than putting each where it belongs."""


@dataclass(eq=False)
class ArrivalGrid:
    """A chip's messages as words, and room for their arrivals, as many rows as were wanted so far."""

    words: Words
    grid: Grid

    @staticmethod
    def of(table: MessageTable, costs: HardwareCosts, sending: Sending) -> ArrivalGrid | None:
        """Return the grid for a table, or None where a time or the number of cores exceeds a word."""
        words = sending.words
        if words is None or _longest_ps(table, costs, words.core.shape[0]) >> ARRIVAL_BITS:
            return None
        return ArrivalGrid(words, _room(0, words.core.shape[0]))

    def holds(self, senders: Ints, messages: Ints) -> bool:
        """Return whether ticks with so many senders and messages fit, and are worth it."""
        columns, most = self.words.core.shape[0], int(senders.max(initial=0))
        if most > MOST_ROWS or most * columns > _MOST_PLACES:
            return False
        return bool(int(senders.sum()) * columns <= _PLACES_PER_MESSAGE * int(messages.sum()))

    def room_for(self, senders: Ints) -> Grid:
        """Return room for ticks with so many senders."""
        rows, columns = int(senders.max(initial=0)), self.words.core.shape[0]
        if rows > self.grid.key.shape[0]:
            self.grid = _room(rows, columns)
        return self.grid


def _room(rows: int, columns: int) -> Grid:
    return Grid(np.zeros((rows, columns), np.int64), np.zeros((rows, columns), np.int64))


def _longest_ps(table: MessageTable, costs: HardwareCosts, n_columns: int) -> int:
    """Return a time before which every message of a tick has arrived, ps."""
    neurons = int(np.diff(table.core_start).max(initial=0)) * (
        costs.neuron_access_ps + costs.neuron_update_ps
    )
    sending = MOST_ROWS * (costs.spike_out_ps + n_columns * costs.message_out_ps)
    return neurons + sending + (1 << FLIGHT_BITS)
