"""Neuron models, one per file, and the registry by which files find them."""

from eventsim.models.alif import ALIF
from eventsim.models.leaky_integrator import LeakyIntegrator
from eventsim.models.lif import LIF
from eventsim.models.model import NeuronModel

MODELS: dict[str, type[NeuronModel]] = {model.kind: model for model in (LIF, ALIF, LeakyIntegrator)}
"""Model classes by `kind`, the name files store: `MODELS[kind](**parameters)` builds one."""

__all__ = ["ALIF", "LIF", "MODELS", "LeakyIntegrator", "NeuronModel"]
