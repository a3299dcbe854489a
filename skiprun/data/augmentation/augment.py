"""Augmentation of images with labels: whole batches on the device.

Each image has its own draw, but mixup and CutMix draw one lambda a batch, as torchvision and Zhang et al.
2017 do. The draws come from torch's global generators, which training seeds anew for each step. Nothing is
read back from the device. Images are normalized already: what is padded or cut out is 0, the mean of the
training split, as He et al. 2015 pad after subtracting it.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from skiprun.config import AugmentConfig
from skiprun.data.loaders import Augmentation
from skiprun.errors import OptionError

LUMA = (0.2989, 0.587, 0.114)  # ITU-R 601-2, as in torchvision's rgb_to_grayscale


class Augment:
    """What a config asks for, in this order: jitter, crop and flip, cutout, then mixup or CutMix."""

    def __init__(
        self,
        config: AugmentConfig,
        mean: Sequence[float],
        std: Sequence[float],
        num_classes: int,
        device: torch.device,
    ) -> None:
        self.config = config
        self.mean = torch.tensor(mean, device=device).view(-1, 1, 1)
        self.std = torch.tensor(std, device=device).view(-1, 1, 1)
        self.mix = _mixup_or_cutmix(config, num_classes)

    def __call__(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return changed images [B, C, H, W], in the memory layout they came in, and targets.

        After mixup or CutMix, targets are probabilities [B, classes].
        """
        config = self.config
        layout = torch.contiguous_format if images.is_contiguous() else torch.channels_last
        if config.jitter:
            factors = 1 + config.jitter * (2 * torch.rand(3, len(images), device=images.device) - 1)
            images = jitter(images, factors, self.mean, self.std)
        if config.crop or config.flip:
            images = self._crop_and_flip(images)
        if config.cutout:
            height, width = images.shape[2:]
            rows = torch.randint(height, (len(images),), device=images.device)
            columns = torch.randint(width, (len(images),), device=images.device)
            images = cutout(images, rows, columns, config.cutout)
        if self.mix is not None:
            images, targets = self.mix(images, targets)
        return images.contiguous(memory_format=layout), targets

    def _crop_and_flip(self, images: Tensor) -> Tensor:
        """Crop each padded image at random, and flip it left to right at random."""
        padding, device = self.config.crop, images.device
        top, left = torch.randint(2 * padding + 1, (2, len(images)), device=device)
        flipped = torch.rand(len(images), device=device) < (0.5 if self.config.flip else 0.0)
        pixels = crop_indices(images.shape, padding, top, left, flipped)
        return gather_pixels(images, padding, pixels)


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

    def inside(centres: Tensor, length: int) -> Tensor:
        offset = torch.arange(length, device=centres.device) - (centres[:, None] - side // 2)
        return (offset >= 0) & (offset < side)

    blank = inside(rows, height)[:, :, None] & inside(columns, width)[:, None, :]
    return images.masked_fill(blank[:, None], 0)


def jitter(images: Tensor, factors: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Change brightness, contrast and saturation, in this order, as torchvision's functions do.

    Images [B, C, H, W] are normalized by mean and std [C, 1, 1]. `factors` are those of brightness, contrast
    and saturation, [3, B]; 1 changes nothing.
    """
    brightness, contrast, saturation = factors[:, :, None, None, None]
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


def _mixup_or_cutmix(config: AugmentConfig, num_classes: int) -> Augmentation | None:
    """Return torchvision's mixup or CutMix, or None."""
    if not (config.mixup or config.cutmix):
        return None
    from skiprun.system.torchvision_repair import torchvision

    v2 = importlib.import_module(f"{torchvision.__name__}.transforms.v2")  # only after the repair
    make, alpha = (v2.MixUp, config.mixup) if config.mixup else (v2.CutMix, config.cutmix)
    mix: Augmentation = make(alpha=alpha, num_classes=num_classes)
    return mix


def check_augmentation(config: AugmentConfig, image_shape: tuple[int, int, int]) -> None:
    """Refuse what cannot be done to images of this shape.

    Raises:
        OptionError: with the key, relative to the data section.
    """
    side = min(image_shape[1:])
    for key, length in [("crop", config.crop), ("cutout", config.cutout)]:
        if length >= side:
            problem = f"found {length}; images of {side} pixels allow at most {side - 1}"
            raise OptionError(f"augment.{key}", problem)
