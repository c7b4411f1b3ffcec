"""Scratch of a class in windows that runs merged with a Poisson source, in one array: where its parts are.

One array has one address: a loop that uses all parts keeps it in a register, where seven would find no room.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from eventsim.engine.jit import floats_at, inlined, ints_at, positions_at, singles_at, words_at
from eventsim.engine.layout import F_MERGING, Floats, Ints, Positions, Values, Words
from eventsim.engine.pool import BLOCK

DRAWN: Final = 128
"""Events of the source that are drawn ahead."""
LAID: Final = 512
"""Synapses that are laid out by time."""

_N_DRAWN: Final = DRAWN + BLOCK
_N_LAID: Final = LAID + BLOCK
_DRAWN_SYNAPSE, _DRAWN_WEIGHT, _ITEM_TICK = 8 * _N_DRAWN, 16 * _N_DRAWN, 24 * _N_DRAWN
_ITEM_END, _LAID_SYNAPSE, _LAID_SCALE = (_ITEM_TICK + 8 * k * _N_LAID for k in (1, 2, 3))
MERGING_SIZE: Final = 3 * _N_DRAWN + 4 * _N_LAID


class Drawn(NamedTuple):
    """Events drawn ahead: their ticks, their neurons as synapses of weight 1, and their weights."""

    tick: Ints
    synapse: Words
    weight: Floats
    synapses_at: np.uint64


@inlined
def drawn_at(handle: Ints) -> Drawn:
    """Return the events drawn ahead."""
    at = handle[F_MERGING]
    return Drawn(
        ints_at(at, _N_DRAWN),
        words_at(at + _DRAWN_SYNAPSE, _N_DRAWN),
        floats_at(at + _DRAWN_WEIGHT, _N_DRAWN),
        np.uint64(at + _DRAWN_SYNAPSE),
    )


class Laid(NamedTuple):
    """What is laid out by time: per item its tick and where its synapses end, and per synapse what to add.

    Destination and weight of synapse k, as `slots` packs them, are at 2 k and 2 k + 1, and in one word at k.
    """

    tick: Ints
    end: Ints
    synapse: Words
    targets: Positions
    weights: Values
    scale: Floats


@inlined
def laid_at(handle: Ints) -> Laid:
    """Return what is laid out by time."""
    at = handle[F_MERGING]
    return Laid(
        ints_at(at + _ITEM_TICK, _N_LAID),
        ints_at(at + _ITEM_END, _N_LAID),
        words_at(at + _LAID_SYNAPSE, _N_LAID),
        positions_at(at + _LAID_SYNAPSE, 2 * _N_LAID),
        singles_at(at + _LAID_SYNAPSE, 2 * _N_LAID),
        floats_at(at + _LAID_SCALE, _N_LAID),
    )
