"""RandAugment (Cubuk et al. 2020) and TrivialAugment (Müller and Hutter 2021), as torchvision has them.

Each image has operations, strengths and directions of its own. What an operation of some strength does is a
row of a table that is made once, so that a batch is changed by one gather and the same few kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from skiprun.config import AugmentConfig
from skiprun.data.augmentation import pixel_operations as pixel
from skiprun.data.augmentation.operation_table import OPERATIONS, STRENGTHS, effects, space_of
from skiprun.data.channels import by_channel


class Chosen(NamedTuple):
    """Which operations, how strong, and whether in the other direction: int64 [B, operations] each."""

    which: Tensor
    strength: Tensor
    negative: Tensor


class AutoAugment:
    """Draws operations for a batch of images, and does them one after the other.

    Args:
        config: with `rand_augment` or `trivial_augment`.
        image_shape: channels, height and width.
        mean, std: by which images are normalized; what lies beyond the edge is the mean.
        device: where they are.
    """

    def __init__(
        self,
        config: AugmentConfig,
        image_shape: tuple[int, int, int],
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
    ) -> None:
        self.config, self.device = config.rand_augment, device
        self.mean, self.std = by_channel(mean, device), by_channel(std, device)
        rows = effects(space_of(config, image_shape), image_shape)
        table = torch.tensor([[*row.matrix, *row[1:]] for row in rows], device=device)
        self.table = table.view(len(OPERATIONS), STRENGTHS, 2, -1)

    def draw(self, count: int) -> Chosen:
        """Draw for so many images."""
        shape = (count, self.config.num_ops if self.config else 1)
        which = torch.randint(len(OPERATIONS), shape, device=self.device)
        if self.config:
            strength = torch.full_like(which, self.config.magnitude)
        else:
            strength = torch.randint(STRENGTHS, shape, device=self.device)
        return Chosen(which, strength, torch.randint(2, shape, device=self.device))

    def __call__(self, images: Tensor, chosen: Chosen) -> Tensor:
        """Return normalized images [B, C, H, W] changed as was drawn, by way of whole pixel values."""
        pixels = (images * self.std + self.mean).mul_(pixel.WHITE).round_().clamp_(0, pixel.WHITE)
        for rows in self.table[tuple(chosen)].unbind(1):
            pixels = self._change(pixels, rows)
        return (pixels / pixel.WHITE - self.mean) / self.std

    def _change(self, pixels: Tensor, rows: Tensor) -> Tensor:
        """Return pixels after one operation an image; rows of the table, [B, effects]."""
        own, other, kind, step, threshold, stretched, flat = rows[:, 6:, None, None, None].unbind(1)
        fill = (self.mean * pixel.WHITE).round()
        pixels = pixel.affine(pixels, rows[:, :6].view(-1, 2, 3), fill)
        pixels = pixel.blend(pixels, own, other, kind)
        pixels = pixel.solarize(pixel.posterize(pixels, step), threshold)
        return pixel.equalize(pixel.auto_contrast(pixels, stretched), flat)
