"""The manifest of a model file: everything but the numbers, and what the numbers must look like."""

from typing import Annotated, Any

import msgspec

from eventsim.errors import BundleError

FORMAT = "eventsim-bundle"
VERSION = 2
"""Raised by one whenever an older eventsim would misread the file; 2 added sources and forms of synapses."""

MAX_SEED_DIGITS = 1000

Count = Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
Length = Annotated[int, msgspec.Meta(ge=0, lt=2**40)]
Digits = Annotated[str, msgspec.Meta(pattern=f"^[0-9]{{1,{MAX_SEED_DIGITS}}}$")]
Instant = Annotated[int, msgspec.Meta(gt=-(2**62), lt=2**62)]
TimeNs = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Part of a manifest; an unknown field is an error, not ignored."""


class ArrayRecord(Record, frozen=True):
    """What an entry must hold: numpy dtype such as "<f4", shape, and SHA-256 of the whole entry."""

    dtype: str
    shape: tuple[Length, ...]
    sha256: str


class InputRecord(Record, frozen=True):
    """An input and its number of addresses."""

    name: str
    size: Count


class PopulationRecord(Record, frozen=True):
    """A population: its model, the entries of its parameters per neuron, its options as they are."""

    name: str
    size: Count
    model: str
    arrays: dict[str, str]
    options: dict[str, str | bool]


class ProjectionRecord(Record, frozen=True):
    """A projection: the form of its synapses, their entries, and a delay in ns or the entry of delays.

    `shape` holds what windows need: sizes, strides and so on. Since version 2.
    """

    pre: str
    post: str
    synapses: str
    arrays: dict[str, str]
    delay_ns: TimeNs | str
    shape: dict[str, list[Length]] = {}


class SourceRecord(Record, frozen=True):
    """A source inside the engine: "poisson" or "spikes", and its entries. Since version 2."""

    name: str
    size: Count
    kind: str
    arrays: dict[str, str]
    seed: Digits = "0"
    start_ns: Instant = 0
    stop_ns: Instant | None = None


class Manifest(Record, frozen=True):
    """A whole model file except the contents of its arrays."""

    format: str
    version: int
    written_by: str
    tick_ns: Annotated[int, msgspec.Meta(ge=1, lt=2**62)]
    inputs: list[InputRecord]
    populations: list[PopulationRecord]
    projections: list[ProjectionRecord]
    labels: tuple[str, ...]
    encoder: dict[str, Any]
    decision: dict[str, Any]
    info: dict[str, Any]
    arrays: dict[str, ArrayRecord]
    sources: list[SourceRecord] = []


class _Head(msgspec.Struct):
    """What every version of the format has: enough to refuse a foreign or newer file by name."""

    format: str
    version: int


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as JSON with sorted keys, one field a line."""
    encoded = msgspec.json.encode(manifest, order="deterministic")
    return msgspec.json.format(encoded, indent=1)


def decode_manifest(content: bytes) -> Manifest:
    """Return the manifest in `content`.

    Raises
    ------
    BundleError
        The content is damaged, foreign, or of a newer version, or a field has the wrong type.
    """
    try:
        head = msgspec.json.decode(content, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"the manifest cannot be read: {error}") from None
    if head.format != FORMAT:
        raise BundleError(f"is a {head.format!r} file, not {FORMAT!r}")
    if not 1 <= head.version <= VERSION:
        raise BundleError(f"has format version {head.version}: this eventsim reads 1 to {VERSION}; update it")
    try:
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"the manifest is malformed: {error}") from None
