"""Warps of images and masks: rotation, scale, shift and elastic deformation in one sampling.

It samples images bilinearly and masks by the nearest pixel, and reflects both beyond the edge, as Ronneberger
et al. 2015 extrapolate.
"""

from __future__ import annotations

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from skiprun.config import AugmentConfig

# The paper draws displacements at 3x3 places and interpolates between them by bicubic splines.
ELASTIC_GRID = 3


def warp(images: Tensor, planes: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
    """Sample images and the planes of their masks, [B, C, H, W], at the places of a grid [B, H, W, 2]."""
    sample = partial(F.grid_sample, grid=grid, padding_mode="reflection", align_corners=False)
    return sample(images, mode="bilinear"), sample(planes.to(images.dtype), mode="nearest").to(planes.dtype)


def sampling_grid(
    config: AugmentConfig, image_shape: tuple[int, int, int], draws: Tensor, elastic: Tensor | None
) -> Tensor:
    """Return where each pixel comes from, [B, H, W, 2] with x and y from -1 to 1.

    `draws` are from -1 to 1, of the angle, the size and the shifts right and down: [B, 4]. `elastic` are
    displacements at the places of a coarse grid, standard normal: [B, 2, 3, 3].
    """
    _, height, width = image_shape
    angle = draws[:, 0] * math.radians(config.rotate)
    zoom = 1 / (1 + config.scale * draws[:, 1])
    shift_x = 2 * config.crop / width * draws[:, 2]
    shift_y = 2 * config.crop / height * draws[:, 3]
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    # The turn is one of pixels, not of the stretched coordinates of an image that is not square.
    stretch = height / width
    rows = [torch.stack([cos, -sin * stretch, shift_x], 1), torch.stack([sin / stretch, cos, shift_y], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), [len(draws), 1, height, width], align_corners=False)
    return grid if elastic is None else grid + displacement(config.elastic, elastic, height, width)


def displacement(pixels: float, draws: Tensor, height: int, width: int) -> Tensor:
    """Return a smooth displacement by so many pixels, [B, H, W, 2], in the coordinates of the grid."""
    fine = F.interpolate(draws, (height, width), mode="bicubic", align_corners=True)
    return torch.stack([2 * pixels / width * fine[:, 0], 2 * pixels / height * fine[:, 1]], -1)
