"""The fused layer, the surrogate and the folded normalisation against their plain definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from eventsim.learning.alif import alif_scan  # noqa: E402
from eventsim.learning.alif_scan import alif_scan_cpu  # noqa: E402
from eventsim.learning.keyword_net import TappedDrive, delayed  # noqa: E402
from eventsim.learning.surrogate import Spike, multi_gaussian  # noqa: E402


def normal_pdf(x: float, mean: float, sigma: float) -> float:
    return math.exp(-((x - mean) ** 2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))


@given(st.floats(-20, 20))
def test_surrogate_is_the_published_sum_of_gaussians(x: float) -> None:
    # Source: Yin 2021, official code: gamma .5, h .15, sigma .5, s 6.
    expected = 0.5 * (
        1.15 * normal_pdf(x, 0.0, 0.5) - 0.15 * normal_pdf(x, 0.5, 3.0) - 0.15 * normal_pdf(x, -0.5, 3.0)
    )
    found = float(multi_gaussian(torch.tensor(x, dtype=torch.float64)))
    assert found == pytest.approx(expected, abs=1e-12)


def test_surrogate_integrates_to_its_mass() -> None:
    x = torch.linspace(-40, 40, 400_001, dtype=torch.float64)
    mass = float(torch.trapezoid(multi_gaussian(x), x))
    assert mass == pytest.approx(0.5 * (1.15 - 2 * 0.15), rel=1e-9)


def test_spike_is_strict_at_the_threshold() -> None:
    distance = torch.tensor([-1e-9, 0.0, 1e-9], dtype=torch.float64)
    assert Spike.apply(distance).tolist() == [0.0, 0.0, 1.0]


@given(
    steps=st.integers(1, 12),
    batch=st.integers(1, 3),
    n=st.integers(1, 6),
    recurrent=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_fused_layer_equals_autograd(steps: int, batch: int, n: int, recurrent: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Steps of 1/8 and decays of 1/4: both forms then round alike, and spikes agree without margin.
    drive = torch.randint(-16, 40, (steps, batch, n), generator=generator) / 8.0
    alpha = torch.randint(1, 4, (n,), generator=generator) / 4.0
    rho = torch.randint(1, 4, (n,), generator=generator) / 4.0
    weight = torch.randint(-8, 9, (n, n), generator=generator) / 8.0
    upstream = torch.randn(steps, batch, n, generator=generator)
    results = []
    for scan in (alif_scan, alif_scan_cpu):
        leaves = [tensor.clone().requires_grad_() for tensor in (drive, alpha, rho, weight)]
        spikes = scan(*leaves[:3], leaves[3] if recurrent else None, 1.0, 1.8)
        (spikes * upstream).sum().backward()
        results.append((spikes.detach(), [leaf.grad for leaf in leaves[: 4 if recurrent else 3]]))
    (plain, plain_grads), (fused, fused_grads) = results
    assert torch.equal(plain, fused)
    for expected, found in zip(plain_grads, fused_grads, strict=True):
        # The fused layer reads the surrogate from a table: one part in ten thousand of the largest gradient.
        scale = max(1.0, float(expected.abs().max()))
        assert float((expected - found).abs().max()) < 3e-4 * scale


@given(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(1, 8))
def test_delayed_moves_each_copy(delays: list[int], steps: int) -> None:
    events = torch.arange(1.0, steps * 2 + 1).view(steps, 1, 2)
    found = delayed(events, tuple(delays)).numpy()
    for k, delay in enumerate(delays):
        for t in range(steps):
            expected = events[t - delay].numpy() if t >= delay else np.zeros((1, 2))
            assert np.array_equal(found[t, :, 2 * k : 2 * k + 2], expected)


def test_folded_weights_give_the_normalised_drive() -> None:
    torch.manual_seed(3)
    drive = TappedDrive(5, 4, (0, 2)).double()
    with torch.no_grad():
        for _ in range(20):
            drive(3.0 * torch.rand(6, 8, 5, dtype=torch.float64))
        drive.norm.weight.copy_(torch.rand(4) + 0.5)
        drive.norm.bias.copy_(torch.randn(4))
        drive.eval()
        events = torch.rand(6, 8, 5, dtype=torch.float64)
        weight, bias = drive.folded()
        folded = delayed(events, (0, 2)) @ weight.flatten(0, 1) + bias
        assert torch.allclose(drive(events), folded, atol=1e-12)
