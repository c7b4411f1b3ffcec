"""A trained model in one file: network, labels, encoder, decision rule."""

import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import eventsim
from eventsim.atomic_write import write_atomically
from eventsim.bundle.archive import MAX_FILE_BYTES, pack, unpack
from eventsim.bundle.arrays import decode_array, encode_array
from eventsim.bundle.description import build, describe
from eventsim.bundle.manifest import FORMAT, VERSION, Manifest, decode_manifest, encode_manifest
from eventsim.decisions import rule_from
from eventsim.errors import BundleError, EventSimError, ParameterError
from eventsim.network import Network

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Bundle:
    """A network and all that is needed to use it on a stream.

    Parameters
    ----------
    network : Network
        The network; with labels, one of its populations has as many neurons as there are labels.
    labels : tuple of str
        Name of each output; empty for a network without classes.
    encoder : dict
        Configuration of the encoder whose events the network was trained on, as `encoder_from_config` in
        `streams.encoders` takes it.
    decision : dict
        The decision rule, as `rule_from` takes it; empty for none.
    info : dict
        Anything worth knowing: training data, accuracy, licence. Nothing reads it to compute.

    Raises
    ------
    ParameterError
        The parts do not fit together, or a dict holds what JSON cannot keep (NaN, objects).
    """

    network: Network
    labels: tuple[str, ...] = ()
    encoder: dict[str, Any] = field(default_factory=dict)
    decision: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))
        if not all(isinstance(label, str) for label in self.labels):
            raise ParameterError(f"labels must be strings, not {self.labels!r}")
        for name in ("encoder", "decision", "info"):
            object.__setattr__(self, name, _plain(getattr(self, name), name))
        sizes = {name: p.size for name, p in self.network.populations.items()}
        if self.labels and len(self.labels) not in sizes.values():
            raise ParameterError(f"{len(self.labels)} labels fit no population: their sizes are {sizes}")
        if self.labels and self.decision:
            rule_from(self.decision, len(self.labels))


def save_bundle(path: str | os.PathLike[str], bundle: Bundle) -> None:
    """Write `bundle` to `path`: at any moment there is the old file or the new one, never half of one.

    The same bundle always gives the same bytes.

    Raises
    ------
    OutputError
        The file cannot be written there.
    """
    records = describe(bundle.network)
    encoded = {name: encode_array(array) for name, array in records.arrays.items()}
    manifest = Manifest(
        format=FORMAT,
        version=VERSION,
        written_by=eventsim.__version__,
        tick_ns=bundle.network.tick_ns,
        inputs=records.inputs,
        sources=records.sources,
        populations=records.populations,
        projections=records.projections,
        labels=bundle.labels,
        encoder=bundle.encoder,
        decision=bundle.decision,
        info=bundle.info,
        arrays={name: record for name, (_, record) in encoded.items()},
    )
    entries = {_MANIFEST: encode_manifest(manifest)}
    entries.update({name: content for name, (content, _) in encoded.items()})
    write_atomically(path, pack(entries))


def load_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Return the bundle in the file at `path`, every array verified against its SHA-256.

    Raises
    ------
    BundleError
        The file is missing, unreadable, damaged, foreign, of a newer version, or does not fit together.
        One line names the file and what is wrong with it.
    """
    try:
        entries = unpack(_file_content(path))
        if _MANIFEST not in entries:
            raise BundleError(f"is a zip archive without {_MANIFEST}: no eventsim bundle")
        manifest = decode_manifest(entries.pop(_MANIFEST))
        if missing := sorted(manifest.arrays.keys() - entries.keys()):
            raise BundleError(f"entry {missing[0]!r} is missing")
        if foreign := sorted(entries.keys() - manifest.arrays.keys()):
            raise BundleError(f"entry {foreign[0]!r} is not in the manifest")
        arrays = {name: decode_array(name, entries[name], record) for name, record in manifest.arrays.items()}
        network = build(manifest, arrays)
        return Bundle(network, manifest.labels, manifest.encoder, manifest.decision, manifest.info)
    except EventSimError as error:
        message = " ".join(str(error).split())
        raise BundleError(f"{os.fspath(path)!s}: {message}") from None


def save_network(path: str | os.PathLike[str], network: Network) -> None:
    """Write `network` alone to `path`, as a bundle without labels, encoder or decision rule.

    Raises OutputError where the file cannot be written there.
    """
    save_bundle(path, Bundle(network))


def load_network(path: str | os.PathLike[str]) -> Network:
    """Return the network in the bundle at `path`, whatever else the file holds.

    Raises BundleError as `load_bundle` does.
    """
    return load_bundle(path).network


def _file_content(path: str | os.PathLike[str]) -> bytes:
    try:
        # Looked at before it is opened: opening a pipe that nobody writes to would wait for ever.
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise BundleError("is a directory" if stat.S_ISDIR(mode) else "is not a regular file")
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BundleError((error.strerror or str(error)).lower()) from None
    except ValueError as error:
        raise BundleError(f"is no file name: {error}") from None
    if len(content) > MAX_FILE_BYTES:
        raise BundleError(f"is larger than {MAX_FILE_BYTES} bytes")
    return content


def _plain(value: object, where: str) -> Any:
    """Return `value` as JSON keeps it, so that what is loaded equals what was saved."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ParameterError(f"{where} has a key {key!r}: allowed are strings")
        return {key: _plain(inner, f"{where}.{key}") for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{where}[{i}]") for i, inner in enumerate(value)]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ParameterError(
        f"{where} is {value!r}: allowed are strings, booleans, 64-bit integers, finite numbers"
    )
