"""Score a network on one split."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from skiprun.config import RunConfig
from skiprun.models import Cost
from skiprun.tasks import Task

Batches = Iterable[tuple[Tensor, Tensor]]
MAX_EVAL_BATCH_SIZE = 500
# A pass without gradients holds what a layer takes and gives, a shortcut, and what the layer works in.
HELD_AT_ONCE = 4


def evaluation_batch_size(config: RunConfig, cost: Cost) -> int:
    """Return how many images to evaluate at once: as many as take no more memory than a training step."""
    kept = 0 if config.compute.activation_checkpointing else config.micro_batch_size * cost.activation_bytes
    return min(MAX_EVAL_BATCH_SIZE, max(config.micro_batch_size, kept // (HELD_AT_ONCE * cost.largest_bytes)))


@torch.no_grad()
def evaluate_batches(
    model: nn.Module,
    task: Task,
    batches: Batches,
    autocast: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext,
) -> dict[str, float]:
    """Return the task's scores and 'loss', without what only training has; the model's mode stays.

    All are of the split as a whole, whatever its batches. Sums stay on the device until the end: one
    synchronization a split.
    """
    training = model.training
    model.eval()
    total: Tensor | None = None
    for images, targets in batches:
        with autocast():
            output = model(images)
        normalizers = task.normalizers(targets)
        losses = task.losses(output, targets, normalizers, training=False).double() * normalizers
        row = torch.cat([losses, normalizers, task.counts(output, targets)])
        total = row if total is None else total + row
    model.train(training)
    assert total is not None, "a split has at least one image"
    terms = len(normalizers)
    loss = (total[:terms] / total[terms : 2 * terms].clamp(min=1)).sum().item()
    return {"loss": loss, **task.scores(total[2 * terms :])}
