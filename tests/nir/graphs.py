"""Small NIR graphs for tests."""

from itertools import pairwise

import nir
import numpy as np


def lif(n, seed=0, **given):
    rng = np.random.default_rng(seed)
    shape = n if isinstance(n, tuple) else (n,)
    values = {
        "tau": rng.uniform(3, 20, shape),
        "r": rng.uniform(0.5, 2, shape),
        "v_leak": np.zeros(shape),
        "v_threshold": rng.uniform(0.05, 0.3, shape),
        "v_reset": rng.uniform(-0.1, 0.04, shape),
    }
    return nir.LIF(**values | {key: np.full(shape, value) for key, value in given.items()})


def cuba(kind, n, seed=0, **given):
    rng = np.random.default_rng(seed)
    values = {
        "tau_mem": rng.uniform(6, 20, n),
        "tau_syn": rng.uniform(2, 5, n),
        "r": rng.uniform(0.5, 2, n),
        "v_leak": np.zeros(n),
        "w_in": rng.uniform(0.5, 2, n),
    }
    if kind is nir.CubaLIF:
        values |= {"v_threshold": rng.uniform(0.02, 0.1, n), "v_reset": rng.uniform(-0.05, 0.01, n)}
    return kind(**values | {key: np.full(n, value) for key, value in given.items()})


def weights(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(dtype)


def chain(shape, *nodes, loose=False, out=None):
    """Return Input -> nodes -> Output; `loose` skips nir's own check, which knows no groups."""
    named = {"input": nir.Input({"input": np.array(shape)})}
    for node in nodes:
        name = base = type(node).__name__.lower()
        k = 1
        while name in named:
            k += 1
            name = f"{base}{k}"
        named[name] = node
    last = np.array(out) if out else nodes[-1].output_type["output"]
    named["output"] = nir.Output({"output": last})
    names = list(named)
    return nir.NIRGraph(named, list(pairwise(names)), type_check=not loose)


def recurrent(n=4, n_in=3, seed=0, **given):
    """Return a layer with a loop of weights, as trained networks have it."""
    return nir.NIRGraph(
        {
            "input": nir.Input({"input": np.array([n_in])}),
            "fc": nir.Linear(weights(n, n_in, seed=seed)),
            "lif": lif(n, seed, **given),
            "rec": nir.Affine(weights(n, n, seed=seed + 1), np.zeros(n)),
            "output": nir.Output({"output": np.array([n])}),
        },
        [("input", "fc"), ("fc", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")],
    )
