"""Which ticks can be timed on a grid of arrivals, and the arrays for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwmodels.activity import Ints
from hwmodels.costs import HardwareCosts
from hwmodels.grid_kernels import (
    ARRIVAL_BITS,
    COLUMN_BITS,
    FLIGHT_BITS,
    ROW_BITS,
    SERVICE_BITS,
    Grid,
    Words,
)
from hwmodels.messages import MessageTable
from hwmodels.sending import Sending

MOST_ROWS = 1 << ROW_BITS
_PLACES_PER_MESSAGE = 4
"""A grid with more places per message than this takes longer than putting each where it belongs."""


@dataclass(frozen=True, eq=False)
class ArrivalGrid:
    """A chip's messages as words, and a grid for their arrivals."""

    words: Words
    grid: Grid

    @staticmethod
    def of(table: MessageTable, costs: HardwareCosts, sending: Sending) -> ArrivalGrid | None:
        """Return the grid for a table, or None where a time or the number of cores exceeds a word."""
        entries = sending.entries
        cores = np.flatnonzero(np.bincount(entries.core, minlength=table.n_cores))
        if cores.shape[0] > 1 << COLUMN_BITS or _longest_ps(table, costs, cores.shape[0]) >> ARRIVAL_BITS:
            return None
        if (
            int(entries.service.max(initial=0)) >> SERVICE_BITS
            or int(entries.flight.max(initial=0)) >> FLIGHT_BITS
        ):
            return None
        column = np.zeros(table.n_cores, np.int64)
        column[cores] = np.arange(cores.shape[0])
        word = entries.flight.astype(np.int64)
        word <<= SERVICE_BITS
        word |= entries.service
        word <<= COLUMN_BITS
        word |= column[entries.core]
        places = (MOST_ROWS, cores.shape[0])
        return ArrivalGrid(
            Words(table.indptr, word, cores), Grid(np.zeros(places, np.int64), np.zeros(places, np.int64))
        )

    def holds(self, senders: Ints, messages: Ints) -> bool:
        """Return whether ticks with so many senders and messages fit, and are worth it."""
        places = int(senders.sum()) * self.words.core.shape[0]
        return bool((senders <= MOST_ROWS).all()) and places <= _PLACES_PER_MESSAGE * int(messages.sum())


def _longest_ps(table: MessageTable, costs: HardwareCosts, n_columns: int) -> int:
    """Return a time before which every message of a tick has arrived, ps."""
    neurons = int(np.diff(table.core_start).max(initial=0)) * (
        costs.neuron_access_ps + costs.neuron_update_ps
    )
    sending = MOST_ROWS * (costs.spike_out_ps + n_columns * costs.message_out_ps)
    return neurons + sending + (1 << FLIGHT_BITS)
