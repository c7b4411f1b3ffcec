"""The seed papers' claims: counts against counting by hand, the committed networks, the page."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.pages import with_tables
from benchmarks.seed_claims import PAGE, load, main, training
from benchmarks.seed_energy import spiking_energy, state_macs
from benchmarks.seed_gated import counted, dense_multiplications
from benchmarks.seed_low_pass import compared
from benchmarks.seed_run import Heard, clip_events, hear, own_network
from benchmarks.seed_tables import markdown
from eventsim import ALIF, LIF, Dense, InputGated, LeakyIntegrator, Network, Session, SigmaDelta
from eventsim.errors import ParameterError
from hwmodels.conventional import rnn_macs

TICK_NS = 10_000_000
N_BANDS, N_CLIPS, N_STEPS = 4, 3, 100
ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("EVENTSIM_DATA", ROOT.parent / "shared" / "data")) / "speech_commands"


def clips(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (N_CLIPS, N_STEPS, N_BANDS)
    return (rng.integers(-3, 4, shape) * (rng.random(shape) < 0.2)).astype(np.int8)


def gated_network(seed: int = 1) -> Network:
    rng, n = np.random.default_rng(seed), 6
    network = Network(TICK_NS)
    network.add_input("mel", 2 * N_BANDS)
    network.add_population("hidden1", 2 * n, InputGated(tau_ns=30e6, bits=3, gate_bias=1.0))
    network.add_population("readout", 3, LeakyIntegrator(tau_ns=np.inf, bias=0.0, normalised=False))
    weights = [rng.normal(0.5, 1.0, (2 * N_BANDS, n)).astype(np.float32) for _ in range(2)]
    network.connect("mel", "hidden1", InputGated.synapses(*weights))
    back = [rng.normal(0.0, 0.3, (n, n)).astype(np.float32) for _ in range(2)]
    network.connect("hidden1", "hidden1", InputGated.synapses(*back, from_gated=True), delay_ns=TICK_NS)
    onto = np.concatenate([rng.normal(size=(n, 3)), np.zeros((n, 3))]).astype(np.float32)
    network.connect("hidden1", "readout", Dense(onto))
    return network


def values_sent(network: Network, name: str, steps: np.ndarray) -> np.ndarray:
    """Return the values of all spikes of a population on all clips, one after the other."""
    session, found = Session(network, record=[name]), []
    for clip in steps:
        session.reset()
        session.push("mel", clip_events(clip, TICK_NS))
        session.advance(N_STEPS * TICK_NS)
        found.append(session.read(name).value)
    return np.concatenate(found)


def test_the_page_holds_the_result() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_tables(text, "seed-claims", markdown(load())) == text


def test_multiplications_are_those_counted_by_hand() -> None:
    network, steps = gated_network(), clips()
    heard = hear(network, steps, np.arange(N_CLIPS))
    found = counted("own", 2, heard, N_BANDS, {"bits": 3, "validation": 0.5, "test": 0.5})
    sent = values_sent(network, "hidden1", steps)
    assert sent.size > 50
    assert (sent > 1).any()
    n_steps = N_CLIPS * N_STEPS
    # An input reaches 6 candidates and 6 gates; a spike those of its own layer, and 3 outputs.
    inputs, not_one = np.count_nonzero(steps), np.count_nonzero(np.abs(steps.astype(int)) > 1)
    assert found.all_events == pytest.approx((12 * inputs + 15 * sent.size) / n_steps)
    assert found.not_one == pytest.approx((12 * not_one + 15 * np.count_nonzero(sent != 1)) / n_steps)
    assert found.state == 18
    assert found.silent == pytest.approx(1 - sent.size / (6 * n_steps))
    assert found.mean_value == pytest.approx(float(sent.mean()))
    assert found.dense_self == 8 * 12 + 6 * 12 + 6 * 3 + 18
    assert found.gru == rnn_macs(N_BANDS, 6, "gru") + 18
    assert found.saved_gru == pytest.approx(
        (found.gru / (found.all_events + 18), found.gru / (found.not_one + 18))
    )
    dense_input = 2 * N_BANDS * 6 + 15 * sent.size / n_steps + 18
    assert found.saved_gru_dense_input[0] == pytest.approx(found.gru / dense_input)
    assert dense_multiplications([N_BANDS, 6], 3, "lstm") == found.lstm


def test_the_low_pass_comparison_by_hand() -> None:
    rng, n = np.random.default_rng(2), 5
    network = Network(TICK_NS)
    network.add_input("mel", 2 * N_BANDS)
    weight = rng.normal(0, 0.3, (N_BANDS, n))
    network.add_population("hidden1", n, SigmaDelta(tau_ns=50e6, threshold=0.125, activation="tanh"))
    network.add_population("readout", 3, SigmaDelta(tau_ns=50e6, threshold=1e9, activation="identity"))
    network.connect("mel", "hidden1", Dense(np.concatenate([weight, -weight]).astype(np.float32)))
    network.connect("hidden1", "readout", Dense(rng.normal(size=(n, 3)).astype(np.float32)))
    steps = clips(3)
    heard = hear(network, steps, np.arange(N_CLIPS))
    found = compared(heard, N_BANDS, {"threshold": 0.125, "validation": 0.5, "test": 0.5})
    sent = values_sent(network, "hidden1", steps)
    n_sent = sent.size
    assert found.unit_spikes == pytest.approx(np.abs(sent).sum() / 0.125 / N_CLIPS)
    assert found.unit_spikes > found.spikes
    units = np.abs(steps.astype(int)).sum() * 5 + np.abs(sent).sum() / 0.125 * 3
    unit_uw = (found.unit_spikes * 10 + units / N_CLIPS * 8e-4) * 1e-6
    assert found.ratio_unit == pytest.approx(found.core_uw / unit_uw)
    assert found.spikes == pytest.approx(n_sent / N_CLIPS)
    assert n_sent > 20
    assert found.synaptic_events == pytest.approx((5 * np.count_nonzero(steps) + 3 * n_sent) / N_CLIPS)
    assert found.dense_macs == 100 * (4 * 5 + 5 * 3)
    assert found.core_uw == pytest.approx(found.dense_macs * 27 * 10e-6)
    assert found.spikes_uw == pytest.approx(found.spikes * 10e-6)
    assert found.weights_uw == pytest.approx(found.synaptic_events * 8 * 1e-10)
    assert found.ratio_core == pytest.approx(found.per_operation * found.fewer)
    # At the static power allowed the ratio is the claimed one.
    total_uw = found.spikes_uw + found.weights_uw + found.allowed_nw * 1e-3
    assert found.core_uw / total_uw == pytest.approx(500)
    assert found.example_uw == pytest.approx(20.25)


def test_formula_and_count_agree_where_every_event_is_a_spike() -> None:
    rng = np.random.default_rng(4)
    network = Network(TICK_NS)
    network.add_input("mel", 6)
    network.add_population("a", 8, ALIF(50e6, 200e6, base_threshold=1.0, beta=1.8))
    network.add_population("b", 3, LeakyIntegrator(tau_ns=20e6, bias=0.0))
    for delay in (0, 3):
        network.connect("mel", "a", Dense(rng.normal(1, 1, (6, 8))), delay_ns=delay * TICK_NS)
    network.connect("a", "a", Dense(rng.normal(0, 1, (8, 8))), delay_ns=TICK_NS)
    network.connect("a", "b", Dense(rng.normal(0, 1, (8, 3))))
    fired = {"mel": rng.integers(0, 50, 6), "a": rng.integers(0, 50, 8), "b": np.zeros(3, np.int64)}
    nothing = {name: np.zeros_like(each) for name, each in fired.items()}
    sizes, reached = [6, 8, 3], {"a": 0.5, "b": 0.25}
    found = spiking_energy("own", network, (2, 100), 1.0, (fired, nothing), reached, sizes)
    acs = (fired["mel"].sum() * 16 + fired["a"].sum() * 11) / 2
    assert found.acs == pytest.approx(acs)
    assert found.state_macs == 100 * (3 * 8 + 1 * 3)
    assert found.reached_macs == 100 * (0.5 * 24 + 0.25 * 3)
    assert found.counted_uj == pytest.approx((0.9 * acs + 4.6 * found.state_macs) * 1e-6)
    assert found.formula_uj == pytest.approx(found.counted_uj)
    valued = spiking_energy("own", network, (2, 100), 1.0, (nothing, fired), reached, sizes)
    assert valued.counted_uj == pytest.approx((4.6 * acs + 4.6 * found.state_macs) * 1e-6)
    by_kind = {d.kind: d.macs for d in found.dense}
    assert by_kind["same connections, dense"] == 100 * (2 * 48 + 64 + 24)
    assert by_kind["lstm"] == 100 * (4 * 8 * 14 + 3 * 8 + 24)
    network.add_population("c", 2, LIF(tau_ns=20e6))
    with pytest.raises(ParameterError, match="'c': the formula has no neuron of kind 'lif'"):
        state_macs(network, "c")


@pytest.mark.parametrize("name", ["low_pass", "gated_v1", "gated_v2"])
def test_committed_networks_run_and_say_how_they_were_made(name: str) -> None:
    bundle, told = own_network(name), training()[name]
    assert bundle.info["command"] == told["command"]
    assert bundle.info["test"] == told["test"]
    steps = np.zeros((1, N_STEPS, 40), np.int8)
    steps[0, 30:40, 5:25] = 1
    heard: Heard = hear(bundle.network, steps, np.zeros(1, np.int64))
    assert heard.fired["mel"].sum() == 200
    assert heard.fired["hidden1"].sum() > 0
    assert told["twin"]["differing"] == 0
    assert told["twin"]["spikes"] > 10_000


def test_nothing_to_hear_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "say --data" in capsys.readouterr().err
    assert main(["--data", "no_such_folder"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_the_result_is_what_the_recordings_give() -> None:
    if not DATA.is_dir():
        pytest.skip(f"no recordings in {DATA}")
    from benchmarks.seed_gated import multiplications

    known = next(g for g in load().gated if g.version == 2)
    found = multiplications(DATA, 2, 0, training()["gated_v2"])
    assert (found.all_events, found.not_one) == (known.all_events, known.not_one)
    assert found.accuracy_events == known.accuracy_events
