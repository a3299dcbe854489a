"""Random changes of images together with their masks, whole batches on the device, each image with its own draw.

The shape of both is changed alike: mirrored, turned, and drawn from a bent grid; images between pixels are
interpolated, masks take the nearest pixel. Beyond the edge both are mirrored, as Ronneberger et al. 2015 extrapolate.
Brightness and noise change the image alone. Every draw is from torch's global generators.
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

FOR_MASKS = ("rot90", "rotate", "scale", "elastic", "brightness", "noise")
FOR_LABELS = ("cutout", "mixup", "cutmix")
# The paper draws displacements at 3x3 places and interpolates between them by bicubic splines.
ELASTIC_GRID = 3


class JointAugment:
    """The changes that a config asks for, in this order: flip and turn, bend, jitter, brightness, noise."""

    def __init__(
        self, config: AugmentConfig, mean: Sequence[float], std: Sequence[float], device: torch.device
    ) -> None:
        self.config = config
        self.mean = torch.tensor(mean, device=device).view(-1, 1, 1)
        self.std = torch.tensor(std, device=device).view(-1, 1, 1)

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return changed images [B, C, H, W] and masks [B, H, W], or [B, 2, H, W] with a plane of border weights."""
        planes = targets[:, None] if targets.ndim == 3 else targets
        images, planes = self._flip_and_turn(images, planes)
        images, planes = self._bend(images, planes)
        return self._shade(images), planes[:, 0] if targets.ndim == 3 else planes

    def _flip_and_turn(self, images: Tensor, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Mirror left and right, and turn by quarters: mirrored in the other direction, and over the diagonal."""
        config, count = self.config, len(images)
        if not (config.flip or config.rot90):
            return images, planes
        draws = torch.rand(3, count, device=images.device)
        left = draws[0] < 0.5 if config.flip else torch.zeros_like(draws[0], dtype=torch.bool)
        if not config.rot90:
            return mirrored(images, left, 3), mirrored(planes, left, 3)
        # A quarter turn is a mirroring over the diagonal and one of the columns; a half turn mirrors both ways.
        quarter, half = draws[1] < 0.5, draws[2] < 0.5
        turned = [
            mirrored(mirrored(transposed(each, quarter), left ^ quarter ^ half, 3), half, 2)
            for each in (images, planes)
        ]
        return turned[0], turned[1]

    def _bend(self, images: Tensor, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Rotate, scale, shift and deform, all in one sampling."""
        config = self.config
        if not (config.rotate or config.scale or config.crop or config.elastic):
            return images, planes
        grid = self._grid(images)
        bent = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        picked = F.grid_sample(planes.float(), grid, mode="nearest", padding_mode="reflection", align_corners=False)
        return bent, picked.to(planes.dtype)

    def _grid(self, images: Tensor) -> Tensor:
        """Draw where each pixel comes from, [B, H, W, 2] with x and y from -1 to 1."""
        config, (count, _, height, width) = self.config, images.shape
        draws = 2 * torch.rand(4, count, device=images.device) - 1
        angle = draws[0] * math.radians(config.rotate)
        zoom = 1 / (1 + config.scale * draws[1])
        right, down = (2 * config.crop / side * draw for side, draw in zip((width, height), draws[2:], strict=True))
        cos, sin = zoom * angle.cos(), zoom * angle.sin()
        # The turn is one of pixels, not of the stretched coordinates of an image that is not square.
        stretch = height / width
        rows = [torch.stack([cos, -sin * stretch, right], 1), torch.stack([sin / stretch, cos, down], 1)]
        grid = F.affine_grid(torch.stack(rows, 1), [count, 1, height, width], align_corners=False)
        return grid + self._displacement(images) if config.elastic else grid

    def _displacement(self, images: Tensor) -> Tensor:
        """Draw a smooth displacement, [B, H, W, 2], in the coordinates of the grid."""
        count, _, height, width = images.shape
        coarse = torch.randn(count, 2, ELASTIC_GRID, ELASTIC_GRID, device=images.device)
        fine = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
        elastic = 2 * self.config.elastic
        return torch.stack([elastic / width * fine[:, 0], elastic / height * fine[:, 1]], -1)

    def _shade(self, images: Tensor) -> Tensor:
        """Change brightness and add noise; no mask knows of it."""
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


def mirrored(batch: Tensor, chosen: Tensor, dim: int) -> Tensor:
    """Return a batch [B, C, H, W] with the chosen images mirrored along one dimension."""
    return torch.where(chosen[:, None, None, None], batch.flip(dim), batch)


def transposed(batch: Tensor, chosen: Tensor) -> Tensor:
    """Return a batch of square images with the chosen ones mirrored over the diagonal."""
    return torch.where(chosen[:, None, None, None], batch.transpose(2, 3), batch)


def check_joint(config: AugmentConfig, image_shape: tuple[int, int, int], task: str) -> None:
    """Refuse changes that are for the other kind of target, and turns of images that are not square.

    Raises:
        OptionError: with the key, relative to the data section.
    """
    foreign, has = (FOR_LABELS, "masks") if task == "segmentation" else (FOR_MASKS, "labels")
    for key in foreign:
        if getattr(config, key):
            raise OptionError(f"augment.{key}", f"is not for images with {has}; leave it out")
    height, width = image_shape[1:]
    if config.rot90 and height != width:
        raise OptionError("augment.rot90", f"needs square images, and these are {width}x{height}; leave it out")
