"""Mixup and CutMix: every image and its label are mixed with those of the image before in the batch.

Both take one lambda a batch, as torchvision and Zhang et al. 2017 do; CutMix has one box (Yun et al. 2019).
Lambda and box stay in tensors: nothing is read back from the device.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from skiprun.data.augmentation.crops import span


def mixup(images: Tensor, labels: Tensor, share: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Return images [B, C, H, W] and label shares [B, classes], of which `share`, a number, is their own."""
    return mixed(images, share), mixed(one_hot(labels, num_classes), share)


def cutmix(
    images: Tensor, labels: Tensor, share: Tensor, row: Tensor, column: Tensor, num_classes: int
) -> tuple[Tensor, Tensor]:
    """Return images with a box of another, and label shares [B, classes] by the pixels that are their own.

    The box around a point has 1 - `share` of the area of an image, less what lies beyond the edge.
    """
    height, width = images.shape[2:]
    reach = 0.5 * (1 - share).sqrt()
    halves = [(reach * length).long() for length in (height, width)]
    rows, columns = (
        span(length, middle - half, 2 * half)
        for length, middle, half in zip((height, width), (row, column), halves, strict=True)
    )
    box = rows[:, None] & columns
    kept = 1 - box.sum(dtype=torch.float64) / box.numel()
    # A mask that lies in memory as the images do: through another one torch walks pixel by pixel.
    inside = torch.empty_like(images[:1], dtype=torch.bool).copy_(box)
    return torch.where(inside, images.roll(1, 0), images), mixed(one_hot(labels, num_classes), kept)


def mixed(batch: Tensor, share: Tensor) -> Tensor:
    """Return a batch that is to `share` its own, and else that of the one before."""
    return batch.roll(1, 0).mul_(1 - share).add_(batch.mul(share))


def one_hot(labels: Tensor, num_classes: int) -> Tensor:
    """Return labels [B] as float32 [B, classes]."""
    return F.one_hot(labels, num_classes).float()
