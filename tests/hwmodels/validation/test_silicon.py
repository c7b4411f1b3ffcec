"""Predictions beside published silicon: hand arithmetic, the committed result, the page."""

import numpy as np
import pytest

from benchmarks.pages import with_tables
from benchmarks.silicon import PAGE, load
from benchmarks.silicon_loihi import (
    BRANCH,
    branch_network,
    measured,
    predicted,
    random_activity,
    spotter_network,
)
from benchmarks.silicon_result import Band
from benchmarks.silicon_spotter import on_chip
from benchmarks.silicon_tables import markdown
from eventsim import LIF, Dense, Events, Network
from hwmodels.activity import record_activity
from hwmodels.chip import load_chip

TICK_NS = 10_000_000


def test_the_page_holds_the_result() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_tables(text, "silicon", markdown(load())) == text


@pytest.mark.compiled
def test_silent_and_always_firing_networks_by_hand() -> None:
    """52 pJ per neuron and step, 29 more where it is updated, 23.6 pJ per synaptic event (Davies 2018)."""
    chip = load_chip("loihi")
    for network, neurons, weights in (
        (spotter_network(), 390 + 256 + 256 + 29, 390 * 256 + 256 * 256 + 256 * 29),
        (branch_network(), 2560, 10 * 256 * 256),
    ):
        found = predicted(chip, network, Band(1.0, 1.0, 1.0), 0, shares=(0.0, 1.0))
        assert (found.neurons, found.weights) == (neurons, weights)
        silent, busy = found.points
        assert silent.synapse.value == silent.network.value == 0.0
        assert silent.dynamic.value == pytest.approx(neurons * 10 * 81e-6)
        assert silent.dynamic.low == pytest.approx(neurons * 10 * (51.2 + 21.6) * 1e-6)
        assert busy.synapse.value == pytest.approx(weights * 10 * 23.6e-6)
        assert busy.synapse.high == pytest.approx(weights * 10 * 35.5e-6)
        assert found.left_out == [
            f"{name}: energy unknown" for name in ("spike_out", "message_out", "message_in")
        ]


@pytest.mark.compiled
def test_the_share_a_branch_needs_is_where_its_line_meets_the_slope() -> None:
    network = branch_network()
    found = predicted(load_chip("loihi"), network, Band(15.2, 15.2, 16.9), 0, shares=(0.0, 0.05, 0.1, 1.0))
    neurons, synapses = 2560 * 10 * 81e-6, 655_360 * 10 * 23.6e-6
    assert found.implied.value == pytest.approx((15.2 - neurons) / synapses, rel=0.03)
    # The reference works out about 8.6 % by hand.
    assert found.implied.value == pytest.approx(0.086, abs=0.004)
    assert found.implied.low is not None
    assert found.implied.high is not None
    assert found.implied.low < found.implied.value < found.implied.high
    beyond = predicted(load_chip("loihi"), network, Band(500.0, 500.0, 500.0), 0, shares=(0.0, 1.0)).implied
    assert (beyond.value, beyond.low, beyond.high) == (None, None, None)


def test_what_was_measured_follows_from_the_logs() -> None:
    known = measured()
    assert known.dynamic_mj == pytest.approx(known.dynamic_mw / known.inferences_per_s, rel=0.02)
    assert known.left_uj.value == pytest.approx(1000 * (81 - 70) / 296)
    assert known.left_mw.low < known.left_mw.value < known.left_mw.high
    # Least squares over the runs with branches; the reference takes the run without any in as well.
    branches = np.array([1, 2, 4, 6, 8, 10])
    mj = np.array([107.9 / 114.7, 110 / 114.4, 113.5 / 114.3, 117.3 / 114.3, 120.9 / 114, 124.8 / 114])
    centred = branches - branches.mean()
    assert known.slope_uj.high == pytest.approx(1000 * (centred @ mj) / (centred @ centred))


@pytest.mark.compiled
def test_the_result_is_what_the_command_computes_now() -> None:
    result = load()
    for chips, network in (
        (result.loihi.network, spotter_network()),
        (result.loihi.branch, branch_network()),
    ):
        for known in chips:
            found = predicted(load_chip(known.chip), network, Band(1.0, 1.0, 1.0), result.seed, shares=(0.1,))
            (point,) = (p for p in known.points if p.share == 0.1)
            assert found.points[0].dynamic.value == pytest.approx(point.dynamic.value, rel=1e-9)
            assert found.points[0].time_us == pytest.approx(point.time_us, rel=1e-9)
            assert (found.cores, found.left_out) == (known.cores, known.left_out)


def test_drawn_activity_has_its_share() -> None:
    activity = random_activity(branch_network(), 0.1, 200, 0)
    assert sum(activity.n_spikes.values()) == pytest.approx(0.1 * 200 * (256 + sum(BRANCH)), rel=0.02)
    assert random_activity(branch_network(), 0.1, 200, 0).n_spikes == activity.n_spikes
    assert sum(random_activity(branch_network(), 0.0, 200, 0).n_spikes.values()) == 0


def test_one_network_on_chips_of_each_kind() -> None:
    network = Network(TICK_NS)
    network.add_input("mel", 300)
    network.add_population("out", 20, LIF(tau_ns=50e6, threshold=1.0))
    network.connect("mel", "out", Dense(np.full((300, 20), 0.1, np.float32)))
    rng = np.random.default_rng(0)
    times = np.sort(rng.integers(0, 100, 500)) * TICK_NS
    events = Events.of(times, rng.integers(0, 300, 500))
    activity = record_activity(network, {"mel": events}, 100 * TICK_NS)

    def on(name: str) -> object:
        return on_chip(load_chip(name), network, [activity], 1, 300 * 20 * 100)

    generic = on("generic-45nm")
    synaptic, accesses = 500 * 20, 20 * 100
    assert generic.dynamic.value == pytest.approx((0.9 * synaptic + 4.6 * accesses) * 1e-6)
    assert (generic.own_pace_ms, generic.static_live) == (None, None)
    loihi = on("loihi")
    assert loihi.static_live.value == pytest.approx(104_000)
    assert loihi.static_own_pace.value == pytest.approx(104 * loihi.own_pace_ms)
    assert loihi.dynamic.low <= loihi.dynamic.value <= loihi.dynamic.high
    assert on("truenorth").refused.startswith("population 'out': neuron 0 has 300 distinct sources")
    assert on("speck").dynamic is None
    assert on("cortex-m4").dynamic.value == pytest.approx(600_000 * 1717e-6)
    assert on("xylo").refused


def test_the_own_spotter_is_told_for_every_chip() -> None:
    own = load().own
    assert {"loihi", "generic-45nm", "cortex-m4", "ndp120"} <= {chip.chip for chip in own.chips}
    assert own.dense_macs > own.synaptic_events > own.spikes > 0
    generic = next(chip for chip in own.chips if chip.chip == "generic-45nm")
    # An accumulate per synaptic event, a multiply-accumulate per neuron and step: 524 neurons, 100 steps.
    assert generic.dynamic is not None
    assert generic.dynamic.value == pytest.approx(
        (0.9 * own.synaptic_events + 4.6 * 524 * 100) * 1e-6, rel=1e-6
    )
