"""NIR files that are damaged, foreign or hostile end in one line of the package's own."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest
from graphs import recurrent

from eventsim.errors import NirError
from eventsim.nir import file as nir_file
from eventsim.nir import from_nir, hdf5_reader, to_nir
from eventsim.nir.file import NirFileReader, read_nir_file
from eventsim.nir.raw import MAX_NODES

ROOT = Path(__file__).parent.parent.parent
HOW = {"time_unit": "ms", "tick_ns": 1_000_000}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "good.nir"
    nir.write(path, recurrent())
    return path


@pytest.fixture
def edited(good, tmp_path):
    """Return a function that copies the good file, lets one edit it, and returns what is said of it."""

    def edit(change):
        path = tmp_path / "edited.nir"
        path.write_bytes(good.read_bytes())
        with h5py.File(path, "r+") as file:
            change(file)
        with pytest.raises(NirError) as caught:
            from_nir(path, **HOW)
        told = str(caught.value)
        assert "\n" not in told
        assert told.startswith(str(path))
        return told

    return edit


def replace(file, name, value, **how):
    del file[name]
    file.create_dataset(name, data=value, **how)


def test_a_good_file_is_read_as_the_graph_in_memory_is(good):
    (one, one_report), (two, two_report) = from_nir(good, **HOW), from_nir(recurrent(), **HOW)
    assert one.summary() == two.summary()
    assert one_report.changes == two_report.changes
    assert one_report.nir_version == nir.__version__
    for a, b in zip(one.projections, two.projections, strict=True):
        assert np.array_equal(a.synapses.weights, b.synapses.weights)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "damaged"), (b"text" * 99, "damaged"), (b"\x89HDF\r\n\x1a\n", "damaged")],
)
def test_no_hdf5(tmp_path, content, said):
    path = tmp_path / "no.nir"
    path.write_bytes(content)
    with pytest.raises(NirError, match=said):
        from_nir(path, **HOW)


def test_no_file(tmp_path):
    for path, said in (
        (tmp_path / "gone.nir", "no such file"),
        (tmp_path, "is a directory"),
        ("a\0b", "no file name"),
    ):
        with pytest.raises(NirError, match=said):
            from_nir(path, **HOW)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(NirError, match="not a regular file"):
            from_nir(tmp_path / "pipe", **HOW)


def test_foreign_hdf5(tmp_path):
    path = tmp_path / "foreign.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((3, 3))
    with pytest.raises(NirError, match="without the group 'node': no NIR file"):
        from_nir(path, **HOW)


def test_edits_are_named(edited):
    nodes = "node/nodes"
    weight = f"{nodes}/fc/weight"
    told = edited(lambda f: replace(f, weight, np.full((4, 3), np.nan)))
    assert "node 'fc': weight holds NaN" in told
    told = edited(lambda f: replace(f, weight, np.zeros(7)))
    assert "node 'fc': weight must have at least 2 dimensions" in told
    told = edited(lambda f: replace(f, weight, np.zeros((4, 5))))
    assert "edge input -> fc: shape (3,) does not fit (5,)" in told
    told = edited(lambda f: f.__delitem__(f"{nodes}/lif/tau"))
    assert "node 'lif': LIF lacks 'tau'" in told
    told = edited(lambda f: f.create_dataset(f"{nodes}/lif/t_ref", data=np.ones(4)))
    assert "node 'lif': LIF has no field 't_ref'; its fields: r, tau, v_leak" in told
    told = edited(lambda f: replace(f, f"{nodes}/lif/type", "__import__"))
    assert "node 'lif': type '__import__' is not supported" in told
    told = edited(lambda f: f.__delitem__(f"{nodes}/lif/type"))
    assert "node 'lif': has no type" in told
    told = edited(lambda f: replace(f, "node/edges", np.array([[1, 2], [3, 4]])))
    assert "edges must be pairs of node names" in told
    told = edited(lambda f: replace(f, "node/edges", [("fc", "lif", "x")], dtype=h5py.string_dtype()))
    assert "edges must be pairs of node names" in told
    told = edited(lambda f: replace(f, weight, np.ones((4, 3), complex)))
    assert "numbers of up to 64 bits or text" in told
    told = edited(lambda f: f.create_dataset(f"{nodes}/lone", data=3))
    assert "node 'lone' is a dataset, not a node" in told
    told = edited(lambda f: replace(f, "node/type", "LIF"))
    assert "holds LIF where a NIRGraph" in told


def test_links_lead_nowhere(edited, good):
    def soft(file):
        file["node/nodes/link"] = h5py.SoftLink("/node/nodes/lif")

    def external(file):
        file["node/nodes/link"] = h5py.ExternalLink(str(good), "/node/nodes/lif")

    def cycle(file):
        file["node/nodes/loop"] = file["node"]

    for link in (soft, external):
        assert "is a link to elsewhere" in edited(link)
    assert "cycle of links" in edited(cycle)


def test_a_huge_declared_shape_costs_nothing(edited):
    def huge(file):
        del file["node/nodes/fc/weight"]
        file.create_dataset("node/nodes/fc/weight", (2**40, 2**20), "f4", chunks=(1024, 1024))

    assert "declares more than" in edited(huge)


def test_many_objects(edited):
    def many(file):
        for k in range(9_000):
            file[f"node/nodes/again{k}"] = file["node/nodes/lif"]

    def fewer(file):
        for k in range(MAX_NODES):
            file[f"node/nodes/again{k}"] = file["node/nodes/input"]

    assert f"holds more than {hdf5_reader.MAX_OBJECTS} objects" in edited(many)
    assert f"nodes, at most {MAX_NODES} are allowed" in edited(fewer)


def test_a_file_that_kills_or_stops_the_reader_is_damaged(good, monkeypatch, tmp_path):
    def program(text):
        path = tmp_path / "program.py"
        path.write_text(text)
        monkeypatch.setattr(nir_file, "_PROGRAM", path)

    ready = (
        "import os, sys, time\nsys.stdout.buffer.write(bytes([2] + [0] * 15) + b'{}')\nsys.stdout.flush()\n"
    )
    program(ready + "sys.stdin.readline()\nos.abort()\n")
    with pytest.raises(NirError, match=r"good\.nir: is damaged: HDF5's library crashed"):
        read_nir_file(good)
    program(ready + "sys.stdin.readline()\ntime.sleep(60)\n")
    with NirFileReader(limit_s=0.2) as reader, pytest.raises(NirError, match=r"did not end within 0\.2 s"):
        reader.read(good)
    program("raise SystemExit\n")
    with pytest.raises(NirError, match="did not start"):
        read_nir_file(good)


def test_one_reader_reads_many_files_and_outlives_bad_ones(good, tmp_path):
    bad = tmp_path / "bad.nir"
    bad.write_bytes(good.read_bytes()[:-4000])
    with NirFileReader() as reader:
        for _ in range(3):
            assert reader.read(good)[0].kind == "NIRGraph"
            with pytest.raises(NirError, match=r"bad\.nir: is damaged"):
                reader.read(bad)


def test_the_graph_given_is_not_changed():
    graph = recurrent()
    before = {name: sorted(vars(node)) for name, node in graph.nodes.items()}
    arrays = {name: node.tau.copy() for name, node in graph.nodes.items() if hasattr(node, "tau")}
    edges = list(graph.edges)
    from_nir(graph, **HOW)
    assert {name: sorted(vars(node)) for name, node in graph.nodes.items()} == before
    assert graph.edges == edges
    assert all(np.array_equal(graph.nodes[name].tau, tau) for name, tau in arrays.items())


def test_without_the_extra_one_line_says_what_to_install(good, monkeypatch):
    monkeypatch.setattr(nir_file, "find_spec", lambda module: None)
    with pytest.raises(NirError, match=r"needs the package h5py: pip install 'eventsim\[nir\]'"):
        from_nir(good, **HOW)
    network = from_nir(recurrent(), **HOW).network
    with pytest.raises(NirError, match=r"needs the package nir: pip install 'eventsim\[nir\]'"):
        to_nir(network, time_unit="ms")


def test_neither_nir_nor_h5py_is_imported_before_it_is_needed():
    program = (
        "import sys, eventsim; eventsim.from_nir, eventsim.to_nir; "
        "print([name for name in sys.modules if name.partition('.')[0] in ('nir', 'h5py')])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
