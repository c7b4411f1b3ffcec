"""`eventsim check`: what is in a NIR file or a model bundle."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

from eventsim import load_bundle
from eventsim.errors import DataError, ParameterError
from eventsim.network import Network
from eventsim.nir import NirImport, from_nir

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK"


def kind_of(path: Path) -> Literal["nir", "bundle"]:
    """Return what a file is by how it begins.

    Raises
    ------
    DataError
        if it is missing, no file, or neither.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a directory, not a NIR file or model bundle")
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: is not a regular file")
    try:
        with path.open("rb") as file:
            begin = file.read(len(_HDF5))
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if begin == _HDF5:
        return "nir"
    if begin.startswith(_ZIP):
        return "bundle"
    raise DataError(f"{path}: is neither a NIR file (HDF5) nor a model bundle (.esb)")


def read_nir(path: Path, *, time_unit: Literal["s", "ms"] | None = None, **how: Any) -> NirImport:
    """Return a NIR file as a network, with its report, as `from_nir` does.

    Raises ParameterError where nobody said the unit of its times, NirError where it cannot be read or run.
    """
    if time_unit is None:
        raise ParameterError(
            f"{path}: NIR does not say the unit of its times; say --time-unit s or --time-unit ms"
        )
    return from_nir(path, time_unit=time_unit, **how)


def check_nir(path: Path, as_json: bool, **how: Any) -> int:
    """Print the network a NIR file makes and the report; return the exit code.

    Raises what `read_nir` raises.
    """
    network, report = read_nir(path, **how)
    if as_json:
        return _print_json({"file": str(path), "format": "nir", **_describe(network), **report.describe()})
    version = f" written by nir {report.nir_version}" if report.nir_version else ""
    lines = [f"{path}: NIR file{version}", *report.lines(), "", network.summary()]
    return _print(lines)


def check_bundle(path: Path, as_json: bool) -> int:
    """Print what is in a model bundle; return the exit code."""
    bundle = load_bundle(path)
    parts = {"labels": list(bundle.labels), "encoder": bundle.encoder, "decision": bundle.decision}
    if as_json:
        found = {"file": str(path), "format": "bundle", **_describe(bundle.network), **parts}
        return _print_json({**found, "info": bundle.info})
    lines = [f"{path}: model bundle"]
    if bundle.labels:
        lines.append(f"labels      {' '.join(bundle.labels)}")
    for name in ("encoder", "decision"):
        if parts[name]:
            lines.append(f"{name:<10}  {json.dumps(parts[name])}")
    lines += [f"info        {key}: {value}" for key, value in bundle.info.items()]
    return _print([*lines, "", bundle.network.summary()])


def _describe(network: Network) -> dict[str, Any]:
    populations = network.populations.values()
    return {
        "tick_ns": network.tick_ns,
        "network": {
            "inputs": dict(network.inputs),
            "populations": {p.name: {"size": p.size, "model": p.model.kind} for p in populations},
            "projections": [
                {
                    "pre": p.pre,
                    "post": p.post,
                    "synapses": type(p.synapses).__name__,
                    "n_synapses": p.synapses.n_synapses,
                    "delays_ns": list(p.delays_ns),
                }
                for p in network.projections
            ],
        },
        "neurons": sum(p.size for p in populations),
        "synapses": sum(p.synapses.n_synapses for p in network.projections),
    }


def _print(lines: list[str]) -> int:
    # A file may hold what this terminal cannot show, or would obey: both are escaped.
    encoding = sys.stdout.encoding or "utf-8"
    text = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in "\n".join(lines))
    print(text.encode(encoding, "backslashreplace").decode(encoding))  # noqa: T201
    return 0


def _print_json(found: dict[str, Any]) -> int:
    print(json.dumps(found))  # noqa: T201
    return 0
