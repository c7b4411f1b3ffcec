"""The sources inside the engine as records and arrays, and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from eventsim.bundle.manifest import MAX_SEED_DIGITS, SourceRecord
from eventsim.errors import BundleError, ParameterError
from eventsim.events import Events
from eventsim.network import Network
from eventsim.sources import PoissonSource, Source

Arrays = Mapping[str, npt.NDArray[Any]]

_ARRAYS = {"poisson": {"rate_hz"}, "spikes": {"time_ns", "address", "value"}}


def describe_source(name: str, source: Source, arrays: dict[str, npt.NDArray[Any]]) -> SourceRecord:
    """Return the record of a source; its arrays are added to `arrays`.

    Raises ParameterError where a seed has more digits than a file holds.
    """
    if isinstance(source, PoissonSource):
        held = {"rate_hz": np.asarray(source.rate_hz)}
    else:
        held = {column: getattr(source.events, column) for column in ("time_ns", "address", "value")}
    entries = {column: f"sources/{name}/{column}.npy" for column in held}
    arrays.update({entries[column]: array for column, array in held.items()})
    if not isinstance(source, PoissonSource):
        return SourceRecord(name, source.size, "spikes", entries)
    if source.seed >= 10**MAX_SEED_DIGITS:
        raise ParameterError(f"source {name!r}: a file holds seeds of up to {MAX_SEED_DIGITS} digits")
    stop_ns = None if source.stop_ns is None else int(source.stop_ns)
    return SourceRecord(
        name, source.size, "poisson", entries, str(int(source.seed)), int(source.start_ns), stop_ns
    )


def add_source(network: Network, record: SourceRecord, arrays: Arrays) -> None:
    """Add the recorded source to a network; `arrays` are those of the whole file.

    Raises BundleError where something is missing, foreign or does not fit.
    """
    where = f"source {record.name!r}"
    if record.kind not in _ARRAYS:
        raise BundleError(f"{where}: kind {record.kind!r} is unknown: allowed are {', '.join(_ARRAYS)}")
    if set(record.arrays) != _ARRAYS[record.kind]:
        raise BundleError(f"{where}: {record.kind} needs exactly {', '.join(sorted(_ARRAYS[record.kind]))}")
    missing = [entry for entry in record.arrays.values() if entry not in arrays]
    if missing:
        raise BundleError(f"{where}: the manifest has no array {missing[0]!r}")
    held = {column: arrays[entry] for column, entry in record.arrays.items()}
    if record.kind == "poisson":
        seed, start_ns, stop_ns = int(record.seed), record.start_ns, record.stop_ns
        network.add_poisson(record.name, record.size, held["rate_hz"], seed, start_ns, stop_ns)
    else:
        events = Events.of(held["time_ns"], held["address"], held["value"])
        network.add_spikes(record.name, record.size, events)
