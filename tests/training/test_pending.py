"""What steps found is fetched in parts, and a loss that is not finite is known by its step."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from skiprun.training import pending
from skiprun.training.pending import PendingMetrics


class Sent(pending.Sent):
    """What a GPU would send: copies that are there when somebody waits."""

    def __init__(self, *found: list) -> None:
        super().__init__(*found)
        self.copies = self  # type: ignore[assignment]

    def wait(self) -> list[Tensor]:
        """Return the copies."""
        return self.tensors


def steps(metrics: PendingMetrics, losses: dict[int, float]) -> None:
    """Add a step for each loss, every second one with a row."""
    for step, loss in losses.items():
        metrics.add(torch.tensor([loss, 2.0]), {"step": step} if step % 2 == 0 else None)


def steps_in(metrics: PendingMetrics, late: bool) -> list[object]:
    """Return the steps of the rows that a fetch gives."""
    return [row["step"] for rows, bad in metrics.fetch(late) for row in rows if bad is None]


def test_rows_have_their_tags_and_come_once() -> None:
    metrics = PendingMetrics(["probe"])
    steps(metrics, {1: 0.5, 2: 0.25})
    assert list(metrics.fetch()) == [([{"step": 2, "train/loss": 0.25, "probe": 2.0}], None)]
    assert list(metrics.fetch()) == []


def test_a_cpu_is_never_late() -> None:
    metrics = PendingMetrics(["probe"])
    for step in range(4):
        steps(metrics, {step: 1.0})
        assert steps_in(metrics, late=True) == ([step] if step % 2 == 0 else [])


def test_a_gpu_gives_its_first_rows_at_once_the_others_one_late_and_all_where_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pending, "Sent", Sent)
    metrics = PendingMetrics(["probe"])
    found = []
    for step in (2, 4, 6, 8):
        steps(metrics, {step: 1.0})
        found.append(steps_in(metrics, late=True))
    assert found == [[2], [], [4], [6]]
    steps(metrics, {9: 1.0, 10: 1.0})
    assert steps_in(metrics, late=False) == [8, 10]


@pytest.mark.parametrize("bad", range(3, 9))
def test_a_loss_that_is_not_finite_is_known_by_its_step(bad: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is found late: the rows of the parts before it are given, none of its own."""
    monkeypatch.setattr(pending, "Sent", Sent)
    metrics, made = PendingMetrics(["probe"]), 0
    rows: list[object] = []
    for part in ((1, 2), (3, 4), (5, 6), (7, 8)):
        steps(metrics, {step: math.nan if step >= bad else 1.0 for step in part})
        made = part[-1]
        for found, steps_ago in metrics.fetch(late=part[-1] < 8):
            rows += [row["step"] for row in found]
            if steps_ago is not None:
                assert made - steps_ago == bad
                assert rows == list(range(2, bad if bad % 2 else bad - 1, 2))
                return
    raise AssertionError("it was not found")
