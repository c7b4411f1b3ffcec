from pathlib import Path

import numpy as np
import pytest

from eventsim.bundle import Bundle, save_bundle
from eventsim.models import ALIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Dense
from streams.encoders import MelDeltaConfig, MelDeltaEncoder
from streams.speech_commands import LABELS

TICK_NS = 10_000_000


def untrained_bundle(seed: int = 0, threshold: float = 0.6) -> Bundle:
    """A small random keyword network made like the trained one: delay taps, bias drive, an integrator."""
    rng = np.random.default_rng(seed)
    network = Network(TICK_NS)
    network.add_input("mel", 80)
    network.add_population(
        "hidden",
        24,
        ALIF(
            tau_mem_ns=rng.uniform(20e6, 200e6, 24),
            tau_adp_ns=rng.uniform(50e6, 500e6, 24),
            base_threshold=1.0,
            beta=1.8,
            bias=rng.normal(0.8, 0.5, 24),
            initial_adaptation=0.0,
            normalised=True,
        ),
    )
    network.add_population("readout", 12, LeakyIntegrator(tau_ns=np.inf, bias=0.0, normalised=False))
    for delay in (0, 3, 6):
        weights = rng.normal(0, 0.8, (80, 24)).astype(np.float32)
        network.connect("mel", "hidden", Dense(weights), delay_ns=delay * TICK_NS)
    weights = rng.normal(0, 0.3, (24, 24)).astype(np.float32)
    network.connect("hidden", "hidden", Dense(weights), delay_ns=TICK_NS)
    network.connect("hidden", "readout", Dense(rng.normal(0, 0.08, (24, 12)).astype(np.float32)))
    decision = {"kind": "softmax-threshold", "threshold": threshold, "scale": 1.0}
    encoder = MelDeltaEncoder(MelDeltaConfig(step=0.7)).describe()
    return Bundle(network, LABELS, encoder, decision, {"made_by": "test"})


def babble(seconds: float, seed: int) -> np.ndarray:
    """Bursts of coloured noise on a faint floor: onsets, ends, and words that run into each other."""
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 1e-3, round(seconds * 16_000))
    at = int(rng.integers(0, 4_000))
    while at < sound.size:
        length = int(rng.integers(1_500, 12_000))
        burst = rng.normal(0, rng.uniform(0.02, 0.3), length) * np.hanning(length)
        tone = np.sin(np.arange(length) * rng.uniform(0.05, 1.5)) * np.hanning(length) * 0.2
        end = min(at + length, sound.size)
        sound[at:end] += (burst + tone)[: end - at]
        at = end + int(rng.integers(0, 14_000))
    return sound.astype(np.float32)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return untrained_bundle()


@pytest.fixture(scope="session")
def model_file(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "untrained.esb"
    save_bundle(path, bundle)
    return path


@pytest.fixture(scope="session")
def make_bundle():
    return untrained_bundle


@pytest.fixture(scope="session")
def make_babble():
    return babble
