from pathlib import Path

import numpy as np
import pytest

from eventsim import LIF, Dense, Network
from eventsim.bundle import save_network

OPERATIONS = {
    "neuron_access": 2,
    "neuron_update": 3,
    "spike_out": 5,
    "message_out": 7,
    "hop_x": 11,
    "tile": 13,
    "message_in": 17,
    "synapse": 19,
}


def chip_text(name: str = "own", neurons_per_core: int = 3, tick_ns: int | None = None) -> str:
    """A chip of two tiles with a core each, every operation a prime number of pJ and 10 ns."""
    operations = "".join(
        f'[operations.{operation}]\nenergy_pj = {{ value = {pj}, low = {pj - 1}, source = "s", '
        'status = "measured" }\nlatency_ns = { value = 10, source = "s", status = "measured" }\n'
        for operation, pj in OPERATIONS.items()
    )
    tick = f'tick_ns = {{ value = {tick_ns}, source = "s", status = "measured" }}\n' if tick_ns else ""
    return f"""format = 1
name = "{name}"
title = "A chip of one's own"
kind = "mesh"
boundary = "core"
technology_nm = {{ status = "unknown" }}
static_power_mw = {{ value = 1, source = "s", status = "measured" }}
[sources.s]
citation = "Measured here"
seen = "first hand"
[capacity]
tiles_x = {{ value = 2, source = "s", status = "measured" }}
tiles_y = {{ value = 1, source = "s", status = "measured" }}
cores_per_tile = {{ value = 1, source = "s", status = "measured" }}
neurons_per_core = {{ value = {neurons_per_core}, source = "s", status = "measured" }}
[synchronisation]
mode = "barrier"
{tick}[[synchronisation.barrier]]
tiles = 1
latency_ns = {{ value = 100, source = "s", status = "measured" }}
{operations}"""


@pytest.fixture(scope="session")
def chip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chip") / "own.toml"
    path.write_text(chip_text())
    return path


def small_network() -> Network:
    """Two addresses that make three neurons fire at once, and these reach a fourth that never fires."""
    network = Network(1_000_000)
    network.add_input("in", 2)
    network.add_population("a", 3, LIF(tau_ns=20e6, threshold=0.5, reset="hard"))
    network.add_population("b", 1, LIF(tau_ns=20e6, threshold=100.0))
    network.connect("in", "a", Dense(np.ones((2, 3))))
    network.connect("a", "b", Dense(np.ones((3, 1))), delay_ns=1_000_000)
    return network


@pytest.fixture(scope="session")
def network_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "small.esb"
    save_network(path, small_network())
    return path


@pytest.fixture(scope="session")
def event_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "two.npz"
    np.savez(path, time_ns=np.array([0, 2_000_000]), address=np.array([0, 1]))
    return path
