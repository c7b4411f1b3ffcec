"""The sigma-delta network, run event by event, sends what its twin sends; the smooth twin is the lpRNN."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from eventsim.events import Events  # noqa: E402
from eventsim.learning.low_pass import LowPassConfig, LowPassLayer, LowPassNet  # noqa: E402
from eventsim.session import Session  # noqa: E402

STEP_NS = 10_000_000
N_BANDS = 5


def small_net(seed: int, gain: float = 1.0) -> LowPassNet:
    torch.manual_seed(seed)
    net = LowPassNet(LowPassConfig(n_bands=N_BANDS, n_hidden=(9, 7), n_labels=3))
    with torch.no_grad():
        for layer in [*net.layers, net.readout]:
            layer.bias.normal_(0.0, 0.3)
            layer.weight.mul_(gain)
            # As the event network will hold them.
            for parameter in layer.parameters():
                parameter.copy_(parameter.float())
    return net.eval()


def changes(seed: int, steps: int, density: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(-3, 4, (steps, N_BANDS)) * (rng.random((steps, N_BANDS)) < density)


def run_events(net: LowPassNet, deltas: np.ndarray, threshold: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Return what each hidden layer sends per step, and the readout's activation at the end."""
    session = Session(net.to_network(threshold, STEP_NS), record=["hidden1", "hidden2"])
    step, band = np.nonzero(deltas)
    value = deltas[step, band]
    address = np.where(value > 0, band, N_BANDS + band)
    session.push("mel", Events.of(step * STEP_NS, address, np.abs(value).astype(np.float32)))
    session.advance(len(deltas) * STEP_NS)
    sent = []
    for layer, size in ((1, 9), (2, 7)):
        spikes, found = session.read(f"hidden{layer}"), np.zeros((len(deltas), size))
        found[spikes.time_ns // STEP_NS, spikes.address] = spikes.value
        sent.append(found)
    return sent, session.membrane("readout")


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    density=st.sampled_from([0.0, 0.05, 0.4]),
    threshold=st.sampled_from([0.25, 0.0625, 2.0**-8]),
)
def test_engine_sends_what_the_twin_sends(seed: int, density: float, threshold: float) -> None:
    net, deltas = small_net(seed), changes(seed, 40, density)
    sent, readout = run_events(net, deltas, threshold)
    with torch.no_grad():
        logits, twin = net.double()(torch.from_numpy(deltas[:, None]).double(), threshold=threshold)
    for found, expected in zip(sent, twin, strict=True):
        # What is held is rounded as it is added up: what is sent comes back out of it to 1e-12.
        np.testing.assert_array_equal(
            np.round(found / threshold), np.round(expected[:, 0].numpy() / threshold)
        )
    np.testing.assert_allclose(readout, logits[-1, 0].numpy(), atol=1e-9)


def test_a_small_threshold_tracks_the_smooth_network() -> None:
    net, deltas = small_net(3), changes(3, 40, 0.4)
    with torch.no_grad():
        smooth = net.double()(torch.from_numpy(deltas[:, None]).double())[0][-1, 0].numpy()
    net.float()
    gaps = [np.abs(run_events(net, deltas, threshold)[1] - smooth).max() for threshold in (0.25, 2.0**-14)]
    assert np.abs(smooth).max() > 0.1
    assert gaps[1] < 1e-3 < gaps[0]


def test_the_layer_is_the_published_recurrence() -> None:
    torch.manual_seed(5)
    layer = LowPassLayer(4, 6).double()
    x = torch.randn(20, 2, 4, dtype=torch.float64)
    with torch.no_grad():
        held, sent = layer(x)
        r = np.exp(-np.exp(-layer.log_tau.numpy()))
        w, u, b = layer.weight.numpy(), layer.recurrent_weight.numpy(), layer.bias.numpy()
    y = np.zeros((2, 6))
    for step in range(20):
        y = r * y + (1 - r) * np.tanh(x[step].numpy() @ w + y @ u + b)
        np.testing.assert_allclose(held[step].numpy(), y, atol=1e-12)
    np.testing.assert_allclose(sent.sum(0).numpy(), y, atol=1e-12)


def test_the_gradient_passes_the_threshold() -> None:
    torch.manual_seed(6)
    layer = LowPassLayer(4, 6).double()
    held, _ = layer(torch.randn(10, 2, 4, dtype=torch.float64), threshold=0.125)
    held[-1].sum().backward()
    assert all(float(p.grad.abs().sum()) > 0 for p in layer.parameters())
