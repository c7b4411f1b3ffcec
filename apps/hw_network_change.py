"""A network with its thresholds or weights scaled, everything else the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import cast

import numpy as np

from eventsim.errors import ParameterError
from eventsim.models.model import NeuronModel
from eventsim.network import Network
from eventsim.projections import Projection, SumPool2d, Synapses
from eventsim.sources import PoissonSource
from eventsim.weights import Weights

THRESHOLDS = ("threshold", "base_threshold")
POPULATION, SCALE = "network.populations.", ".threshold_scale"


def scaled(
    network: Network,
    threshold_scale: float = 1.0,
    weight_scale: float = 1.0,
    by_population: Mapping[str, float] = MappingProxyType({}),
) -> Network:
    """Return a network like `network` whose thresholds and weights are multiplied.

    Parameters
    ----------
    network : Network
        Not changed.
    threshold_scale : float
        For the thresholds of all populations that have one.
    weight_scale : float
        For all weights but those of pooling, which stay ones.
    by_population : mapping of str to float
        For the thresholds of populations by name, on top.

    Raises
    ------
    ParameterError
        if a population is unknown, or has no threshold.
    """
    for name in by_population:
        population = network.populations.get(name)
        if population is None or _threshold_of(population.model) is None:
            known = [n for n, p in network.populations.items() if _threshold_of(p.model)]
            raise ParameterError(
                f"population {name!r} has no threshold to scale; those with one: {', '.join(known)}"
            )
    made = Network(network.tick_ns)
    for name, size in network.inputs.items():
        made.add_input(name, size)
    for name, source in network.sources.items():
        if isinstance(source, PoissonSource):
            rate, start_ns, stop_ns = source.rate_hz, source.start_ns, source.stop_ns
            made.add_poisson(name, source.size, rate, source.seed, start_ns, stop_ns)
        else:
            made.add_spikes(name, source.size, source.events)
    for name, p in network.populations.items():
        factor = threshold_scale * by_population.get(name, 1.0)
        made.add_population(name, p.size, _with_threshold(p.model, factor))
    for projection in network.projections:
        synapses = _with_weights(projection, weight_scale)
        made.connect(projection.pre, projection.post, synapses, projection.delay_ns)
    return made


def scale_from(network: Network, changes: Mapping[str, float]) -> Network:
    """Return the network that parameters such as `network.weight_scale` of a sweep make.

    Raises ParameterError as `scaled` does.
    """
    if not changes:
        return network
    own = {
        key.removeprefix(POPULATION).removesuffix(SCALE): value
        for key, value in changes.items()
        if key.startswith(POPULATION)
    }
    threshold, weight = (changes.get(f"network.{name}_scale", 1.0) for name in ("threshold", "weight"))
    return scaled(network, threshold, weight, own)


def _threshold_of(model: NeuronModel) -> str | None:
    held = model.parameters()
    return next((name for name in THRESHOLDS if name in held), None)


def _with_threshold(model: NeuronModel, factor: float) -> NeuronModel:
    name = _threshold_of(model)
    if name is None or factor == 1.0:
        return model
    return replace(model, **{name: np.asarray(model.parameters()[name]) * factor})


def _with_weights(projection: Projection, factor: float) -> Synapses:
    synapses = projection.synapses
    if factor == 1.0 or isinstance(synapses, SumPool2d):
        return synapses
    product = (synapses.weights * factor).astype(synapses.weights.dtype)
    return replace(synapses, weights=cast(Weights, product))
