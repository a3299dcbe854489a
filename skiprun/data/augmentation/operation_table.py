"""The table of RandAugment and TrivialAugment: what each operation does, by strength and direction."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from skiprun.config import AugmentConfig
from skiprun.data.augmentation import pixel_operations as pixel

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
