"""The linear nodes between two populations as one map, kept in its own form for as long as possible."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eventsim.nir.primitives import FloatArray, Node
from eventsim.nir.triplets import Triplets, triplets_of


@dataclass(frozen=True, eq=False)
class LinearMap:
    """A chain: scale and delay per source, then a core, then scale and delay per destination.

    The core is one node (Linear, Affine, convolution, pooling) as it stands in the graph, or triplets where
    several were folded, or None for the identity; None for a scale or a delay means 1 or 0. Delays are in ns.
    """

    n_pre: int
    n_post: int
    core: Node | Triplets | None = None
    pre_scale: FloatArray | None = None
    pre_delay_ns: FloatArray | None = None
    post_scale: FloatArray | None = None
    post_delay_ns: FloatArray | None = None
    names: tuple[str, ...] = ()

    def through(self, node: Node, delay_ns: FloatArray | None) -> LinearMap:
        """Return this map followed by a linear node, whose delay in ns is given where it is a Delay.

        Raises
        ------
        NirError
            if folding it takes too many synapses.
        """
        longer = replace(self, names=(*self.names, node.name))
        if node.kind == "Flatten":
            return longer
        if delay_ns is not None:
            held = self.post_delay_ns
            return replace(longer, post_delay_ns=delay_ns if held is None else held + delay_ns)
        if node.kind == "Scale":
            scale = np.asarray(node.values["scale"], np.float64).ravel()
            return replace(longer, post_scale=scale if self.post_scale is None else self.post_scale * scale)
        if self.core is None:
            return LinearMap(
                self.n_pre, node.size_out, node, self.post_scale, self.post_delay_ns, names=longer.names
            )
        folded = self.triplets().then(triplets_of(node), (self.n_pre, self.n_post, node.size_out))
        return LinearMap(self.n_pre, node.size_out, folded, names=longer.names)

    def plus(self, other: LinearMap) -> LinearMap:
        """Return the sum of two maps between the same ends."""
        names = tuple(dict.fromkeys((*self.names, *other.names)))
        return LinearMap(self.n_pre, self.n_post, self.triplets().plus(other.triplets()), names=names)

    def scaled(self, gain: FloatArray | None) -> LinearMap:
        """Return the map with a further factor per destination."""
        if gain is None:
            return self
        return replace(self, post_scale=gain if self.post_scale is None else self.post_scale * gain)

    def triplets(self) -> Triplets:
        """Return the whole map as triplets."""
        if self.core is None:
            core = Triplets.diagonal(self.n_pre)
        else:
            core = self.core if isinstance(self.core, Triplets) else triplets_of(self.core)
        scaled = core.scaled(self.pre_scale, self.post_scale)
        return scaled.delayed(self.pre_delay_ns, self.post_delay_ns)

    def uniform_delay_ns(self) -> float | None:
        """Return the one delay of all synapses, or None where they differ or hide in triplets."""
        total = 0.0
        for delays in (self.pre_delay_ns, self.post_delay_ns):
            if delays is not None:
                if np.any(delays != delays[0]):
                    return None
                total += float(delays[0])
        if isinstance(self.core, Triplets):
            if not self.core.delay_ns.size:
                return total
            if np.any(self.core.delay_ns != self.core.delay_ns[0]):
                return None
            total += float(self.core.delay_ns[0])
        return total


def apply(node: Node, values: FloatArray) -> FloatArray:
    """Return what a linear node makes of constant values, its own bias not added."""
    if node.kind in ("Flatten", "Delay"):
        return values
    if node.kind == "Scale":
        return values * np.asarray(node.values["scale"], np.float64).ravel()
    t = triplets_of(node)
    given = np.zeros(node.size_out)
    np.add.at(given, t.post, t.weight * values[t.pre])
    return given


def own_bias(node: Node) -> FloatArray | None:
    """Return the bias a node adds, per address; None where it has none or it is zero everywhere."""
    bias = node.values.get("bias")
    if bias is None or not np.any(bias):
        return None
    values = np.asarray(bias, np.float64)
    if node.kind == "Affine":
        return values.ravel()
    return np.repeat(values, node.size_out // values.size)
