"""Augmentation of images together with their masks: whole batches on the device, a draw for each image.

Flips, quarter turns and warps change both alike; jitter, brightness and noise change the image alone. Every
draw is from torch's global generators, and apart from what is done with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from skiprun.config import AugmentConfig
from skiprun.data.augmentation.jitter import draw_factors, jitter
from skiprun.data.augmentation.warps import ELASTIC_GRID, sampling_grid, warp
from skiprun.data.channels import by_channel
from skiprun.errors import OptionError

MASKS_ONLY = ("rot90", "rotate", "scale", "elastic", "brightness", "noise")
LABELS_ONLY = ("random_resized_crop", "rand_augment", "trivial_augment", "cutout", "mixup", "cutmix")


class MaskDraws(NamedTuple):
    """What is drawn for B images, None where the config asks for nothing like it.

    Attributes:
        turn: which images are flipped, turned by a quarter, by a half: bool [3 of B].
        warp: from -1 to 1, of the angle, the size and the shifts right and down: [B, 4].
        elastic: displacements at the places of a coarse grid, standard normal: [B, 2, 3, 3].
        jitter: factors of brightness, contrast and saturation, [B, 3].
        brightness: from -1 to 1, [B, 1, 1, 1].
        noise: standard normal, [B, C, H, W].
    """

    turn: tuple[Tensor, Tensor, Tensor] | None = None
    warp: Tensor | None = None
    elastic: Tensor | None = None
    jitter: Tensor | None = None
    brightness: Tensor | None = None
    noise: Tensor | None = None


class MaskAugment:
    """What a config asks for: flip, rot90, one warp (rotate, scale, crop, elastic), colours, noise."""

    def __init__(
        self,
        config: AugmentConfig,
        image_shape: tuple[int, int, int],
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
    ) -> None:
        self.config, self.image_shape, self.device = config, image_shape, device
        self.mean, self.std = by_channel(mean, device), by_channel(std, device)
        self.warps = bool(config.rotate or config.scale or config.crop or config.elastic)

    def draw(self, count: int) -> MaskDraws:
        """Draw for so many images."""
        config, device, draws = self.config, self.device, MaskDraws()
        if config.flip or config.rot90:
            flip, quarter, half = torch.rand(3, count, device=device) < 0.5
            draws = draws._replace(turn=(flip if config.flip else torch.zeros_like(flip), quarter, half))
        if self.warps:
            draws = draws._replace(warp=2 * torch.rand(4, count, device=device).T - 1)
        if config.elastic:
            draws = draws._replace(elastic=torch.randn(count, 2, ELASTIC_GRID, ELASTIC_GRID, device=device))
        if config.jitter:
            draws = draws._replace(jitter=draw_factors(config.jitter, count, device))
        if config.brightness:
            draws = draws._replace(brightness=2 * torch.rand(count, 1, 1, 1, device=device) - 1)
        if config.noise:
            draws = draws._replace(noise=self._empty_images(count).normal_())
        return draws

    def _empty_images(self, count: int) -> Tensor:
        """Return memory in the order of the images that get noise, as that is the order it is drawn in."""
        channels, height, width = self.image_shape
        if self.warps:
            return torch.empty(count, channels, height, width, device=self.device)
        images = torch.empty(count, height, width, channels, device=self.device).permute(0, 3, 1, 2)
        # Turned images lie column by column, unless jitter has copied those of one channel.
        by_column = self.config.rot90 and not (self.config.jitter and channels == 1)
        return images.transpose(2, 3) if by_column else images

    def apply(self, images: Tensor, targets: Tensor, draws: MaskDraws) -> tuple[Tensor, Tensor]:
        """Return changed images [B, C, H, W] and masks [B, H, W], or [B, 2, H, W] with border weights."""
        planes = targets[:, None] if targets.ndim == 3 else targets
        if draws.turn:
            images, planes = (self._flip_and_rot90(each, *draws.turn) for each in (images, planes))
        if draws.warp is not None:
            grid = sampling_grid(self.config, self.image_shape, draws.warp, draws.elastic)
            images, planes = warp(images, planes, grid)
        return self._change_colors(images, draws), planes[:, 0] if targets.ndim == 3 else planes

    def _flip_and_rot90(self, batch: Tensor, flip: Tensor, quarter: Tensor, half: Tensor) -> Tensor:
        """Flip left to right, and rotate by a multiple of 90 degrees."""
        if not self.config.rot90:
            return flipped(batch, flip, 3)
        # A quarter turn transposes and flips columns, a half turn flips columns and rows; two flips cancel.
        return flipped(flipped(transposed(batch, quarter), flip ^ quarter ^ half, 3), half, 2)

    def _change_colors(self, images: Tensor, draws: MaskDraws) -> Tensor:
        """Jitter, change brightness and add noise; the masks stay as they are."""
        config = self.config
        if draws.jitter is not None:
            images = jitter(images, draws.jitter, self.mean, self.std)
        if draws.brightness is not None:
            images = images + config.brightness * draws.brightness * (images + self.mean / self.std)
        if draws.noise is not None:
            images = images + config.noise / self.std * draws.noise
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
