"""The slow truth: a NIR graph computed node by node, tick by tick, in float64, from NIR's equations alone.

Every value on an edge is a pair: what events bring in this tick, and what is there all the time (biases).
A node that has not been computed yet in a tick gives what it gave in the tick before.
"""

import math

import numpy as np


class DenseNir:
    """`order` names the nodes as they are computed; `margin` is the least distance to a threshold met."""

    def __init__(self, graph, unit_ns, tick_ns, spike="held", integration="exact", order=None):
        self.nodes, self.edges = graph.nodes, graph.edges
        self.order = list(order or graph.nodes)
        self.tick = tick_ns / unit_ns
        self.spike, self.integration = spike, integration
        self.margin = math.inf
        self.given = {}
        self.states = {}
        self.history = {}
        for name in [*self.order] * (len(self.order) + 1):
            self._prime(name)

    def _prime(self, name):
        """Find shapes and constants by letting nothing happen."""
        taken = self._taken(name)
        if taken is None and type(self.nodes[name]).__name__ != "Input":
            return
        if type(self.nodes[name]).__name__ == "Input":
            shape = tuple(self.nodes[name].input_type["input"])
            self.given[name] = np.zeros(shape), np.zeros(shape)
        else:
            kind = type(self.nodes[name]).__name__
            if kind in ("LIF", "LI", "IF", "I", "CubaLIF", "CubaLI", "Threshold"):
                shape = np.broadcast_shapes(taken[0].shape, ())
                self.given[name] = np.zeros(shape), np.zeros(shape)
            else:
                self.given[name] = self._linear(kind, self.nodes[name], taken)

    def _taken(self, name):
        parts = [self.given[pre] for pre, post in self.edges if post == name and pre in self.given]
        if not parts:
            return None
        return sum(p[0] for p in parts), sum(p[1] for p in parts)

    def step(self, inputs):
        """Return what every node gives in this tick, for event input by Input node."""
        for name in self.order:
            node, kind = self.nodes[name], type(self.nodes[name]).__name__
            if kind == "Input":
                self.given[name] = inputs[name].reshape(self.given[name][0].shape), self.given[name][1]
                continue
            taken = self._taken(name)
            if kind == "Output":
                self.given[name] = taken
            elif kind == "Delay":
                past = self.history.setdefault(name, [])
                past.append(taken[0])
                ticks = np.floor(np.asarray(node.delay, float) / self.tick + 0.5).astype(int)
                out = np.zeros(taken[0].shape)
                for at in np.ndindex(out.shape):
                    if ticks[at] < len(past):
                        out[at] = past[-1 - ticks[at]][at]
                self.given[name] = out, taken[1]
            elif kind in ("LIF", "LI", "IF", "I", "CubaLIF", "CubaLI", "Threshold"):
                self.given[name] = self._neuron(name, kind, node, taken), np.zeros(taken[0].shape)
            else:
                self.given[name] = self._linear(kind, node, taken)
        outputs = {name for name in self.given if type(self.nodes[name]).__name__ == "Output"}
        return {name: x + c if name in outputs else x for name, (x, c) in self.given.items()}

    def _linear(self, kind, node, taken):
        x, c = taken
        if kind in ("Linear", "Affine"):
            w = np.asarray(node.weight, float)
            bias = np.asarray(node.bias, float) if kind == "Affine" else 0.0
            return np.einsum("...oi,...i->...o", w, x), np.einsum("...oi,...i->...o", w, c) + bias
        if kind == "Scale":
            return x * node.scale, c * node.scale
        if kind == "Delay":
            return np.zeros(x.shape), c
        if kind == "Output":
            return taken
        if kind == "Flatten":
            n = x.ndim
            start, end = node.start_dim % n, node.end_dim % n
            shape = (*x.shape[:start], -1, *x.shape[end + 1 :])
            return x.reshape(shape), c.reshape(shape)
        if kind in ("SumPool2d", "AvgPool2d"):
            side = [int(k) for k in np.ravel(node.kernel_size)]
            w = np.ones((x.shape[0], 1, *side)) / (np.prod(side) if kind == "AvgPool2d" else 1)
            args = (w, node.stride, node.padding, 1, x.shape[0])
            return convolve(x, *args), convolve(c, *args)
        w = np.asarray(node.weight, float)
        args = (w, node.stride, node.padding, node.dilation, int(node.groups))
        bias = np.asarray(node.bias, float).reshape(-1, *[1] * (x.ndim - 1))
        return convolve(x, *args), convolve(c, *args) + bias

    def _leak(self, tau):
        tau = np.asarray(tau, float)
        return self.tick / tau if self.integration == "euler" else 1 - np.exp(-self.tick / tau)

    def _settled(self, node, c):
        """Return the current to which a constant input leads."""
        return node.w_in * c / (self._leak(node.tau_syn) if self.spike == "jump" else 1.0)

    def _neuron(self, name, kind, node, taken):
        x, c = taken
        if kind == "Threshold":
            self.margin = min(self.margin, float(np.abs(x + c - node.threshold).min()))
            return (x + c > node.threshold).astype(float)
        if name not in self.states:
            rest = np.broadcast_to(getattr(node, "v_leak", 0.0), x.shape)
            settled = self._settled(node, c) if kind.startswith("Cuba") else 0.0
            self.states[name] = [rest + np.zeros(x.shape), settled + np.zeros(x.shape)]
        v, current = self.states[name]
        r = np.asarray(node.r, float)
        if kind in ("CubaLIF", "CubaLI"):
            settled = self._settled(node, c)
            mem, syn = np.asarray(node.tau_mem, float), np.asarray(node.tau_syn, float)
            if self.integration == "euler":
                v = v + self._leak(mem) * (node.v_leak - v + r * current)
            else:
                a, b = np.exp(-self.tick / mem), np.exp(-self.tick / syn)
                rest = node.v_leak + r * settled
                v = rest + a * (v - rest) + r * (current - settled) * (a - b) / (mem / syn - 1)
            jump = {"held": self._leak(syn), "dirac": 1 / syn, "jump": 1}[self.spike]
            current = settled + (1 - self._leak(syn)) * (current - settled) + node.w_in * jump * x
        elif kind in ("IF", "I"):
            constant = c * (1.0 if self.spike == "jump" else self.tick)
            v = v + r * (x * (self.tick if self.spike == "held" else 1.0) + constant)
        else:
            leak = self._leak(node.tau)
            each = {"held": leak, "dirac": 1 / np.asarray(node.tau, float), "jump": 1}[self.spike]
            constant = c * (1 if self.spike == "jump" else leak)
            v = v + leak * (node.v_leak - v) + r * (constant + each * x)
        if kind in ("I", "LI", "CubaLI"):
            self.states[name] = [v, current]
            return v.copy()
        fired = v > node.v_threshold
        self.margin = min(self.margin, float(np.abs(v - node.v_threshold).min()))
        self.states[name] = [np.where(fired, node.v_reset, v), current]
        return fired.astype(float)


def convolve(x, w, stride, padding, dilation, groups):
    """Return a cross-correlation of any number of dimensions, one output at a time."""
    n = x.ndim - 1
    kernel = w.shape[2:]
    stride, dilation = spread(stride, n), spread(dilation, n)
    if isinstance(padding, str):
        total = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, kernel, strict=True)]
        before = [t // 2 for t in total]
        after = [t - b for t, b in zip(total, before, strict=True)]
    else:
        before = after = spread(padding, n)
    x = np.pad(x, [(0, 0), *zip(before, after, strict=True)])
    sides = [(x.shape[k + 1] - dilation[k] * (kernel[k] - 1) - 1) // stride[k] + 1 for k in range(n)]
    out = np.zeros((w.shape[0], *sides))
    per_in, per_out = w.shape[1], w.shape[0] // groups
    for at in np.ndindex(*out.shape):
        channels = slice(at[0] // per_out * per_in, at[0] // per_out * per_in + per_in)
        window = tuple(
            slice(
                at[k + 1] * stride[k], at[k + 1] * stride[k] + dilation[k] * (kernel[k] - 1) + 1, dilation[k]
            )
            for k in range(n)
        )
        out[at] = float((x[(channels, *window)] * w[at[0]]).sum())
    return out


def spread(value, n):
    numbers = [int(v) for v in np.ravel(value)]
    return numbers * n if len(numbers) == 1 else numbers
