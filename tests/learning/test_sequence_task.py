"""The one loss and score of the seed networks, and the dense baselines beside them."""

from collections.abc import Iterator

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from eventsim.learning.input_gated import InputGatedConfig, InputGatedNet  # noqa: E402
from eventsim.learning.keyword_task import BalancedBatches, ClipArrays  # noqa: E402
from eventsim.learning.low_pass import LowPassConfig, LowPassNet  # noqa: E402
from eventsim.learning.sequence_task import (  # noqa: E402
    DenseBaseline,
    sequence_answers,
    sequence_loss,
    sequence_score,
)

N_BANDS, N_CLIPS, N_LABELS = 6, 12, 3


@pytest.fixture(autouse=True)
def one_core() -> Iterator[None]:
    """Small products on several cores of a loaded machine wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def clips() -> ClipArrays:
    """Return clips that the band of their label tells apart."""
    rng, labels = np.random.default_rng(0), np.arange(N_CLIPS) % N_LABELS
    steps = np.zeros((N_CLIPS, 100, N_BANDS), np.int8)
    for k, label in enumerate(labels):
        steps[k, rng.integers(20, 40) : 50, 2 * label] = 1
    return ClipArrays(steps, np.zeros(steps.shape, np.float16), labels)


def networks() -> list[torch.nn.Module]:
    torch.manual_seed(0)
    return [
        LowPassNet(LowPassConfig(N_BANDS, (8, 8), N_LABELS)),
        InputGatedNet(InputGatedConfig(N_BANDS, (8, 8), N_LABELS)),
        DenseBaseline("gru", N_BANDS, (8, 8), N_LABELS),
        DenseBaseline("lstm", N_BANDS, (8, 8), N_LABELS),
    ]


@pytest.mark.parametrize("net", networks(), ids=lambda net: type(net).__name__)
def test_a_few_updates_lower_the_loss_of_every_network(net: torch.nn.Module) -> None:
    batches = BalancedBatches(clips(), [1.0] * N_LABELS, 16, 0)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
    before = float(sequence_loss(net, batches, 0, 0.0).detach())
    for step in range(1, 13):
        optimizer.zero_grad()
        sequence_loss(net, batches, step, 0.0).backward()
        optimizer.step()
    assert float(sequence_loss(net, batches, 0, 0.0).detach()) < 0.95 * before


def test_activity_costs_what_is_sent() -> None:
    net = networks()[1]
    batches = BalancedBatches(clips(), [1.0] * N_LABELS, 16, 0)
    without, with_activity = (float(sequence_loss(net, batches, 0, weight).detach()) for weight in (0.0, 2.0))
    with torch.no_grad():
        index, _ = batches.draw(0)
        sent = net(torch.from_numpy(batches.clips.steps[index].transpose(1, 0, 2).astype(np.float32)))[1]
    assert with_activity > without
    # Bands are silenced at random, so that only about as much is sent.
    assert with_activity - without == pytest.approx(float(sum(s.mean() for s in sent)), rel=0.8)


def test_answers_are_those_of_the_last_step() -> None:
    net, held = networks()[0], clips()
    answers = sequence_answers(net, held)
    with torch.no_grad():
        logits, _ = net(torch.from_numpy(held.steps.transpose(1, 0, 2).astype(np.float32)))
    assert answers.tolist() == logits[-1].argmax(dim=1).tolist()
    right = [np.mean(answers[held.labels == label] == label) for label in range(N_LABELS)]
    assert sequence_score(net, held) == pytest.approx(np.mean(right))
    # A threshold nothing reaches: nothing is sent, and every clip gets the same answer.
    assert len(set(sequence_answers(net, held, threshold=1e6).tolist())) == 1
