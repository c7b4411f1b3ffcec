"""Synapses that share a source and a delay, and the neurons that their spikes bring up to date."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hwmodels.activity import Indices, Ints
from hwmodels.reached_kernels import Words, mark_masks, mark_single_targets, mark_targets, write_masks

_WORDS_PER_TARGET = 6
"""Setting the bit of one target takes as long as going over about so many words of a mask."""
_MOST_MASK_WORDS = 2**23


@dataclass(frozen=True, eq=False)
class DelayedSynapses:
    """The slots that each address of a source reaches after a delay.

    Parameters
    ----------
    source : who sends
    delay : in ticks
    indptr : int64[n + 1], the targets of each address
    targets : int32[n_synapses], slots
    """

    source: str
    delay: int
    indptr: Ints
    targets: Indices

    def mark(self, ticks: Ints, sources: Indices, until: Ints, bits: Words) -> None:
        """Set bits[k, slot] where a spike sent before until[k], not before until[k - 1], reaches the slot.

        ticks, sources : int64[n], int32[n], sorted by tick. until : int64[n_ticks], ascending, the last one
        beyond all spikes. bits : uint64[n_ticks, n_words].
        """
        if self._single is not None:
            mark_single_targets(ticks, sources, self._single, until, bits)
        elif self._masks is not None:
            mark_masks(ticks, sources, *self._masks, until, bits)
        else:
            mark_targets(ticks, sources, self.indptr, self.targets, until, bits)

    @cached_property
    def _single(self) -> Indices | None:
        """Return int32[n], the only target of each address or -1, or None where one has more."""
        lengths = np.diff(self.indptr)
        if lengths.max(initial=0) > 1:
            return None
        target = np.full(lengths.shape[0], -1, np.int32)
        target[lengths > 0] = self.targets
        return target

    @cached_property
    def _masks(self) -> tuple[int, npt.NDArray[np.uint64]] | None:
        """Return the first word's number and the targets of each address as bits; None if too many words."""
        n = self.indptr.shape[0] - 1
        low, high = int(self.targets.min(initial=0)) >> 6, int(self.targets.max(initial=0)) >> 6
        words = n * (high + 1 - low)
        if words > min(_WORDS_PER_TARGET * self.targets.shape[0], _MOST_MASK_WORDS):
            return None
        masks = np.zeros((n, high + 1 - low), np.uint64)
        write_masks(self.indptr, self.targets, low, masks)
        return low, masks
