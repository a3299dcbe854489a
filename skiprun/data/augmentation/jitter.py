"""Brightness, contrast and saturation of normalized images, a factor each for every image."""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.2989, 0.587, 0.114)  # ITU-R 601-2, as in torchvision's rgb_to_grayscale


def draw_factors(spread: float, count: int, device: torch.device) -> Tensor:
    """Draw what `jitter` takes, [B, 3], as far from 1 as `spread`."""
    return 1 + spread * (2 * torch.rand(3, count, device=device) - 1).T


def jitter(images: Tensor, factors: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Change brightness, contrast and saturation, in this order, as torchvision's functions do.

    Images [B, C, H, W] are normalized by mean and std [C, 1, 1]. `factors` are those of brightness, contrast
    and saturation, [B, 3]; 1 changes nothing.
    """
    brightness, contrast, saturation = factors.T[:, :, None, None, None]
    images = (images * std + mean).mul_(brightness).clamp_(0, 1)
    middle = _grey(images).mean((2, 3), keepdim=True)
    images = torch.lerp(middle, images, contrast).clamp_(0, 1)
    images = torch.lerp(_grey(images), images, saturation).clamp_(0, 1)
    return images.sub_(mean).div_(std)


def _grey(images: Tensor) -> Tensor:
    """Return the brightness of each pixel, [B, 1, H, W]."""
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    red, green, blue = images.split(1, dim=1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
