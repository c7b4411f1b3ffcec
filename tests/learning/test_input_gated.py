"""The input-gated network, run event by event, sends what its twin sends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from eventsim.events import Events  # noqa: E402
from eventsim.learning.input_gated import InputGatedConfig, InputGatedNet, MultiBit  # noqa: E402
from eventsim.session import Session  # noqa: E402

STEP_NS = 10_000_000
N_BANDS = 4


def small_net(seed: int, bits: int, recurrent: bool) -> InputGatedNet:
    torch.manual_seed(seed)
    net = InputGatedNet(InputGatedConfig(N_BANDS, (6, 5), 3, bits, recurrent))
    with torch.no_grad():
        for layer in net.layers:
            # Candidates on both sides of zero: some cells fire without any input.
            layer.bias[: layer.n].normal_(0.1, 0.5)
            layer.weight.mul_(3.0)
    return net.eval()


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    density=st.sampled_from([0.0, 0.1, 0.5]),
    bits=st.integers(1, 4),
    recurrent=st.booleans(),
)
def test_engine_sends_what_the_twin_sends(seed: int, density: float, bits: int, recurrent: bool) -> None:
    net, rng = small_net(seed, bits, recurrent), np.random.default_rng(seed)
    steps = 30
    deltas = rng.integers(-3, 4, (steps, N_BANDS)) * (rng.random((steps, N_BANDS)) < density)
    session = Session(net.to_network(STEP_NS), record=["hidden1", "hidden2"])
    step, band = np.nonzero(deltas)
    value = deltas[step, band]
    address = np.where(value > 0, band, N_BANDS + band)
    session.push("mel", Events.of(step * STEP_NS, address, np.abs(value).astype(np.float32)))
    session.advance(steps * STEP_NS)
    with torch.no_grad():
        evidence, sent = net.double()(torch.from_numpy(deltas[:, None]).double())
    for name, expected in zip(("hidden1", "hidden2"), sent, strict=True):
        spikes, found = session.read(name), np.zeros(expected[:, 0].shape)
        found[spikes.time_ns // STEP_NS, spikes.address] = spikes.value
        np.testing.assert_array_equal(found, expected[:, 0].numpy(), err_msg=name)
    np.testing.assert_allclose(session.membrane("readout"), evidence[-1, 0].numpy(), atol=1e-9)


def test_the_output_is_whole_thresholds_up_to_the_top() -> None:
    membrane = torch.tensor([-2.0, 0.5, 1.0, 1.0001, 2.9, 6.5, 40.0], dtype=torch.float64, requires_grad=True)
    out = MultiBit.apply(membrane, 7)
    assert out.tolist() == [0, 0, 0, 1, 2, 6, 7]
    out.sum().backward()
    assert membrane.grad.tolist() == [0, 1, 1, 1, 1, 1, 0]


def test_the_gradient_reaches_every_weight() -> None:
    net = small_net(1, 3, True)
    torch.manual_seed(1)
    evidence, _ = net(torch.randint(-2, 3, (20, 8, N_BANDS)).float())
    evidence[-1].square().sum().backward()
    assert all(float(p.grad.abs().sum()) > 0 for p in net.parameters())
