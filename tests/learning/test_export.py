"""The exported network, run event by event, spikes exactly where the twin does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from eventsim.events import Events  # noqa: E402
from eventsim.learning.export import to_network  # noqa: E402
from eventsim.learning.keyword_net import KeywordNet, KeywordNetConfig  # noqa: E402
from eventsim.learning.network_twin import NetworkTwin  # noqa: E402
from eventsim.session import Session  # noqa: E402

STEP_NS = 10_000_000


def small_net(seed: int) -> KeywordNet:
    torch.manual_seed(seed)
    net = KeywordNet(
        KeywordNetConfig(
            n_inputs=6,
            n_hidden1=9,
            n_hidden2=7,
            n_labels=3,
            input_delays=(0, 2, 3),
            hidden_delays=(0, 1, 4),
            step_ns=STEP_NS,
        )
    )
    with torch.no_grad():
        for drive in (net.input, net.between):
            drive.norm.weight.copy_(1.0 + 2.0 * torch.rand(drive.norm.weight.shape))
            # Biases on both sides of the threshold: some neurons fire without any input.
            drive.norm.bias.copy_(0.5 + torch.randn(drive.norm.bias.shape))
            drive.norm.running_mean.copy_(torch.randn(drive.norm.running_mean.shape))
            drive.norm.running_var.copy_(0.5 + torch.rand(drive.norm.running_var.shape))
    return net.eval()


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), density=st.sampled_from([0.0, 0.05, 0.3]), steps=st.integers(1, 40))
def test_engine_spikes_where_the_twin_spikes(seed: int, density: float, steps: int) -> None:
    net = small_net(seed)
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 5, (steps, 6)) * (rng.random((steps, 6)) < density)
    network = to_network(net)
    twin = NetworkTwin(network)({"mel": torch.from_numpy(values[:, None].astype(np.float64))})
    session = Session(network, record=["hidden1", "hidden2"])
    step, address = np.nonzero(values)
    session.push("mel", Events.of(step * STEP_NS, address, values[step, address].astype(np.float32)))
    session.advance(steps * STEP_NS)
    for name in ("hidden1", "hidden2"):
        found = np.zeros((steps, network.populations[name].size))
        spikes = session.read(name)
        found[spikes.time_ns // STEP_NS, spikes.address] = spikes.value
        np.testing.assert_array_equal(found, twin[name][:, 0].numpy(), err_msg=name)
    np.testing.assert_allclose(session.membrane("readout"), twin["readout"][-1, 0].numpy(), atol=1e-9)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_exported_network_means_what_was_trained(seed: int) -> None:
    net = small_net(seed).double()
    events = torch.randint(0, 4, (30, 5, 6), generator=torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        evidence, first, second = net(events)
        twin = NetworkTwin(to_network(net))({"mel": events})
    # The export rounds weights to float32: evidence stays close unless a membrane sat on its threshold.
    same = (twin["hidden1"] == first).double().mean() + (twin["hidden2"] == second).double().mean()
    assert float(same) > 2 * 0.995
    if torch.equal(twin["hidden1"], first) and torch.equal(twin["hidden2"], second):
        assert torch.allclose(twin["readout"], evidence, atol=1e-4)
