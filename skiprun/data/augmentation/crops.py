"""Crops and flips as one gather of pixels, and squares that are cut out."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


class CropAndFlip:
    """Crops of padded images, flipped or not, as one gather of the pixels of a batch.

    What is the same in every batch is computed once: a kernel takes longer to launch than to add indices.
    """

    def __init__(self, image_shape: tuple[int, int, int], padding: int, device: torch.device) -> None:
        _, height, width = image_shape
        self.padding, self.width = padding, width + 2 * padding
        self.area = (height + 2 * padding) * self.width
        rows = torch.arange(height, device=device)[:, None] * self.width
        columns = torch.arange(width, device=device)
        self.straight, self.mirrored = rows + columns, rows + columns.flip(0)

    def __call__(self, images: Tensor, top: Tensor, left: Tensor, flipped: Tensor) -> Tensor:
        """Return images [B, C, H, W], padded by zeros, cropped and flipped, as a channels_last batch.

        `top` and `left` are the corner of each crop in its padded image, int64 [B], 0 to twice the padding;
        `flipped` are the images to flip left to right, bool [B].
        """
        batch, channels, height, width = images.shape
        padded = F.pad(images, [self.padding] * 4) if self.padding else images
        first = torch.arange(0, batch * self.area, self.area, device=images.device)
        corners = first + torch.add(left, top, alpha=self.width)
        pixels = torch.where(flipped[:, None, None], self.mirrored, self.straight)
        pixels += corners[:, None, None]
        gathered = padded.permute(0, 2, 3, 1).reshape(-1, channels).index_select(0, pixels.view(-1))
        return gathered.view(batch, height, width, channels).permute(0, 3, 1, 2)


def cutout(images: Tensor, rows: Tensor, columns: Tensor, side: int) -> Tensor:
    """Zero a square around a point of each image; it may reach over the edge (DeVries and Taylor 2017)."""
    height, width = images.shape[2:]
    rows, columns = (
        span(length, middle - side // 2, side) for length, middle in ((height, rows), (width, columns))
    )
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)


def span(length: int, first: Tensor, size: Tensor | int) -> Tensor:
    """Return which of the places 0 to `length` are the `size` from `first` [...] on, bool [..., length]."""
    offset = torch.arange(length, device=first.device) - first[..., None]
    return (offset >= 0) & (offset < size)
