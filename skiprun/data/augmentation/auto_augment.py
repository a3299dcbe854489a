"""RandAugment (Cubuk et al. 2020) and TrivialAugment (Müller and Hutter 2021), as torchvision has them.

Each image has operations, strengths and directions of its own. What an operation of some strength does is a
row of a table that is made once, so that a batch is changed by one gather and the same few kernels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from skiprun.config import AugmentConfig
from skiprun.data.augmentation import pixel_operations as pixel
from skiprun.data.channels import by_channel

SIGNED = (
    *("shear_x", "shear_y", "translate_x", "translate_y", "rotate"),
    *("brightness", "color", "contrast", "sharpness"),
)
OPERATIONS = ("identity", *SIGNED, "posterize", "solarize", "auto_contrast", "equalize")
STRENGTHS = 31
BLENDS = dict(zip(SIGNED[-4:], (pixel.NOTHING, pixel.GREY, pixel.MEAN, pixel.BLURRED), strict=True))


class Space(NamedTuple):
    """The largest strengths: of shears, shifts in pixels, turns in degrees, changes of colours, bits less."""

    shear: float
    shift_x: float
    shift_y: float
    turn: float
    colours: float
    bits: float


class Effect(NamedTuple):
    """What an operation of some strength does; by default nothing.

    Attributes:
        matrix: where pixels come from, see `pixel_operations.affine`.
        own, other, kind: of `blend`.
        step: of `posterize`.
        threshold: of `solarize`.
        stretched, flat: whether `auto_contrast` and `equalize` are done.
    """

    matrix: tuple[float, ...] = (1, 0, 0, 0, 1, 0)
    own: float = 1
    other: float = 0
    kind: float = pixel.NOTHING
    step: float = 1
    threshold: float = pixel.WHITE + 1
    stretched: float = 0
    flat: float = 0


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


def space_of(config: AugmentConfig, image_shape: tuple[int, int, int]) -> Space:
    """Return the largest strengths of what a config asks for."""
    _, height, width = image_shape
    if config.rand_augment:
        return Space(0.3, 150 / 331 * width, 150 / 331 * height, 30, 0.9, 4)
    return Space(0.99, 32, 32, 135, 0.99, 6)


def effects(space: Space, image_shape: tuple[int, int, int]) -> list[Effect]:
    """Return what each operation does, by strength and direction."""
    return [
        effect(name, sign * strength, image_shape)
        for name in OPERATIONS
        for strength in strengths(name, space)
        for sign in ((1, -1) if name in SIGNED else (1, 1))
    ]


def strengths(name: str, space: Space) -> list[float]:
    """Return the strengths of an operation: how far, how much, to how many bits, or from which brightness."""
    if name == "posterize":
        return [8 - round(number / ((STRENGTHS - 1) / space.bits)) for number in range(STRENGTHS)]
    most = dict(zip(SIGNED, [space.shear, *space[:4], *[space.colours] * 4], strict=True)).get(name, 0)
    first, last = (pixel.WHITE, 0) if name == "solarize" else (0, most)
    return torch.linspace(first, last, STRENGTHS).tolist()


def effect(name: str, strength: float, image_shape: tuple[int, int, int]) -> Effect:
    """Return what an operation of some strength does."""
    channels, height, width = image_shape
    cos, sin = math.cos(math.radians(strength)), math.sin(math.radians(strength))
    match name:
        case "shear_x":
            return Effect(matrix=(1, strength, strength * height / 2, 0, 1, 0))
        case "shear_y":
            return Effect(matrix=(1, 0, 0, strength, 1, strength * width / 2))
        case "translate_x":
            return Effect(matrix=(1, 0, -int(strength), 0, 1, 0))
        case "translate_y":
            return Effect(matrix=(1, 0, 0, 0, 1, -int(strength)))
        case "rotate":
            return Effect(matrix=(cos, -sin, 0, sin, cos, 0))
        case "color" if channels == 1:
            return Effect()
        case "brightness" | "color" | "contrast" | "sharpness":
            return Effect(own=1 + strength, other=-strength, kind=BLENDS[name])
        case "posterize":
            return Effect(step=2 ** (8 - strength))
        case "solarize":
            return Effect(threshold=strength)
    return Effect(stretched=name == "auto_contrast", flat=name == "equalize")
