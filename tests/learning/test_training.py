"""A killed run goes on with the same bits; the best weights on validation data are kept."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from eventsim.learning.training import Progress, TrainingPlan, train  # noqa: E402


class Killed(Exception):
    pass


def linear() -> "torch.nn.Module":
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))


def loss_at(model: "torch.nn.Module", step: int) -> "torch.Tensor":
    x = torch.randn(16, 3, generator=torch.Generator().manual_seed(step))
    return (model(x) - x.sum(dim=1, keepdim=True)).square().mean()


def score(model: "torch.nn.Module") -> float:
    with torch.no_grad():
        x = torch.randn(64, 3, generator=torch.Generator().manual_seed(10_000))
        return -float((model(x) - x.sum(dim=1, keepdim=True)).square().mean())


PLAN = TrainingPlan(steps=40, learning_rate=1e-2, warmup_steps=3, evaluate_every=5)


def weights_after(checkpoint: Path, killed_at: int | None) -> list["torch.Tensor"]:
    def report(progress: Progress) -> None:
        if killed_at is not None and progress.step == killed_at:
            raise Killed

    model = linear()
    if killed_at is not None:
        with pytest.raises(Killed):
            train(model, loss_at, score, PLAN, checkpoint, report)
        model = linear()
    train(model, loss_at, score, PLAN, checkpoint, lambda _: None)
    return [parameter.detach() for parameter in model.parameters()]


def test_resumed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = weights_after(tmp_path / "whole.pt", None)
    resumed = weights_after(tmp_path / "resumed.pt", 15)
    assert all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True))


def test_training_lowers_the_loss_and_keeps_the_best(tmp_path: Path) -> None:
    model, seen = linear(), []
    before = score(model.eval())
    best = train(model, loss_at, score, PLAN, tmp_path / "c.pt", seen.append)
    assert best == max(progress.score for progress in seen)
    assert best > before
    assert score(model) == pytest.approx(best)


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first, again = linear(), linear()
    train(first, loss_at, score, PLAN, tmp_path / "c.pt", lambda _: None)

    def no_more(model: "torch.nn.Module", step: int) -> "torch.Tensor":
        raise AssertionError(f"step {step} was trained again")

    train(again, no_more, score, PLAN, tmp_path / "c.pt", lambda _: None)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
