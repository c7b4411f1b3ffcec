"""Neuron models, one per file, and the registry by which files find them."""

from eventsim.models.alif import ALIF
from eventsim.models.cuba_li import CubaLI
from eventsim.models.cuba_lif import CubaLIF
from eventsim.models.input_gated import InputGated
from eventsim.models.leaky_integrator import LeakyIntegrator
from eventsim.models.lif import LIF
from eventsim.models.model import NeuronModel
from eventsim.models.sigma_delta import SigmaDelta

MODELS: dict[str, type[NeuronModel]] = {
    model.kind: model for model in (LIF, ALIF, LeakyIntegrator, CubaLIF, CubaLI, SigmaDelta, InputGated)
}
"""Model classes by `kind`, the name files store: `MODELS[kind](**parameters)` builds one."""

__all__ = [
    "ALIF",
    "LIF",
    "MODELS",
    "CubaLI",
    "CubaLIF",
    "InputGated",
    "LeakyIntegrator",
    "NeuronModel",
    "SigmaDelta",
]
