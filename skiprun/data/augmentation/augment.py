"""Augmentation of images with labels: whole batches on the device.

Each image has its own draw, but mixup and CutMix draw one lambda a batch. The draws come from torch's global
generators, which training seeds anew for each step, and are apart from what is done with them. Nothing is
read back from the device. Images are normalized already: what is padded or cut out is 0, the mean of the
training split, as He et al. 2015 pad after subtracting it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from skiprun.config import AugmentConfig
from skiprun.data.augmentation.auto_augment import AutoAugment
from skiprun.data.augmentation.crops import CropAndFlip, cutout
from skiprun.data.augmentation.draws import Crop, Draws, Pixel
from skiprun.data.augmentation.jitter import draw_factors, jitter
from skiprun.data.augmentation.mixing import cutmix, mixup
from skiprun.data.augmentation.resized_crops import center_crop, draw_boxes, resized_crop
from skiprun.data.channels import by_channel
from skiprun.errors import OptionError


class Augment:
    """What a config asks for: resized crop, jitter, crop and flip, drawn operations, cutout, mixup or CutMix.

    Attributes:
        image_shape: channels, height and width of what comes out.
        stored: height and width of what goes in; without random resized crops the middle is taken.
    """

    def __init__(
        self,
        config: AugmentConfig,
        image_shape: tuple[int, int, int],
        mean: Sequence[float],
        std: Sequence[float],
        num_classes: int,
        device: torch.device,
        stored: tuple[int, int] | None = None,
    ) -> None:
        self.config, self.num_classes, self.device = config, num_classes, device
        self.image_shape, self.stored = image_shape, stored or image_shape[1:]
        self.mean, self.std = by_channel(mean, device), by_channel(std, device)
        self.crop_and_flip = CropAndFlip(image_shape, config.crop, device)
        asked = config.rand_augment or config.trivial_augment
        self.operations = AutoAugment(config, image_shape, mean, std, device) if asked else None
        self.shares: torch.distributions.Beta | None = None
        if alpha := config.mixup or config.cutmix:
            self.shares = torch.distributions.Beta(*torch.full((2,), alpha, device=device))

    def draw(self, count: int) -> Draws:
        """Draw for so many images."""
        config, device, (_, height, width) = self.config, self.device, self.image_shape
        draws = Draws()
        if config.random_resized_crop:
            boxes = draw_boxes(config.random_resized_crop, count, *self.stored, device)
            draws = draws._replace(resized=boxes)
        if config.jitter:
            draws = draws._replace(jitter=draw_factors(config.jitter, count, device))
        if config.crop or config.flip:
            top, left = torch.randint(2 * config.crop + 1, (2, count), device=device)
            flipped = torch.rand(count, device=device) < (0.5 if config.flip else 0.0)
            draws = draws._replace(crop=Crop(top, left, flipped))
        if self.operations:
            draws = draws._replace(operations=self.operations.draw(count))
        if config.cutout:
            rows, columns = (torch.randint(side, (count,), device=device) for side in (height, width))
            draws = draws._replace(cutout=Pixel(rows, columns))
        if self.shares:
            draws = draws._replace(share=self.shares.sample().double())
        if config.cutmix:
            column, row = (torch.randint(side, (), device=device) for side in (width, height))
            draws = draws._replace(box=Pixel(row, column))
        return draws

    def apply(self, images: Tensor, targets: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Return changed images of the size that comes out, in the memory layout they came in, and targets.

        After mixup or CutMix, targets are probabilities [B, classes].
        """
        layout = torch.contiguous_format if images.is_contiguous() else torch.channels_last
        height, width = self.image_shape[1:]
        images = (
            resized_crop(images, draws.resized, height, width)
            if draws.resized
            else center_crop(images, height, width)
        )
        if draws.jitter is not None:
            images = jitter(images, draws.jitter, self.mean, self.std)
        if draws.crop:
            images = self.crop_and_flip(images, *draws.crop)
        if self.operations and draws.operations:
            images = self.operations(images, draws.operations)
        if draws.cutout:
            images = cutout(images, *draws.cutout, self.config.cutout)
        if draws.box and draws.share is not None:
            images, targets = cutmix(images, targets, draws.share, *draws.box, self.num_classes)
        elif draws.share is not None:
            images, targets = mixup(images, targets, draws.share, self.num_classes)
        return images.contiguous(memory_format=layout), targets


def check_augmentation(config: AugmentConfig, image_shape: tuple[int, int, int]) -> None:
    """Refuse what cannot be done to images of this shape.

    Raises:
        OptionError: with the key, relative to the data section.
    """
    side = min(image_shape[1:])
    for key in ("rand_augment", "trivial_augment"):
        if getattr(config, key) and image_shape[0] not in (1, 3):
            problem = f"is for images of 1 or 3 channels, and these have {image_shape[0]}; leave it out"
            raise OptionError(f"augment.{key}", problem)
    for key, length in [("crop", config.crop), ("cutout", config.cutout)]:
        if length >= side:
            problem = f"found {length}; images of {side} pixels allow at most {side - 1}"
            raise OptionError(f"augment.{key}", problem)
