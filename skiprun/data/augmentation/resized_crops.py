"""Random resized crops, of another size and shape for each image, and the crop of the middle.

A crop has an area of `scale` of the image's and a width over its height of `ratio`, and is brought to the
size of the network (Szegedy et al. 2015; torchvision's RandomResizedCrop). The resize is bilinear with
antialiasing, as a product of matrices: y = R x C^T, where row i of R weighs the rows of x for row i of y.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from skiprun.config import RandomResizedCropConfig

# Draws of a box before the middle is taken, as in torchvision.
TRIES = 10


class Box(NamedTuple):
    """A part of each image in pixels, int64 [B]."""

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor


def draw_boxes(
    config: RandomResizedCropConfig, count: int, height: int, width: int, device: torch.device
) -> Box:
    """Draw a box in each of so many images of height x width, the first of ten that fits."""
    areas, ratios = torch.rand(2, TRIES, count, device=device)
    (smallest, largest), (narrowest, widest) = config.scale, config.ratio
    area = height * width * (smallest + (largest - smallest) * areas)
    ratio = torch.exp(math.log(narrowest) + (math.log(widest) - math.log(narrowest)) * ratios)
    heights, widths = (area / ratio).sqrt().round().long(), (area * ratio).sqrt().round().long()
    fits = (heights >= 1) & (heights <= height) & (widths >= 1) & (widths <= width)
    first, found = fits.int().argmax(0, keepdim=True), fits.any(0)
    middle_height, middle_width = largest_box(height, width, narrowest, widest)
    tall = torch.where(found, heights.gather(0, first)[0], middle_height)
    wide = torch.where(found, widths.gather(0, first)[0], middle_width)
    down, right = torch.rand(2, count, device=device)
    top = torch.where(found, (down * (height - tall + 1)).long(), (height - tall) // 2)
    left = torch.where(found, (right * (width - wide + 1)).long(), (width - wide) // 2)
    return Box(top, left, tall, wide)


def largest_box(height: int, width: int, narrowest: float, widest: float) -> tuple[int, int]:
    """Return height and width of the largest box with an allowed ratio."""
    return min(height, round(width / narrowest)), min(width, round(height * widest))


def resized_crop(images: Tensor, box: Box, height: int, width: int) -> Tensor:
    """Return the boxes of images [B, C, H, W], brought to height x width.

    The same as torchvision's resized_crop with antialiasing, but for rounding.
    """
    rows = resize_weights(box.top, box.height, images.shape[2], height)
    columns = resize_weights(box.left, box.width, images.shape[3], width)
    return rows[:, None] @ images @ columns[:, None].mT


def resize_weights(first: Tensor, size: Tensor, length: int, wanted: int) -> Tensor:
    """Return how much each pixel of a line counts in each of the wanted ones, [B, wanted, length].

    The `size` pixels from `first` on, [B], are resized by a triangle as wide as a wanted pixel, or as one of
    theirs if that is wider. Each row adds up to 1.
    """
    places = torch.arange(length, device=first.device)
    scale = (size / wanted)[:, None, None]
    centers = (torch.arange(wanted, device=first.device)[:, None] + 0.5) * scale
    offsets = places - first[:, None, None] + 0.5
    weights = (1 - (offsets - centers).abs() / scale.clamp(min=1)).clamp(min=0)
    weights = weights * ((offsets > 0) & (offsets < size[:, None, None]))
    return weights / weights.sum(2, keepdim=True)


def center_crop(images: Tensor, height: int, width: int) -> Tensor:
    """Return the middle of images [..., H, W], as torchvision's center_crop does."""
    top, left = (
        round((had - wanted) / 2) for had, wanted in zip(images.shape[-2:], (height, width), strict=True)
    )
    return images[..., top : top + height, left : left + width]
