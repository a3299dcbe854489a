"""Crops and flips as one gather of pixels, and squares that are cut out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def crop_indices(shape: Sequence[int], padding: int, top: Tensor, left: Tensor, flipped: Tensor) -> Tensor:
    """Return the flat indices, in the padded batch [B, H + 2p, W + 2p], of the pixels of all cropped images.

    Images have the shape [B, C, H, W] and the padding p. `top` and `left` are the corner of each crop in its
    padded image, int64 [B], 0 to 2p; `flipped` are the images to flip left to right, bool [B].
    """
    batch, _, height, width = shape
    columns = torch.arange(width, device=top.device)
    columns = torch.where(flipped[:, None], columns.flip(0), columns) + left[:, None]
    rows = torch.arange(height, device=top.device) + top[:, None]
    padded_height, padded_width = height + 2 * padding, width + 2 * padding
    first = torch.arange(batch, device=top.device)[:, None] * padded_height
    return ((first + rows)[:, :, None] * padded_width + columns[:, None, :]).view(-1)


def gather_pixels(images: Tensor, padding: int, pixels: Tensor) -> Tensor:
    """Pad images [B, C, H, W] and gather the pixels that `crop_indices` found, as a channels_last batch."""
    batch, channels, height, width = images.shape
    padded = F.pad(images, [padding] * 4) if padding else images
    by_pixel = padded.permute(0, 2, 3, 1).reshape(-1, channels)
    return by_pixel.index_select(0, pixels).view(batch, height, width, channels).permute(0, 3, 1, 2)


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
