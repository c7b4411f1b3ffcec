"""The workloads of the engine's measurement, small: what they build, how often they fire, what they count."""

import numpy as np
import pytest

from benchmarks.start_time import StartCase
from benchmarks.w1_balanced import W1Case
from benchmarks.w2_classifier import W2Case
from benchmarks.w3_sparse import W3Case


def test_every_neuron_of_w1_has_the_same_inputs() -> None:
    case = W1Case(neurons=300, in_degree=20)
    synapses = case.connectivity()
    assert synapses.n_pre == 300
    assert np.bincount(synapses.indices, minlength=300).tolist() == [20] * 300
    excitatory = synapses.weights > 0
    assert np.bincount(synapses.indices[excitatory], minlength=300).tolist() == [16] * 300
    # 0.8 x 300 excitatory sources come first, and their synapses with them.
    assert int(excitatory.sum()) == synapses.indptr[240] == 16 * 300
    assert set(np.unique(synapses.weights)) == {np.float32(0.6), np.float32(-3.0)}


def test_the_sources_of_w1_are_those_that_were_drawn() -> None:
    """Drawn again and counted the plain way."""
    case = W1Case(neurons=50, in_degree=10)
    rng = np.random.default_rng(1)
    sources = np.hstack(
        [rng.integers(0, 40, (50, 8), dtype=np.int32), rng.integers(40, 50, (50, 2), dtype=np.int32)]
    )
    expected = sorted((int(s), target) for target, row in enumerate(sources) for s in row)
    synapses = case.connectivity()
    of = np.repeat(np.arange(50), np.diff(synapses.indptr))
    assert list(zip(of.tolist(), synapses.indices.tolist(), strict=True)) == expected


def test_delay_classes_lie_on_the_grid_and_all_occur() -> None:
    assert W1Case().delays_ns(10) == 1_500_000
    for tick_ns, n, lowest, highest in (
        (1, 32, 500_000, 2_500_000),
        (100_000, 8, 500_000, 2_500_000),
        (100_000, 32, 100_000, 3_200_000),
    ):
        delays = W1Case(delay_classes=n, tick_ns=tick_ns).delays_ns(10_000)
        assert isinstance(delays, np.ndarray)
        assert (delays % tick_ns == 0).all()
        assert np.unique(delays).size == n
        assert (delays.min(), delays.max()) == (lowest, highest)


@pytest.mark.compiled
@pytest.mark.parametrize("tick_ns", [100_000, 1])
def test_w1_is_driven_and_fires_as_it_should(tick_ns: int) -> None:
    measured = W1Case(neurons=1_000, in_degree=100, seconds=0.2, repetitions=2, tick_ns=tick_ns).measure()
    figures = measured.figures
    assert len(measured.seconds) == 2
    # 1,000 neurons x 0.4 s x 850 Hz: five standard deviations are 1 %.
    assert figures["drive_rate_hz"] == pytest.approx(850, rel=0.01)
    assert 9 < figures["rate_hz"] < 18
    # Each spike passes 100 synapses, most of them within the same stretch.
    spikes = figures["rate_hz"] * 1_000 * 0.2
    assert figures["synaptic_events"] == pytest.approx(100 * spikes, rel=0.05)
    assert measured.events == figures["synaptic_events"] + figures["external_events"]


@pytest.mark.compiled
def test_w1_fires_alike_with_delay_classes_and_with_exponential_synapses() -> None:
    spread = W1Case(neurons=1_000, seconds=0.2, repetitions=2, tick_ns=1, delay_classes=8).measure()
    assert 9 < spread.figures["rate_hz"] < 18
    exponential = W1Case(neurons=1_000, seconds=0.2, repetitions=2, synapse="exponential").measure()
    assert 7 < exponential.figures["rate_hz"] < 20


@pytest.mark.compiled
def test_w2_spikes_alike_event_by_event_and_all_at_once() -> None:
    whole = W2Case(hidden=64, repetitions=1).measure()
    one_by_one = W2Case(hidden=64, repetitions=1, one_by_one=True).measure()
    assert whole.figures["hidden_spikes"] == one_by_one.figures["hidden_spikes"] > 300
    assert whole.figures["output_spikes"] == one_by_one.figures["output_spikes"]
    assert whole.events == one_by_one.events
    assert whole.events == 8_000 * 64 + whole.figures["hidden_spikes"] * (64 + 20)
    assert one_by_one.figures["event_p50_us"] <= one_by_one.figures["event_p99_us"]


@pytest.mark.compiled
def test_w3_forces_each_spike_and_reaches_each_target() -> None:
    measured = W3Case(neurons=5_000, out_degree=20, forced=1_000, repetitions=2).measure()
    assert measured.figures["spikes"] == 1_000
    assert measured.events == 20_000
    assert len(measured.seconds) == 2


def test_w3_draws_every_neuron_as_a_target() -> None:
    network = W3Case(neurons=500, out_degree=30).network()
    synapses = network.projections[1].synapses
    assert synapses.n_synapses == 15_000
    assert np.unique(synapses.to_csr().indices).size == 500


@pytest.mark.slow
def test_the_start_is_measured_in_fresh_processes() -> None:
    measured = StartCase(repetitions=1).measure()
    assert measured.figures["import_loads_numba"] == 0
    assert 0 < measured.figures["import_s"] < measured.seconds[0] < measured.figures["first_process_s"]
