"""Where a decision falls, and that nothing after it is learned from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from eventsim.learning.losses import (  # noqa: E402
    anytime_loss,
    decision_steps,
    distillation_loss,
    rank_coding_loss,
)


def plain_decision_step(evidence: "torch.Tensor", threshold: float) -> int:
    for step, now in enumerate(evidence):
        if float(now.softmax(0).max()) > threshold:
            return step
    return len(evidence) - 1


@given(st.integers(0, 10_000), st.floats(0.0, 1.0))
def test_decision_falls_at_the_first_crossing(seed: int, threshold: float) -> None:
    torch.manual_seed(seed)
    evidence = torch.randn(7, 5, 3).cumsum(0)
    found = decision_steps(evidence, threshold).tolist()
    assert found == [plain_decision_step(evidence[:, i], threshold) for i in range(5)]


def test_a_crossing_at_the_first_step_counts() -> None:
    evidence = torch.zeros(4, 1, 2)
    evidence[0, 0, 1] = 9.0
    assert decision_steps(evidence, 0.9).tolist() == [0]


def test_without_a_crossing_the_last_step_decides() -> None:
    assert decision_steps(torch.zeros(4, 1, 2), 0.9).tolist() == [3]


def test_first_crossing_wins_over_the_step_with_most_crossings() -> None:
    evidence = torch.tensor([[[0.0, 4.0, 0.0]], [[0.0, 0.0, 0.0]], [[9.0, 9.0, 9.0]]])
    assert decision_steps(evidence, 0.9).tolist() == [0]


def test_rank_coding_gradient_is_only_at_the_decision() -> None:
    evidence = torch.zeros(5, 2, 3)
    evidence[2:, 0, 1] = 8.0
    evidence.requires_grad_()
    rank_coding_loss(evidence, torch.tensor([0, 2]), 0.9).backward()
    touched = evidence.grad.abs().sum(dim=2) > 0
    assert touched[:, 0].tolist() == [False, False, True, False, False]
    assert touched[:, 1].tolist() == [False, False, False, False, True]


def test_anytime_loss_is_the_mean_over_its_steps() -> None:
    torch.manual_seed(0)
    evidence, labels = torch.randn(6, 4, 3), torch.tensor([0, 1, 2, 0])
    expected = sum(torch.nn.functional.cross_entropy(evidence[t], labels) for t in (1, 4)) / 2
    assert torch.allclose(anytime_loss(evidence, labels, [1, 4]), expected)


def test_distillation_vanishes_at_the_teacher_and_grows_away_from_it() -> None:
    teacher = torch.tensor([[2.0, -1.0, 0.5]])
    assert float(distillation_loss(teacher.clone(), teacher, 2.0)) == pytest.approx(0.0, abs=1e-6)
    assert float(distillation_loss(-teacher, teacher, 2.0)) > 0.5
