"""The protocol that the training loop requires of a dataset; `Loaders` meet it."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import Protocol

import torch
from torch import Tensor

from skiprun.config import RunConfig


class TrainingData(Protocol):
    """Splits of a dataset, as the loop asks for them."""

    @property
    def fingerprint(self) -> str:
        """A digest of the images, their labels and the split."""

    @property
    def train(self) -> Sized:
        """The training split; it has a length."""

    def train_batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return augmented images, float32 [B, C, H, W], and targets of some rows of the training split."""

    def batches(self, split: str, batch_size: int) -> Iterable[tuple[Tensor, Tensor]]:
        """Return a split in its order."""


def micro_batches(images: Tensor, targets: Tensor, config: RunConfig) -> list[Tensor]:
    """Return the images and targets of a step in the config's memory layout, one pair a micro-batch, in turn."""
    if config.compute.channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    parts = config.optim.accumulate
    return [each for pair in zip(images.chunk(parts), targets.chunk(parts), strict=True) for each in pair]
