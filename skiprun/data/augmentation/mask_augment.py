"""Augmentation of images together with their masks: whole batches on the device, a draw for each image.

Flips, quarter turns and warps change both alike. A warp samples images bilinearly and masks by the nearest
pixel, and reflects both beyond the edge, as Ronneberger et al. 2015 extrapolate. Jitter, brightness and noise
change the image alone. Every draw is from torch's global generators.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from skiprun.config import AugmentConfig
from skiprun.data.augmentation.augment import jitter
from skiprun.errors import OptionError

MASKS_ONLY = ("rot90", "rotate", "scale", "elastic", "brightness", "noise")
LABELS_ONLY = ("cutout", "mixup", "cutmix")
# The paper draws displacements at 3x3 places and interpolates between them by bicubic splines.
ELASTIC_GRID = 3


class MaskAugment:
    """What a config asks for: flip, rot90, one warp (rotate, scale, crop, elastic), colours, noise."""

    def __init__(
        self, config: AugmentConfig, mean: Sequence[float], std: Sequence[float], device: torch.device
    ) -> None:
        self.config = config
        self.mean = torch.tensor(mean, device=device).view(-1, 1, 1)
        self.std = torch.tensor(std, device=device).view(-1, 1, 1)

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return changed images [B, C, H, W] and masks [B, H, W], or [B, 2, H, W] with border weights."""
        planes = targets[:, None] if targets.ndim == 3 else targets
        images, planes = self._flip_and_rot90(images, planes)
        images, planes = self._warp(images, planes)
        return self._change_colors(images), planes[:, 0] if targets.ndim == 3 else planes

    def _flip_and_rot90(self, images: Tensor, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Flip left to right, and rotate by a multiple of 90 degrees."""
        config, count = self.config, len(images)
        if not (config.flip or config.rot90):
            return images, planes
        draws = torch.rand(3, count, device=images.device)
        flip = draws[0] < 0.5 if config.flip else torch.zeros_like(draws[0], dtype=torch.bool)
        if not config.rot90:
            return flipped(images, flip, 3), flipped(planes, flip, 3)
        # A quarter turn transposes and flips columns, a half turn flips columns and rows; two flips cancel.
        quarter, half = draws[1] < 0.5, draws[2] < 0.5
        columns = flip ^ quarter ^ half

        def turn(batch: Tensor) -> Tensor:
            return flipped(flipped(transposed(batch, quarter), columns, 3), half, 2)

        return turn(images), turn(planes)

    def _warp(self, images: Tensor, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Rotate, scale, shift and deform elastically, in one sampling."""
        config = self.config
        if not (config.rotate or config.scale or config.crop or config.elastic):
            return images, planes
        grid = self._sampling_grid(images)
        warped = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        warped_planes = F.grid_sample(
            planes.float(), grid, mode="nearest", padding_mode="reflection", align_corners=False
        )
        return warped, warped_planes.to(planes.dtype)

    def _sampling_grid(self, images: Tensor) -> Tensor:
        """Draw where each pixel comes from, [B, H, W, 2] with x and y from -1 to 1."""
        config, (count, _, height, width) = self.config, images.shape
        draws = 2 * torch.rand(4, count, device=images.device) - 1
        angle = draws[0] * math.radians(config.rotate)
        zoom = 1 / (1 + config.scale * draws[1])
        shift_x = 2 * config.crop / width * draws[2]
        shift_y = 2 * config.crop / height * draws[3]
        cos, sin = zoom * angle.cos(), zoom * angle.sin()
        # The turn is one of pixels, not of the stretched coordinates of an image that is not square.
        stretch = height / width
        rows = [torch.stack([cos, -sin * stretch, shift_x], 1), torch.stack([sin / stretch, cos, shift_y], 1)]
        grid = F.affine_grid(torch.stack(rows, 1), [count, 1, height, width], align_corners=False)
        return grid + self._displacement(images) if config.elastic else grid

    def _displacement(self, images: Tensor) -> Tensor:
        """Draw a smooth displacement, [B, H, W, 2], in the coordinates of the grid."""
        count, _, height, width = images.shape
        coarse = torch.randn(count, 2, ELASTIC_GRID, ELASTIC_GRID, device=images.device)
        fine = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
        elastic = 2 * self.config.elastic
        return torch.stack([elastic / width * fine[:, 0], elastic / height * fine[:, 1]], -1)

    def _change_colors(self, images: Tensor) -> Tensor:
        """Jitter, change brightness and add noise; the masks stay as they are."""
        config, count, device = self.config, len(images), images.device
        if config.jitter:
            factors = 1 + config.jitter * (2 * torch.rand(3, count, device=device) - 1)
            images = jitter(images, factors, self.mean, self.std)
        if config.brightness:
            change = config.brightness * (2 * torch.rand(count, 1, 1, 1, device=device) - 1)
            images = images + change * (images + self.mean / self.std)
        if config.noise:
            images = images + config.noise / self.std * torch.randn_like(images)
        return images


def flipped(batch: Tensor, chosen: Tensor, dim: int) -> Tensor:
    """Return a batch [B, C, H, W] with the chosen images flipped along one dimension."""
    return torch.where(chosen[:, None, None, None], batch.flip(dim), batch)


def transposed(batch: Tensor, chosen: Tensor) -> Tensor:
    """Return a batch of square images with the chosen ones transposed."""
    return torch.where(chosen[:, None, None, None], batch.transpose(2, 3), batch)


def check_augmentation_task(config: AugmentConfig, image_shape: tuple[int, int, int], task: str) -> None:
    """Refuse changes that are for the other kind of target, and turns of images that are not square.

    Raises:
        OptionError: with the key, relative to the data section.
    """
    unsuited, targets = (LABELS_ONLY, "masks") if task == "segmentation" else (MASKS_ONLY, "labels")
    for key in unsuited:
        if getattr(config, key):
            raise OptionError(f"augment.{key}", f"is not for images with {targets}; leave it out")
    height, width = image_shape[1:]
    if config.rot90 and height != width:
        raise OptionError(
            "augment.rot90", f"needs square images, and these are {width}x{height}; leave it out"
        )
