"""Operations under NeuroBench's names, arithmetic energy, and the conventional baselines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim import Events, Network, Session
from eventsim.errors import ParameterError
from eventsim.models import LIF
from eventsim.projections import Conv2d, SumPool2d
from hwmodels.chip import load_chip
from hwmodels.conventional import estimate_macs, measured_inference_pj, rnn_macs
from hwmodels.metrics import arithmetic_energy_pj, macs_per_tick, network_metrics, srnn_layer_energy_pj
from tests.hwmodels.placement.networks import TICK_NS, layered, networks


@settings(max_examples=50)
@given(networks(), st.data())
def test_operations_are_counted_one_synapse_at_a_time(net: Network, data: st.DataObject) -> None:
    sizes = dict(net.inputs) | {n: p.size for n, p in net.populations.items()}
    n_ticks = 7
    spikes = {n: np.array([data.draw(st.integers(0, n_ticks)) for _ in range(s)]) for n, s in sizes.items()}
    valued = data.draw(st.sets(st.sampled_from(sorted(sizes))))
    macs = acs = dense = zeros = 0
    for projection in net.projections:
        csr = projection.synapses.to_csr()
        for i in range(csr.n_pre):
            for k in range(int(csr.indptr[i]), int(csr.indptr[i + 1])):
                dense += n_ticks
                zeros += int(csr.weights[k] == 0)
                if csr.weights[k] != 0 and projection.pre in valued:
                    macs += int(spikes[projection.pre][i])
                elif csr.weights[k] != 0:
                    acs += int(spikes[projection.pre][i])
    found = network_metrics(net, spikes, n_ticks, valued=valued)
    operations = found.named()["synaptic_operations"]
    assert operations == {"Effective_MACs": macs, "Effective_ACs": acs, "Dense": dense}
    assert found.parameter_count * n_ticks == dense
    assert found.connection_sparsity == pytest.approx(zeros * n_ticks / dense if dense else 0)
    fired = sum(int(spikes[n].sum()) for n in net.populations)
    neurons = sum(p.size for p in net.populations.values())
    assert found.activation_sparsity == pytest.approx(1 - fired / (neurons * n_ticks))


def test_operations_are_those_a_session_counts() -> None:
    """Without weights of zero, accumulates are the synaptic events the engine delivered."""
    net = layered(4, 6, 3)
    session = Session(net, record=["h1"])
    times = np.arange(40) * TICK_NS
    session.push("in", Events.of(times, np.arange(40) % 4))
    session.advance(50 * TICK_NS)
    spikes = {"in": np.full(4, 10), "h1": np.bincount(session.read("h1").address, minlength=6)}
    assert spikes["h1"].sum() > 0
    found = network_metrics(net, spikes, 50)
    assert found.effective_acs == session.counters.synaptic_events
    assert found.effective_macs == 0


def test_a_convolution_has_a_kernel_and_pooling_no_parameters() -> None:
    net = Network(tick_ns=TICK_NS)
    net.add_input("in", 36)
    net.add_population("c", 32, LIF(tau_ns=20e6))
    net.add_population("p", 8, LIF(tau_ns=20e6))
    net.connect("in", "c", Conv2d(np.ones((2, 1, 3, 3), np.float32), (1, 6, 6)))
    net.connect("c", "p", SumPool2d((2, 4, 4), 2))
    found = network_metrics(net, {}, 1)
    assert found.parameter_count == 18
    assert found.footprint == 72
    assert found.dense == macs_per_tick(net) == 16 * 18 + 32
    assert found.activation_sparsity == 1


def test_names_are_neurobenchs() -> None:
    named = network_metrics(layered(2, 3), {}, 1, membrane_updates=5).named()
    assert list(named) == [
        "footprint",
        "parameter_count",
        "connection_sparsity",
        "activation_sparsity",
        "synaptic_operations",
        "membrane_updates",
    ]
    assert named["membrane_updates"] == 5


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"n_ticks": 0}, "n_ticks must be a whole number of at least 1, got 0"),
        ({"n_ticks": 1, "valued": ["x"]}, "valued: 'x' is not in the network, which has in, out"),
        ({"n_ticks": 1, "spikes": {"x": [1]}}, "activity: 'x' is not in the network"),
        ({"n_ticks": 1, "spikes": {"in": [1, 2, 3]}}, "activity: 'in' wants 2 whole counts"),
    ],
)
def test_what_does_not_belong_is_refused(arguments: dict[str, object], what: str) -> None:
    with pytest.raises(ParameterError, match=what):
        network_metrics(layered(2, 3), **({"spikes": {}} | arguments))  # type: ignore[arg-type]


def test_arithmetic_energy_is_4_6_and_0_9() -> None:
    """Source: 45 nm fp32, multiply 3.7 pJ and add 0.9 pJ (Horowitz 2014), as Yin et al. 2021 use them."""
    assert arithmetic_energy_pj(1, 0) == pytest.approx(3.7 + 0.9)
    assert arithmetic_energy_pj(0, 1) == pytest.approx(0.9)
    assert arithmetic_energy_pj(3, 5, e_mac_pj=2.0, e_ac_pj=1.0) == 11


def test_a_spiking_recurrent_layer() -> None:
    """100 inputs at 0.1, 50 recurrent neurons at 0.2: 20 accumulates for each of 50, and 3 updates."""
    found = srnn_layer_energy_pj(100, 0.1, 50, 0.2, 50, 3)
    assert found == pytest.approx(0.9 * 20 * 50 + 4.6 * 3 * 50)


@pytest.mark.parametrize("n", [1, 7, 128])
def test_multiplications_of_recurrent_layers_counted_gate_by_gate(n: int) -> None:
    n_in = 5
    matrix = sum(1 for _ in range(n) for _ in range(n_in + n))
    assert rnn_macs(n_in, n) == matrix
    assert rnn_macs(n_in, n, "gru") == sum([matrix, matrix, matrix, n, n, n])
    assert rnn_macs(n_in, n, "lstm") == sum([matrix, matrix, matrix, matrix, n, n, n])


def test_wrong_layers_are_refused() -> None:
    with pytest.raises(ParameterError, match="kind must be one of rnn, gru, lstm, got 'cnn'"):
        rnn_macs(1, 1, "cnn")
    for sizes in ((0, 1), (1, -1), (1, 1.5), (True, 1)):
        with pytest.raises(ParameterError, match="must be a whole number of at least 1"):
            rnn_macs(*sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "uj"),
    [
        ("cortex-m4", (4635.7, 4635.7, 5230.3)),
        ("ndp120", (35.29, 35.29, 49.59)),
        ("xeon-e5-2630", (6300,) * 3),
    ],
)
def test_a_baseline_gives_back_the_inference_it_was_measured_with(
    name: str, uj: tuple[float, float, float]
) -> None:
    chip = load_chip(name)
    measured = measured_inference_pj(chip)
    assert measured == pytest.approx([1e6 * x for x in uj])
    assert chip.macs is not None
    found = estimate_macs(chip, int(chip.macs.macs_per_inference.value or 0))
    assert found.energy_pj == pytest.approx(uj[0] * 1e6, rel=5e-3)
    assert found.low_pj <= found.energy_pj <= found.high_pj
    assert found.boundary == chip.boundary
    assert found.left_out[0].startswith("static power")


def test_energy_is_proportional_to_the_macs() -> None:
    chip = load_chip("cpu-45nm")
    assert measured_inference_pj(chip) is None
    assert estimate_macs(chip, 2000).energy_pj == pytest.approx(2 * estimate_macs(chip, 1000).energy_pj)
    assert estimate_macs(chip, 1000).low_pj == pytest.approx(4600)


def test_only_conventional_chips_have_macs() -> None:
    with pytest.raises(ParameterError, match="is of kind 'mesh': it has no multiply-accumulates"):
        estimate_macs(load_chip("loihi"), 1)
    assert measured_inference_pj(load_chip("loihi")) is None
    for macs in (-1, 1.0, True):
        with pytest.raises(ParameterError, match="macs must be a whole number, not negative"):
            estimate_macs(load_chip("cortex-m4"), macs)  # type: ignore[arg-type]
