"""A network as records and arrays, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import numpy as np
import numpy.typing as npt

from eventsim.bundle.manifest import (
    InputRecord,
    Manifest,
    PopulationRecord,
    ProjectionRecord,
    SourceRecord,
)
from eventsim.bundle.source_records import add_source, describe_source
from eventsim.bundle.synapse_records import build_synapses, describe_synapses
from eventsim.errors import BundleError
from eventsim.models import MODELS, NeuronModel
from eventsim.network import Network, Population
from eventsim.projections import Projection

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class NetworkRecords:
    """A network in the manifest's terms, and the arrays it refers to by entry name."""

    inputs: list[InputRecord]
    sources: list[SourceRecord]
    populations: list[PopulationRecord]
    projections: list[ProjectionRecord]
    arrays: dict[str, npt.NDArray[Any]]


def describe(network: Network) -> NetworkRecords:
    """Return the records and arrays from which `build` makes the same network, bit for bit."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    return NetworkRecords(
        inputs=[InputRecord(name, size) for name, size in network.inputs.items()],
        sources=[describe_source(name, source, arrays) for name, source in network.sources.items()],
        populations=[_population_record(p, arrays) for p in network.populations.values()],
        projections=[_projection_record(i, p, arrays) for i, p in enumerate(network.projections)],
        arrays=arrays,
    )


def build(manifest: Manifest, arrays: Arrays) -> Network:
    """Return the network that a manifest describes.

    Raises
    ------
    BundleError
        A record names a model, parameter or array that does not exist or does not fit.
    EventSimError
        The network itself refuses a value, as it would from a program.
    """
    network = Network(manifest.tick_ns)
    for record in manifest.inputs:
        network.add_input(record.name, record.size)
    for source in manifest.sources:
        add_source(network, source, arrays)
    for population in manifest.populations:
        model = _model(population, arrays)
        network.add_population(population.name, population.size, model)
    for projection in manifest.projections:
        where = f"projection {projection.pre} -> {projection.post}"
        delay_ns: int | npt.NDArray[Any]
        if isinstance(projection.delay_ns, int):
            delay_ns = projection.delay_ns
        else:
            delay_ns = _array(arrays, projection.delay_ns, where)
        held = {name: _array(arrays, entry, where) for name, entry in projection.arrays.items()}
        synapses = build_synapses(projection.synapses, held, projection.shape, where)
        network.connect(projection.pre, projection.post, synapses, delay_ns)
    return network


def _population_record(population: Population, arrays: dict[str, npt.NDArray[Any]]) -> PopulationRecord:
    entries: dict[str, str] = {}
    options: dict[str, str | bool] = {}
    for name, value in population.model.parameters().items():
        if isinstance(value, str):
            options[name] = value
        elif isinstance(value, bool | np.bool_):
            options[name] = bool(value)
        else:
            entries[name] = f"populations/{population.name}/{name}.npy"
            arrays[entries[name]] = value
    return PopulationRecord(population.name, population.size, population.model.kind, entries, options)


def _projection_record(
    number: int, projection: Projection, arrays: dict[str, npt.NDArray[Any]]
) -> ProjectionRecord:
    folder = f"projections/{number}"
    kind, held, shape = describe_synapses(projection.synapses)
    entries = {name: f"{folder}/{name}.npy" for name in held}
    arrays.update({entries[name]: array for name, array in held.items()})
    delay: int | str
    if isinstance(projection.delay_ns, int):
        delay = projection.delay_ns
    else:
        delay = f"{folder}/delay_ns.npy"
        arrays[delay] = projection.delay_ns
    return ProjectionRecord(projection.pre, projection.post, kind, entries, delay, shape)


def _model(record: PopulationRecord, arrays: Arrays) -> NeuronModel:
    where = f"population {record.name!r}"
    if record.model not in MODELS:
        raise BundleError(f"{where}: model {record.model!r} is unknown: allowed are {', '.join(MODELS)}")
    model = MODELS[record.model]
    kinds = {name: kind for name, kind in get_type_hints(model).items() if name in model.__dataclass_fields__}
    for name, option in record.options.items():
        if kinds.get(name) is not type(option):
            raise BundleError(
                f"{where}: model {record.model!r} has no option {name!r} that can be {option!r}"
            )
    parameters: dict[str, Any] = dict(record.options)
    for name, entry in record.arrays.items():
        if name not in kinds or kinds[name] in (str, bool):
            raise BundleError(f"{where}: model {record.model!r} has no parameter {name!r}")
        parameters[name] = _array(arrays, entry, where)
        # Checked here because the network would spread a single number over any size it is told.
        if parameters[name].shape != (record.size,):
            found = parameters[name].shape
            raise BundleError(
                f"{where}: {name} has shape {found}, {record.size} neurons need ({record.size},)"
            )
    try:
        return model(**parameters)
    except TypeError:
        needed = ", ".join(kinds)
        raise BundleError(
            f"{where}: a parameter of model {record.model!r} is missing: it has {needed}"
        ) from None


def _array(arrays: Arrays, entry: str, where: str) -> npt.NDArray[Any]:
    if entry not in arrays:
        raise BundleError(f"{where}: the manifest has no array {entry!r}")
    return arrays[entry]
