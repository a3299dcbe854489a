"""A split of a dataset: images and their targets by number, on the device or mapped from a file."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from skiprun.data.shards.images import ShardImages
from skiprun.data.source import Array, Rows


class Split(Protocol):
    """Images and targets by number."""

    def __len__(self) -> int:
        """Return the number of images."""

    def labels(self) -> Array:
        """Return the label of each image, int64 [N], where targets are labels."""

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return uint8 images [B, C, H, W] and their targets, int64 [B] or masks [B, H, W], on the device."""


@dataclass(frozen=True, eq=False)
class InMemorySplit:
    """A split that lives on the device.

    Attributes:
        images: uint8 [N, H, W, C]; so a batch is one gather of rows, and arrives as channels_last.
        targets: int64 [N], or masks [N, H, W].
    """

    images: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def labels(self) -> Array:
        """Return the label of each image, int64 [N]."""
        return self.targets.cpu().numpy()

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return images uint8 [B, C, H, W] and targets [B] or [B, H, W] of the rows `index` [B]."""
        return self.images.index_select(0, index).permute(0, 3, 1, 2), self.targets.index_select(0, index)


@dataclass(frozen=True, eq=False)
class MemoryMappedSplit:
    """A split larger than memory: rows of mapped arrays, gathered on the host and moved batch by batch.

    Attributes:
        images: uint8 [M, H, W, C], mapped from a file, or decoded when they are asked for.
        targets: [M] or [M, H, W].
        rows: int64 [N], the rows that make up the split.
        device: where batches arrive.
    """

    images: Rows
    targets: Rows
    rows: Array
    device: torch.device

    def __len__(self) -> int:
        return len(self.rows)

    def labels(self) -> Array:
        """Return the label of each image, int64 [N]."""
        return self.targets[self.rows]

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return images uint8 [B, C, H, W] and targets [B] or [B, H, W] of rows `index` [B] on `device`."""
        rows = self.rows[index.cpu().numpy()]
        return self._to_device(self.images, rows).permute(0, 3, 1, 2), self._to_device(self.targets, rows)

    def _to_device(self, array: Rows, rows: Array) -> Tensor:
        """Copy rows to the device, from pinned memory without a wait, and release the mapped pages."""
        tensor = torch.from_numpy(np.ascontiguousarray(array[rows]))
        mapped = getattr(array, "_mmap", None)  # of numpy.memmap
        if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)
        return tensor if self.device.type == "cpu" else tensor.pin_memory().to(self.device, non_blocking=True)


@dataclass(frozen=True, eq=False)
class StreamedSplit(MemoryMappedSplit):
    """A split whose images are decoded from shards, ahead of time where `prefetch` says what comes."""

    images: ShardImages

    @property
    def shard_sizes(self) -> list[int]:
        """How many rows each shard has, one after the other."""
        return self.images.shard_sizes(self.rows)

    def prefetch(self, index: Tensor) -> None:
        """Begin to decode the rows `index` [B], which `take` will ask for."""
        self.images.prefetch(self.rows[index.cpu().numpy()])
