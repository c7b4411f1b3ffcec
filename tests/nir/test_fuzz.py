"""Whatever a NIR graph or file holds, the end is a network that runs or one line of the package's own."""

import nir
import pytest
from fuzzing import VALID, changed_graphs, damaged, damages, valid_graphs, write_raw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventsim import Events, Session
from eventsim.errors import NirError
from eventsim.nir.conventions import Conventions
from eventsim.nir.file import NirFileReader
from eventsim.nir.importer import build_network
from eventsim.nir.report import NirReport

MANY = settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
SOME = settings(max_examples=150)
TICK = 1_000_000

conventions = st.builds(
    Conventions,
    st.sampled_from(["s", "ms"]),
    st.sampled_from([1, 1000, TICK, 10**12, 2**61]),
    st.sampled_from(["held", "dirac", "jump"]),
    st.sampled_from(["exact", "euler"]),
    st.sampled_from(["hard", "hard", "soft"]),
)


def check_line(error, start=""):
    assert error.problems
    assert str(error).isprintable()
    assert str(error).startswith(start)


def outcome(raw, how):
    """Return the network, or None where the graph was refused in one line."""
    report = NirReport(how.time_unit, how.tick_ns, how.spike, how.integration, how.reset)
    try:
        network = build_network(raw, how, report)
    except NirError as error:
        check_line(error)
        return None
    assert str(report)
    assert set(report.populations) <= set(network.populations)
    return network


def run(network):
    """Run a few ticks with an event at every input."""
    session = Session(network)
    for name in network.inputs:
        session.push(name, Events.of([0], [0]))
    session.advance(3 * network.tick_ns)


@given(changed_graphs(), conventions)
@SOME
def test_a_changed_graph(raw, how):
    network = outcome(raw, how)
    if network is not None:
        network.summary()


@pytest.mark.compiled
@given(changed_graphs(most=2), st.sampled_from(["held", "dirac", "jump"]), st.sampled_from(["s", "ms"]))
@settings(max_examples=50)
def test_what_is_accepted_runs(raw, spike, unit):
    network = outcome(raw, Conventions(unit, TICK, spike))
    if network is not None:
        run(network)


@pytest.fixture(scope="module")
def reader():
    with NirFileReader(limit_s=0.5) as one:
        yield one


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("valid")
    contents = []
    for k, graph in enumerate(valid_graphs()):
        nir.write(folder / f"{k}.nir", graph)
        contents.append((folder / f"{k}.nir").read_bytes())
    for raw in VALID:  # the same without compression: shorter, so that more of the damage hits something
        write_raw(folder / "plain.nir", raw)
        contents.append((folder / "plain.nir").read_bytes())
    return contents


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "fuzzed.nir"


def read(reader, path, how):
    try:
        raw, _ = reader.read(path)
    except NirError as error:
        check_line(error, str(path))
        return None
    return outcome(raw, how)


@given(st.data())
@settings(SOME, max_examples=60)
def test_a_changed_graph_in_a_file(reader, path, data):
    if write_raw(path, data.draw(changed_graphs())):
        read(reader, path, data.draw(conventions))


@given(st.data())
@settings(SOME, max_examples=60)
def test_a_damaged_file(reader, path, files, data):
    path.write_bytes(damaged(files[data.draw(st.integers(0, 9))], data.draw(damages)))
    read(reader, path, data.draw(conventions))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@given(changed_graphs(), conventions)
@MANY
def test_10_000_changed_graphs(raw, how):
    outcome(raw, how)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@given(st.data())
@MANY
def test_10_000_changed_graphs_in_files(reader, path, data):
    if write_raw(path, data.draw(changed_graphs())):
        read(reader, path, data.draw(conventions))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@given(st.data())
@MANY
def test_10_000_damaged_files(reader, path, files, data):
    path.write_bytes(damaged(files[data.draw(st.integers(0, 9))], data.draw(damages)))
    read(reader, path, data.draw(conventions))
