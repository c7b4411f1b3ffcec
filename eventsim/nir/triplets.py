"""Linear maps as triplets: which source reaches which destination, with which weight and delay."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt

from eventsim.errors import NirError
from eventsim.nir.primitives import FloatArray, Node
from eventsim.nir.shapes import window_geometry

MAX_TRIPLETS = 2**24
"""Most synapses made of what a file declares in few numbers, or of a product of two maps."""

MAX_KERNEL = 2**16

_SPARSE = 2**22  # products up to here are taken synapse by synapse, larger ones as matrices where they fit

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Triplets:
    """Synapses: source, destination, weight and delay (ns, not yet on the grid) of each."""

    pre: Indices
    post: Indices
    weight: FloatArray
    delay_ns: FloatArray

    @classmethod
    def diagonal(cls, n: int) -> Triplets:
        """Return the identity on n addresses."""
        every = np.arange(n, dtype=np.int64)
        return cls(every, every, np.ones(n), np.zeros(n))

    def scaled(self, pre: FloatArray | None, post: FloatArray | None) -> Triplets:
        """Return the weights multiplied by a factor per source and one per destination."""
        weight = self.weight if pre is None else self.weight * pre[self.pre]
        return Triplets(
            self.pre, self.post, weight if post is None else weight * post[self.post], self.delay_ns
        )

    def delayed(self, pre_ns: FloatArray | None, post_ns: FloatArray | None) -> Triplets:
        """Return the delays with one added per source and one per destination."""
        delay = self.delay_ns if pre_ns is None else self.delay_ns + pre_ns[self.pre]
        return Triplets(
            self.pre, self.post, self.weight, delay if post_ns is None else delay + post_ns[self.post]
        )

    def plus(self, other: Triplets) -> Triplets:
        """Return the sum of two maps."""
        if self.pre.size + other.pre.size > MAX_TRIPLETS:
            raise NirError(f"folding takes more than {MAX_TRIPLETS} synapses")
        return Triplets(
            np.concatenate([self.pre, other.pre]),
            np.concatenate([self.post, other.post]),
            np.concatenate([self.weight, other.weight]),
            np.concatenate([self.delay_ns, other.delay_ns]),
        ).merged()

    def then(self, after: Triplets, sizes: tuple[int, int, int]) -> Triplets:
        """Return this map followed by `after`; `sizes` are the numbers of addresses before, between, behind.

        Raises
        ------
        NirError
            if the product takes more than `MAX_TRIPLETS` synapses.
        """
        order = np.argsort(after.pre, kind="stable")
        start = np.searchsorted(after.pre[order], np.arange(sizes[1] + 1))
        counts = np.diff(start)[self.post]
        total = int(counts.sum())
        if total > _SPARSE and not (self.delay_ns.any() or after.delay_ns.any()):
            before, between, behind = sizes
            if max(before * between, between * behind, before * behind) <= MAX_TRIPLETS:
                return _from_matrix(self.matrix(before, between) @ after.matrix(between, behind))
        if total > MAX_TRIPLETS:
            raise NirError(f"folding takes {total} synapses, at most {MAX_TRIPLETS} are allowed")
        mine = np.repeat(np.arange(self.pre.size), counts)
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        theirs = order[start[self.post][mine] + within]
        return Triplets(
            self.pre[mine],
            after.post[theirs],
            self.weight[mine] * after.weight[theirs],
            self.delay_ns[mine] + after.delay_ns[theirs],
        ).merged()

    def merged(self) -> Triplets:
        """Return one triplet per source, destination and delay, sorted so; weights are added up."""
        order = np.lexsort((self.delay_ns, self.post, self.pre))
        pre, post, delay = self.pre[order], self.post[order], self.delay_ns[order]
        if not pre.size:
            return self
        first = np.ones(pre.size, bool)
        first[1:] = (np.diff(pre) != 0) | (np.diff(post) != 0) | (np.diff(delay) != 0)
        weight = np.add.reduceat(self.weight[order], np.flatnonzero(first))
        return Triplets(pre[first], post[first], weight, delay[first])

    def matrix(self, n_pre: int, n_post: int) -> FloatArray:
        """Return the weights as float64[n_pre, n_post]; several synapses of one pair are added up."""
        flat = np.zeros(n_pre * n_post)
        np.add.at(flat, self.pre * n_post + self.post, self.weight)
        return flat.reshape(n_pre, n_post)


def _from_matrix(weights: FloatArray) -> Triplets:
    pre, post = np.nonzero(weights)
    return Triplets(pre, post, weights[pre, post], np.zeros(pre.size))


def triplets_of(node: Node) -> Triplets:
    """Return a Linear, Affine, convolution or pooling node as triplets; biases are not part of it.

    Raises
    ------
    NirError
        if that takes more than `MAX_TRIPLETS` synapses.
    """
    if node.kind in ("Linear", "Affine"):
        return _of_matrix(node.values["weight"])
    if node.kind.startswith("Conv"):
        return _of_windows(node, np.asarray(node.values["weight"], np.float64), node.ints("groups")[0])
    sides = node.ints("kernel_size")
    kernel = sides * 2 if len(sides) == 1 else sides
    channels = (node.shape_in or (1,))[0]
    _check_size(node, channels, kernel)
    each = 1.0 if node.kind == "SumPool2d" else 1.0 / prod(kernel)
    return _of_windows(node, np.full((channels, 1, *kernel), each), channels)


def _of_matrix(weight: npt.NDArray[np.floating]) -> Triplets:
    """Return a matrix [out, in], or a block of one per leading index."""
    n_out, n_in = weight.shape[-2:]
    block, out, into = np.indices((prod(weight.shape[:-2]), n_out, n_in)).reshape(3, -1)
    values = np.asarray(weight, np.float64).ravel()
    return Triplets(block * n_in + into, block * n_out + out, values, np.zeros(values.size))


def _check_size(node: Node, n_planes: int, kernel: tuple[int, ...]) -> None:
    n_synapses = prod((node.shape_out or ())[1:]) * n_planes * prod(kernel)
    if n_synapses > MAX_TRIPLETS or prod(kernel) > MAX_KERNEL:
        raise NirError(
            f"{node.kind} takes {n_synapses} synapses through a kernel of {prod(kernel)} positions; "
            f"at most {MAX_TRIPLETS} and {MAX_KERNEL} are allowed"
        )


def _of_windows(node: Node, weight: FloatArray, groups: int) -> Triplets:
    """Return a cross-correlation, one kernel position at a time."""
    kernel = weight.shape[2:]
    shape_in, shape_out = node.shape_in or (), node.shape_out or ()
    stride, dilation, before, _ = window_geometry(node, kernel)
    _check_size(node, prod(weight.shape[:2]), kernel)
    n_in, n_out = weight.shape[1], weight.shape[0] // groups
    out = np.indices(shape_out[1:]).reshape(len(kernel), -1)  # the positions of the output
    channel_out, offset_in = np.indices(weight.shape[:2]).reshape(2, -1)
    channel_in = channel_out // n_out * n_in + offset_in
    parts: list[Triplets] = []
    planes = weight.reshape(prod(weight.shape[:2]), -1)
    for k, at in enumerate(product(*map(range, kernel))):
        into = [o * s - b + d * a for o, s, b, d, a in zip(out, stride, before, dilation, at, strict=True)]
        inside = np.all([(p >= 0) & (p < side) for p, side in zip(into, shape_in[1:], strict=True)], axis=0)
        place_in = np.ravel_multi_index([p[inside] for p in into], shape_in[1:])
        place_out = np.flatnonzero(inside)
        pre = channel_in[:, None] * prod(shape_in[1:]) + place_in
        post = channel_out[:, None] * prod(shape_out[1:]) + place_out
        values = np.broadcast_to(planes[:, k : k + 1], pre.shape)
        parts.append(Triplets(pre.ravel(), post.ravel(), values.ravel(), np.zeros(pre.size)))
    return Triplets(
        np.concatenate([part.pre for part in parts]),
        np.concatenate([part.post for part in parts]),
        np.concatenate([part.weight for part in parts]),
        np.concatenate([part.delay_ns for part in parts]),
    )
