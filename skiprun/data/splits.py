"""A split of a dataset: images and their targets by number, on the device or mapped from a file."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from skiprun.data.source import Array


class Split(Protocol):
    """Images and targets by number."""

    def __len__(self) -> int:
        """Return the number of images."""

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

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return images uint8 [B, C, H, W] and targets [B] or [B, H, W] of the rows `index` [B]."""
        return self.images.index_select(0, index).permute(0, 3, 1, 2), self.targets.index_select(0, index)


@dataclass(frozen=True, eq=False)
class MemoryMappedSplit:
    """A split larger than memory: rows of mapped arrays, gathered on the host and moved batch by batch.

    Attributes:
        images: uint8 [M, H, W, C], mapped from a file.
        targets: [M] or [M, H, W].
        rows: int64 [N], the rows that make up the split.
        device: where batches arrive.
    """

    images: Array
    targets: Array
    rows: Array
    device: torch.device

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return images uint8 [B, C, H, W] and targets [B] or [B, H, W] of rows `index` [B] on `device`."""
        rows = self.rows[index.cpu().numpy()]
        return self._to_device(self.images, rows).permute(0, 3, 1, 2), self._to_device(self.targets, rows)

    def _to_device(self, array: Array, rows: Array) -> Tensor:
        """Copy rows to the device, from pinned memory without a wait, and release the mapped pages."""
        tensor = torch.from_numpy(np.ascontiguousarray(array[rows]))
        mapped = getattr(array, "_mmap", None)  # of numpy.memmap
        if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)
        return tensor if self.device.type == "cpu" else tensor.pin_memory().to(self.device, non_blocking=True)
