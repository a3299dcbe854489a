"""Split the batch of a step into micro-batches, for gradient accumulation."""

from __future__ import annotations

import torch
from torch import Tensor

from skiprun.config import RunConfig


def micro_batches(images: Tensor, targets: Tensor, config: RunConfig) -> list[tuple[Tensor, Tensor]]:
    """Split a batch into `optim.accumulate` micro-batches, with images in the memory layout of the config."""
    if config.compute.channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    count = config.optim.accumulate
    return list(zip(images.chunk(count), targets.chunk(count), strict=True))
