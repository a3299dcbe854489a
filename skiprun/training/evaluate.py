"""Scores of a network on one split."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from skiprun.tasks import Task

Batches = Iterable[tuple[Tensor, Tensor]]


@torch.no_grad()
def evaluate(
    model: nn.Module,
    task: Task,
    batches: Batches,
    autocast: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext,
) -> dict[str, float]:
    """Return {'loss': mean over the pictures, and the task's scores}; the model's mode is left as it was.

    Sums stay on the device until the end: one synchronization a split.
    """
    training = model.training
    model.eval()
    total: Tensor | None = None
    for pictures, targets in batches:
        with autocast():
            output = model(pictures)
        loss = task.loss(output, targets).double() * len(targets)
        seen = torch.full_like(loss, len(targets))
        row = torch.cat([torch.stack([loss, seen]), task.counts(output, targets)])
        total = row if total is None else total + row
    model.train(training)
    assert total is not None, "a split has at least one picture"
    loss_sum, seen_sum = total[:2].tolist()
    return {"loss": loss_sum / seen_sum, **task.scores(total[2:])}
