"""The shape each input and population takes in a NIR graph: flat, or (channels, height, width)."""

from __future__ import annotations

from collections.abc import Mapping

from eventsim.network import Network
from eventsim.projections import Conv2d, Csr, Dense, OneToOne, SumPool2d

Shape = tuple[int, ...]


def export_shapes(network: Network) -> dict[str, Shape]:
    """Return a shape per input and population.

    NIR can flatten but not fold: what a matrix leads to is flat, and a convolution can only start from what
    has its shape. Where shapes contradict each other the population is flat, and the convolutions from it
    are written as matrices.
    """
    sizes = dict(network.inputs) | {name: p.size for name, p in network.populations.items()}
    sizes |= {name: source.size for name, source in getattr(network, "sources", {}).items()}
    wanted: dict[str, set[Shape]] = {name: set() for name in sizes}
    for p in network.projections:
        if isinstance(p.synapses, Conv2d | SumPool2d):
            wanted[p.pre].add(tuple(p.synapses.input_shape))
            wanted[p.post].add(tuple(p.synapses.output_shape))
    shapes: dict[str, Shape] = {
        name: next(iter(found)) if len(found) == 1 else (sizes[name],) for name, found in wanted.items()
    }
    while (stuck := _cannot_have_its_shape(network, shapes)) is not None:
        shapes[stuck] = (sizes[stuck],)
    return shapes


def _cannot_have_its_shape(network: Network, shapes: Mapping[str, Shape]) -> str | None:
    """Return a population that is not flat although something that leads to it is, or None."""
    for p in network.projections:
        if len(shapes[p.post]) == 1:
            continue
        if isinstance(p.synapses, Dense | Csr):
            return p.post
        if isinstance(p.synapses, OneToOne) and shapes[p.pre] != shapes[p.post]:
            return p.post
        if isinstance(p.synapses, Conv2d | SumPool2d) and shapes[p.pre] != tuple(p.synapses.input_shape):
            return p.post
    return None
