"""A split of a dataset: images and their targets by number, on the device or mapped from a file."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from skiprun.data.read_ahead import ReadAhead
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

    Where `prefetch` says what comes, a thread gathers it meanwhile, into pinned memory if a GPU takes it.

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
        images, targets = (
            tensor.to(self.device, non_blocking=True) for tensor in self._ahead(self._rows(index))
        )
        return images.permute(0, 3, 1, 2), targets

    def prefetch(self, index: Tensor) -> None:
        """Begin to read the rows `index` [B], which `take` will ask for."""
        self._ahead.begin(self._rows(index))

    def _rows(self, index: Tensor) -> Array:
        return self.rows[index.cpu().numpy()]

    @cached_property
    def _ahead(self) -> ReadAhead:
        return ReadAhead(partial(read, self.images, self.targets, pinned=self.device.type == "cuda"))


@dataclass(frozen=True, eq=False)
class StreamedSplit(MemoryMappedSplit):
    """A split whose images are decoded from shards."""

    images: ShardImages

    @property
    def shard_sizes(self) -> list[int]:
        """How many rows each shard has, one after the other."""
        return self.images.shard_sizes(self.rows)


def read(images: Rows, targets: Rows, rows: Array, pinned: bool) -> tuple[Tensor, Tensor]:
    """Copy rows of two arrays to memory, pinned where a GPU takes them from there without a wait."""
    found = [torch.from_numpy(np.ascontiguousarray(array[rows])) for array in (images, targets)]
    for array in (images, targets):
        release(array)
    one, other = [tensor.pin_memory() if pinned else tensor for tensor in found]
    return one, other


def release(array: Rows) -> None:
    """Give the pages of a mapped array back, which count as this process's memory."""
    mapped = getattr(array, "_mmap", None)  # of numpy.memmap
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
