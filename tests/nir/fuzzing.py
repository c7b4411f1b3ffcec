"""Graphs and files that are almost right: valid ones with a few things changed."""

import h5py
import nir
import numpy as np
from graphs import chain, cuba, lif, recurrent, weights
from hypothesis import strategies as st

from eventsim.nir.primitives import FIELDS
from eventsim.nir.raw import RawNode, raw_from_object


def valid_graphs():
    """Return graphs that together hold every primitive."""
    inner = recurrent(4, 4)
    flat = nir.Flatten({"input": np.array([3, 2, 2])}, 0, -1)
    return [
        recurrent(),
        chain(
            [2, 5, 5],
            nir.Conv2d((5, 5), weights(3, 2, 2, 2), 1, 0, 1, 1, weights(3)),
            nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
            nir.IF(np.ones((3, 2, 2)), np.ones((3, 2, 2))),
            flat,
            nir.Affine(weights(4, 12), weights(4)),
            nir.Delay(np.arange(4.0)),
            cuba(nir.CubaLIF, 4),
            nir.Linear(weights(2, 4)),
            nir.LI(np.ones(2), np.ones(2), np.zeros(2)),
        ),
        chain(
            [2, 7],
            nir.Conv1d(7, weights(3, 2, 3), 1, 1, 1, 1, weights(3)),
            nir.Threshold(np.ones((3, 7))),
            nir.Scale(np.full((3, 7), 2.0)),
            nir.I(np.ones((3, 7))),
        ),
        chain(
            [1, 4, 4],
            nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
            nir.Flatten({"input": np.array([1, 2, 2])}, 0, -1),
            cuba(nir.CubaLI, 4),
        ),
        chain([4], inner, lif(4)),
    ]


VALID = [raw_from_object(graph) for graph in valid_graphs()]


def _cast(values, dtype):
    with np.errstate(all="ignore"):
        return values.astype(dtype)


odd_numbers = st.sampled_from([0, 1, -1, 2, 3, 7, 1e-300, 1e300, np.nan, np.inf, 2**31, 2**62, 0.5, -(2**63)])
odd_arrays = st.builds(
    lambda value, shape, dtype: _cast(np.full(shape, value), dtype),
    odd_numbers,
    st.sampled_from(
        [(), (0,), (1,), (2,), (3,), (4,), (4, 3), (4, 4), (0, 4), (3, 2, 2, 2), (1, 1, 1, 1, 1)]
    ),
    st.sampled_from(["f4", "f8", "f8", "i8", "u1", "?", "f2"]),
)
odd_texts = st.sampled_from(
    ["", "same", "valid", "input", "lif", "a/b", "\n", "\x1b[2J", "é", "x" * 300, "NIRGraph"]
)
odd_values = odd_arrays | odd_texts
kinds = st.sampled_from([*FIELDS, "NIRGraph", "", "Conv3d", "__class__"])


def copy(raw):
    nodes = None if raw.nodes is None else {name: copy(node) for name, node in raw.nodes.items()}
    return RawNode(raw.kind, dict(raw.fields), nodes, list(raw.edges), raw.metadata)


def all_nodes(raw):
    yield raw
    for node in (raw.nodes or {}).values():
        yield from all_nodes(node)


@st.composite
def changed_graphs(draw, most=4):
    """Return a raw graph with up to `most` things changed."""
    raw = copy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, most))):
        _change(draw, raw)
    return raw


def _change(draw, raw):
    node = draw(st.sampled_from(list(all_nodes(raw))))
    what = draw(
        st.sampled_from(["field", "field", "field", "drop", "kind", "edge", "cut", "twice", "node", "nest"])
    )
    if what == "field" and node.fields:
        name = draw(
            st.sampled_from(sorted(node.fields)) | st.sampled_from(["r", "tau", "bias", "odd", "weight"])
        )
        node.fields[name] = draw(odd_values)
    elif what == "drop" and node.fields:
        del node.fields[draw(st.sampled_from(sorted(node.fields)))]
    elif what == "kind":
        node.kind = draw(kinds)
    elif what == "node" and node.nodes:
        name = draw(st.sampled_from(sorted(node.nodes)))
        if draw(st.booleans()):
            del node.nodes[name]
        else:
            node.nodes[draw(odd_texts)] = copy(node.nodes[name])
    elif what == "nest" and node.nodes is not None:
        node.nodes[draw(st.sampled_from(["sub", "lif", "fc"]))] = copy(draw(st.sampled_from(VALID)))
    elif what == "edge" and node.nodes:
        names = st.sampled_from(sorted(node.nodes)) | odd_texts
        node.edges.append((draw(names), draw(names)))
    elif what == "cut" and node.edges:
        node.edges.pop(draw(st.integers(0, len(node.edges) - 1)))
    elif what == "twice" and node.edges:
        node.edges.append(draw(st.sampled_from(node.edges)))


def write_raw(path, raw):
    """Write a raw graph as the HDF5 that nir would write, whatever it holds; return whether HDF5 can."""
    try:
        with h5py.File(path, "w") as file:
            file["version"] = "1.0.8"
            _write(file.create_group("node"), raw)
    except (ValueError, TypeError, OSError, RuntimeError):
        return False
    return True


def _write(group, raw):
    group.create_dataset("type", data=raw.kind, dtype=h5py.string_dtype())
    for name, value in raw.fields.items():
        if isinstance(value, str):
            group.create_dataset(name, data=value, dtype=h5py.string_dtype())
        else:
            group.create_dataset(name, data=value)
    if raw.nodes is not None:
        nodes = group.create_group("nodes")
        for name, node in raw.nodes.items():
            _write(nodes.create_group(name), node)
        group.create_dataset("edges", data=raw.edges, dtype=h5py.string_dtype())


words = st.sampled_from([b"\xff" * 8, bytes(8), (1 << 40).to_bytes(8, "little")]) | st.binary(
    min_size=8, max_size=8
)
places = st.integers(0, 2**20)
damages = st.one_of(
    st.tuples(st.just("cut"), places),
    st.tuples(st.just("word"), places, words),
    st.tuples(st.just("swap"), places, places),
    st.tuples(st.just("bytes"), st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=8)),
    st.tuples(st.just("near"), places, st.binary(min_size=1, max_size=12)),
)


def damaged(content, damage):
    """Return the bytes of a file with a few of them changed, or its end missing; places wrap around."""
    content, n = bytearray(content), len(content) - 16
    match damage:
        case ("cut", at):
            return bytes(content[: at % n])
        case ("word" | "near", at, put):
            content[at % n : at % n + len(put)] = put
        case ("swap", a, b):
            a, b = a % n, b % n
            content[a : a + 8], content[b : b + 8] = content[b : b + 8], content[a : a + 8]
        case ("bytes", changes):
            for at, value in changes:
                content[at % n] = value
    return bytes(content)
