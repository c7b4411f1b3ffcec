"""A session's state as bytes, and back: checked whole before anything changes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from eventsim.engine.compiled import CompiledNetwork
from eventsim.engine.layout import COUNTING
from eventsim.engine.state import State
from eventsim.errors import ParameterError

_MAGIC = b"eventsim state 1\n"
_DIGEST_BYTES = 32


def save_state(state: State, network: CompiledNetwork, recorded: Collection[str], clock_ns: int) -> bytes:
    """Return the state of a session as bytes, with a digest of them and of the network's structure."""
    buffer = io.BytesIO()
    arrays = {
        **state.contents(),
        "clock_ns": np.array(clock_ns),
        "network": _structure(state, network, recorded),
    }
    np.savez(buffer, allow_pickle=False, **arrays)
    content = buffer.getvalue()
    return _MAGIC + hashlib.sha256(content).digest() + content


def restore_state(saved: bytes, state: State, network: CompiledNetwork, recorded: Collection[str]) -> int:
    """Bring `state` to the saved one; return its clock in ns.

    Raises ParameterError, having changed nothing, where `saved` is damaged or of another network.
    """
    if not isinstance(saved, bytes) or not saved.startswith(_MAGIC):
        raise ParameterError("this is no saved state of this version")
    digest, content = saved[len(_MAGIC) :][:_DIGEST_BYTES], saved[len(_MAGIC) + _DIGEST_BYTES :]
    if hashlib.sha256(content).digest() != digest:
        raise ParameterError("the saved state is damaged: its SHA-256 is not the one written in it")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays: dict[str, npt.NDArray[Any]] = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ParameterError(f"the saved state cannot be read: {error}") from None
    structure = arrays.pop("network", None)
    if structure is None or not np.array_equal(structure, _structure(state, network, recorded)):
        raise ParameterError(
            "the saved state is of another network, or of another choice of what is recorded"
        )
    clock_ns = int(arrays.pop("clock_ns"))
    state.set_contents(arrays)
    return clock_ns


def _structure(state: State, network: CompiledNetwork, recorded: Collection[str]) -> npt.NDArray[np.uint8]:
    """Return a digest of names, sizes, models and delivery classes; not of the weights, which may be many."""
    digest = hashlib.sha256()
    parts: list[object] = [network.tick_ns, network.queue, network.ring_span, sorted(recorded)]
    parts += [
        bool(state.handle[COUNTING]),
        state.field("source_size").tolist(),
        state.field("fanout").tolist(),
    ]
    parts += network.sources.items()
    parts += [(p.name, p.size, p.model.kind) for p in network.network.populations.values()]
    parts += [
        (c.projection, c.source, c.post, c.delay, c.form, c.weights.shape, c.n_pre) for c in network.delivery
    ]
    parts += [c.slots.delays.tolist() for c in network.delivery if c.slots]
    digest.update(repr(parts).encode())
    for form in network.forms:
        digest.update(form.parameters.tobytes())
    return np.frombuffer(digest.digest(), np.uint8)
