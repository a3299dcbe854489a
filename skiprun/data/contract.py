"""The protocol that the training loop requires of a dataset; `Loaders` meet it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from typing import Protocol

import torch
from torch import Tensor

ALL = slice(None)


class TrainingData(Protocol):
    """Splits of a dataset, as the loop asks for them."""

    @property
    def fingerprint(self) -> str:
        """A digest of the images, their labels and the split."""

    @property
    def train(self) -> Sized:
        """The training split; it has a length."""

    @property
    def index_device(self) -> torch.device:
        """Where `fetch` wants its rows: a copy from the GPU would wait for it in each step."""

    @property
    def shard_sizes(self) -> Sequence[int] | None:
        """How many rows of train are in each shard, in order; None where all rows are equally near."""

    @property
    def reads_ahead(self) -> bool:
        """Whether `prefetch` gains time: where rows are on the device, they are at hand."""

    def prefetch(self, index: Tensor) -> None:
        """Begin to read rows of train that `fetch` will soon be asked for."""

    def fetch(self, index: Tensor) -> tuple[Tensor, ...]:
        """Return tensors on the device from which `prepare` makes the batch of some rows of train."""

    def prepare(self, *fetched: Tensor) -> tuple[Tensor, Tensor]:
        """Return augmented images, float32 [B, C, H, W], and targets; a CUDA graph may record this."""

    def batches(self, split: str, batch_size: int, which: slice = ALL) -> Iterable[tuple[Tensor, Tensor]]:
        """Yield the batches of a split in stored order, not augmented; all, or some of them."""
