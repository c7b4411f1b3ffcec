"""Networks that SANA-FE and the project's hardware models run alike.

All are perfect integrators with whole weights and biases and a delay of one tick, so that SANA-FE's fixed
point (whole 64ths) and the engine's float64 give the same membranes, hence the same spikes. A population's
synapses are of one form, because SANA-FE chooses the synapse unit by the neuron that is reached.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.w1_balanced import W1Case
from eventsim.convolutions import Conv2d
from eventsim.models import LIF
from eventsim.network import Network
from eventsim.projections import Csr, Dense
from hwmodels.chip import Chip, load_chip
from hwmodels.costs import PS_PER_NS, HardwareCosts
from hwmodels.messages import form_of
from hwmodels.placement import Placement

TICK_NS = 1_000_000
CHIP = "loihi-sanafe"
UNITS = ("loihi_dense_synapse", "loihi_sparse_synapse", "loihi_conv_synapse")


@dataclass(frozen=True, eq=False)
class SanafeCase:
    """A network, where its neurons sit, and for how many ticks it runs."""

    network: Network
    placement: Placement
    ticks: int

    @property
    def costs(self) -> HardwareCosts:
        """Return the chip's times; the barrier is read off its table as SANA-FE does, in steps."""
        costs = HardwareCosts.of(self.placement.chip, self.placement.tiles_used())
        return dataclasses.replace(costs, barrier_ps=_barrier_ps(self.placement))


def _barrier_ps(placement: Placement) -> int:
    """Return the time at the largest number of tiles in the table that is not above those in use."""
    chip, used = placement.chip, placement.tiles_used()
    assert chip.synchronisation is not None
    points = [(p.tiles, p.latency_ns.value or 0.0) for p in chip.synchronisation.barrier]
    below = [time for tiles, time in points if tiles <= used]
    return round((below[-1] if below else points[0][1]) * PS_PER_NS)


def integrator(bias: npt.ArrayLike, threshold: float, reset: float = 0.0) -> LIF:
    """Return neurons that sum up their input and jump to `reset` when above the threshold."""
    return LIF(
        tau_ns=math.inf,
        threshold=threshold,
        bias=np.asarray(bias, float),
        reset="hard",
        reset_potential=reset,
    )


def small(seed: int = 5) -> SanafeCase:
    """Return four populations on 23 cores of 9 tiles, with dense, sparse and convolution synapses."""
    rng, net = np.random.default_rng(seed), Network(TICK_NS)
    net.add_population("driven", 64, integrator(rng.integers(1, 20, 64), 40.0))
    net.add_population("map", 2 * 6 * 6, integrator(np.zeros(72), 30.0))
    net.add_population("dense", 40, integrator(rng.integers(0, 2, 40), 25.0, 3.0))
    net.add_population("sparse", 50, integrator(rng.integers(0, 3, 50), 50.0))
    net.connect("driven", "map", Conv2d(rng.integers(-3, 9, (2, 1, 3, 3)).astype(float), (1, 8, 8)), TICK_NS)
    net.connect("map", "dense", Dense(rng.integers(-3, 5, (72, 40)).astype(float)), TICK_NS)
    for pre, size in (("dense", 40), ("sparse", 50)):
        counts = rng.integers(0, 12, size)
        indices, weights = rng.integers(0, 50, counts.sum()), rng.integers(-9, 12, counts.sum())
        net.connect(
            pre, "sparse", Csr(np.append(0, np.cumsum(counts)), indices, weights.astype(float)), TICK_NS
        )
    chip = load_chip(CHIP)
    cores = np.sort(rng.choice(40, 23, replace=False))
    core_of = {name: rng.choice(cores, p.size).astype(np.int32) for name, p in net.populations.items()}
    return SanafeCase(net, Placement(chip, core_of), 60)


def w1(ticks: int = 200) -> SanafeCase:
    """Return W1's connectivity (10,000 neurons, 100 inputs each) on 128 cores, driven by biases.

    Weights 1 and -5, threshold 64, reset 0, biases from 0 to 2 in 64ths: SANA-FE has no Poisson sources.
    """
    case, net = W1Case(in_degree=100), Network(TICK_NS)
    synapses = case.connectivity()
    weights = np.where(synapses.weights > 0, np.float32(1), np.float32(-5))
    bias = np.random.default_rng(3).integers(0, 128, case.neurons) / 64
    net.add_population("cells", case.neurons, integrator(bias, 64.0))
    net.connect("cells", "cells", Csr(synapses.indptr, synapses.indices, weights, case.neurons), TICK_NS)
    cores = (np.arange(case.neurons) * 128 // case.neurons).astype(np.int32)
    return SanafeCase(net, Placement(load_chip(CHIP), {"cells": cores}), ticks)


def dvs(file: Path, ticks: int = 100) -> SanafeCase:
    """Return the gesture network whose weights SANA-FE ships (`dvs_challenge.npz`), 18,677 neurons.

    The mapping is the project's own, 512 neurons to a core in order: the one of SANA-FE's publications is in
    its repository only. Without its leak of 4095/4096, which only fixed point makes needed.
    """
    held: Mapping[str, Any] = np.load(file)
    net, sizes = Network(TICK_NS), [1024]
    thresholds = held["thresholds"].astype(float)
    net.add_population("l0", 1024, integrator(held["inputs"], thresholds[0]))
    shape: tuple[int, int, int] = (1, 32, 32)
    for k in range(1, 5):
        kernel = np.ascontiguousarray(held[f"conv{k}"].transpose(3, 2, 0, 1)).astype(float)
        conv = Conv2d(kernel, shape, 2 if k == 1 else 1)
        net.add_population(f"l{k}", conv.n_post, integrator(np.zeros(conv.n_post), thresholds[k]))
        net.connect(f"l{k - 1}", f"l{k}", conv, TICK_NS)
        shape = conv.output_shape
        sizes.append(conv.n_post)
    channels, height, width = shape
    # The last layer's rows are by (y, x, channel), addresses here by (channel, y, x).
    rows = (
        np.arange(channels * height * width).reshape(height, width, channels).transpose(2, 0, 1).reshape(-1)
    )
    net.add_population("l5", 11, integrator(np.zeros(11), thresholds[5]))
    net.connect("l4", "l5", Dense(held["dense1"][rows].astype(float)), TICK_NS)
    sizes.append(11)
    core_of, first = {}, 0
    for k, size in enumerate(sizes):
        core_of[f"l{k}"] = (first + np.arange(size) // 512).astype(np.int32)
        first += -(-size // 512)
    return SanafeCase(net, Placement(load_chip(CHIP), core_of), ticks)


def export(case: SanafeCase, folder: Path) -> tuple[Path, Path]:
    """Write the case and its chip for `scripts/sanafe_side.py`; return both files."""
    names = list(case.network.populations)
    held: dict[str, Any] = {}
    for k, population in enumerate(case.network.populations.values()):
        model = population.model
        assert isinstance(model, LIF)
        held[f"size_{k}"] = population.size
        held[f"core_{k}"] = case.placement.core_of[population.name]
        held[f"bias_{k}"] = np.asarray(model.bias)
        held[f"threshold_{k}"] = float(np.asarray(model.threshold)[0])
        held[f"reset_{k}"] = float(np.asarray(model.reset_potential)[0])
        held[f"leak_{k}"] = 1.0
        held[f"form_{k}"] = UNITS[1]
    for j, projection in enumerate(case.network.projections):
        csr = projection.synapses.to_csr()
        held[f"pre_{j}"], held[f"post_{j}"] = names.index(projection.pre), names.index(projection.post)
        held[f"source_{j}"] = np.repeat(np.arange(csr.n_pre), np.diff(csr.indptr))
        held[f"target_{j}"], held[f"weight_{j}"] = csr.indices, csr.weights
        held[f"form_{names.index(projection.post)}"] = UNITS[form_of(projection)]
    held |= {"populations": len(names), "projections": len(case.network.projections)}
    file, arch = folder / "case.npz", folder / "arch.yaml"
    np.savez(file, **held)
    arch.write_text(_arch(case.placement.chip), encoding="utf-8")
    return file, arch


def _arch(chip: Chip) -> str:
    """Return a chip in SANA-FE's format of architectures, with the constants of the chip file."""

    def pair(operation: str, energy: str, latency: str) -> str:
        held = chip.operation(operation)
        assert held is not None
        joules, seconds = (held.energy_pj.value or 0.0) * 1e-12, (held.latency_ns.value or 0.0) * 1e-9
        return f"{energy}: {joules!r}, {latency}: {seconds!r}"

    def soma(name: str) -> str:
        return pair(name, f"energy_{_SOMA[name]}", f"latency_{_SOMA[name]}")

    assert chip.synchronisation is not None
    assert chip.network.link_buffer is not None
    limits = chip.limits
    table = ", ".join(
        f"{p.tiles}: {(p.latency_ns.value or 0.0) * 1e-9!r}" for p in chip.synchronisation.barrier
    )
    hops = ", ".join(
        pair(f"hop_{axis}", f"energy_{where}_hop", f"latency_{where}_hop")
        for where, axis in (("north", "y"), ("south", "y"), ("east", "x"), ("west", "x"))
    )
    synapses = "\n".join(
        f"        - {{name: {unit}, attributes: {{model: current_based, "
        f"{pair(f'synapse_{form}', 'energy_process_spike', 'latency_process_spike')}}}}}"
        for unit, form in zip(UNITS, ("dense", "sparse", "conv"), strict=True)
    )
    return f"""architecture:
  name: {chip.name}
  attributes: {{topology: mesh, width: {limits.tiles_x}, height: {limits.tiles_y},
    link_buffer_size: {int(chip.network.link_buffer.value or 0)}, sync_model: table,
    latency_sync: {{{table}}}}}
  tile:
  - name: tile[0..{chip.n_tiles - 1}]
    attributes: {{{hops}}}
    core:
    - name: core[0..{limits.cores_per_tile - 1}]
      attributes: {{buffer_position: soma, buffer_inside_unit: false, max_neurons_supported: 1024}}
      axon_in:
        - {{name: in, attributes: {{{pair("message_in", "energy_message_in", "latency_message_in")}}}}}
      synapse:
{synapses}
      dendrite:
        - {{name: loihi_dendrites, attributes: {{model: accumulator,
            energy_update: 0.0, latency_update: 0.0}}}}
      soma:
        - {{name: loihi_lif, attributes: {{model: leaky_integrate_fire, {soma("neuron_access")},
            {soma("neuron_update")}, {soma("spike_out")}}}}}
      axon_out:
        - {{name: out, attributes: {{{pair("message_out", "energy_message_out", "latency_message_out")}}}}}
"""


_SOMA = {"neuron_access": "access_neuron", "neuron_update": "update_neuron", "spike_out": "spike_out"}
