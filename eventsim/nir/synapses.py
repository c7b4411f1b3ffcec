"""From a linear map to synapses with delays on the grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eventsim.errors import NirError
from eventsim.events import MAX_TIME_NS
from eventsim.nir.linear_map import LinearMap
from eventsim.nir.primitives import FloatArray, Node
from eventsim.nir.report import NirReport
from eventsim.nir.shapes import window_geometry
from eventsim.nir.triplets import Triplets
from eventsim.projections import Conv2d, Csr, Dense, OneToOne, SumPool2d, Synapses

Delay = int | npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Connection:
    """Synapses and their delay, one or one per synapse, in ns on the grid."""

    synapses: Synapses
    delay_ns: Delay

    @property
    def shortest_ns(self) -> int:
        """Return the shortest delay, ns."""
        return int(np.min(self.delay_ns)) if np.size(self.delay_ns) else 0

    def at_least(self, tick_ns: int) -> Connection:
        """Return the connection with delays below `tick_ns` raised to it."""
        delay = self.delay_ns
        longer = max(delay, tick_ns) if isinstance(delay, int) else np.maximum(delay, tick_ns)
        return Connection(self.synapses, longer)


def connection_of(link: LinearMap, tick_ns: int, where: str, report: NirReport) -> Connection:
    """Return a linear map as synapses: in its own form where there is one, else sparse.

    Raises
    ------
    NirError
        if a delay is beyond what the simulator can count, or a weight is not finite.
    """
    delay_ns = link.uniform_delay_ns()
    kept = _kept(link) if delay_ns is not None else None
    if delay_ns is not None and kept is not None:
        made = Connection(kept, int(_on_grid(np.array([delay_ns]), tick_ns, where, report)[0]))
    else:
        made = _sparse(link, tick_ns, where, report)
    _report_form(link, made.synapses, where, report)
    return made


def _kept(link: LinearMap) -> Synapses | None:
    """Return the synapses of a map whose core is one node with a form of its own, or the identity."""
    if link.core is None:
        scale = _product(link.pre_scale, link.post_scale, link.n_pre)
        return OneToOne(scale[:1] if np.all(scale == scale[0]) else scale)
    if isinstance(link.core, Triplets):
        return None
    if link.core.kind in ("Linear", "Affine"):
        return _dense(link, link.core.values["weight"])
    if link.core.kind in ("Conv2d", "SumPool2d", "AvgPool2d"):
        return _windows(link, link.core)
    return None


def _dense(link: LinearMap, weight: npt.NDArray[np.floating]) -> Dense | None:
    if weight.ndim != 2:
        return None
    if link.pre_scale is None and link.post_scale is None:
        return Dense(np.ascontiguousarray(weight.T))
    scaled = np.asarray(weight.T, np.float64)
    if link.pre_scale is not None:
        scaled = scaled * link.pre_scale[:, None]
    return Dense(scaled if link.post_scale is None else scaled * link.post_scale)


def _windows(link: LinearMap, node: Node) -> Conv2d | SumPool2d | None:
    """Return a convolution or pooling whose scales are one number per channel, else None."""
    shape_in, shape_out = node.shape_in or (), node.shape_out or ()
    scale_in = _per_channel(link.pre_scale, shape_in[0])
    scale_out = _per_channel(link.post_scale, shape_out[0])
    if scale_in is None or scale_out is None:
        return None
    pooling = node.kind != "Conv2d"
    sides = node.ints("kernel_size") if pooling else node.values["weight"].shape[2:]
    kernel = (sides[0], sides[-1])
    stride, dilation, before, after = (_pair(x) for x in window_geometry(node, kernel))
    if before != after:
        return None
    shape = (shape_in[0], shape_in[1], shape_in[2])
    if node.kind == "AvgPool2d":
        scale_out = scale_out / (kernel[0] * kernel[1])
    plain = bool(np.all(scale_in == 1.0) and np.all(scale_out == 1.0))
    if pooling and plain:
        return SumPool2d(shape, kernel, stride, before)
    weight = np.ones((shape[0], 1, *kernel)) if pooling else node.values["weight"]
    groups = shape[0] if pooling else node.ints("groups")[0]
    if not plain:
        inputs = np.repeat(scale_in.reshape(groups, -1), weight.shape[0] // groups, axis=0)
        weight = np.asarray(weight, np.float64) * inputs[:, :, None, None] * scale_out[:, None, None, None]
    return Conv2d(weight, shape, stride=stride, padding=before, dilation=dilation, groups=groups)


def _sparse(link: LinearMap, tick_ns: int, where: str, report: NirReport) -> Connection:
    t = link.triplets()
    order = np.lexsort((t.post, t.pre))
    delays = _on_grid(t.delay_ns[order], tick_ns, where, report)
    one = delays.size == 0 or bool(np.all(delays == delays[0]))
    indptr = np.searchsorted(t.pre[order], np.arange(link.n_pre + 1)).astype(np.int64)
    full = one and t.pre.size == link.n_pre * link.n_post and _all_pairs(t, order, link.n_post)
    synapses: Synapses
    if full:
        synapses = Dense(t.weight[order].reshape(link.n_pre, link.n_post))
    else:
        synapses = Csr(indptr, t.post[order].astype(np.int32), t.weight[order], link.n_post)
    if one:
        return Connection(synapses, int(delays[0]) if delays.size else 0)
    return Connection(synapses, delays)


def _all_pairs(t: Triplets, order: npt.NDArray[np.int64], n_post: int) -> bool:
    flat = t.pre[order] * n_post + t.post[order]
    return bool(np.array_equal(flat, np.arange(flat.size)))


def _on_grid(delays_ns: FloatArray, tick_ns: int, where: str, report: NirReport) -> npt.NDArray[np.int64]:
    """Return delays rounded to the grid, the half up; notes what moved."""
    ticks = np.floor(delays_ns / tick_ns + 0.5)
    if ticks.size and float(ticks.max()) * tick_ns >= MAX_TIME_NS:
        raise NirError(f"a delay of {delays_ns.max():g} ns is longer than {MAX_TIME_NS} ns")
    rounded = ticks.astype(np.int64) * tick_ns
    moved = np.abs(rounded - delays_ns)
    # Beyond rounding in float64, as 3 ms in seconds has it.
    off = moved > 1e-9 * np.maximum(delays_ns, 1.0)
    if np.any(off):
        told = (
            f"{np.count_nonzero(off)} delays moved to the grid of {tick_ns} ns, by up to {moved.max():g} ns"
        )
        gone = np.count_nonzero(off & (rounded == 0))
        report.change(where, "quantised", told + (f"; {gone} are 0 now" if gone else ""))
    return rounded


def _report_form(link: LinearMap, synapses: Synapses, where: str, report: NirReport) -> None:
    n = synapses.n_synapses
    form = type(synapses).__name__
    if len(link.names) > 1:
        told = f"{' , '.join(link.names).replace(' ,', ',')} are one projection: {form}, {n} synapses"
        report.change(where, "folded", told)
    elif (isinstance(link.core, Node) and link.core.kind not in (form, "Linear", "Affine")) or (
        isinstance(link.core, Node) and isinstance(synapses, Csr)
    ):
        report.change(where, "folded", f"{link.core.kind} is written as {form}, {n} synapses")


def _product(a: FloatArray | None, b: FloatArray | None, n: int) -> FloatArray:
    product = np.ones(n)
    for factor in (a, b):
        product = product if factor is None else product * factor
    return product


def _per_channel(scale: FloatArray | None, channels: int) -> FloatArray | None:
    """Return one factor per channel where a scale is that; None where it differs within a channel."""
    if scale is None:
        return np.ones(channels)
    planes = scale.reshape(channels, -1)
    return planes[:, 0].copy() if np.all(planes == planes[:, :1]) else None


def _pair(numbers: tuple[int, ...]) -> tuple[int, int]:
    return numbers[0], numbers[-1]
