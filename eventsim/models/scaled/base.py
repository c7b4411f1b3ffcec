"""When the base of scaled time moves: by whole spans since the start, whatever tick is visited.

So the rounding of a membrane does not depend on visits that bring nothing: of a delivery without synapses in
one queue, of a cut, of a membrane read.
"""

from __future__ import annotations

from eventsim.engine.jit import inlined, part


@inlined
def spans_before(since: int, span: int) -> int:
    """Return by how many spans the base is moved for a tick `since` ticks after it: 1 to `span` are left."""
    return max(0, (since - 1) // span)


@part
def moved(value: float, factor: float, spans: int) -> float:
    """Return a scaled value after its base has moved by some spans, `factor` each, one after the other."""
    while spans > 0 and value != 0.0:
        value *= factor
        spans -= 1
    return value
