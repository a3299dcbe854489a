"""What is drawn for a batch of images with labels, before anything is done to them."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from skiprun.data.augmentation.auto_augment import Chosen
from skiprun.data.augmentation.resized_crops import Box


class Crop(NamedTuple):
    """Where crops begin in their padded images, int64 [B], and which are flipped left to right, bool [B]."""

    top: Tensor
    left: Tensor
    flipped: Tensor


class Pixel(NamedTuple):
    """A pixel of each image, int64 [B], or of all, int64 []."""

    row: Tensor
    column: Tensor


class Draws(NamedTuple):
    """What is drawn for a batch, None where the config asks for nothing like it.

    What has a draw for each image has B of them in its first dimension; what has no dimension is one for all.

    Attributes:
        resized: the boxes of random resized crops.
        jitter: factors of brightness, contrast and saturation, [B, 3].
        crop: also where images are flipped alone.
        operations: of RandAugment or TrivialAugment.
        cutout: the middle of the square.
        share: lambda of mixup or CutMix, float64 [].
        box: the middle of CutMix' box.
    """

    resized: Box | None = None
    jitter: Tensor | None = None
    crop: Crop | None = None
    operations: Chosen | None = None
    cutout: Pixel | None = None
    share: Tensor | None = None
    box: Pixel | None = None
