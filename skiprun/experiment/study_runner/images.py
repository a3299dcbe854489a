"""Images that a study uses, the same every time: from a dataset, or random noise where no dataset fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from skiprun.data import Loaders, Split
from skiprun.errors import InputError, counted
from skiprun.experiment.study_runner.study_target import Shape
from skiprun.inference.evaluate import evaluate_batches
from skiprun.tasks import Task
from skiprun.tasks.masks import shows_anything
from skiprun.tasks.segmentation import constant_scores
from skiprun.training.randomness import derive_seed
from skiprun.training.sample_order import BatchSampler

Batch = tuple[Tensor, Tensor]
NOISE_CLASSES = 10
SCORE_BATCH = 256


@dataclass(frozen=True)
class Scoring:
    """model -> scores over the same images every time; it can be sent to another process."""

    task: Task
    batches: Sequence[Batch]

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """Return the loss and the task's scores of a network."""
        return evaluate_batches(model, self.task, self.batches)


class Images:
    """Images of a dataset, not augmented, chosen by chance with a fixed seed."""

    def __init__(self, loaders: Loaders, batch_size: int) -> None:
        self.loaders, self.batch_size = loaders, min(batch_size, SCORE_BATCH)

    def about(self, split: str) -> str:
        """Say which images these are, and of masks what one class everywhere scores on the whole split."""
        if not self.loaders.pixels:
            return f"{split} split"
        trivial = constant_scores(self.loaders.pixels[split][:-1])["iou"]
        return f"{split} split (one class everywhere has iou {trivial:.4f})"

    def batches(self, split: str, count: int, size: int) -> list[Batch]:
        """Return some batches of a split, or as many as it fills; all have one size."""
        samples = getattr(self.loaders, split)
        size = min(size, len(samples))
        order = BatchSampler(0, len(samples), size, self.loaders.device)
        return [
            self._take(samples, order.batch(number)) for number in range(min(count, len(samples) // size))
        ]

    def scored(self, split: str, number: int | None) -> list[Batch]:
        """Return a number of images of a split, or all, in batches.

        Raises:
            InputError: their masks show nothing, so there is nothing to score.
        """
        samples = getattr(self.loaders, split)
        chosen = BatchSampler(0, len(samples), len(samples), self.loaders.device).batch(0)[:number]
        batches = [self._take(samples, index) for index in chosen.sort().values.split(self.batch_size)]
        if self.loaders.task == "segmentation" and not any(shows_anything(targets) for _, targets in batches):
            raise InputError(
                f"The masks of {counted(len(chosen), 'image')} to score show nothing; "
                "score more with --images."
            )
        return batches

    def _take(self, samples: Split, index: Tensor) -> Batch:
        images, targets = samples.take(index)
        return self.loaders.as_scored(images), targets


class RandomImages:
    """Random normal images with random labels, for networks that no dataset at hand fits."""

    def __init__(self, shape: Shape, device: torch.device) -> None:
        self.shape, self.device = shape, device

    def about(self, _split: str) -> str:
        """Say which images these are."""
        return f"random normal images of {'x'.join(map(str, self.shape))}"

    def batches(self, _split: str, count: int, size: int) -> list[Batch]:
        """Return some batches; the split does not matter."""
        return [self._draw(number, size) for number in range(count)]

    def scored(self, split: str, number: int | None) -> list[Batch]:
        """Return a number of images as one batch."""
        return self.batches(split, 1, number or SCORE_BATCH)

    def _draw(self, number: int, size: int) -> Batch:
        generator = torch.Generator().manual_seed(derive_seed(0, "noise", number))
        labels = torch.randint(NOISE_CLASSES, (size,), generator=generator)
        return torch.randn(size, *self.shape, generator=generator).to(self.device), labels.to(self.device)
