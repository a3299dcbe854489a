"""Score a network on one split."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from functools import partial, reduce

import torch
from torch import Tensor, nn

from skiprun.config import RunConfig
from skiprun.inference.kept_images import Keep
from skiprun.models import Cost
from skiprun.system.ranks import ALONE, Ranks
from skiprun.tasks import Task

Batches = Iterable[tuple[Tensor, Tensor]]
# What `batch_scores` finds of images and targets, and what calls it: eagerly, or once into a CUDA graph.
ScoreBatch = Callable[[Tensor, Tensor], Tensor]
Launch = Callable[[ScoreBatch, Tensor, Tensor], Tensor]
MAX_EVAL_BATCH_SIZE = 500
# A GPU launches a pass for as long as it computes one over 2,000 images of 32x32.
MAX_ON_GPU, MAX_BYTES_ON_GPU = 2000, 1 << 30
# A pass without gradients holds what a layer takes and gives, a shortcut, and what the layer works in.
HELD_AT_ONCE = 4


def evaluation_batch_size(config: RunConfig, cost: Cost, on_gpu: bool = False) -> int:
    """Return how many images to evaluate at once: as many as take no more memory than a training step."""
    kept = 0 if config.compute.activation_checkpointing else config.micro_batch_size * cost.activation_bytes
    held = HELD_AT_ONCE * cost.largest_bytes
    small = min(MAX_ON_GPU, MAX_BYTES_ON_GPU // held) if on_gpu else 0
    return min(max(MAX_EVAL_BATCH_SIZE, small), max(config.micro_batch_size, kept // held))


def eager(score_batch: ScoreBatch, images: Tensor, targets: Tensor) -> Tensor:
    """Score a batch operation by operation; a CUDA graph may do it in place of this."""
    return score_batch(images, targets)


@torch.no_grad()
def evaluate_batches(
    model: nn.Module,
    task: Task,
    batches: Batches,
    autocast: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext,
    launch: Launch = eager,
    keep: Keep | None = None,
    ranks: Ranks = ALONE,
) -> dict[str, float]:
    """Return the task's scores and 'loss', without what only training has; the model's mode stays.

    All are of the split as a whole, whatever its batches. Sums stay on the device until the end: one
    synchronization a split. They are added in the order of the batches, whoever scored them.

    Args:
        model: the network.
        task: how to score.
        batches: of the split; those of this rank, if there are several.
        autocast: in which the network is computed.
        launch: scores a batch; a CUDA graph may.
        keep: is given outputs and targets of each batch; no graph can do that, so there is none then.
        ranks: that take turns with the batches.
    """
    training = model.training
    model.eval()
    score_batch = partial(batch_scores, model, task, autocast, keep)
    launch = eager if keep else launch
    rows = [launch(score_batch, images, targets) for images, targets in batches]
    model.train(training)
    sums = reduce(torch.add, ranks.in_turn(rows))
    losses, normalizers, counts = sums.tensor_split((task.terms, 2 * task.terms))
    return {"loss": (losses / normalizers.clamp(min=1)).sum().item(), **task.scores(counts)}


def batch_scores(
    model: nn.Module,
    task: Task,
    autocast: Callable[[], contextlib.AbstractContextManager],
    keep: Keep | None,
    images: Tensor,
    targets: Tensor,
) -> Tensor:
    """Return the sums of a batch, float64: losses by term, what they are to be divided by, and counts.

    A CUDA graph may record this, so nothing here waits for the device.
    """
    with autocast():
        output = model(images)
    if keep:
        keep(output, targets)
    normalizers = task.normalizers(targets)
    losses = task.losses(output, targets, normalizers, training=False).double() * normalizers
    return torch.cat([losses, normalizers, task.counts(output, targets)])
