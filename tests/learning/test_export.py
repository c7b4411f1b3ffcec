"""The exported network, run event by event, spikes exactly where the twin does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from eventsim.events import Events  # noqa: E402
from eventsim.learning.export import to_network  # noqa: E402
from eventsim.learning.keyword_net import KeywordNet, KeywordNetConfig  # noqa: E402
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
        # The engine keeps weights in float32: the twin is to hold the very same numbers.
        for projection in (net.hidden2.recurrent_weight, net.readout.weight):
            projection.copy_(projection.float())
    return net.eval()


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), density=st.sampled_from([0.0, 0.05, 0.3]), steps=st.integers(1, 40))
def test_engine_spikes_where_the_twin_spikes(seed: int, density: float, steps: int) -> None:
    net = small_net(seed)
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 5, (steps, 6)) * (rng.random((steps, 6)) < density)
    with_float32_weights = as_exported(net)
    evidence, first, second = with_float32_weights(torch.from_numpy(values[:, None].astype(np.float64)))

    session = Session(to_network(net), record=["hidden1", "hidden2"])
    step, address = np.nonzero(values)
    session.push("mel", Events.of(step * STEP_NS, address, values[step, address].astype(np.float32)))
    session.advance(steps * STEP_NS)
    for name, expected in (("hidden1", first), ("hidden2", second)):
        found = np.zeros((steps, expected.shape[2]))
        spikes = session.read(name)
        found[spikes.time_ns // STEP_NS, spikes.address] = spikes.value
        np.testing.assert_array_equal(found, expected[:, 0].detach().numpy(), err_msg=name)
    np.testing.assert_allclose(session.membrane("readout"), evidence[-1, 0].detach().numpy(), atol=1e-9)


def as_exported(net: KeywordNet) -> KeywordNet:
    """Return the twin in float64 with its normalisation folded into weights rounded to float32, as the export does."""
    twin = KeywordNet(net.config).double()
    twin.load_state_dict({name: value.double() for name, value in net.state_dict().items()})
    with torch.no_grad():
        for drive in (twin.input, twin.between):
            weight, bias = drive.folded()
            drive.weight.copy_(weight.float().double().flatten(0, 1))
            drive.norm = torch.nn.Identity()
            drive.register_buffer("bias", bias)
            drive.norm.forward = lambda x, b=bias: x + b  # type: ignore[method-assign]
    return twin.eval()
